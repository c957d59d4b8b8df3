"""Writes the gateway's files for containers: container_gateway.py FOLDER POD…, such as orders-0 stock-0 payments-0.

A pod's name is its container's; it serves at port 8000, and tells how it is at port 9000. Docker's name server follows
a container that comes back with another address.
"""
import os
import sys

import gateway
import others
import plan as plans

DOCKER_NAMES = "127.0.0.11:53"


def main(folder, names):
    """Writes them."""
    pods = {service: [] for service in plans.SERVICES}
    for name in names:
        pods[others.service_of(name)].append(gateway.Place(name, f"{name}:8000", 9000, True))
    for name, text in gateway.files("0.0.0.0:8000", pods, DOCKER_NAMES).items():
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])

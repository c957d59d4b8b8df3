"""The gateway: HAProxy's configuration, and the words that change it while it runs.

HAProxy and not nginx, whose free version learns of a pod that comes or goes by a reload only: the worker before closes
each client's connection behind its next answer, without saying so in the answer, and a client that has sent another
request meanwhile sees it fail. HAProxy is told over a socket and closes nothing; it also watches the pods by itself.
"""
import dataclasses
import json
import os
import resource
import socket
import string

import plan as plans

TEMPLATE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "gateway.cfg")
CONNECTIONS_MAX = 4096
# How often a request that may be sent again is sent at most, and how long each pod has to answer.
TRIES_MAX = 5
TRY_MILLISECONDS = 2500
SOCKET = "gateway.sock"

_CHECK = "check inter 400ms fastinter 200ms downinter 400ms fall 2 rise 1"


class _Template(string.Template):
    delimiter = "@"
    pattern = r"@(?:(?P<named>[a-z]+)@|(?P<escaped>@@)|(?P<braced>@{)|(?P<invalid>@!))"


def connections_max():
    """How many clients: each needs two descriptors, and some are needed besides."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return CONNECTIONS_MAX if hard == resource.RLIM_INFINITY else max(64, min(CONNECTIONS_MAX, hard // 2 - 200))


def slow_requests():
    """How many requests may wait for a service's pods before no more are sent a second time."""
    return connections_max() // 2


@dataclasses.dataclass(frozen=True)
class Place:
    """Where a pod is: HOST:PORT of its API, the port of its operator endpoint on the same host."""
    name: str
    http: str
    operator_port: int
    is_serving: bool


def places(plan, serving):
    """All pods that a stack can have, by service; those not in `serving` (names) under maintenance until they come."""
    return {service: [Place(name, plan.address(f"{name}/http"), plan.ports[f"{name}/operator"], name in serving)
                      for name in plans.pod_names(service)] for service in plans.SERVICES}


def configuration(address, pods, resolver=None):
    """The text of haproxy.cfg.

    `resolver` is the address of a name server, for pods whose names lead to other addresses after a restart.
    """
    with open(TEMPLATE, encoding="utf-8") as file:
        text = _Template(file.read()).substitute(gateway=address, connections=connections_max())
    options = ""
    if resolver:
        text += f"\nresolvers names\n    nameserver first {resolver}\n    hold valid 1s\n"
        options = " init-addr libc,none resolvers names"
    return text + "".join(_backends(service, pods[service], options) for service in plans.SERVICES)


def _backends(service, pods, options):
    once = [f"\nbackend {service}-once", "    retry-on conn-failure 503", "    option httpchk GET /livez",
            # Longer than a batch may take.
            "    timeout server 130s"]
    again = [f"\nbackend {service}-again",
             "    retry-on conn-failure empty-response response-timeout junk-response 503",
             # Then another pod is asked: this one may be stopped, and its check finds that out within a second. All tries
             # together are more than a request may take.
             f"    timeout server {TRY_MILLISECONDS}ms", f"    retries {TRIES_MAX - 1}",
             # Where this many wait, the pods are slow, not stopped: sending everything again would make them slower.
             f"    acl is_slow be_conn gt {slow_requests()}",
             "    http-request disable-l7-retry if is_slow", "    http-request set-timeout server 15s if is_slow"]
    for pod in pods:
        out = "" if pod.is_serving else " disabled"
        once.append(f"    server {pod.name} {pod.http} {_CHECK} port {pod.operator_port}{options}{out}")
        again.append(f"    server {pod.name} {pod.http} track {service}-once/{pod.name}{options}")
    return "\n".join(once + again) + "\n"


def problem(status, code, title, detail):
    """The body of an answer of the gateway's own, in the form of Kassa's; HAProxy fills in the request's id: before its
    head is read, only the gateway's own."""
    request = "%[unique-id]" if status in (400, 408) else "%[var(txn.request_id)]"
    fields = {"type": f"/problems#{code}", "title": title, "status": status, "detail": detail,
              "instance": f"urn:kassa:request:{request}", "code": code, "request_id": request}
    return json.dumps(fields, separators=(",", ":")) + "\n"


def files(address, pods, resolver=None):
    """Everything that HAProxy reads, by name."""
    return {
        "haproxy.cfg": configuration(address, pods, resolver),
        "malformed.json": problem(400, "malformed_request", "The request is malformed",
                                  "The gateway can make no request of it."),
        "slow.json": problem(408, "request_timeout", "The request did not arrive in time",
                             "The gateway waits 10 seconds for a whole request."),
        "unavailable.json": problem(503, "overloaded", "The server is at its limit",
                                    "No pod takes requests. Nothing was done: try again."),
        "unknown.json": problem(504, "outcome_unknown", "The outcome is not known yet",
                                "A pod did not answer: the request may have been carried out, or may be yet."),
    }


class GatewayIsSilent(Exception):
    """HAProxy does not answer on its socket."""


class Switch:
    """Puts pods into service and takes them out, over the socket of a running HAProxy."""

    def __init__(self, folder):
        self.folder = folder

    def _ask(self, command):
        # A path of a socket has 107 bytes at most, a folder may be deeper: name it by an open descriptor.
        try:
            folder = os.open(self.folder, os.O_PATH | os.O_DIRECTORY)
            try:
                with socket.socket(socket.AF_UNIX) as peer:
                    peer.settimeout(5)
                    peer.connect(f"/proc/self/fd/{folder}/{SOCKET}")
                    peer.sendall(command.encode() + b"\n")
                    answer = b"".join(iter(lambda: peer.recv(65536), b""))
            finally:
                os.close(folder)
        except OSError as reason:
            raise GatewayIsSilent(f"the gateway does not answer: {reason}") from reason
        return answer.decode(errors="replace").strip()

    def set(self, service, name, state):
        """`ready` sends requests to the pod, `drain` no new ones, `maint` neither looks at it."""
        commands = [f"set server {service}-once/{name} state {state}"]
        if state == "ready":
            # It was found ready a moment ago: no need to wait for the first check.
            commands.append(f"set server {service}-once/{name} health up")
        for command in commands:
            told = self._ask(command)
            if told:
                raise GatewayIsSilent(f"the gateway refuses '{command}': {told}")

    def requests_under_way(self, name):
        """How many requests the pod has of the gateway."""
        lines = self._ask("show stat -1 4 -1").lstrip("# ").splitlines()
        if not lines:
            raise GatewayIsSilent("the gateway tells nothing of its servers")
        head = lines[0].split(",")
        rows = [dict(zip(head, line.split(","))) for line in lines[1:]]
        return sum(int(row["scur"] or 0) for row in rows if row["svname"] == name)

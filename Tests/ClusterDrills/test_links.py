"""Tests of what is between pods and servers in the drills: bytes, orders of the drills, and who is who."""
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
# Connects, and repeats on its output what it is told: a pod as far as the links can see.
POD = """
import socket, sys
peer = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
while (line := sys.stdin.readline()):
    text, seconds = line.split()
    try:
        peer.sendall(text.encode())
        peer.settimeout(float(seconds))
        print("answered", peer.recv(100).decode().strip(), flush=True)
    except socket.timeout:
        print("silence", flush=True)
    except OSError:
        print("reset", flush=True)
"""


class Echo:
    """A server that answers with what it is told."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.received = []
        threading.Thread(target=self.take, daemon=True).start()

    def take(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(peer,), daemon=True).start()

    def serve(self, peer):
        with peer:
            try:
                while data := peer.recv(65536):
                    self.received.append(data)
                    peer.sendall(data)
            except OSError:
                pass


class Links(unittest.TestCase):
    def setUp(self):
        self.echo = Echo()
        self.addCleanup(self.echo.listener.close)
        folder = tempfile.TemporaryDirectory()  # pylint: disable=consider-using-with
        self.addCleanup(folder.cleanup)
        plan = os.path.join(folder.name, "plan.json")
        names = ["kafka-1", "postgres-stock", "stock-1/peers"]
        self.process = subprocess.Popen(  # pylint: disable=consider-using-with
            [sys.executable, os.path.join(HERE, "links.py"), plan, *names], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.process.stdout.close)
        self.addCleanup(self.process.wait, 10)
        self.addCleanup(self.process.stdin.close)
        self.ports = {name: int(port) for name, port in
                      (word.split("=") for word in self.process.stdout.readline().split())}
        with open(plan, "w", encoding="ascii") as file:
            json.dump({"ports": {**dict.fromkeys(names, 1), "kafka-1/detour": self.echo.port,
                                 "postgres-stock": self.echo.port, "stock-1/peers": self.echo.port}}, file)

    def order(self, pod, kind, state):
        self.process.stdin.write(f"{pod} {kind} {state}\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def pod(self, name, port):
        process = subprocess.Popen(  # pylint: disable=consider-using-with
            [sys.executable, "-c", POD, str(self.ports[port]), "--config", f"/nowhere/{name}.env"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait, 10)
        self.addCleanup(process.stdin.close)

        def say(text, seconds=20.0):
            process.stdin.write(f"{text} {seconds}\n")
            process.stdin.flush()
            return process.stdout.readline().strip()

        return say

    def test_bytes_arrive_and_come_back_in_order_and_both_ends_hear_of_the_end(self):
        data = os.urandom(3_000_000)
        with socket.create_connection(("127.0.0.1", self.ports["kafka-1"]), timeout=10) as peer:
            writer = threading.Thread(target=lambda: (peer.sendall(data), peer.shutdown(socket.SHUT_WR)))
            writer.start()
            back = bytearray()
            while chunk := peer.recv(65536):
                back += chunk
            writer.join()
        self.assertEqual(bytes(back), data)

    def test_one_pod_is_cut_off_and_another_is_not(self):
        first, second = self.pod("stock-0", "kafka-1"), self.pod("stock-1", "kafka-1")
        self.assertEqual([first("a"), second("b")], ["answered a", "answered b"])
        self.assertEqual(self.order("stock-0", "kafka", "cut"), 1)
        self.assertEqual([first("c"), second("d")], ["reset", "answered d"])
        again = self.pod("stock-0", "kafka-1")
        self.assertEqual(again("e"), "reset")
        self.assertEqual(self.order("stock-0", "kafka", "open"), 0)
        self.assertEqual(self.pod("stock-0", "kafka-1")("f"), "answered f")

    def test_what_was_held_up_flows_on(self):
        pod, other = self.pod("stock-0", "postgres-stock"), self.pod("stock-0", "kafka-1")
        self.assertEqual(pod("a"), "answered a")
        self.assertEqual(self.order("stock-0", "postgres", "silent"), 1)
        late = self.pod("stock-0", "postgres-stock")
        said = [pod("b", 0.3), late("x", 0.3), other("c")]
        self.assertEqual(said, ["silence", "silence", "answered c"])
        self.assertEqual(self.echo.received, [b"a", b"c"])
        self.assertEqual(self.order("stock-0", "postgres", "open"), 2)
        self.assertEqual([pod("d")[:10], late("y")[:10]], ["answered b", "answered x"])

    def test_a_mute_link_takes_and_does_not_answer(self):
        pod = self.pod("stock-0", "postgres-stock")
        self.assertEqual(pod("a"), "answered a")
        self.order("stock-0", "postgres", "mute")
        self.assertEqual(pod("b", 1.0), "silence")
        deadline = time.monotonic() + 20
        while len(self.echo.received) < 2 and time.monotonic() < deadline:
            time.sleep(0.02)
        self.assertEqual(self.echo.received, [b"a", b"b"])

    def test_peers_are_cut_off_in_both_directions(self):
        pod = self.pod("stock-0", "stock-1/peers")
        self.assertEqual(pod("a"), "answered a")
        self.assertEqual(self.order("orders-0", "peers", "cut"), 0)
        self.assertEqual(pod("b"), "answered b")
        self.assertEqual(self.order("stock-1", "peers", "cut"), 1)
        self.assertEqual(pod("c"), "reset")

    def test_a_server_that_is_away_is_away(self):
        self.echo.listener.shutdown(socket.SHUT_RDWR)
        self.echo.listener.close()
        pod = self.pod("stock-0", "kafka-1")
        self.assertEqual(pod("a"), "reset")


if __name__ == "__main__":
    unittest.main()

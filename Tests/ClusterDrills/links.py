#!/usr/bin/env python3
"""Stands between the pods of a stack and everything that they connect to, and holds up or cuts off single pods.

    links.py PLAN NAME…     the stack's plan.json, which may come later, and names of ports in it

Listens at a port of 127.0.0.1 for each name (`kafka-1`, `postgres-stock`, `redis`, `stock-0/peers`), and writes
`NAME=PORT …` as its first line: the detours of `stack start`. Obeys lines on standard input, `POD KIND STATE` with
the kinds kafka, postgres, redis and peers, and answers each with the number of connections that it was about:

    open    bytes flow
    mute    what the pod sends arrives, what is answered does not
    silent  nothing flows either way, and nothing is closed: as if every packet were lost
    cut     connections are reset, new ones too

What was held up flows on once the link is open again, as TCP would send it again. It ends with its standard input.

Who has connected is found out when it matters: the kernel knows which process has the other end of a connection, and
pods have their names in their command line.
"""
import collections
import json
import os
import re
import select
import socket
import struct
import sys

STATES = ("open", "mute", "silent", "cut")
KINDS = ("kafka", "postgres", "redis", "peers")
CHUNK_BYTES = 65536
HELD_BYTES_MAX = 262144
COMMAND_BYTES_MAX = 4096
POD_OF_COMMAND = re.compile(rb"/((?:orders|stock|payments)-\d+)\.env$")


class Flow:
    """One direction of a connection: from one socket to the other."""

    def __init__(self, source, sink):
        self.source, self.sink = source, sink
        self.held = collections.deque()
        self.held_bytes = 0
        self.is_over = False  # The source has ended.
        self.is_told = False  # And the sink knows.

    @property
    def wants_to_read(self):
        return not self.is_over and self.held_bytes < HELD_BYTES_MAX

    @property
    def wants_to_write(self):
        return bool(self.held) or (self.is_over and not self.is_told)

    def read(self):
        data = self.source.recv(CHUNK_BYTES)
        self.is_over = not data
        if data:
            self.held.append(data)
            self.held_bytes += len(data)

    def write(self):
        while self.held:
            data = self.held.popleft()
            try:
                sent = self.sink.send(data)
            except BlockingIOError:
                sent = 0
            self.held_bytes -= sent
            if sent < len(data):
                self.held.appendleft(data[sent:])
                return
        if self.is_over and not self.is_told:
            self.is_told = True
            self.sink.shutdown(socket.SHUT_WR)


class Connection:
    """A client's connection, and the one that was made for it."""

    def __init__(self, detour, client, server):
        self.detour, self.client, self.server = detour, client, server
        self.ports = client.getpeername()[1], detour.port
        self.pod, self.is_identified = None, False
        self.there, self.back = Flow(client, server), Flow(server, client)
        self.state = "open"

    @property
    def is_over(self):
        return self.there.is_told and self.back.is_told

    def events(self, one):
        """What is waited for at one of the two sockets."""
        out, into = (self.there, self.back) if one is self.client else (self.back, self.there)
        wanted = 0
        if self.flows(out) and out.wants_to_read:
            wanted |= select.EPOLLIN
        if self.flows(into) and into.wants_to_write:
            wanted |= select.EPOLLOUT
        return wanted

    def flows(self, flow):
        return self.state == "open" or (self.state == "mute" and flow is self.there)

    def work(self, one, events):
        """Moves what can be moved, at once if the other side takes it. Raises `OSError` when it is over."""
        out, into = (self.there, self.back) if one is self.client else (self.back, self.there)
        if events & ~select.EPOLLOUT and self.flows(out) and out.wants_to_read:
            out.read()
            out.write()
        if events & ~select.EPOLLIN and self.flows(into):
            into.write()


class Detour:
    """A port that leads to a server's."""

    def __init__(self, name, plan):
        self.name, self.plan = name, plan
        # `stock-0/peers` is that of a pod, others those of servers.
        self.owner, _, kind = name.rpartition("/")
        self.kind = kind.split("-")[0]
        assert self.kind in KINDS, name
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self.listener.getsockname()[1]

    def target(self):
        """The server's port: brokers have one of their own for who comes this way."""
        with open(self.plan, encoding="utf-8") as file:
            ports = json.load(file)["ports"]
        return ports.get(f"{self.name}/detour") or ports[self.name]


class Links:
    """All detours, in one thread."""

    def __init__(self, detours):
        self.poll = select.epoll()
        self.detours = {detour.listener.fileno(): detour for detour in detours}
        self.ends = {}
        self.watched = {}
        self.connections = set()
        self.states = {}
        self.commands = b""
        for number in (*self.detours, sys.stdin.fileno()):
            self.poll.register(number, select.EPOLLIN)

    def serve(self):
        while True:
            for number, events in self.poll.poll():
                if number == sys.stdin.fileno():
                    if not self.obey():
                        return
                elif number in self.detours:
                    self.take(self.detours[number])
                elif number in self.ends:
                    self.work(*self.ends[number], events)

    def obey(self):
        data = os.read(sys.stdin.fileno(), COMMAND_BYTES_MAX)
        *lines, self.commands = (self.commands + data).split(b"\n")
        for line in lines:
            pod, kind, state = line.decode().split()
            assert kind in KINDS and state in STATES, line
            self.states[pod, kind] = state
            identify([one for one in self.connections if one.detour.kind == kind])
            concerned = [one for one in list(self.connections) if self.concerns(one, pod, kind)]
            for one in concerned:
                self.change(one, self.state(one))
            print(len(concerned), flush=True)
        return bool(data)

    def concerns(self, one, pod, kind):
        return one.detour.kind == kind and pod in (one.pod, one.detour.owner)

    def state(self, one):
        """The worst state that was ordered for the pods at both ends."""
        reported = [self.states.get((pod, one.detour.kind), "open") for pod in (one.pod, one.detour.owner)]
        return max(reported, key=STATES.index)

    def take(self, detour):
        client, _ = detour.listener.accept()
        server = socket.socket()
        for one in (client, server):
            one.setblocking(False)
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            connection = Connection(detour, client, server)
        except OSError:
            client.close()  # It has gone already.
            return
        if any(kind == detour.kind and state != "open" for (_, kind), state in self.states.items()):
            identify([connection])
        state = self.state(connection)
        try:
            if state != "cut":
                server.connect(("127.0.0.1", detour.target()))
        except BlockingIOError:
            pass
        except OSError:
            state = "cut"
        for one in (client, server):
            self.ends[one.fileno()] = (connection, one)
        self.connections.add(connection)
        self.change(connection, state)

    def change(self, connection, state):
        connection.state = state
        if state == "cut":
            self.end(connection)
        else:
            self.watch(connection)

    def watch(self, connection):
        for one in (connection.client, connection.server):
            number, wanted = one.fileno(), connection.events(one)
            known = self.watched.pop(number, 0)
            if wanted:
                self.watched[number] = wanted
            # Without interest there is nothing to be reported, not even that the other side has gone.
            if wanted and not known:
                self.poll.register(number, wanted)
            elif known and not wanted:
                self.poll.unregister(number)
            elif wanted != known:
                self.poll.modify(number, wanted)

    def work(self, connection, one, events):
        try:
            connection.work(one, events)
        except BlockingIOError:
            pass
        except OSError:
            self.end(connection)
            return
        if connection.is_over:
            self.end(connection)
        else:
            self.watch(connection)

    def end(self, connection):
        """Both sides are reset, unless both have ended in order."""
        self.connections.discard(connection)
        for one in (connection.client, connection.server):
            self.ends.pop(one.fileno(), None)
            if self.watched.pop(one.fileno(), None) is not None:
                self.poll.unregister(one.fileno())
            if not connection.is_over:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            one.close()


def identify(connections):
    """Finds the pods that have the clients' ends of connections; None where it is none."""
    fresh = [one for one in connections if not one.is_identified]
    if not fresh:
        return
    with open("/proc/net/tcp", encoding="ascii") as table:
        rows = [row.split() for row in table]
    inodes = {(row[1], row[2]): row[9] for row in rows}
    pods = pods_by_socket()
    for one in fresh:
        near, far = (f"0100007F:{port:04X}" for port in one.ports)
        one.pod, one.is_identified = pods.get(f"socket:[{inodes.get((near, far))}]"), True


def pods_by_socket():
    """The sockets of all pods of this machine."""
    found = {}
    for process in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{process}/cmdline", "rb") as file:
                # Command lines of others can be long, and processes many.
                named = POD_OF_COMMAND.search(file.read(COMMAND_BYTES_MAX).rstrip(b"\0"))
            if named:
                found |= dict.fromkeys(descriptors(process), named[1].decode())
        except OSError:
            continue  # It has ended.
    return found


def descriptors(process):
    folder = f"/proc/{process}/fd"
    for name in os.listdir(folder):
        try:
            yield os.readlink(f"{folder}/{name}")
        except OSError:
            continue


def main():
    detours = [Detour(name, sys.argv[1]) for name in sys.argv[2:]]
    print(*(f"{detour.name}={detour.port}" for detour in detours), flush=True)
    Links(detours).serve()


if __name__ == "__main__":
    main()

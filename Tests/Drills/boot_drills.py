"""Drills of the start: a folder or an address that cannot be used is refused with a sentence, and stays as it is."""
import http.client
import json
import os
import resource
import signal
import socket
import stat
import subprocess
import tempfile
import time

from checks import Load, wait_until
from processes import Server


def sown(kassa, folder, seed):
    """A folder with some orders in it, left by kill -9, so that it has everything: records, checkpoints, a rest."""
    server = Server(kassa, folder, "--event-log-retention", "keep")
    server.start()
    load = Load(server, seconds=1, seed=seed)
    load.report()
    server.end(signal.SIGKILL)
    return server


def refused(checks, server, what, *words, files=None):
    """The server does not start; what it says has the words in it; the files, all by default, stay as they were."""
    before = snapshot(server.data, files)
    said_before = os.path.getsize(server.journal.name)
    server.launch()
    try:
        status = server.process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        status = None
        server.end(signal.SIGKILL)
    said = server.logged(said_before).strip()
    checks.check(status == 1 and all(word in said for word in words), f"{what} is refused: {said[:220]}")
    checks.check(snapshot(server.data, files) == before, f"{what}: the folder stays as it was")


def snapshot(data, files):
    """The files with their sizes; SQLite's shared memory and the lock come and go."""
    if not os.path.isdir(data):
        return []
    names = files
    if names is None:
        names = [name for name in os.listdir(data) if not name.endswith("-shm") and name != "LOCK"]
    return sorted((name, os.path.getsize(os.path.join(data, name))) for name in names)


def refusals(checks, kassa, folder, seed):
    """Second process, ports in use, other formats, halves of a folder."""
    server = sown(kassa, folder, seed)
    server.start()
    second = Server(kassa, tempfile.mkdtemp(dir=folder))
    second.data = server.data
    refused_second(checks, second, server.process.pid)
    taken = Server(kassa, tempfile.mkdtemp(dir=folder))
    for name in ("http", "operator"):
        free = getattr(taken, name)
        setattr(taken, name, getattr(server, name))
        refused_port(checks, taken, name)
        setattr(taken, name, free)
    checks.check(server.is_ready(), "the first server is ready all the while")
    checks.check(server.end() == 0, "SIGTERM ends the first server with 0")

    server.options = ("--partitions", "4")
    refused(checks, server, "another number of partitions", "8")
    server.options = ()
    format_file = os.path.join(server.data, "FORMAT")
    with open(format_file, "rb") as file:
        known = file.read()
    for text, what, word in ((known.replace(b"1", b"99", 1), "a newer format", "99"),
                             (b"\xff\xfe", "a garbled FORMAT", "backup"), (b"", "an empty FORMAT", "backup")):
        with open(format_file, "wb") as file:
            file.write(text)
        refused(checks, server, what, word)
    with open(format_file, "wb") as file:
        file.write(known)

    for name in ("store.sqlite", "log.sqlite"):
        path = os.path.join(server.data, name)
        os.rename(path, path + ".away")
        refused(checks, server, f"a folder without {name}", name)
        os.rename(path + ".away", path)
    path = os.path.join(server.data, "store.sqlite")
    with open(path, "rb") as file:
        whole = file.read()
    with open(path, "wb") as file:
        file.write(b"not a database at all" * 300)
    # The log was opened, and its own write-ahead log copied, before the store was looked at.
    refused(checks, server, "a store that is no database", "store.sqlite", files=["FORMAT", "store.sqlite"])
    with open(path, "wb") as file:
        file.write(whole)
    server.start()
    checks.check(server.end() == 0, "with everything back in its place the server starts and ends")
    for one in (server, second, taken):
        one.close()


def refused_second(checks, second, pid):
    second.launch()
    status = second.process.wait(timeout=20)
    said = second.logged().strip()
    checks.check(status == 1 and str(pid) in said, f"a second process is refused: {said[:200]}")


def refused_port(checks, server, name):
    server.launch()
    status = server.process.wait(timeout=20)
    checks.check(status == 1 and "in use" in server.logged().lower(),
                 f"a taken {name} port is refused: {server.logged().strip().splitlines()[-1][:200]}")


def places(checks, kassa, folder, seed):
    """Folders that cannot be made or written, and one whose making was interrupted."""
    server = Server(kassa, folder, "--event-log-retention", "keep")
    data = server.data
    server.data = os.path.join(folder, "absent", "data")
    refused(checks, server, "a folder in a folder that is missing", server.data, "create its parent folder")
    server.data = server.journal.name
    refused(checks, server, "a file in the folder's place", server.data, "not a folder")
    server.data = "/proc/kassa"
    refused(checks, server, "a place that cannot be written", server.data)
    server.data = data

    server.fail_disk("log.sqlite write full")
    refused(checks, server, "a full disk at the first start", "full", "free some space", files=())
    with open(os.path.join(data, "FORMAT"), encoding="ascii") as file:
        checks.check("state=creating" in file.read(), "the folder is half made")
    os.remove(server.faults)
    server.start()
    made = [server.ask("/payment/create_user", server.http, "POST")[0] for _ in range(10)]
    checks.check(made == [200] * 10, "the next start, with room, completes it and serves")
    checks.check(server.end() == 0, "SIGTERM ends the server with 0")
    checks.folder(server)

    names = [data] + [os.path.join(data, name) for name in os.listdir(data)]
    modes = {name: stat.S_IMODE(os.stat(name).st_mode) for name in names}
    server.is_unprivileged = True
    databases = [name for name in names if ".sqlite" in name]
    for what, chosen in (("a read-only folder", names), ("a folder with read-only databases", databases)):
        for name in chosen:
            os.chmod(name, modes[name] & 0o555)
        refused(checks, server, what, data)
        for name in chosen:
            os.chmod(name, modes[name])
    server.start()
    checks.check(server.end() == 0, "made writable again, it is served as before")
    server.close()


def no_descriptors(checks, kassa, folder, _seed):
    """Clients take every descriptor that the server may have; once they are gone it serves again."""
    server = Server(kassa, folder, "--lanes", "1")
    server.start()
    try:
        descriptors = f"/proc/{server.process.pid}/fd"
        limit = len(os.listdir(descriptors)) + 8
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (limit, limit))
        clients = [socket.create_connection(("127.0.0.1", server.http)) for _ in range(40)]
        wait_until(lambda: len(os.listdir(descriptors)) >= limit, "every descriptor is taken", 10)
        for client in clients:
            client.close()
        status, said = server.ask("/", server.http)
        checks.check(status == 200, f"it serves again once the clients are gone: {status or said}")
        checks.check(server.end() == 0, "SIGTERM ends it with 0")
    finally:
        server.close()


def few_descriptors(checks, kassa, folder, _seed):
    """The soft limit is raised to the hard one; where that leaves too few descriptors, connections-max gives way."""
    server = Server(kassa, folder)
    try:
        server.descriptors = (256, 520)
        refused(checks, server, "a hard limit of 520 descriptors", "520 descriptors", "528", "LimitNOFILE", files=())
        for hard, room in ((4096, 3584), (700, 188)):
            server.descriptors = (256, hard)
            said_before = os.path.getsize(server.journal.name)
            server.start()
            limits = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)
            checks.check(limits == (hard, hard), f"of a hard limit of {hard} descriptors it has {limits[0]}")
            said = [line for line in server.logged(said_before).splitlines() if "connections-max is lowered" in line]
            checks.check(len(said) == 1 and f"in_force={room}" in said[0], f"it says so: {said}")
            crowd(checks, server, 400, room)
            checks.check(server.end() == 0, "SIGTERM ends it with 0")
    finally:
        server.close()


def crowd(checks, server, count, room):
    """More clients than there is room for: those that were idle for a second make room for others; meanwhile those are
    refused with 503. The operator port answers all the while."""
    clients, probes = [], []
    try:
        for number in range(count):
            address = f"127.0.1.{number % 200 + 1}"
            client = socket.create_connection(("127.0.0.1", server.http), timeout=10, source_address=(address, 0))
            client.sendall(b"POST /payment/create_user HTTP/1.1\r\nHost: localhost\r\n\r\n")
            clients.append(client)
            if number % 40 == 0:
                probes += [server.ask(path)[0] for path in ("/livez", "/readyz")]
        answers = [client.recv(4096)[9:12].decode() for client in clients]
        probes += [server.ask(path)[0] for path in ("/livez", "/readyz")]
    finally:
        for client in clients:
            client.close()
    served, overloaded = answers.count("200"), answers.count("503")
    beyond = sum(server.metric(f"kassa_http_connections_{what}_total") for what in ("displaced", "refused"))
    checks.check(served >= min(count, room) and served + overloaded == count,
                 f"of {count} clients {served} were served, {overloaded} refused with 503, room was for {room}")
    checks.check(beyond == max(0, count - room), f"{beyond:.0f} of them were displaced or refused")
    checks.check(len(probes) > 10 and set(probes) == {200}, f"the operator port answered {len(probes)} times 200")


def too_many_connections(checks, kassa, folder, _seed):
    """Connections beyond a bound get an answer in the API's form at once; those within it are served all the while."""
    server = Server(kassa, folder, "--connections-max", "3", "--connections-per-address-max", "2")
    server.start()
    try:
        held = [http.client.HTTPConnection("127.0.0.1", server.http, timeout=10, source_address=(address, 0))
                for address in ("127.0.0.1", "127.0.0.1", "127.0.0.2")]
        served = asked(held[:2])
        begin(held[:2])
        beyond_address = refused_connection(server, "127.0.0.1")
        served += asked(held[2:])
        begin(held[2:])
        beyond_all = refused_connection(server, "127.0.0.3")
        # The one of the other address is idle for longest.
        served += finish([held[2], *held[:2]])
        checks.check(served == [200] * 6, f"the clients within the bounds were served: {served}")
        for what, answer, wanted in (("of its address", beyond_address, (429, "too_many_requests")),
                                     ("of all", beyond_all, (503, "overloaded"))):
            status, code, headers, took = answer
            is_told = headers.get("Retry-After") and headers.get("Connection") == "close"
            checks.check((status, code) == wanted and is_told,
                         f"a connection more than the bound {what} gets {status} {code}, {dict(headers)}")
            checks.check(took < 1, f"it gets it after {took:.3f} s")
        refusals = server.metric("kassa_http_connections_refused_total")
        checks.check(refusals == 2, f"{refusals:.0f} connections are counted as refused")
        # Nobody makes room sooner.
        time.sleep(1.1)
        for address, longest in (("127.0.0.1", held[0]), ("127.0.0.3", held[2])):
            # It stays open: the next one has to find no room.
            held.append(http.client.HTTPConnection(
                "127.0.0.1", server.http, timeout=10, source_address=(address, 0)))
            statuses = asked(held[-1:])
            checks.check(statuses == [200], f"now that they have been idle, one from {address} gets {statuses}")
            checks.check(longest.sock.recv(1) == b"", "the one idle for longest, of all or of its address, is closed")
        displaced = server.metric("kassa_http_connections_displaced_total")
        checks.check(displaced == 2, f"{displaced:.0f} connections are counted as displaced")
        checks.check(asked(held[1:2]) == [200], "the third one is served")
    finally:
        server.close()


def asked(connections):
    """The statuses of a request on each."""
    statuses = []
    for connection in connections:
        connection.request("POST", "/payment/create_user")
        answer = connection.getresponse()
        answer.read()
        statuses.append(answer.status)
    return statuses


def begin(connections):
    """Sends the first line of a request on each."""
    for connection in connections:
        connection.sock.sendall(b"POST /payment/create_user HTTP/1.1\r\n")


def finish(connections):
    """The statuses of the requests that were started on each."""
    statuses = []
    for connection in connections:
        connection.sock.sendall(b"Host: localhost\r\n\r\n")
        answer = http.client.HTTPResponse(connection.sock)
        answer.begin()
        answer.read()
        statuses.append(answer.status)
        # So that one is idle for longer than the next.
        time.sleep(0.05)
    return statuses


def refused_connection(server, address):
    """The status, code, headers and time of the answer to a POST on a new connection from an address."""
    started = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", server.http, timeout=10, source_address=(address, 0))
    try:
        connection.request("POST", "/payment/create_user", body=b"{}")
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())["code"], answer.headers, time.monotonic() - started
    finally:
        connection.close()

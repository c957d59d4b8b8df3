"""Sends requests to a port and judges what comes back: many on one connection, or one that the sender then ends."""
import contextlib
import dataclasses
import socket
import time

from judge import Malformed, answer_in

ANSWER_SECONDS_MAX = 10
# How long a port may keep a connection that says nothing more: its own times, and some for a busy machine. Those of the
# REST port are in servers.py; the operator port keeps 75 s, whatever is set.
SILENCE_SECONDS_MAX = {False: 20, True: 100}
# How long somebody who sends something unclear waits for answers before it leaves.
QUIET_SECONDS = 0.2
# What one connection is sent at once: less than the system's buffers hold, so nobody waits for somebody who waits.
BATCH_BYTES_MAX = 48 * 1024


class Finding(Exception):
    """Something that must not happen, with the request and what came back."""

    def __init__(self, why, request, came):
        super().__init__(f"{why}\n    sent: {request}\n    came: {came}")
        self.why, self.request = why, request


def connected(port):
    connection = socket.create_connection(("127.0.0.1", port), timeout=ANSWER_SECONDS_MAX)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


class Pipeline:
    """A connection that is sent several whole requests at once; each has to be answered, in order."""

    def __init__(self, port, judge):
        self.port, self.judge, self.connection = port, judge, None
        self.received, self.pending, self.is_used = bytearray(), [], False

    def send(self, requests):
        """Sends what is still unanswered and as many more as fit."""
        size = sum(len(one.data) for one in self.pending)
        for one in requests:
            if self.pending and (self.pending[-1].may_close or size + len(one.data) > BATCH_BYTES_MAX):
                break
            self.pending.append(one)
            size += len(one.data)
        self.is_used = self.connection is not None
        if self.connection is None:
            self.connection = connected(self.port)
        # What is refused in the middle of it may be cut off; its answer is there to be read.
        with contextlib.suppress(ConnectionError):
            self.connection.sendall(b"".join(one.data for one in self.pending))

    def answers(self):
        """Each request with its answer, judged. Those after one that ends the connection stay for the next turn."""
        while self.pending:
            request, answer = self.pending[0], self.next_answer(self.pending[0])
            if answer is None:
                return
            if answer.status == 100:
                continue
            del self.pending[0]
            if why := self.judge.finding(request, answer):
                raise Finding(why, request, answer)
            yield request, answer
            if answer.headers.get("connection") == "close":
                self.end(request)
                return

    def next_answer(self, request):
        began = time.monotonic()
        try:
            while (found := answer_in(self.received, request.method == "HEAD")) is None:
                piece = self.connection.recv(1 << 16)
                if not piece:
                    raise ConnectionResetError("closed")
                self.received += piece
        except Malformed as malformed:
            raise Finding("bytes that are no answer", request, malformed) from None
        except TimeoutError:
            raise Finding(f"no answer within {time.monotonic() - began:.1f} s", request, bytes(self.received)) from None
        except ConnectionError as reason:
            # It may have ended a connection that was idle for its time. A new one has to be answered.
            was_idle = self.is_used and not self.received
            self.drop()
            if was_idle:
                return None
            raise Finding(f"no answer: {reason}", request, "nothing") from None
        answer, length = found
        del self.received[:length]
        self.is_used = False
        return answer

    def end(self, request):
        """Nothing may follow the last answer."""
        with contextlib.suppress(ConnectionError):
            while piece := self.connection.recv(1 << 16):
                self.received += piece
        rest = bytes(self.received)
        self.drop()
        if rest:
            raise Finding("bytes after the last answer", request, rest[:400])

    def drop(self):
        if self.connection:
            self.connection.close()
        self.connection = None
        self.received.clear()


class Once:
    """A connection for one piece of bytes, whatever it is."""

    def __init__(self, port, judge, request):
        self.judge, self.request = judge, request
        self.connection, self.received, self.is_whole = connected(port), bytearray(), False
        self.began = time.monotonic()
        with contextlib.suppress(ConnectionError, TimeoutError):
            self.connection.sendall(request.data)

    def is_over(self):
        """Whether the server has ended it, without waiting. It has to within its times."""
        if self.read(0):
            return True
        silence = SILENCE_SECONDS_MAX[self.judge.is_operator]
        if time.monotonic() - self.began > silence:
            self.connection.close()
            raise Finding(f"still open after {silence} s", self.request, bytes(self.received))
        return False

    def read(self, seconds):
        """Reads what comes within some time; whether the connection has ended."""
        until = time.monotonic() + seconds
        try:
            while True:
                self.connection.settimeout(max(0, until - time.monotonic()))
                piece = self.connection.recv(1 << 16)
                if not piece:
                    self.is_whole = True
                    return True
                self.received += piece
        except (BlockingIOError, TimeoutError):
            return False
        except ConnectionError:
            return True

    def answers(self, seconds=0):
        """All answers that come within some time, judged. Then the connection is ended; if the server did so, nothing
        may be missing."""
        self.read(seconds)
        self.connection.close()
        found = divided(bytes(self.received), b"HEAD" in self.request.data, not self.is_whole)
        if found is None:
            raise Finding("bytes that are no answers", self.request, bytes(self.received[:600]))
        for answer, method in found:
            if why := self.judge.finding(dataclasses.replace(self.request, method=method), answer):
                raise Finding(why, self.request, answer)
        return [answer for answer, _ in found if answer.status != 100]


def divided(received, may_be_head, is_cut):
    """The answers that some bytes are, each with the method it is read as; None if they are not answers."""
    if not received:
        return []
    for is_head in (False, True) if may_be_head else (False,):
        try:
            first = answer_in(received, is_head)
        except Malformed:
            continue
        if first is None:
            if is_cut:
                return []
            continue
        rest = divided(received[first[1]:], may_be_head, is_cut)
        if rest is not None:
            return [(first[0], "HEAD" if is_head else ""), *rest]
    return None


def finding_of(port, judge, request):
    """What is wrong with the answers to one piece of bytes; None when nothing is."""
    try:
        Once(port, judge, request).answers(QUIET_SECONDS)
    except Finding as finding:
        return finding.why
    return None


def smaller(port, judge, request, attempts_max=200):
    """A shorter request with the same finding, if that is easy."""
    data, attempts, step = request.data, 0, len(request.data) // 2
    if finding_of(port, judge, request) is None:
        return None
    while step >= 1 and attempts < attempts_max:
        at, has_shrunk = 0, False
        while at < len(data) and attempts < attempts_max:
            attempt = dataclasses.replace(request, data=data[:at] + data[at + step:])
            attempts += 1
            if attempt.data and finding_of(port, judge, attempt):
                data, has_shrunk = attempt.data, True
            else:
                at += step
        step = step if has_shrunk and step > 1 else step // 2
    return dataclasses.replace(request, data=data)

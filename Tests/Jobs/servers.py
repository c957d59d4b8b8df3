"""Small HTTP servers on a free port of this machine, for tests."""
import contextlib
import http.server
import json
import threading


class Handler(http.server.BaseHTTPRequestHandler):
    """Hands every request to the server's `answer`, which returns status, headers and body; None cuts it."""

    protocol_version = "HTTP/1.1"
    # An answer leaves in one piece: of two the second would wait for the client's delayed acknowledgement of the first.
    wbufsize = -1
    disable_nagle_algorithm = True

    def log_message(self, *_):  # pylint: disable=arguments-differ
        """Stays silent."""

    def handle_any(self):
        """Reads the body, asks, answers."""
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        answer = self.server.answer(self.command, self.path, dict(self.headers.items()))
        if answer is None:
            self.close_connection = True
            return
        status, headers, body = answer
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    do_GET = do_POST = do_PUT = do_DELETE = handle_any  # pylint: disable=invalid-name


class Server(http.server.ThreadingHTTPServer):
    """A server with room for many connections at once."""

    daemon_threads = True
    request_queue_size = 1024

    def __init__(self, answer, port=0):
        super().__init__(("127.0.0.1", port), Handler)
        self.answer = answer

    def handle_error(self, request, client_address):
        """Clients that leave are no error."""


@contextlib.contextmanager
def serving(answer, port=0):
    """Serves until the block ends; gives the address."""
    server = Server(answer, port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def plain(status, body):
    """An answer of JSON."""
    return status, {"Content-Type": "application/json"}, json.dumps(body).encode()


def problem(status, code):
    """A refusal."""
    return status, {"Content-Type": "application/problem+json"}, json.dumps({"status": status, "code": code}).encode()

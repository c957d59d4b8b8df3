"""The real gateway in front of pods that do what a test wants."""
import contextlib
import http.client
import http.server
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import unittest.mock

import location

import gateway
import plan as plans
import probes

SLOW_REQUESTS = 8
GATEWAYS_ID = r"^gateway-[0-9a-f]{8}-[0-9a-f-]{27}$"
HAPROXY = shutil.which("haproxy", path=os.environ.get("PATH", "") + ":/usr/sbin")


class FakePod:
    """Answers as ordered: a status, "end" for a connection that ends after the request, or a number of seconds (a float)
    to wait before it answers 200. Counts what it was asked."""

    def __init__(self, plan, name):
        self.seen, self.ids, self.answer = [], [], 200
        self.servers = [self._serve(plan.ports[f"{name}/{port}"], port) for port in ("http", "operator")]

    def _serve(self, port, kind):
        pod = self

        class Handler(http.server.BaseHTTPRequestHandler):
            """One connection."""
            protocol_version = "HTTP/1.1"

            def handle_one(self):
                """Any method."""
                status = 200
                if kind == "http":
                    pod.seen.append((self.command, self.path))
                    pod.ids.append(self.headers.get_all("X-Request-Id"))
                    status = pod.answer
                if status == "end":
                    self.close_connection = True
                    return
                if isinstance(status, float):
                    time.sleep(status)
                    status = 200
                self.send_response(status)
                self.send_header("Content-Length", "0")
                # The gateway may have given up.
                with contextlib.suppress(OSError):
                    self.end_headers()

            do_GET = do_POST = do_PUT = do_DELETE = handle_one

            def log_message(self, *_):  # pylint: disable=arguments-differ
                """Nothing."""

        class Server(http.server.ThreadingHTTPServer):
            """Checks of the gateway's end with a reset: nothing to report."""
            daemon_threads = True

            def handle_error(self, *_):
                """Nothing."""

        server = Server(("127.0.0.1", port), Handler)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return server

    def close(self):
        for server in self.servers:
            server.shutdown()
            server.server_close()


@unittest.skipIf(HAPROXY is None, "HAProxy is not installed")
class Gateway(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()  # pylint: disable=consider-using-with
        cls.plan = plans.Plan({"orders": 2, "stock": 1, "payments": 1})
        cls.plan.take_ports({})
        serving = {"orders-0", "orders-1", "stock-0"}
        # So few that a test can have more requests under way, and so short that it need not wait long.
        with unittest.mock.patch.multiple(gateway, slow_requests=lambda: SLOW_REQUESTS, TRY_MILLISECONDS=400):
            files = gateway.files(cls.plan.address("gateway"), gateway.places(cls.plan, serving))
        for name, text in files.items():
            with open(os.path.join(cls.folder.name, name), "w", encoding="utf-8") as file:
                file.write(text)
        cls.pods = {name: FakePod(cls.plan, name) for name in (*serving, "payments-0")}
        cls.process = subprocess.Popen(  # pylint: disable=consider-using-with
            [HAPROXY, "-db", "-f", "haproxy.cfg"], cwd=cls.folder.name, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        cls.switch = gateway.Switch(cls.folder.name)
        deadline = time.monotonic() + 10
        while not probes.accepts(cls.plan.ports["gateway"]) and time.monotonic() < deadline:
            time.sleep(0.02)

    @classmethod
    def tearDownClass(cls):
        cls.process.kill()
        cls.process.wait()
        for pod in cls.pods.values():
            pod.close()
        cls.folder.cleanup()

    def setUp(self):
        for pod in self.pods.values():
            pod.seen, pod.ids, pod.answer = [], [], 200

    def ask(self, method, path, key=None, own_id=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.plan.ports["gateway"], timeout=20)
        headers = {"Idempotency-Key": key, "X-Request-Id": own_id}
        connection.request(method, path, headers={name: value for name, value in headers.items() if value is not None})
        answer = connection.getresponse()
        body = answer.read().decode()
        connection.close()
        if answer.getheader("Content-Type") == "application/problem+json":
            self.check_problem(answer, body, own_id)
        return answer.status, body

    def check_problem(self, answer, body, own_id=None):
        """What clients rely on stands in the gateway's own answers, too."""
        problem = json.loads(body)
        self.assertEqual(set(problem), {"type", "title", "status", "detail", "instance", "code", "request_id"})
        self.assertEqual((problem["status"], problem["type"]), (answer.status, f"/problems#{problem['code']}"))
        if problem["request_id"] != own_id:
            self.assertRegex(problem["request_id"], GATEWAYS_ID)
        self.assertEqual(problem["instance"], f"urn:kassa:request:{problem['request_id']}")
        self.assertEqual(answer.getheader("X-Request-Id"), problem["request_id"])
        self.assertEqual(answer.getheader("Cache-Control"), "no-store")
        self.assertEqual(answer.getheader("Retry-After"), "1" if answer.status == 503 else None)

    def times_asked(self, service):
        return sum(len(pod.seen) for name, pod in self.pods.items() if name.startswith(service))

    def test_the_configuration_is_one(self):
        checked = subprocess.run([HAPROXY, "-c", "-f", "haproxy.cfg"], cwd=self.folder.name, stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, text=True, check=False)
        self.assertEqual(checked.returncode, 0, checked.stdout)

    def test_the_configuration_for_containers_is_one(self):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([sys.executable, "-B", os.path.join(location.REPOSITORY, "stack", "container_gateway.py"),
                            folder, "orders-0", "orders-1", "stock-0", "payments-0"], check=True)
            checked = subprocess.run([HAPROXY, "-c", "-f", "haproxy.cfg"], cwd=folder, stdout=subprocess.PIPE,
                                     stderr=subprocess.STDOUT, text=True, check=False)
            with open(os.path.join(folder, "haproxy.cfg"), encoding="utf-8") as file:
                self.assertIn("server orders-1 orders-1:8000 check", file.read())
        self.assertEqual(checked.returncode, 0, checked.stdout)

    def test_paths_lead_to_their_services(self):
        self.assertEqual(self.ask("GET", "/stock/find/a")[0], 200)
        self.assertEqual(self.pods["stock-0"].seen, [("GET", "/stock/find/a")])
        for path in ("/orders/find/a", "/openapi.json", "/problems", "/stockings", "/"):
            self.ask("GET", path)
        self.assertEqual(self.times_asked("orders"), 5)
        self.assertEqual(self.times_asked("stock"), 1)

    def test_an_escaped_path_leads_to_the_same_service(self):
        self.assertEqual(self.ask("GET", "/%73tock/find/a")[0], 200)
        self.assertEqual(self.pods["stock-0"].seen, [("GET", "/%73tock/find/a")])

    def test_what_is_no_request_is_refused_and_reaches_no_pod(self):
        with socket.create_connection(("127.0.0.1", self.plan.ports["gateway"]), timeout=10) as peer:
            peer.sendall(b"POST /orders/x HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n")
            answer = http.client.HTTPResponse(peer)
            answer.begin()
            self.assertEqual(answer.status, 400)
        self.assertEqual(self.times_asked("orders"), 0)

    def test_a_body_that_does_not_come_is_408(self):
        with socket.create_connection(("127.0.0.1", self.plan.ports["gateway"]), timeout=20) as peer:
            peer.sendall(b"POST /orders/x HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n")
            answer = http.client.HTTPResponse(peer)
            answer.begin()
            self.assertEqual(answer.status, 408)
            self.check_problem(answer, answer.read().decode())
        self.assertEqual(self.times_asked("orders"), 0)

    def test_a_503_goes_to_another_pod_whatever_was_asked(self):
        self.pods["orders-0"].answer = 503
        for method, key in (("GET", None), ("POST", None), ("DELETE", None), ("POST", "k")):
            for _ in range(6):
                self.assertEqual(self.ask(method, "/orders/x", key)[0], 200, (method, key))
        self.assertTrue(self.pods["orders-0"].seen)

    def test_a_503_of_all_pods_is_told(self):
        self.pods["stock-0"].answer = 503
        self.assertEqual(self.ask("POST", "/stock/add/a/1")[0], 503)

    def test_a_write_that_may_have_been_done_is_not_sent_again(self):
        for pod in ("orders-0", "orders-1"):
            self.pods[pod].answer = "end"
        for method in ("POST", "DELETE"):
            before = self.times_asked("orders")
            status, body = self.ask(method, "/orders/x")
            self.assertEqual((status, '"outcome_unknown"' in body), (504, True))
            self.assertEqual(self.times_asked("orders"), before + 1, method)

    def test_reads_and_writes_with_a_key_are_sent_again(self):
        self.pods["orders-0"].answer = "end"
        for method, key in (("GET", None), ("PUT", None), ("POST", "k"), ("DELETE", "k")):
            for _ in range(6):
                self.assertEqual(self.ask(method, "/orders/x", key)[0], 200, (method, key))
        self.assertTrue(self.pods["orders-0"].seen)

    def test_a_request_to_slow_pods_is_sent_only_so_often(self):
        for pod in ("orders-0", "orders-1"):
            self.pods[pod].answer = 10.0
        status, body = self.ask("POST", "/orders/x", "k")
        self.assertEqual((status, '"outcome_unknown"' in body), (504, True))
        self.assertEqual(self.times_asked("orders"), gateway.TRIES_MAX)
        self.assertGreater(gateway.TRIES_MAX * gateway.TRY_MILLISECONDS, 10_000, "a request may take that long")

    def test_while_many_wait_nothing_is_sent_again(self):
        self.pods["stock-0"].answer = 1.5
        threads = [threading.Thread(target=self.ask, args=("GET", f"/stock/find/{number}"))
                   for number in range(SLOW_REQUESTS + 1)]
        for thread in threads:
            thread.start()
        while self.times_asked("stock") < len(threads):
            time.sleep(0.01)
        self.assertEqual(self.ask("GET", "/stock/find/late")[0], 200)
        self.assertEqual(self.pods["stock-0"].seen.count(("GET", "/stock/find/late")), 1)
        self.assertGreaterEqual(self.pods["stock-0"].seen.count(("GET", "/stock/find/0")), 2, "it came before")
        for thread in threads:
            thread.join()

    def test_no_two_answers_of_the_gateway_have_the_same_number(self):
        numbers = {json.loads(self.ask("POST", "/payment/create_user")[1])["request_id"] for _ in range(8)}
        self.assertEqual(len(numbers), 8)

    def test_pods_get_the_id_that_the_answer_has(self):
        for pod in ("orders-0", "orders-1"):
            self.pods[pod].answer = "end"
        for own_id in (None, "cart-7", "a.B:c_9-", "x" * 128):
            for key, times in ((None, 1), ("k", gateway.TRIES_MAX)):
                for pod in ("orders-0", "orders-1"):
                    self.pods[pod].ids = []
                status, body = self.ask("POST", "/orders/x", key, own_id)
                answered = json.loads(body)["request_id"]
                self.assertEqual((status, answered), (504, own_id or answered))
                self.assertEqual(self.pods["orders-0"].ids + self.pods["orders-1"].ids, [[answered]] * times)

    def test_an_id_that_nobody_could_find_is_replaced(self):
        self.pods["stock-0"].answer = "end"
        for own_id in ("", "x" * 129, "two words", 'a"b', "a,b", "caf\u00e9"):
            self.pods["stock-0"].ids = []
            answered = json.loads(self.ask("POST", "/stock/add/a/1", own_id=own_id)[1])["request_id"]
            self.assertRegex(answered, GATEWAYS_ID, own_id)
            self.assertEqual(self.pods["stock-0"].ids, [[answered]], own_id)

    def test_two_ids_are_replaced(self):
        with socket.create_connection(("127.0.0.1", self.plan.ports["gateway"]), timeout=10) as peer:
            peer.sendall(b"GET /stock/find/a HTTP/1.1\r\nHost: x\r\nX-Request-Id: a\r\nX-Request-Id: b\r\n\r\n")
            answer = http.client.HTTPResponse(peer)
            answer.begin()
            self.assertEqual(answer.status, 200)
        self.assertRegex(self.pods["stock-0"].ids[0][0], GATEWAYS_ID)
        self.assertEqual(len(self.pods["stock-0"].ids[0]), 1)

    def test_batches_are_not_sent_again(self):
        self.pods["stock-0"].answer = "end"
        self.assertEqual(self.ask("POST", "/stock/batch_init/5/5/5", "k")[0], 504)
        self.assertEqual(self.times_asked("stock"), 1)

    def test_without_a_pod_it_is_503_and_then_the_pod_comes(self):
        status, body = self.ask("POST", "/payment/create_user")
        self.assertEqual((status, '"overloaded"' in body), (503, True))
        self.switch.set("payments", "payments-0", "ready")
        self.assertEqual(self.ask("POST", "/payment/create_user")[0], 200)
        self.assertEqual(self.ask("GET", "/payment/find_user/a")[0], 200)
        self.assertEqual(self.switch.requests_under_way("payments-0"), 0)
        self.switch.set("payments", "payments-0", "maint")
        self.assertEqual(self.ask("POST", "/payment/create_user")[0], 503)

    def test_a_pod_that_is_drained_gets_nothing_and_nobody_notices(self):
        self.switch.set("orders", "orders-1", "drain")
        for method in ("GET", "POST") * 5:
            self.assertEqual(self.ask(method, "/orders/x")[0], 200)
        self.assertEqual(self.pods["orders-1"].seen, [])
        self.switch.set("orders", "orders-1", "ready")

    def test_a_name_that_nobody_has_is_refused(self):
        with self.assertRaises(gateway.GatewayIsSilent):
            self.switch.set("orders", "orders-99", "ready")
        with self.assertRaises(gateway.GatewayIsSilent):
            gateway.Switch("/tmp").set("orders", "orders-0", "ready")


if __name__ == "__main__":
    unittest.main()

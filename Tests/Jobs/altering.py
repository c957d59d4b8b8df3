"""A gateway in front of a real shop that alters one kind of answer."""
import http.client
import json
import urllib.parse

HOP = {"connection", "content-length", "transfer-encoding", "date", "keep-alive", "host"}


def changed(answer, **members):
    """An answer with other members in its body."""
    status, headers, body = answer
    return status, headers, json.dumps({**json.loads(body), **members}).encode()


def wrong_stock(method, path, answer):
    """Shows one unit too many."""
    if method == "GET" and path.startswith("/stock/find/") and answer[0] == 200:
        return changed(answer, stock=json.loads(answer[2])["stock"] + 1)
    return answer


def paid_though_refused(_, path, answer):
    """Says that a refused checkout succeeded."""
    return (200, answer[1], answer[2]) if path.startswith("/orders/checkout/") and answer[0] == 409 else answer


def other_status(_, path, answer):
    """Answers a course's 400 in place of 409."""
    return (400, answer[1], answer[2]) if path.startswith("/stock/subtract/") and answer[0] == 409 else answer


def other_code(_, path, answer):
    """Gives a refusal another name."""
    is_it = path.startswith("/orders/checkout/") and b'"out_of_credit"' in answer[2]
    return changed(answer, code="out_of_stock") if is_it else answer


def no_problem(_, path, answer):
    """Refuses without the media type of problems."""
    if answer[0] == 404 and path.startswith("/payment/"):
        return answer[0], {**answer[1], "Content-Type": "application/json"}, answer[2]
    return answer


def status_by_get_only(method, path, answer):
    """Does not have the older dialect's POST /payment/status."""
    return (405, answer[1], answer[2]) if method == "POST" and path.startswith("/payment/status/") else answer


def never_paid(_, path, answer):
    """Shows paid orders as unpaid."""
    return changed(answer, paid=False) if path.startswith("/orders/find/") and answer[0] == 200 else answer


def short_document(_, path, answer):
    """Leaves an operation out of the document."""
    if path != "/openapi.json":
        return answer
    document = json.loads(answer[2])
    del document["paths"]["/orders/addItem/{order_id}/{item_id}"]
    return answer[0], answer[1], json.dumps(document).encode()


# Each with the test of test-microservices that is there for it.
ALTERATIONS = {
    wrong_stock: "test_add_and_subtract",
    paid_though_refused: "test_out_of_stock",
    other_status: "test_subtract_more_than_there_is",
    other_code: "test_out_of_credit",
    no_problem: "test_cancel",
    status_by_get_only: "test_pay_for_an_order",
    never_paid: "test_success",
    short_document: "test_document",
}


class Gateway:  # pylint: disable=too-few-public-methods
    """Forwards every request, each over its own connection."""

    def __init__(self, url, alter=None, without_keys=False):
        self.address = urllib.parse.urlsplit(url)
        self.alter = alter
        self.without_keys = without_keys

    def answer(self, method, path, headers):
        """What a server hands a request to."""
        connection = http.client.HTTPConnection(self.address.hostname, self.address.port, timeout=30)
        try:
            connection.request(method, path, headers={
                name: value for name, value in headers.items()
                if name.lower() not in HOP and not (self.without_keys and name == "Idempotency-Key")})
            response = connection.getresponse()
            fields = {name: value for name, value in response.getheaders() if name.lower() not in HOP}
            found = (response.status, fields, response.read())
        finally:
            connection.close()
        return self.alter(method, path, found) if self.alter else found

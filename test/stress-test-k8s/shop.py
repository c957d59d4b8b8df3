"""Requests of the scenarios: each has to be answered as it should be, or counts as a failure with a reason."""
import json
import uuid


class Lost(Exception):
    """A request was not answered as it should be: the scenario ends here."""


def code_of(response):
    """The stable name of a refusal; empty when the body has none."""
    try:
        body = json.loads(response.text or "")
    except ValueError:
        return ""
    return str(body.get("code", "")) if isinstance(body, dict) else ""


class Shop:
    """The three services, each at its address, as a Locust client calls them; paths of one kind under one name."""

    def __init__(self, client, addresses):
        self.client = client
        self.addresses = addresses

    def send(self, method, path, name, status=200, code=None):
        """The answer's body as JSON. Another status or another code than expected is a failure in the figures."""
        headers = {} if method == "GET" else {"Idempotency-Key": str(uuid.uuid4())}
        url = self.addresses[path.split("/")[1]] + path
        with self.client.request(method, url, name=name, headers=headers, catch_response=True) as response:
            found = code_of(response) if response.status_code >= 400 else ""
            if response.status_code != status or (code is not None and found != code):
                wanted, got = f"{status} {code or ''}".strip(), f"{response.status_code} {found}".strip()
                response.failure(f"expected {wanted}, got {got}")
                raise Lost(f"{method} {path}: expected {wanted}, got {got}")
            try:
                body = json.loads(response.text or "null")
            except ValueError as error:
                response.failure("the body is no JSON")
                raise Lost(f"{method} {path}: the body is no JSON") from error
            response.success()
            return body

    def create_user(self, credit):
        """A new user with credit."""
        user = self.send("POST", "/payment/create_user", "/payment/create_user")["user_id"]
        if credit:
            self.send("POST", f"/payment/add_funds/{user}/{credit}", "/payment/add_funds")
        return user

    def create_item(self, price, stock):
        """A new item with stock."""
        item = self.send("POST", f"/stock/item/create/{price}", "/stock/item/create")["item_id"]
        if stock:
            self.send("POST", f"/stock/add/{item}/{stock}", "/stock/add")
        return item

    def create_order(self, user, lines=()):
        """A new order with lines of an item and a quantity."""
        order = self.send("POST", f"/orders/create/{user}", "/orders/create")["order_id"]
        for item, quantity in lines:
            self.send("POST", f"/orders/addItem/{order}/{item}/{quantity}", "/orders/addItem")
        return order

    def checkout(self, order, status=200, code=None):
        """A checkout with its outcome; outcomes have names of their own in the figures."""
        name = "/orders/checkout" + (f" ({code})" if code else "")
        return self.send("POST", f"/orders/checkout/{order}", name, status, code)

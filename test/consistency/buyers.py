"""The buyers: makes them with their carts, lets all of them check out at once, and reads what the shop then shows."""
import asyncio
import dataclasses
import datetime
import json
import uuid


@dataclasses.dataclass(frozen=True)
class Plan:
    """One run: how many buyers with which credit want one unit each of an item with so much stock at this price."""

    buyers: int
    stock: int
    price: int
    credit: int

    @property
    def sales(self):
        """How many of them can buy."""
        return min(self.buyers, self.stock) if self.credit >= self.price else 0


class Failed(Exception):
    """The shop did not do what a run has to start with, or did not show what it ends with."""


class Log:
    """What each client saw: a line of JSON for every answer and every outcome."""

    def __init__(self, path):
        self.path = path
        self.file = open(path, "w", encoding="utf-8")  # pylint: disable=consider-using-with

    def write(self, kind, **members):
        """Adds a line."""
        at = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
        self.file.write(json.dumps({"at": at, "kind": kind, **members}) + "\n")

    def close(self):
        """Ends the file."""
        self.file.close()


def outcome(attempt):
    """`paid`, `refused` or `unresolved`."""
    if not attempt.is_final:
        return "unresolved"
    return "paid" if attempt.is_success else "refused"


class Run:
    """One run against a shop."""

    def __init__(self, shop, plan, log, at_once=50):
        self.shop = shop
        self.plan = plan
        self.log = log
        self.gate = asyncio.Semaphore(at_once)

    async def _done(self, method, path, member=None, kind=str):
        """The value of a member of a successful answer; one key for all attempts makes a repetition harmless."""
        attempt = await self.shop.send(method, path, None if method == "GET" else str(uuid.uuid4()))
        if not attempt.is_success:
            raise Failed(f"{method} {path}: {attempt}")
        if member is None:
            return None
        value = attempt.body.get(member) if isinstance(attempt.body, dict) else None
        if type(value) is not kind:  # pylint: disable=unidiomatic-typecheck  # True is an int, too.
            raise Failed(f"{method} {path}: no {member} of type {kind.__name__} in {attempt.body!r}")
        return value

    async def _buyer(self, number, item):
        async with self.gate:
            user = await self._done("POST", "/payment/create_user", "user_id")
            await self._done("POST", f"/payment/add_funds/{user}/{self.plan.credit}")
            order = await self._done("POST", f"/orders/create/{user}", "order_id")
            await self._done("POST", f"/orders/addItem/{order}/{item}/1")
        self.log.write("buyer", buyer=number, user=user, order=order)
        return number, user, order

    async def prepare(self):
        """The item, and the buyers with carts; raises Failed when one of them cannot be made."""
        item = await self._done("POST", f"/stock/item/create/{self.plan.price}", "item_id")
        await self._done("POST", f"/stock/add/{item}/{self.plan.stock}")
        self.log.write("item", item=item, **dataclasses.asdict(self.plan))
        made = await asyncio.gather(*(self._buyer(number, item) for number in range(self.plan.buyers)),
                                    return_exceptions=True)
        for one in made:
            if isinstance(one, BaseException):
                raise one
        return item, made

    async def _checkout(self, start, number, user, order):
        key = str(uuid.uuid4())

        def note(attempt):
            self.log.write("answer", buyer=number, user=user, order=order, attempt=attempt.number,
                           status=attempt.status, code=attempt.code, error=attempt.error,
                           milliseconds=attempt.milliseconds)

        await start.wait()
        last = await self.shop.send("POST", f"/orders/checkout/{order}", key, note)
        self.log.write("outcome", buyer=number, user=user, order=order, outcome=outcome(last), status=last.status,
                       code=last.code, attempts=last.number)

    async def buy(self, buyers):
        """Lets all buyers check out at the same moment."""
        start = asyncio.Event()
        tasks = [asyncio.create_task(self._checkout(start, *buyer)) for buyer in buyers]
        await asyncio.sleep(0)
        start.set()
        await asyncio.gather(*tasks)

    async def _shown(self, user, order):
        async with self.gate:
            return {
                "credit": await self._done("GET", f"/payment/find_user/{user}", "credit", int),
                "paid": await self._done("GET", f"/orders/find/{order}", "paid", bool),
                "charged": await self._done("GET", f"/payment/status/{user}/{order}", "paid", bool),
            }

    async def read(self, item, buyers):
        """What the shop shows afterwards: the item's stock, and of each buyer credit, order and payment."""
        stock = await self._done("GET", f"/stock/find/{item}", "stock", int)
        shown = await asyncio.gather(*(self._shown(user, order) for _, user, order in buyers), return_exceptions=True)
        for one in shown:
            if isinstance(one, BaseException):
                raise one
        self.log.write("stock", item=item, stock=stock)
        for (number, user, order), one in zip(buyers, shown):
            self.log.write("shown", buyer=number, user=user, order=order, **one)

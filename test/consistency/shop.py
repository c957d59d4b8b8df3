"""A client that always comes back with an answer or with the reason why there is none, and never raises."""
import asyncio
import dataclasses
import json
import random
import time

import aiohttp

# The server says that it did nothing: to be sent again.
NOT_TAKEN = (429, 503)
# The server, or a gateway, does not say whether it did something: to be sent again with the same key.
UNKNOWN = (408, 500, 502, 504)
# A refusal that is no outcome: another request is at it.
UNDER_WAY = "checkout_under_way"
BACKOFF_FIRST = 0.05
BACKOFF_MAX = 2.0


@dataclasses.dataclass(frozen=True)
class Attempt:
    """One request: its answer, or why there was none."""

    number: int
    status: int | None
    code: str
    error: str
    milliseconds: int
    body: object = None

    @property
    def is_final(self):
        """Whether the shop said what came of the request."""
        return not (self.status is None or self.status in NOT_TAKEN + UNKNOWN or self.code == UNDER_WAY)

    @property
    def is_success(self):
        """Whether the shop did what was asked."""
        return self.status is not None and 200 <= self.status < 300

    def __str__(self):
        return self.error or f"{self.status} {self.code}".strip()


def parsed(text):
    """A body as JSON; None when it is none."""
    try:
        return json.loads(text)
    except ValueError:
        return None


class Shop:  # pylint: disable=too-few-public-methods
    """The services behind one gateway, or each at its own address."""

    def __init__(self, session, addresses, answer_time=30.0, resolve_time=60.0):
        self.session = session
        self.addresses = addresses
        self.answer_time = answer_time
        self.resolve_time = resolve_time

    async def _attempt(self, number, method, path, key):
        began = time.monotonic()
        status, code, error, body = None, "", "", None
        url = self.addresses[path.split("/")[1]] + path
        headers = {"Idempotency-Key": key} if key else {}
        try:
            timeout = aiohttp.ClientTimeout(total=self.answer_time)
            async with self.session.request(method, url, headers=headers, timeout=timeout) as response:
                body = parsed(await response.text(errors="replace"))
                status = response.status
                if status >= 400 and isinstance(body, dict):
                    code = str(body.get("code", ""))
        except (TimeoutError, aiohttp.ClientError, OSError) as failure:
            error = f"{type(failure).__name__}: {failure}".rstrip(": ")
        return Attempt(number, status, code, error, round((time.monotonic() - began) * 1000), body)

    async def send(self, method, path, key=None, note=None):
        """The first answer that says what came of the request, or the last attempt when the time is up.

        Attempts are repeated with the same key, with growing pauses, until `resolve_time` is over; `note` is called
        with each.
        """
        deadline = time.monotonic() + self.resolve_time
        pause, number = BACKOFF_FIRST, 1
        while True:
            attempt = await self._attempt(number, method, path, key)
            if note is not None:
                note(attempt)
            if attempt.is_final or time.monotonic() + pause > deadline:
                return attempt
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))
            pause, number = min(pause * 2, BACKOFF_MAX), number + 1

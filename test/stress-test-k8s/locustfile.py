"""Six scenarios of load on a shop, for Locust.

    locust --host http://127.0.0.1:8000                                    with a page on port 8089: choose there
    locust --host http://127.0.0.1:8000 --headless --users 100 --spawn-rate 20 --run-time 1m CheckoutSucceeds

Without a name of a scenario all of them run at once. Services without a gateway:
--orders-url, --stock-url, --payment-url.
Not against a shop whose data matter: with --init batch (the default) batch_init makes its users and items 0, 1, 2 ...
anew.
"""
import logging
import sys

import gevent
from locust import FastHttpUser, constant_throughput, events, task
from locust.contrib.fasthttp import FastHttpSession
from locust.exception import StopUser
from locust.runners import MasterRunner, WorkerRunner

import pool
import scenarios
from shop import Lost, Shop

SERVICES = ("orders", "stock", "payment")
# Filled when a test starts, by every process that has users.
SHARED = {}
# What a process says to the one that ends the test, when its users have had their --rounds.
DONE = "rounds_done"


@events.init_command_line_parser.add_listener
def add_arguments(parser):
    """What the scenarios need beyond Locust's own options."""
    for service in SERVICES:
        parser.add_argument(f"--{service}-url", env_var=f"{service.upper()}_URL", default="", metavar="URL",
                            help=f"address of the {service} service, where it is not that of --host")
    parser.add_argument("--init", choices=pool.WAYS, default="batch", env_var="INIT",
                        help="make users and items by batch_init, by create calls, or not (they are ready)")
    parser.add_argument("--pool-users", type=int, default=1000, env_var="POOL_USERS", help="users with credit")
    parser.add_argument("--pool-items", type=int, default=1000, env_var="POOL_ITEMS", help="items in stock")
    parser.add_argument("--rate", type=float, default=1.0, env_var="RATE",
                        help="scenarios a second that each user begins at most (0: as many as it can)")
    parser.add_argument("--rounds", type=int, default=0, env_var="ROUNDS",
                        help="end when every process has had so many scenarios (0: after --run-time)")


@events.init.add_listener
def name_host(environment, **_):
    """Locust wants one host; with an address for each service it is that of the orders. Without any: exit code 2."""
    if not isinstance(environment.runner, WorkerRunner):
        environment.runner.register_message(DONE, end_when_all_are_done)
    if not environment.host:
        environment.host = environment.parsed_options.orders_url or None
    if environment.web_ui is None and not isinstance(environment.runner, WorkerRunner):
        try:
            addresses(environment)
        except Lost as error:
            logging.error("%s", error)
            sys.exit(2)


def report_rounds(environment):
    """Says that this process has had its --rounds. Its figures go first: at the end the master hardly waits."""
    runner = environment.runner
    if isinstance(runner, WorkerRunner):
        figures = {}
        environment.events.report_to_master.fire(client_id=runner.client_id, data=figures)
        runner.send_message("stats", figures)
    runner.send_message(DONE)


def end_when_all_are_done(environment, msg, **_):
    """Ends the test when every process that has users has had its --rounds."""
    done = SHARED.setdefault("done", set())
    done.add(msg.node_id)
    if len(done) >= min(environment.runner.worker_count, environment.runner.target_user_count):
        gevent.spawn_later(0, environment.runner.quit)


def addresses(environment):
    """The origin of each service."""
    options = environment.parsed_options
    host = options.host or ("" if environment.host == options.orders_url else environment.host or "")
    found = {service: (getattr(options, f"{service}_url") or host).rstrip("/") for service in SERVICES}
    absent = [service for service, where in found.items() if not where.startswith(("http://", "https://"))]
    if absent:
        raise Lost(f"no address of {', '.join(absent)}: give --host, or " +
                   ", ".join(f"--{service}-url" for service in absent))
    return found


def prepared(environment):
    """Makes what this process has to make: the master the batches, whoever has users its pool."""
    options = environment.parsed_options
    origins = addresses(environment)
    # Counted like the users' requests: a worker whose preparation fails shows in the master's figures.
    session = FastHttpSession(origins["orders"], environment.events.request, user=None)
    shop = Shop(session, origins)
    if options.init == "batch" and not isinstance(environment.runner, WorkerRunner):
        pool.make_batches(shop, options.pool_users, options.pool_items)
    if not isinstance(environment.runner, MasterRunner):
        SHARED["pool"] = pool.fill(shop, options.init, options.pool_users, options.pool_items)


@events.test_start.add_listener
def prepare(environment, **_):
    """Before the first user; a shop without what the scenarios need ends the test with exit code 1."""
    SHARED.clear()
    try:
        prepared(environment)
    except Lost as error:
        logging.error("the test cannot start: %s", error)
        environment.process_exit_code = 1
        SHARED["failed"] = str(error)
        if environment.web_ui is None:
            gevent.spawn_later(0, environment.runner.quit)


@events.quitting.add_listener
def judge(environment, **_):
    """Exit code 1 when a request failed, no scenario began, or the test did not start."""
    if isinstance(environment.runner, WorkerRunner):
        return
    # Every scenario begins with an order, and nothing that is done before the first one makes any.
    if not SHARED.get("failed") and ("/orders/create", "POST") not in environment.stats.entries:
        logging.error("no scenario began: --run-time, which counts from the start of the preparation, was too short")
        environment.process_exit_code = 1
    if SHARED.get("failed") or environment.stats.total.num_failures:
        environment.process_exit_code = 1


class Buyer(FastHttpUser):
    """A user of the shop; its scenario is a task of the classes below."""

    abstract = True
    connection_timeout = 10.0
    network_timeout = 30.0

    def wait_time(self):
        """Keeps to --rate."""
        rate = self.environment.parsed_options.rate
        return constant_throughput(rate)(self) if rate > 0 else 0

    def on_start(self):
        """The shop as this user calls it."""
        self.shop = Shop(self.client, addresses(self.environment))  # pylint: disable=attribute-defined-outside-init

    def play(self, scenario):
        """A scenario to its end, or to the answer that should not have been; Locust has counted that."""
        if "pool" not in SHARED:
            raise StopUser()
        try:
            scenario(self.shop, SHARED["pool"])
        except Lost as error:
            logging.debug("%s: %s", type(self).__name__, error)
        SHARED["rounds"] = SHARED.get("rounds", 0) + 1
        if SHARED["rounds"] == self.environment.parsed_options.rounds:
            report_rounds(self.environment)


class CheckoutSucceeds(Buyer):
    """Checkouts that succeed"""

    @task
    def once(self):
        """One order, paid."""
        self.play(scenarios.checkout_succeeds)


class CheckoutWithoutStock(Buyer):
    """Checkouts that fail for lack of stock"""

    @task
    def once(self):
        """One order, refused."""
        self.play(scenarios.checkout_without_stock)


class CheckoutWithoutCredit(Buyer):
    """Checkouts that fail for lack of credit"""

    @task
    def once(self):
        """One order, refused."""
        self.play(scenarios.checkout_without_credit)


class CartWithoutCheckout(Buyer):
    """Carts that are filled and left"""

    @task
    def once(self):
        """One cart."""
        self.play(scenarios.cart_without_checkout)


class UnknownIds(Buyer):
    """Requests for what does not exist"""

    @task
    def once(self):
        """One round through the services."""
        self.play(scenarios.unknown_ids)


class Mixed(Buyer):
    """All of it, mostly checkouts that succeed"""

    @task(60)
    def buys(self):
        """A checkout that succeeds."""
        self.play(scenarios.checkout_succeeds)

    @task(10)
    def finds_nothing_left(self):
        """A checkout without stock."""
        self.play(scenarios.checkout_without_stock)

    @task(10)
    def cannot_pay(self):
        """A checkout without credit."""
        self.play(scenarios.checkout_without_credit)

    @task(15)
    def leaves(self):
        """A cart without checkout."""
        self.play(scenarios.cart_without_checkout)

    @task(5)
    def is_lost(self):
        """Unknown ids."""
        self.play(scenarios.unknown_ids)

"""What the suite must have seen at the end, and what a healthy server never shows it."""

import pathlib

# Documented for every operation, and caused only by overload, failures and shutdown, or at a server with API keys: the
# drills and the unit tests do.
NEVER_HEALTHY = {401, 429, 503, 504}

# Documented for single operations and not to be caused from outside.
UNREACHABLE = {
    ("POST /orders/create/{user_id}", 409): "needs two equal ids of 89 random bits",
    ("POST /stock/item/create/{price}", 409): "needs two equal ids of 89 random bits",
    ("POST /payment/create_user", 409): "needs two equal ids of 89 random bits",
    ("POST /orders/batch_init/{n}/{n_items}/{n_users}/{item_price}", 409): "needs a checkout that is held up",
}

# Codes that need API keys, overload, failures, two equal ids, a held-up checkout, or a pod of another service: the tests that see
# each of them.
CODES_ELSEWHERE = {
    "already_exists": "Edge/RestAPITests/AnswerTests.swift",
    "checkout_under_way": "Edge/RestAPITests/AnswerTests.swift",
    "internal_error": "Edge/RestAPITests/AnswerTests.swift",
    "log_failed": "Drills/load_drills.py",
    "missing_scope": "Edge/RestAPITests/CallerTests.swift",
    "reload_failed": "Edge/OperatorAPITests/OperatorActsTests.swift",
    "rate_limited": "Edge/RestAPITests/CallerTests.swift",
    "unauthenticated": "Edge/RestAPITests/CallerTests.swift",
    "misdirected_request": "Edge/RestAPITests/ServedServicesTests.swift",
    "outcome_unknown": "Edge/RestAPITests/WaitingTests.swift",
    "overloaded": "Drills/boot_drills.py",
    "partition_stopped": "Drills/damage_drills.py",
    "partition_unserved": "Drills/damage_drills.py",
    "starting": "Drills/load_drills.py",
    "stopping": "Drills/load_drills.py",
    "timed_out": "Edge/RestAPITests/WaitingTests.swift",
    "too_many_joined": "Edge/RestAPITests/AnswerTests.swift",
    "too_many_requests": "Drills/boot_drills.py",
    "too_many_waiting": "Edge/RestAPITests/AnswerTests.swift",
}
TESTS = pathlib.Path(__file__).parents[2]


def missing(document, client):
    """Sentences about everything documented that the suite never saw, and about exceptions that turned out not to be any."""
    sentences = []
    for operation in document.operations:
        seen = client.seen.get(str(operation), set())
        for status in sorted(operation.statuses() - NEVER_HEALTHY - seen):
            if (str(operation), status) in client.unreachable:
                continue
            if (str(operation), status) not in UNREACHABLE:
                sentences.append(f"{operation}: {status} is documented and was never seen")
    for (operation, status), why in UNREACHABLE.items():
        if status in client.seen.get(operation, set()):
            sentences.append(f"{operation}: {status} was seen, although it {why}")
        if not any(str(one) == operation and status in one.statuses() for one in document.operations):
            sentences.append(f"{operation}: {status} is no longer documented; remove the exception")
    for code in sorted(document.problem_codes - CODES_ELSEWHERE.keys() - client.codes):
        sentences.append(f"the code {code} was never seen")
    for code, test in sorted(CODES_ELSEWHERE.items()):
        if code not in document.problem_codes:
            sentences.append(f"the code {code} is no longer documented; remove the exception")
        elif code in client.codes:
            sentences.append(f"the code {code} was seen; remove the exception")
        elif code not in (TESTS / test).read_text(encoding="utf-8"):
            sentences.append(f"the code {code} was never seen, not even by Tests/{test}")
    return sentences

"""A small shop that tells PostHog what happens in it. Reads POSTHOG_API_KEY and POSTHOG_HOST;
POSTHOG_DEBUG=1 shows what the library does.

    python quickstart.py
"""

import signal
import sys
from datetime import datetime

from libposthog import Client

USER = "user_42"


class PaymentError(Exception):
    pass


def introduce(client: Client) -> None:
    """Who the user is, by which other id they are known, and which company they buy for."""
    client.identify(USER, {"plan": "pro"}, {"first_seen_on": "newsletter"})
    client.alias(USER, "visitor_7")
    company = {"name": "Analytical Engines", "employees": 40}
    client.group_identify("company", "engines", company, distinct_id=USER)


def greet(client: Client) -> None:
    """One request evaluates every flag of the user."""
    flags = client.evaluate_flags(USER, timeout=3.0)
    state = "on" if flags.is_enabled("new-checkout") else "off"
    payload = flags.payload_text("new-checkout") or "none"
    print(f"new-checkout is {state}, payload {payload}")


def take_order(client: Client, number: int) -> None:
    # Asks PostHog once, and then answers from memory.
    enabled = client.feature_enabled("new-checkout", USER)
    items = [{"sku": "tea", "count": 2}]
    order = {"order": number, "total": 49.9, "items": items, "new_checkout": enabled}
    client.capture("order placed", USER, order)


def import_delivery(client: Client) -> None:
    """With its own uuid and time, an event that is sent twice is still one event."""
    client.capture(
        "order delivered",
        USER,
        uuid="0190a6e0-7c3b-7def-8123-456789abcdef",
        timestamp=datetime.fromisoformat("2026-11-20T10:00:00.500+01:00"),
        groups={"company": "engines"},
    )


def report_failure(client: Client) -> None:
    try:
        raise PaymentError("the card was declined")
    except PaymentError as error:
        client.capture_exception(error, USER)


def print_ledger(stats: "dict[str, int]") -> bool:
    """Every event that came is in exactly one of the columns on the right."""
    came = ("accepted", "adopted")
    went = ("delivered", "queued", "in_flight", "stored", "drained", "dropped")
    titles = [name.replace("_", " ") for name in (*came, *went)]
    numbers = [f"{stats[name]:{len(title)}}" for name, title in zip((*came, *went), titles)]
    balances = sum(stats[name] for name in came) == sum(stats[name] for name in went)
    for row, verdict in ((titles, ""), (numbers, " it balances" if balances else " IT DOES NOT")):
        print(f"  {' + '.join(row[:2])} = {' + '.join(row[2:])} {verdict}".rstrip())
    return balances


def main() -> bool:
    orders = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    stopping = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.append(True))

    client = Client.from_env()
    introduce(client)
    greet(client)
    for order in range(1, orders + 1):
        if stopping:
            break
        take_order(client, order)
    import_delivery(client)
    report_failure(client)
    client.flush(2.0)

    delivered = client.shutdown(5.0)
    print()
    return print_ledger(client.stats()) and delivered


if __name__ == "__main__":
    sys.exit(0 if main() else 1)

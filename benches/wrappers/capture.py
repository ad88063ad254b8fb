"""capture.py URL: a capture with three properties through the Python wrapper, the map included."""

import sys
import time

from libposthog import Client, __version__

CALLS, ROUNDS = 2_000, 40
IDS = [f"user_{number:08}" for number in range(1024)]


def main():
    # Nothing is refused: the queue has room for a round, which is delivered before the next.
    with Client("phc_benchmark", host=sys.argv[1], queue_max_events=2 * CALLS) as client:
        best = float("inf")
        for _ in range(ROUNDS):
            begun = time.perf_counter_ns()
            for number in range(CALLS):
                properties = {"plan": "pro", "amount": 4999, "fast": True}
                client.capture("order placed", IDS[number % len(IDS)], properties)
            best = min(best, (time.perf_counter_ns() - begun) / CALLS)
            if not client.flush(60):
                sys.exit("events were lost")
        if client.stats()["delivered"] != ROUNDS * CALLS:
            sys.exit("events were refused")
    group = "three properties, from Python"
    print(f"{group}\tlibposthog-python {__version__}\tns\t{best:.0f}")


main()

"""posthog (PyPI): one mode of the benchmarks of peers. README.md says what the modes are."""

import sys
import time
import warnings

import posthog

# `get_feature_flag` is what asks for one flag.
warnings.simplefilter("ignore", DeprecationWarning)

PERSON = {"email": "someone@customer.example", "plan": "pro", "seats": 42}
IDS = [f"user_{number:08}" for number in range(1024)]


def nanoseconds(call, calls, rounds=5):
    """The best of some rounds, a call."""
    best = float("inf")
    for _ in range(rounds):
        begun = time.perf_counter_ns()
        for number in range(calls):
            call(IDS[number % len(IDS)])
        best = min(best, (time.perf_counter_ns() - begun) / calls)
    return best


def figure(group, value):
    print(f"{group}\tposthog-python {posthog.VERSION}\tns\t{value:.0f}", flush=True)


def flags(url):
    client = posthog.Posthog("phc_benchmark", host=url, secret_key="phx_benchmark", poll_interval=3600)
    client.load_feature_flags()
    options = {"person_properties": PERSON, "only_evaluate_locally": True}

    def one(distinct_id):
        return client.get_feature_flag("flag-000", distinct_id, send_feature_flag_events=False, **options)

    def every(distinct_id):
        return client.get_all_flags(distinct_id, **options)

    assert one(IDS[0]) in ("control", "test", False) and len(every(IDS[0])) == 200
    figure("local evaluation of one flag", nanoseconds(one, 5_000))
    figure("local evaluation of 200 flags", nanoseconds(every, 50))
    client.shutdown()


def from_python(url):
    client = posthog.Posthog("phc_benchmark", host=url, max_queue_size=1_000_000)
    best = float("inf")
    for _ in range(20):
        begun = time.perf_counter_ns()
        for number in range(1_000):
            properties = {"plan": "pro", "amount": 4999, "fast": True}
            client.capture("order placed", distinct_id=IDS[number % len(IDS)], properties=properties)
        best = min(best, (time.perf_counter_ns() - begun) / 1_000)
        client.flush()
    figure("three properties, from Python", best)
    client.shutdown()


BURST = 5_000


def capture(url, rounds, packing):
    """Captures in bursts that the default queue can hold, each flushed; every call is timed."""
    client = posthog.Posthog("phc_benchmark", host=url, gzip=packing == "gzip")
    latencies, now = [], time.perf_counter_ns
    begun = now()
    for number in range(int(rounds) * BURST):
        start = now()
        properties = {"plan": "pro", "source": "web checkout", "amount": 4999 + number % 1024}
        client.capture("order placed", distinct_id=IDS[number % len(IDS)], properties=properties)
        latencies.append(now() - start)
        if number % BURST == BURST - 1:
            client.flush()
    seconds = (now() - begun) / 1e9
    client.shutdown()
    name = f"capture, beside others\tposthog-python {posthog.VERSION}"
    print(f"{name}\t{packing}/s\t{len(latencies) / seconds:.0f}")
    if packing == "plain":
        return
    timer = sorted(-(now() - now()) for _ in range(100_000))[50_000]
    latencies.sort()
    for metric, fraction in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)):
        print(f"{name}\t{metric}\t{max(0, latencies[int(len(latencies) * fraction)] - timer)}")


{"flags": lambda url, _: flags(url), "wrapper": from_python, "capture": capture}[sys.argv[1]](*sys.argv[2:])

"""Functions of the program's that carry requests, share definitions and are told of faults."""

from __future__ import annotations

import json
import tempfile
import threading
import unittest
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from support import ReceiverTest, eventually

from libposthog import Client, PostHogError, Report, Request, Response

_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def by_urllib(request: Request) -> Response:
    sent = urllib.request.Request(request.url, request.body or None, request.headers)
    sent.method = request.method
    try:
        with _opener.open(sent, timeout=request.timeout) as answer:
            return Response(answer.status, answer.read(), dict(answer.headers))
    except urllib.error.HTTPError as error:
        with error:
            return Response(error.code, error.read(), dict(error.headers))


class OwnTransport(ReceiverTest):
    def test_it_carries_events_and_flags(self) -> None:
        requests: list[Request] = []

        def carry(request: Request) -> Response:
            requests.append(request)
            return by_urllib(request)

        client = self.client(transport=carry, request_timeout=7)
        self.assertTrue(client.feature_enabled("new-checkout", "u", fallback=False))
        self.assertTrue(client.capture("e", "u", {"text": "a\0b"}))
        self.assertTrue(client.flush())
        self.assertIn("e", [event["event"] for event in self.receiver.events()])
        self.assertEqual({request.method for request in requests}, {"POST"})
        self.assertTrue(all(request.url.startswith(self.receiver.url) for request in requests))
        batch = requests[-1]
        self.assertEqual(batch.headers["content-encoding"], "gzip")
        self.assertEqual(batch.body[:2], b"\x1f\x8b")
        self.assertLessEqual(batch.timeout, 7)

    def test_a_failure_is_tried_again(self) -> None:
        answers: list[Any] = [OSError("no network"), Response(503), ("nonsense",), None]

        def carry(request: Request) -> Response:
            answer = answers.pop(0) if answers else by_urllib(request)
            if isinstance(answer, Exception):
                raise answer
            result: Response = answer
            return result

        client = self.client(transport=carry, retry_base=0.001)
        self.assertTrue(client.capture("e", "u"))
        with self.assertLogs("libposthog"):
            eventually(lambda: client.flush() and client.stats()["delivered"] == 1)
        self.assertEqual(answers, [])
        self.assertEqual(len(self.receiver.events()), 1)

    def test_retry_after_is_kept(self) -> None:
        answers = [Response(429, b"", {"Retry-After": "1"})]
        client = self.client(
            transport=lambda request: answers.pop() if answers else by_urllib(request),
            retry_base=0.001,
        )
        self.assertTrue(client.capture("e", "u"))
        self.assertFalse(client.flush(0.2))
        self.assertTrue(client.flush())

    def test_the_end_of_the_process_waits_for_one_that_has_begun(self) -> None:
        done = self.run_program(
            """
            import sys, threading, time
            from libposthog import Client, Response

            begun = threading.Event()

            def carry(request):
                begun.set()
                time.sleep(0.5)
                print("answered", flush=True)
                return Response(200, b'{"status":1}')

            client = Client("phc_x", protocol="v0", transport=carry, flush_at=1, exit_timeout=0.05)
            client.capture("e", "u")
            begun.wait(10)
            """
        )
        self.assertIn("answered", done.stdout)
        self.assertEqual(done.stderr, "")

    def test_the_end_of_the_process_waits_until_its_answer_is_given(self) -> None:
        done = self.run_program(
            """
            import collections, threading, time
            from libposthog import Client, Response

            begun = threading.Event()

            class Headers(collections.UserDict):
                def keys(self):
                    begun.set()
                    time.sleep(0.5)
                    print("read", flush=True)
                    return super().keys()

            client = Client(
                "phc_x",
                protocol="v0",
                transport=lambda request: Response(200, b'{"status":1}', Headers()),
                flush_at=1,
                exit_timeout=0.05,
            )
            client.capture("e", "u")
            begun.wait(10)
            """
        )
        self.assertIn("read", done.stdout)
        self.assertEqual(done.stderr, "")

    def test_the_end_of_the_process_waits_for_one_that_is_told_of_deliveries(self) -> None:
        done = self.run_program(
            """
            import threading, time
            from libposthog import Client, Response

            begun = threading.Event()

            def delivered(outcome, events):
                begun.set()
                time.sleep(0.5)
                print(outcome, flush=True)

            client = Client(
                "phc_x",
                protocol="v0",
                transport=lambda request: Response(200, b'{"status":1}'),
                on_delivery=delivered,
                flush_at=1,
                exit_timeout=0.05,
            )
            client.capture("e", "u")
            begun.wait(10)
            """
        )
        self.assertIn("delivered", done.stdout)
        self.assertEqual(done.stderr, "")


class SharedDefinitions:
    """What would be in Redis."""

    def __init__(self) -> None:
        self.text: str | None = None
        self.gets = 0

    def get(self) -> str | bytes | bool:
        self.gets += 1
        return True if self.text is None else self.text

    def put(self, text: str) -> None:
        self.text = text


DEFINITIONS = {
    "flags": [
        {
            "id": 1,
            "key": "here",
            "active": True,
            "filters": {"groups": [{"properties": [], "rollout_percentage": 100}]},
        }
    ],
    "group_type_mapping": {},
    "cohorts": {},
}


class Definitions(ReceiverTest):
    def test_a_second_client_reads_those_of_the_first(self) -> None:
        self.receiver.post("/__definitions", DEFINITIONS)
        cache = SharedDefinitions()
        first = self.client(secret_key="phx_secret", definitions_cache=cache)
        self.assertTrue(first.wait_for_flags())
        eventually(lambda: cache.text)
        # Without a secret key there is nothing but the cache.
        second = self.client(definitions_cache=cache)
        self.assertTrue(second.wait_for_flags())
        for client in (first, second):
            flags = client.evaluate_flags("u", local_only=True)
            self.assertEqual((flags.get("here"), flags.source("here")), (True, "local"))
        self.assertEqual(len(self.receiver.requests("/flags/definitions")), 1)
        self.assertEqual(json.loads(cache.text or "")["flags"][0]["key"], "here")

    def test_they_outlive_the_process_in_a_file(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "definitions"
            first = self.client()
            for call in (first.load_definitions_file, first.save_definitions_file):
                with self.assertRaises(PostHogError):
                    call(file)
            first.load_definitions(json.dumps(DEFINITIONS))
            first.save_definitions_file(file)
            second = self.client()
            second.load_definitions_file(str(file))
            self.assertTrue(second.feature_enabled("here", "u", local_only=True))
            self.assertEqual(file.stat().st_mode & 0o777, 0o600)
            with self.assertRaises(ValueError):
                second.load_definitions_file("a\0b")

    def test_one_that_fails_is_done_without(self) -> None:
        class Broken(SharedDefinitions):
            def get(self) -> bool:
                raise OSError("no cache")

            def put(self, text: str) -> None:
                raise OSError("no cache")

        self.receiver.post("/__definitions", DEFINITIONS)
        client = self.client(secret_key="phx_secret", definitions_cache=Broken())
        with self.assertLogs("libposthog"):
            self.assertTrue(client.wait_for_flags())
        self.assertTrue(client.evaluate_flags("u", local_only=True).is_enabled("here"))

    def test_it_may_say_that_it_is_another_s_turn(self) -> None:
        class Patient(SharedDefinitions):
            def get(self) -> bool:
                self.gets += 1
                return False

        cache = Patient()
        client = self.client(definitions_cache=cache)
        self.assertFalse(client.wait_for_flags(0.2))
        self.assertGreater(cache.gets, 0)


class Reports(ReceiverTest):
    refusal = [{"path": "/batch", "status": 401, "body": {"type": "authentication_error"}}]

    def failed(self, client: Client) -> None:
        self.receiver.post("/__script", self.refusal)
        client.capture("e", "u")
        with self.assertLogs("libposthog"):
            self.assertFalse(client.flush())

    def test_they_are_kept_until_they_are_taken(self) -> None:
        client = self.client()
        self.assertIsNone(client.next_error())
        self.failed(client)
        report = client.next_error()
        assert report is not None
        self.assertEqual((report.family, report.status, report.attempt), ("events", 401, 1))
        self.assertEqual((report.events_lost, report.count), (1, 1))
        self.assertEqual(report.hint, "key")
        self.assertEqual(report.host, self.receiver.url)
        self.assertIn("401", report.message)
        self.assertIsNone(client.next_error())

    def test_a_function_is_told(self) -> None:
        told: list[Report] = []
        self.failed(self.client(on_error=told.append))
        self.assertEqual([report.status for report in told], [401])

    def test_one_that_fails_harms_nothing(self) -> None:
        client = self.client(on_error=lambda report: 1 / 0)
        self.failed(client)
        self.receiver.post("/__script", [])
        self.assertTrue(client.capture("after", "u"))
        self.assertTrue(client.flush())


class Fork(unittest.TestCase):
    def test_calls_of_the_parent_s_threads_are_not_waited_for(self) -> None:
        import os

        from libposthog import hooks

        if not hasattr(os, "fork"):
            self.skipTest("needs fork")
        release = threading.Event()

        def wait() -> None:
            with hooks.waiting(30):
                release.wait(30)

        thread = threading.Thread(target=wait)
        thread.start()
        eventually(lambda: hooks._waiting)
        child = os.fork()
        if child == 0:
            os._exit(len(hooks._waiting))
        status = os.waitpid(child, 0)[1]
        release.set()
        thread.join()
        self.assertEqual(status, 0)


if __name__ == "__main__":
    unittest.main()

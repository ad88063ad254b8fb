"""Exceptions as PostHog's error tracking wants them."""

from __future__ import annotations

import os
import sys
import unittest
from datetime import datetime, timezone
from typing import Any

from support import ReceiverTest

from libposthog import Client
from libposthog.exceptions import InApp

Entry = dict[str, Any]


class PaymentError(Exception):
    class Nested(Exception):
        pass


def fail(error: BaseException) -> None:
    raise error  # what failed


def caught(error: BaseException) -> BaseException:
    try:
        fail(error)
    except BaseException as raised:
        return raised
    raise AssertionError


class Exceptions(ReceiverTest):
    def setUp(self) -> None:
        super().setUp()
        self.posthog = self.client(exception_limit=None)

    def event(self, client: Any = None) -> Entry:
        (event,) = self.captured(client or self.posthog)
        self.assertEqual(event["event"], "$exception")
        return event

    def listed(self) -> list[Entry]:
        entries: list[Entry] = self.event()["properties"]["$exception_list"]
        return entries

    def test_an_exception_with_its_frames(self) -> None:
        error = caught(PaymentError("the card was declined"))
        self.assertTrue(self.posthog.capture_exception(error, "user_42", {"order": 7}))
        event = self.event()
        self.assertEqual(event["distinct_id"], "user_42")
        properties = event["properties"]
        self.assertEqual(properties["order"], 7)
        self.assertEqual(properties["$exception_level"], "error")
        (entry,) = properties["$exception_list"]
        self.assertEqual((entry["type"], entry["value"]), ("PaymentError", "the card was declined"))
        self.assertEqual(entry["module"], __name__)
        self.assertEqual(entry["mechanism"]["type"], "generic")
        self.assertIs(entry["mechanism"]["handled"], True)
        self.assertIs(entry["mechanism"]["synthetic"], False)
        self.assertEqual(entry["stacktrace"]["type"], "raw")
        outer, inner = entry["stacktrace"]["frames"]
        self.assertEqual((outer["function"], inner["function"]), ("caught", "fail"))
        self.assertEqual(inner["platform"], "python")
        self.assertEqual(inner["filename"], "test_exceptions.py")
        self.assertEqual(inner["abs_path"], os.path.abspath(__file__))
        self.assertEqual(inner["module"], __name__)
        self.assertIs(inner["in_app"], True)
        self.assertEqual(inner["context_line"], "    raise error  # what failed")
        self.assertEqual(inner["pre_context"][-1], "def fail(error: BaseException) -> None:")
        self.assertEqual((len(inner["pre_context"]), len(inner["post_context"])), (5, 5))
        self.assertEqual(inner["lineno"], fail.__code__.co_firstlineno + 1)
        self.assertNotIn("$debug_images", properties)

    def test_the_one_that_is_being_handled(self) -> None:
        try:
            fail(ValueError("x"))
        except ValueError:
            self.assertTrue(self.posthog.capture_exception())
        event = self.event()
        self.assertIs(event["properties"]["$process_person_profile"], False)

    def test_without_any(self) -> None:
        with self.assertLogs("libposthog"):
            self.assertFalse(self.posthog.capture_exception())

    def test_causes_and_contexts(self) -> None:
        try:
            try:
                fail(KeyError("root"))
            except KeyError:
                fail(ValueError("middle"))
        except ValueError as middle:
            error = PaymentError.Nested("outer")
            error.__cause__ = middle
        self.posthog.capture_exception(error, "u")
        entries = self.listed()
        self.assertEqual(
            [entry["type"] for entry in entries], ["PaymentError.Nested", "ValueError", "KeyError"]
        )
        mechanisms = [entry["mechanism"] for entry in entries]
        self.assertEqual([m["exception_id"] for m in mechanisms], [0, 1, 2])
        self.assertEqual([m.get("parent_id") for m in mechanisms], [None, 0, 1])
        self.assertEqual([m.get("source") for m in mechanisms], [None, "cause", "context"])
        self.assertEqual([m["type"] for m in mechanisms], ["generic", "chained", "chained"])

    def test_a_context_that_is_suppressed(self) -> None:
        error = ValueError("x")
        error.__context__ = KeyError("hidden")
        error.__suppress_context__ = True
        self.posthog.capture_exception(error, "u")
        self.assertEqual([entry["type"] for entry in self.listed()], ["ValueError"])

    @unittest.skipIf(sys.version_info < (3, 11), "this Python has no exception groups")
    def test_groups(self) -> None:
        group = eval("ExceptionGroup")
        error = group("both", [KeyError("a"), group("inner", [ValueError("b")])])
        self.posthog.capture_exception(error, "u")
        entries = self.listed()
        self.assertEqual(
            [(e["type"], e["mechanism"].get("parent_id")) for e in entries],
            [
                ("ExceptionGroup", None),
                ("KeyError", 0),
                ("ExceptionGroup", 0),
                ("ValueError", 2),
            ],
        )
        self.assertEqual({e["mechanism"].get("source") for e in entries[1:]}, {"member"})

    def test_one_that_was_never_raised_has_the_stack_of_its_capture(self) -> None:
        self.posthog.capture_exception(ValueError("x"), "u")
        (entry,) = self.listed()
        self.assertIs(entry["mechanism"]["synthetic"], True)
        last = entry["stacktrace"]["frames"][-1]
        self.assertEqual(last["filename"], "test_exceptions.py")
        self.assertIn("self.posthog.capture_exception", last["context_line"])

    def test_what_has_no_end_is_bounded(self) -> None:
        def forever() -> None:
            forever()

        try:
            forever()
        except RecursionError as error:
            self.posthog.capture_exception(error, "u")
        cycle = ValueError("cycle")
        cycle.__cause__ = KeyError("back")
        cycle.__cause__.__cause__ = cycle
        self.posthog.capture_exception(cycle, "u")
        chain: BaseException = ValueError("root")
        for number in range(1000):
            outer = ValueError(f"outer {number}")
            outer.__cause__ = chain
            chain = outer
        self.posthog.capture_exception(chain, "u")
        self.posthog.capture_exception(ValueError("x" * 1_000_000), "u")
        events = self.captured(self.posthog)
        lists = [event["properties"]["$exception_list"] for event in events]
        self.assertEqual(len(lists[0][0]["stacktrace"]["frames"]), 64)
        self.assertEqual([entry["type"] for entry in lists[1]], ["ValueError", "KeyError"])
        self.assertEqual(len(lists[2]), 50)
        self.assertEqual(len(lists), 4)

    def test_odd_ones(self) -> None:
        class Odd(Exception):
            def __str__(self) -> str:
                raise RuntimeError("no")

        for error in (Odd(), ValueError("\ud800 \0"), ValueError()):
            self.assertTrue(self.posthog.capture_exception(error, "u"))
        values = [
            e["properties"]["$exception_list"][0]["value"] for e in self.captured(self.posthog)
        ]
        self.assertEqual((values[0], values[2]), ("", ""))

    def test_the_same_one_over_and_over_is_limited(self) -> None:
        client = self.client(exception_limit=(2, 60))
        errors = [caught(ValueError("x")) for _ in range(10)]
        accepted = [client.capture_exception(error, "u") for error in errors]
        self.assertEqual(accepted.count(True), 2)
        self.assertEqual(client.stats()["refused_suppressed"], 8)

    def test_level_fingerprint_groups_and_steps(self) -> None:
        self.assertTrue(self.posthog.add_step("opened the shop", {"n": 1}))
        self.posthog.capture_exception(
            ValueError("x"),
            "u",
            level="warning",
            handled=False,
            fingerprint="mine",
            groups={"company": "acme"},
            uuid="0190a6e0-7c3b-7def-8123-456789abcdef",
            timestamp=datetime(2026, 1, 2, 3, 4, 5, 678_900, tzinfo=timezone.utc),
            trace_id=0x4BF92F3577B34DA6A3CE929D0E0E4736,
            span_id="00f067aa0ba902b7",
        )
        event = self.event()
        self.assertEqual(event["uuid"], "0190a6e0-7c3b-7def-8123-456789abcdef")
        properties = event["properties"]
        self.assertEqual(event["timestamp"][:23], "2026-01-02T03:04:05.678")
        self.assertEqual(properties["$trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736")
        self.assertEqual(properties["$span_id"], "00f067aa0ba902b7")
        self.assertEqual(properties["$exception_level"], "warning")
        self.assertEqual(properties["$exception_fingerprint"], "mine")
        self.assertEqual(properties["$groups"], {"company": "acme"})
        self.assertIs(properties["$exception_list"][0]["mechanism"]["handled"], False)
        self.assertEqual(properties["$exception_steps"][0]["$message"], "opened the shop")

    def test_bad_arguments_raise_nothing(self) -> None:
        with self.assertLogs("libposthog"):
            self.assertFalse(self.posthog.capture_exception(ValueError("x"), "u", level="bad"))
        with self.assertLogs("libposthog"):
            self.assertFalse(self.posthog.capture_exception(ValueError("x"), ""))
        with self.assertLogs("libposthog"):
            self.assertFalse(self.posthog.capture_exception(ValueError("x"), "u", trace_id="x"))
        wrong: Any = "not an exception"
        with self.assertLogs("libposthog"):
            self.assertFalse(self.posthog.capture_exception(wrong, "u"))
        self.assertTrue(self.posthog.capture("after", "u"))


class WhatIsTheProgramsOwn(unittest.TestCase):
    def test_places(self) -> None:
        in_app = InApp()
        self.assertTrue(in_app("shop.orders", "/srv/shop/orders.py"))
        for path in (
            "/venv/lib/python3.11/site-packages/django/http.py",
            "/usr/lib/python3/dist-packages/yaml.py",
            "C:\\venv\\Lib\\site-packages\\django\\http.py",
            os.__file__,
            "<frozen importlib._bootstrap>",
            "<string>",
        ):
            with self.subTest(path):
                self.assertFalse(in_app("x", path))

    def test_modules_that_the_program_names(self) -> None:
        in_app = InApp(include=["django"], exclude=["shop.vendored"])
        self.assertTrue(in_app("django.http", "/x/site-packages/django/http.py"))
        self.assertFalse(in_app("djangorest", "/x/site-packages/djangorest.py"))
        self.assertFalse(in_app("shop.vendored.x", "/srv/shop/vendored/x.py"))
        self.assertTrue(in_app("shop.vendoredness", "/srv/shop/vendoredness.py"))


UNCAUGHT = """
    import sys, threading
    from libposthog import Client
    client = Client("phc_x", host=sys.argv[1], capture_uncaught=True)
    """


class Uncaught(ReceiverTest):
    def test_what_ends_the_program(self) -> None:
        done = self.run_program(UNCAUGHT + 'raise ValueError("the end")', fails=True)
        self.assertIn("ValueError: the end", done.stderr)
        (event,) = self.receiver.events()
        properties = event["properties"]
        self.assertEqual(properties["$exception_level"], "fatal")
        self.assertEqual(properties["$exception_source"], "python.sys_excepthook")
        mechanism = properties["$exception_list"][0]["mechanism"]
        self.assertEqual(mechanism["type"], "onuncaughtexception")
        self.assertIs(mechanism["handled"], False)

    def test_what_ends_a_thread(self) -> None:
        self.run_program(
            UNCAUGHT
            + """
    thread = threading.Thread(target=lambda: 1 / 0)
    thread.start()
    thread.join()
    """
        )
        (event,) = self.receiver.events()
        properties = event["properties"]
        self.assertEqual(properties["$exception_level"], "error")
        self.assertEqual(properties["$exception_source"], "python.threading_excepthook")

    def test_an_exit_is_none(self) -> None:
        self.run_program(UNCAUGHT + "sys.exit(1)", fails=True)
        self.run_program(UNCAUGHT + "raise KeyboardInterrupt", fails=True)
        self.assertEqual(self.receiver.events(), [])

    def test_the_hooks_are_given_back(self) -> None:
        before = sys.excepthook
        first, second = self.client(capture_uncaught=True), self.client(capture_uncaught=True)
        self.assertIsNot(sys.excepthook, before)
        first.shutdown()
        self.assertIsNot(sys.excepthook, before)
        second.shutdown()
        self.assertIs(sys.excepthook, before)

    def test_it_is_off_unless_asked_for(self) -> None:
        before = sys.excepthook
        self.client()
        self.assertIs(sys.excepthook, before)
        self.assertIsInstance(Client(), Client)


if __name__ == "__main__":
    unittest.main()

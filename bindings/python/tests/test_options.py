"""Options, callbacks and diagnostics."""

from __future__ import annotations

import logging
import re
import unittest
from typing import Any
from unittest import mock

from support import ROOT, ReceiverTest, eventually
from test_hooks import SharedDefinitions, by_urllib

from libposthog import Client, OptionError, Options, PostHogError
from libposthog.options import _SETTERS, OWN_OPTIONS

Event = dict[str, Any]


class Constructor(ReceiverTest):
    def test_every_option_may_be_set(self) -> None:
        every: dict[str, Any] = {
            "host": self.receiver.url + "/",
            "proxy": "",
            "ca_file": None,
            "headers": {"X-Shop": "tea"},
            "local_evaluation": False,
            "definitions_poll": 5,
            "flags_local_only": True,
            "flag_events": False,
            "flags_bootstrap": {"on": True, "colour": "red"},
            "release": "1.2.3",
            "exception_limit": (5, 1.0),
            "capture_only": False,
            "deterministic": (1_700_000_000, 42),
            "capture_uncaught": False,
            "in_app_include": ["shop"],
            "in_app_exclude": ["vendored"],
            "secret_key": "phx_secret",
            "disabled": False,
            "debug": False,
            "environment": "production",
            "is_server": False,
            "disable_geoip": False,
            "group_indices": {"company": 0},
            "deny_properties": ["password"],
            "protocol": "v0",
            "historical_migration": True,
            "compression": "none",
            "flush_at": 10,
            "flush_interval": 0.5,
            "batch_max_events": 50,
            "batch_max_bytes": 100_000,
            "queue_max_events": 1000,
            "queue_max_bytes": 1_000_000,
            "event_max_bytes": 50_000,
            "overflow": "block",
            "block_timeout": 0.1,
            "connect_timeout": 1,
            "request_timeout": 2,
            "max_age": 60,
            "max_retries": 0,
            "retry_base": 0.1,
            "retry_cap": 1,
            "flags_timeout": 0,
            "flags_ttl": 5,
            "flags_max_identities": 10,
            "before_send": [lambda event: event],
            "on_delivery": lambda outcome, events: None,
            "on_error": lambda report: None,
            "transport": by_urllib,
            "definitions_cache": SharedDefinitions(),
            "storage_dir": None,
            "storage_max_bytes": 2**33,
            "storage_max_age": 60 * 86_400,
            "storage_sync": False,
            "crash_handler": True,
            "exit_timeout": 1.0,
        }
        self.assertEqual(set(every), set(Options.__annotations__))
        client = self.client(**every)
        self.assertTrue(client.capture("e", "u", {"password": "x", "environment": "mine"}))
        self.assertTrue(client.flush())
        (event,) = self.receiver.events()
        properties = event["properties"]
        self.assertEqual(properties["environment"], "production")
        self.assertIs(properties["$is_server"], False)
        self.assertNotIn("password", properties)
        (request,) = self.receiver.requests("/batch")
        self.assertNotIn("content-encoding", request["headers"])
        self.assertEqual(request["headers"]["x-shop"], "tea")
        self.assertIs(request["json"]["historical_migration"], True)

    def test_each_option_is_one_that_is_declared(self) -> None:
        declared = set(Options.__annotations__)
        self.assertLessEqual(set(_SETTERS) | set(OWN_OPTIONS), declared)

    def test_a_file_that_is_not_there(self) -> None:
        with self.assertRaisesRegex(PostHogError, "file"):
            Client("phc_x", ca_file="/nowhere.pem")

    def test_the_readme_names_every_option(self) -> None:
        readme = (ROOT / "bindings" / "python" / "README.md").read_text()
        _, section = readme.split("## Options")
        named = re.findall(r"`(\w+)`", section.split("What each does")[0])
        self.assertEqual(sorted(named), sorted(Options.__annotations__))

    def test_values_that_cannot_be(self) -> None:
        for option, value in (
            ("host", "ftp://example.com"),
            ("host", "http://a\0b"),
            ("flush_at", 0),
            ("flush_at", -1),
            ("flush_at", 2**32 + 1),
            ("flush_at", "many"),
            ("queue_max_bytes", 2**33),
            ("queue_max_bytes", 2**80),
            ("storage_max_bytes", 2**37),
            ("max_age", 31 * 86_400),
            ("storage_max_age", 366 * 86_400),
            ("flush_interval", 0),
            ("flush_interval", float("nan")),
            ("flush_interval", 10**9),
            ("flags_timeout", -1),
            ("max_retries", -1),
            ("compression", "rar"),
            ("overflow", "explode"),
            ("block_timeout", -1),
            ("group_indices", {"company": 5}),
            ("group_indices", {"company": -1}),
            ("deny_properties", [""]),
            ("before_send", 5),
            ("on_delivery", 5),
            ("on_error", "print"),
            ("transport", "requests"),
            ("definitions_cache", object()),
        ):
            with self.subTest(option, value=value):
                wrong: Any = {option: value}
                with self.assertRaises(OptionError) as raised:
                    Client("phc_x", **wrong)
                self.assertIn(option, str(raised.exception))
                self.assertIsInstance(raised.exception, PostHogError)
                self.assertIsInstance(raised.exception, ValueError)
                self.assertLess(raised.exception.status, 0)

    def test_an_option_that_does_not_exist(self) -> None:
        unknown: Any = {"flush_att": 1}
        with self.assertRaisesRegex(TypeError, "flush_att"):
            Client("phc_x", **unknown)

    def test_from_the_environment(self) -> None:
        environment = {"POSTHOG_API_KEY": "phc_env", "POSTHOG_HOST": self.receiver.url}
        with mock.patch.dict("os.environ", environment):
            client = Client.from_env(flush_at=1, protocol="v0")
        self.addCleanup(client.shutdown)
        client.capture("e", "u")
        self.receiver.wait(1)
        (request,) = self.receiver.requests("/batch")
        self.assertEqual(request["json"]["api_key"], "phc_env")

    def test_no_retry(self) -> None:
        self.receiver.post("/__script", [{"path": "/batch/", "status": 503}])
        client = self.client(max_retries=0)
        client.capture("e", "u")
        with self.assertLogs("libposthog", logging.WARNING):
            self.assertFalse(client.flush())
        self.assertEqual(client.stats()["dropped_retries"], 1)
        self.assertEqual(len(self.receiver.requests("/batch")), 1)


class BeforeSend(ReceiverTest):
    def assert_sent(self, before_send: Any, expected: list[Event]) -> None:
        client = self.client(before_send=before_send)
        client.capture("e", "u", {"a": 1, "secret": {"b": [2]}})
        events = [
            {key: event[key] for key in ("event", "distinct_id", "properties")}
            for event in self.captured(client)
        ]
        self.assertEqual(events, expected)

    def test_it_may_change_everything(self) -> None:
        def change(event: Event) -> Event | None:
            self.assertEqual(event["properties"]["$lib"], "libposthog-python")
            del event["properties"]["secret"]
            event["properties"]["a"] = 2
            event["properties"]["when"] = None
            return {**event, "event": "changed", "distinct_id": "v"}

        properties = {"a": 2, "when": None}
        expected = [{"event": "changed", "distinct_id": "v", "properties": properties}]
        self.assert_sent(change, expected)

    def test_several_run_in_order(self) -> None:
        def add(name: str) -> Any:
            def hook(event: Event) -> Event:
                event["properties"]["order"] = event["properties"].get("order", "") + name
                event["properties"].pop("secret", None)
                return event

            return hook

        expected = [{"event": "e", "distinct_id": "u", "properties": {"a": 1, "order": "xy"}}]
        self.assert_sent([add("x"), add("y")], expected)

    def test_none_drops_and_says_nothing(self) -> None:
        client = self.client(before_send=lambda event: None)
        with self.assertNoLogs() if hasattr(self, "assertNoLogs") else mock.MagicMock():
            self.assertFalse(client.capture("e", "u"))
        self.assertEqual(client.stats()["refused_filtered"], 1)

    def test_one_that_fails_drops_the_event(self) -> None:
        client = self.client(before_send=lambda event: 1 / 0)
        with self.assertLogs("libposthog", logging.WARNING) as logged:
            self.assertFalse(client.capture("e", "u"))
        self.assertIn("ZeroDivisionError", logged.output[0])
        self.assertEqual(self.captured(client), [])

    def test_what_it_returns_may_be_nonsense(self) -> None:
        for nonsense in (5, {}, {"event": "", "distinct_id": "u", "properties": {}}):
            with self.subTest(nonsense), self.assertLogs("libposthog", logging.WARNING):
                client = self.client(before_send=lambda event, answer=nonsense: answer)
                self.assertFalse(client.capture("e", "u"))

    def test_calling_back_does_not_hang(self) -> None:
        inside: list[Any] = []
        client: Client

        def hook(event: Event) -> Event:
            inside.append((client.capture("inner", "u"), client.stats()["accepted"]))
            return event

        client = self.client(before_send=hook)
        self.assertTrue(client.capture("outer", "u"))
        self.assertEqual(inside, [(False, 0)])
        self.assertEqual([e["event"] for e in self.captured(client)], ["outer"])


class Delivery(ReceiverTest):
    def test_it_is_told_of_each_batch(self) -> None:
        told: list[Any] = []
        client = self.client(on_delivery=lambda outcome, events: told.append((outcome, events)))
        client.capture("e", "u")
        client.capture("e", "u")
        self.assertTrue(client.flush())
        self.receiver.post("/__script", [{"path": "/batch/", "status": 401}])
        client.capture("e", "u")
        self.assertFalse(client.flush())
        self.assertEqual(told, [("delivered", 2), ("failed", 1)])

    def test_one_that_fails_harms_nothing(self) -> None:
        client = self.client(on_delivery=lambda outcome, events: 1 / 0)
        with self.assertLogs("libposthog", logging.WARNING):
            client.capture("e", "u")
            self.assertTrue(client.flush())
        self.assertEqual(client.stats()["delivered"], 1)


class Logging(ReceiverTest):
    def test_the_library_s_lines_are_records(self) -> None:
        self.receiver.post("/__script", [{"path": "/batch/", "times": 1, "status": 401}])
        with self.assertLogs("libposthog", logging.DEBUG) as logged:
            client = self.client()
            client.capture("e", "u")
            client.flush()
        levels = {record.levelno for record in logged.records}
        self.assertIn(logging.ERROR, levels)
        threads = {record.threadName for record in logged.records}
        self.assertGreater(len(threads), 1, "the sender's thread has told something itself")

    def test_a_handler_that_captures_does_not_loop(self) -> None:
        client = self.client()

        class Handler(logging.Handler):
            calls = 0

            def emit(self, record: logging.LogRecord) -> None:
                Handler.calls += 1
                client.capture("log", "u", {"line": record.getMessage()})

        handler = Handler(logging.DEBUG)
        logger = logging.getLogger("libposthog")
        logger.addHandler(handler)
        self.addCleanup(logger.removeHandler, handler)
        client.capture("e", "")
        eventually(lambda: Handler.calls > 0)
        self.assertTrue(client.flush())
        self.assertLess(Handler.calls, 50)

    def test_nothing_is_printed_unless_logging_is_configured(self) -> None:
        done = self.run_program(
            """
            import sys
            from libposthog import Client
            with Client("phc_x", host="http://127.0.0.1:9", max_retries=0) as client:
                client.capture("e", "")
                client.capture("e", "u")
            with Client() as client:
                client.capture("e", "u")
            """
        )
        self.assertEqual((done.stdout, done.stderr), ("", ""))


class Interruption(ReceiverTest):
    def test_a_signal_ends_a_wait_without_a_limit(self) -> None:
        done = self.run_program(
            """
            import os, signal, sys, threading, time
            from libposthog import Client
            client = Client("phc_x", host="http://127.0.0.1:9", exit_timeout=0.1)
            client.capture("e", "u")
            # Whoever runs the tests in the background may have them ignore it.
            signal.signal(signal.SIGINT, signal.default_int_handler)
            def stop():
                time.sleep(0.5)
                os.kill(os.getpid(), signal.SIGINT)
            threading.Thread(target=stop).start()
            try:
                client.flush(None)
            except KeyboardInterrupt:
                print("interrupted")
            """
        )
        self.assertEqual(done.stdout, "interrupted\n")


if __name__ == "__main__":
    unittest.main()

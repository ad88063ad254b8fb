"""Captures, and everything else that becomes an event."""

from __future__ import annotations

import gc
import logging
import threading
import unittest
import weakref
from datetime import datetime, timezone
from typing import Any
from uuid import UUID

from support import ReceiverTest

from libposthog import Client

UUID_TEXT = "0190a6e0-7c3b-7def-8123-456789abcdef"


class Capture(ReceiverTest):
    def test_an_event_arrives_as_it_was_captured(self) -> None:
        client = self.client()
        properties = {"plan": "pro", "amount": 4999, "items": [{"sku": "tea"}], "none": None}
        self.assertTrue(client.capture("order placed", "user_42", properties))
        (event,) = self.captured(client)
        self.assertEqual(event["event"], "order placed")
        self.assertEqual(event["distinct_id"], "user_42")
        self.assertEqual(event["properties"], properties)
        UUID(event["uuid"])

    def test_it_says_which_library_it_is(self) -> None:
        client = self.client()
        client.capture("e", "u")
        client.flush()
        (event,) = self.receiver.events()
        self.assertEqual(event["properties"]["$lib"], "libposthog-python")

    def test_ids_may_be_numbers_and_uuids(self) -> None:
        client = self.client()
        for distinct_id in (42, UUID(UUID_TEXT)):
            self.assertTrue(client.capture("e", distinct_id))
        ids = [event["distinct_id"] for event in self.captured(client)]
        self.assertEqual(ids, ["42", UUID_TEXT])

    def test_everything_that_an_event_can_carry(self) -> None:
        client = self.client(group_indices={"company": 2})
        self.assertTrue(
            client.capture(
                "order delivered",
                "user_42",
                {"rate": float("nan")},
                uuid=UUID(UUID_TEXT),
                timestamp=datetime(2026, 11, 20, 10, tzinfo=timezone.utc),
                groups={"company": "acme"},
                set={"plan": "pro"},
                set_once={"since": datetime(2026, 1, 2)},
                process_person_profile=False,
            )
        )
        (event,) = self.captured(client)
        self.assertEqual(event["uuid"], UUID_TEXT)
        self.assertEqual(event["timestamp"], "2026-11-20T10:00:00Z")
        self.assertEqual(
            event["properties"],
            {
                "rate": None,
                "$groups": {"company": "acme"},
                "$group_2": "acme",
                "$set": {"plan": "pro"},
                "$set_once": {"since": "2026-01-02T00:00:00"},
                "$process_person_profile": False,
            },
        )
        self.assertEqual(client.stats()["repaired_values"], 1)

    def test_the_ai_lane_has_requests_of_its_own(self) -> None:
        client = self.client(protocol="v0")
        self.assertTrue(client.capture_ai("$ai_generation", "u", {"$ai_model": "m"}))
        self.assertTrue(client.capture_ai("$ai_span", "u", uuid=UUID_TEXT))
        self.assertTrue(client.flush())
        (request,) = self.receiver.requests("/i/v0/ai/batch/")
        self.assertEqual(len(request["json"]["batch"]), 2)

    def test_an_immediate_capture_knows_what_became_of_it(self) -> None:
        client = self.client()
        self.assertTrue(client.capture_immediate("e", "u", {"a": 1}))
        self.assertEqual(len(self.receiver.events()), 1)
        self.receiver.post("/__script", [{"path": "/", "status": 400}])
        with self.assertLogs("libposthog", logging.WARNING):
            self.assertFalse(client.capture_immediate("e", "u"))
        self.receiver.post("/__script", [{"path": "/", "hang": "body"}])
        with self.assertLogs("libposthog", logging.WARNING):
            self.assertFalse(client.capture_immediate("e", "u", timeout=0.1))

    def test_options_of_v1(self) -> None:
        client = self.client(protocol="v1")
        client.capture("e", "u", options={"cookieless_mode": True, "novel": 1})
        self.assertTrue(client.flush())
        (request,) = self.receiver.requests("/i/v1/")
        (event,) = request["json"]["batch"]
        self.assertEqual(event["options"], {"cookieless_mode": True, "novel": 1})

    def test_persons_and_groups(self) -> None:
        client = self.client()
        self.assertTrue(client.identify("u", {"a": 1}, {"b": 2}))
        self.assertTrue(client.alias("u", "v"))
        self.assertTrue(client.group_identify("company", "acme", {"size": 3}))
        self.assertTrue(client.group_identify("company", "acme", distinct_id="u"))
        events = self.captured(client)
        self.assertEqual(events[0]["properties"], {"$set": {"a": 1}, "$set_once": {"b": 2}})
        self.assertEqual(events[1]["properties"], {"distinct_id": "u", "alias": "v"})
        self.assertEqual(events[2]["properties"]["$group_set"], {"size": 3})
        self.assertEqual([e["distinct_id"] for e in events[2:]], ["$company_acme", "u"])

    def test_super_properties(self) -> None:
        client = self.client()
        self.assertTrue(client.register({"version": 1, "gone": 1}))
        self.assertTrue(client.register_once({"version": 2, "first": True}))
        self.assertTrue(client.unregister("gone"))
        client.capture("e", "u", {"own": 1})
        (event,) = self.captured(client)
        self.assertEqual(event["properties"], {"own": 1, "version": 1, "first": True})

    def test_drained_events_are_not_sent(self) -> None:
        client = self.client()
        for number in range(3):
            client.capture("e", "u", {"n": number})
        self.assertEqual([e["properties"]["n"] for e in client.drain(2)], [0, 1])
        self.assertEqual(len(client.drain()), 1)
        self.assertEqual(client.drain(), [])
        self.assertEqual(self.captured(client), [])
        self.assertEqual(client.stats()["drained"], 3)

    def test_an_opted_out_client_does_nothing(self) -> None:
        client = self.client()
        client.opt_out()
        self.assertTrue(client.is_opted_out)
        self.assertTrue(client.capture("e", "u"))
        client.opt_in()
        self.assertTrue(client.capture("after", "u"))
        self.assertEqual([e["event"] for e in self.captured(client)], ["after"])

    def test_threads_may_capture_at_once(self) -> None:
        client = self.client()

        def capture(thread: int) -> None:
            for number in range(500):
                self.assertTrue(client.capture("e", f"user_{thread}", {"n": number}))

        threads = [threading.Thread(target=capture, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        events = self.captured(client)
        self.assertEqual(len({event["uuid"] for event in events}), 4000)
        for n in range(8):
            own = [e["properties"]["n"] for e in events if e["distinct_id"] == f"user_{n}"]
            self.assertEqual(own, list(range(500)))


class Broken:
    def __str__(self) -> str:
        raise RuntimeError("no")


class BadInput(ReceiverTest):
    """Nothing raises, everything is counted, and the event after it still arrives."""

    def assert_refused(self, reason: str, call: Any) -> None:
        client = self.client()
        with self.assertLogs("libposthog", logging.WARNING) as logged:
            self.assertIs(call(client), False)
        self.assertEqual(len(logged.records), 1)
        stats = client.stats()
        self.assertEqual(stats["accepted"], 0)
        self.assertEqual(
            {name: n for name, n in stats.items() if name.startswith("refused") and n},
            {f"refused_{reason}": 1},
        )
        self.assertTrue(client.capture("after", "u"))
        self.assertEqual([event["event"] for event in self.captured(client)], ["after"])
        self.receiver.clear()

    def test_what_is_refused(self) -> None:
        bad: Any = None
        for reason, call in (
            ("empty", lambda client: client.capture("e", bad)),
            ("empty", lambda client: client.capture(bad, "u")),
            ("empty", lambda client: client.capture("e", bad, uuid=UUID_TEXT)),
            ("null", lambda client: client.identify(bad)),
            ("empty", lambda client: client.capture("e", Broken())),
            ("empty", lambda client: client.capture("e", "")),
            ("empty", lambda client: client.capture("  ", "u")),
            ("empty", lambda client: client.alias("u", " ")),
            ("utf8", lambda client: client.capture("e", "\ud800")),
            ("utf8", lambda client: client.capture("e", "a\0b")),
            ("utf8", lambda client: client.identify("a\0b")),
            ("json", lambda client: client.capture("e", "u", [1])),
            ("json", lambda client: client.capture("e", "u", 5)),
            ("json", lambda client: client.capture("e", "u", "text")),
            ("json", lambda client: client.capture("e", "u", uuid="nonsense")),
            ("json", lambda client: client.capture("e", "u", timestamp="yesterday")),
            ("json", lambda client: client.capture("e", "u", timestamp=datetime.min)),
            ("json", lambda client: client.capture("e", "u", groups={"company": ""})),
            ("json", lambda client: client.capture("e", "u", set=[1])),
            ("too_large", lambda client: client.capture("e", "u", {"a": "x" * 2_000_000})),
        ):
            with self.subTest(reason=reason, call=call):
                self.assert_refused(reason, call)

    def test_what_is_repaired(self) -> None:
        client = self.client()
        odd: Any = {"surrogate": "a\ud800b", "nul": "a\0b", "nan": float("nan"), (1, 2): Broken()}
        self.assertTrue(client.capture("e", "u", odd))
        (event,) = self.captured(client)
        properties = event["properties"]
        self.assertEqual(properties["nul"], "a\ufffdb")
        self.assertRegex(properties["surrogate"], "^a\ufffd+b$")
        self.assertIsNone(properties["nan"])
        self.assertEqual(properties["(1, 2)"], "<Broken>")

    def test_the_log_is_told_of_a_reason_once(self) -> None:
        client = self.client()
        with self.assertLogs("libposthog", logging.WARNING) as logged:
            for _ in range(100):
                client.capture("e", "")
        self.assertEqual(len(logged.records), 1)
        self.assertEqual(client.stats()["refused_empty"], 100)

    def test_after_shutdown(self) -> None:
        client = self.client()
        self.assertTrue(client.shutdown())
        self.assertTrue(client.shutdown())
        with self.assertLogs("libposthog", logging.WARNING):
            self.assertFalse(client.capture("e", "u"))
        self.assertEqual(client.stats()["refused_shutdown"], 1)
        self.assertFalse(client.feature_enabled("flag", "u"))
        self.assertIsNotNone(client.evaluate_flags("u").error)


class Disabled(unittest.TestCase):
    def test_without_a_key_everything_succeeds_and_does_nothing(self) -> None:
        for client in (Client(), Client(""), Client("phc_x", disabled=True)):
            with client:
                self.assertTrue(client.capture("e", "u", {"a": 1}))
                self.assertTrue(client.capture("e", "u", uuid=UUID_TEXT))
                self.assertTrue(client.identify("u", {"a": 1}))
                self.assertTrue(client.feature_enabled("f", "u", fallback=True))
                self.assertEqual(len(client.evaluate_flags("u")), 0)
                self.assertTrue(client.flush())
            self.assertFalse(any(client.stats().values()))


class Life(ReceiverTest):
    def test_a_with_statement_delivers(self) -> None:
        with Client("phc_test", host=self.receiver.url) as client:
            client.capture("e", "u")
        self.assertEqual(len(self.receiver.events()), 1)

    def test_a_client_that_was_shut_down_is_freed(self) -> None:
        client = self.client()
        client.shutdown()
        gone = weakref.ref(client)
        del client
        self.doCleanups()
        gc.collect()
        self.assertIsNone(gone())

    def test_a_client_that_was_not_is_kept_for_its_events(self) -> None:
        client = Client("phc_test", host=self.receiver.url)
        kept = weakref.ref(client)
        client.capture("e", "u")
        del client
        gc.collect()
        still = kept()
        assert still is not None
        self.assertTrue(still.shutdown())
        self.assertEqual(len(self.receiver.events()), 1)

    def test_a_flush_that_takes_too_long_says_so(self) -> None:
        self.receiver.post("/__script", [{"path": "/batch/", "hang": "body"}])
        client = self.client()
        client.capture("e", "u")
        with self.assertLogs("libposthog", logging.WARNING):
            self.assertFalse(client.flush(0.1))
        with self.assertLogs("libposthog", logging.WARNING):
            self.assertFalse(client.shutdown(0.1))
        self.assertEqual(client.stats()["dropped_shutdown"], 1)


if __name__ == "__main__":
    unittest.main()

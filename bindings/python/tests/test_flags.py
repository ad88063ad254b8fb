"""Feature flags."""

from __future__ import annotations

import json
import unittest
from typing import Any

from support import ReceiverTest

from libposthog import Flags

FLAGS = {
    "on": True,
    "off": False,
    "colour": "red",
    "paid": {"enabled": True, "variant": "v", "payload": {"price": 5}},
}

# One that is decided here, and one that cannot be.
DEFINITIONS = {
    "flags": [
        {
            "id": 1,
            "key": "here",
            "active": True,
            "version": 3,
            "filters": {"groups": [{"properties": [], "rollout_percentage": 100}]},
        },
        {
            "id": 2,
            "key": "elsewhere",
            "active": True,
            "filters": {
                "groups": [
                    {
                        "properties": [{"key": "plan", "value": "pro", "type": "person"}],
                        "rollout_percentage": 100,
                    }
                ]
            },
        },
    ],
    "group_type_mapping": {},
    "cohorts": {},
}


class FlagReads(ReceiverTest):
    def setUp(self) -> None:
        super().setUp()
        self.receiver.post("/__flags", FLAGS)

    def test_a_snapshot(self) -> None:
        flags = self.client().evaluate_flags("u")
        self.assertIsNone(flags.error)
        self.assertEqual(list(flags), ["colour", "off", "on", "paid"])
        self.assertEqual(len(flags), 4)
        self.assertEqual(flags.get("colour"), "red")
        self.assertIs(flags.get("on"), True)
        self.assertIs(flags.get("off"), False)
        self.assertEqual(flags.variant("colour"), "red")
        self.assertIsNone(flags.variant("on"))
        self.assertEqual(flags.payload("paid"), {"price": 5})
        self.assertIsNone(flags.payload("on"))
        self.assertTrue(flags.is_enabled("on"))
        self.assertFalse(flags.is_enabled("off", fallback=True))
        self.assertIn("colour='red'", repr(flags))

    def test_what_is_not_known_answers_the_fallback(self) -> None:
        flags = self.client().evaluate_flags("u")
        odd: Any = 5
        for key in ("missing", "", "a\0b", "\ud800"):
            with self.subTest(key):
                self.assertNotIn(key, flags)
                self.assertTrue(flags.is_enabled(key, fallback=True))
                self.assertEqual(flags.get(key, "fallback"), "fallback")
                self.assertIsNone(flags.payload(key))
                self.assertIsNone(flags.reason(key))
        self.assertNotIn(odd, flags)

    def test_feature_enabled_asks_once_and_remembers(self) -> None:
        client = self.client()
        self.assertTrue(client.feature_enabled("on", "u"))
        self.assertFalse(client.feature_enabled("off", "u", fallback=True))
        self.assertTrue(client.feature_enabled("missing", "u", fallback=True))
        self.assertTrue(client.feature_enabled("colour", 42))
        self.assertEqual(len(self.receiver.requests("/flags")), 2)

    def test_everything_about_an_evaluation_is_in_the_request(self) -> None:
        client = self.client()
        client.evaluate_flags(
            "u",
            groups={"company": "acme"},
            person_properties={"plan": "pro"},
            group_properties={"company": {"size": 3}},
            device_id="device_7",
            flag_keys=["on", "colour"],
            evaluation_contexts=["backend"],
            disable_geoip=False,
        )
        (request,) = self.receiver.requests("/flags")
        body = request["json"]
        self.assertEqual(body["groups"], {"company": "acme"})
        self.assertEqual(body["person_properties"]["plan"], "pro")
        self.assertEqual(body["group_properties"]["company"]["size"], 3)
        self.assertEqual(sorted(body["flag_keys_to_evaluate"]), ["colour", "on"])
        self.assertEqual(body["evaluation_contexts"], ["backend"])
        self.assertIs(body["geoip_disable"], False)
        self.assertIn("device_7", json.dumps(body))

    def test_a_failure_raises_nothing(self) -> None:
        self.receiver.post("/__script", [{"path": "/flags/", "status": 500, "body": ""}])
        client = self.client()
        flags = client.evaluate_flags("u", timeout=2)
        self.assertIsNotNone(flags.error)
        self.assertTrue(flags.is_enabled("on", fallback=True))
        self.assertEqual(len(flags), 0)
        self.assertTrue(client.feature_enabled("on", "u", fallback=True))

    def test_bad_input_raises_nothing(self) -> None:
        client = self.client()
        odd: Any = None
        for distinct_id in (odd, "", "a\0b"):
            with self.subTest(distinct_id):
                self.assertTrue(client.feature_enabled("on", distinct_id, fallback=True))
                self.assertIsNotNone(client.evaluate_flags(distinct_id).error)
        self.assertIsNotNone(client.evaluate_flags("u", groups={"": "x"}).error)
        for name in (odd, "a\0b", "\ud800"):
            self.assertIsNotNone(client.evaluate_flags("u", groups={"company": name}).error)
            self.assertIsNotNone(client.evaluate_flags("u", flag_keys=[name]).error)
        unknown: Any = {"group": "acme"}
        with self.assertLogs("libposthog"):
            self.assertIsNotNone(client.evaluate_flags("u", **unknown).error)
        self.assertTrue(client.evaluate_flags("u").is_enabled("on"))

    def test_the_values_of_a_snapshot_are_put_on_an_event(self) -> None:
        client = self.client()
        client.capture("e", "u", {"a": 1}, flags=client.evaluate_flags("u"))
        event = [e for e in self.captured(client) if e["event"] == "e"][0]
        self.assertEqual(event["properties"]["$feature/colour"], "red")
        self.assertEqual(
            sorted(event["properties"]["$active_feature_flags"]), ["colour", "on", "paid"]
        )

    def test_a_snapshot_outlives_its_client(self) -> None:
        client = self.client()
        flags = client.evaluate_flags("u")
        client.shutdown()
        del client
        self.assertTrue(flags.is_enabled("on"))

    def test_posthog_is_told_of_reads_unless_it_is_not_to_be(self) -> None:
        for options, told in (({}, 1), ({"flag_events": False}, 0)):
            with self.subTest(options):
                client = self.client(**options)
                self.assertTrue(client.feature_enabled("on", f"user_{told}"))
                names = [event["event"] for event in self.captured(client)]
                self.assertEqual(names, ["$feature_flag_called"] * told)
                self.receiver.clear()
        client = self.client()
        client.evaluate_flags("u", flag_events=False).is_enabled("on")
        self.assertEqual(self.captured(client), [])

    def test_overrides_and_bootstrap(self) -> None:
        client = self.client(flags_bootstrap={"early": "bird"}, flags_local_only=True)
        self.assertEqual(client.evaluate_flags("u").get("early"), "bird")
        client.override_flags({"early": False, "forced": "x"})
        flags = client.evaluate_flags("u")
        self.assertIs(flags.get("early"), False)
        self.assertEqual((flags.get("forced"), flags.source("forced")), ("x", "override"))
        client.override_flags(None)
        self.assertEqual(client.evaluate_flags("u").get("early"), "bird")
        self.assertEqual(self.receiver.requests("/flags"), [])

    def test_a_recalled_snapshot_asks_once_and_remembers(self) -> None:
        client = self.client()
        for _ in range(3):
            flags = client.recall_flags("u", groups={"company": "acme"})
            self.assertEqual(flags.variant("colour"), "red")
        self.assertTrue(client.feature_enabled("on", "u", groups={"company": "acme"}))
        self.assertEqual(len(self.receiver.requests("/flags")), 1)
        self.assertIsNotNone(client.recall_flags("").error)
        self.assertIsNotNone(self.client(flags_timeout=0).recall_flags("u").error)

    def test_properties_that_posthog_does_not_know_yet(self) -> None:
        client = self.client()

        def asked() -> dict[str, Any]:
            self.receiver.clear()
            client.evaluate_flags("u", groups={"company": "acme"})
            (request,) = self.receiver.requests("/flags")
            body: dict[str, Any] = request["json"]
            return body

        self.assertTrue(client.set_person_properties_for_flags("u", {"plan": "pro"}))
        self.assertTrue(client.set_group_properties_for_flags("company", "acme", {"size": 3}))
        body = asked()
        self.assertEqual(body["person_properties"]["plan"], "pro")
        self.assertEqual(body["group_properties"]["company"]["size"], 3)
        self.assertTrue(client.reset_person_properties_for_flags("u"))
        self.assertTrue(client.reset_group_properties_for_flags("company", "acme"))
        body = asked()
        self.assertNotIn("plan", body.get("person_properties", {}))
        self.assertNotIn("size", body.get("group_properties", {}).get("company", {}))
        with self.assertLogs("libposthog"):
            self.assertFalse(client.set_person_properties_for_flags("", {"plan": "pro"}))
        with self.assertLogs("libposthog"):
            self.assertFalse(client.reset_person_properties_for_flags("a\0b"))

    def test_a_snapshot_of_some(self) -> None:
        flags = self.client().evaluate_flags("u").only("on", "colour", "missing")
        self.assertEqual(list(flags), ["colour", "on"])
        self.assertEqual(list(flags.only()), [])

    def test_what_is_known_of_a_flag(self) -> None:
        client = self.client(secret_key="phx_secret")
        self.receiver.post("/__definitions", DEFINITIONS)
        self.assertTrue(client.wait_for_flags())
        self.assertTrue(client.refresh_flags())
        self.assertEqual(len(self.receiver.requests("/flags/definitions")), 2)
        local = client.evaluate_flags("u", local_only=True)
        self.assertEqual((local.id("here"), local.version("here")), (1, 3))
        self.assertEqual(json.loads(client.save_definitions() or ""), DEFINITIONS)
        self.assertEqual(list(local.unknown()), ["elsewhere"])

        remote = self.client().evaluate_flags("u")
        self.assertTrue(remote.request_id)
        self.assertLess(remote.age("on") or 0, 60)
        self.assertIsNone(remote.age("missing"))
        self.assertIsNone(remote.id("missing"))
        self.assertIsNone(remote.version("missing"))
        self.assertEqual(remote.payload_text("paid"), '{"price":5}')
        self.assertEqual(list(remote.only_accessed()), [])
        remote.is_enabled("on")
        self.assertEqual(list(remote.only_accessed()), ["on"])

    def test_none_at_all(self) -> None:
        flags = Flags(None)
        self.assertEqual(list(flags), [])
        self.assertEqual(repr(flags), "<Flags none known>")


if __name__ == "__main__":
    unittest.main()

"""The conformance vectors: tests/vectors/README.md says what they are."""

from __future__ import annotations

import json
import unittest
import urllib.error
from typing import Any

from support import ROOT, ReceiverTest

from libposthog import Client, Flags

VECTORS = sorted((ROOT / "tests" / "vectors").glob("*.json"))


class Vectors(ReceiverTest):
    # Of the last evaluation.
    flags: Flags

    def take(self, client: Client, step: dict[str, Any]) -> bool:
        """One step: whether the call was accepted. Keys that are absent are not passed on."""
        given = {key: value for key, value in step.items() if key not in ("do", "refused")}
        do = step["do"]
        if do == "capture_exception":
            kind = type(given.pop("type"), (Exception,), {})
            return client.capture_exception(kind(given.pop("message")), **given)
        if do == "evaluate_flags":
            reads = given.pop("reads")
            self.flags = client.evaluate_flags(timeout=10, **given)
            for key, value in reads:
                self.assertEqual(self.flags.get(key), value, key)
            return self.flags.error is None
        if do == "flag_enabled":
            answer = given.pop("answer")
            self.assertIs(client.feature_enabled(**given), answer)
            return True
        if given.pop("with_flags", False):
            given["flags"] = self.flags
        # None is what they answer that have nothing to refuse.
        return getattr(client, do)(**given) is not False

    def replay(self, vector: dict[str, Any], protocol: Any) -> None:
        options = dict(vector.get("options", {}))
        if "deny" in options:
            options["deny_properties"] = options.pop("deny")
        if "geoip_disable" in options:
            options["disable_geoip"] = options.pop("geoip_disable")
        with Client("phc_test", host=self.receiver.url, protocol=protocol, **options) as client:
            for number, step in enumerate(vector["steps"]):
                with self.subTest(step=number):
                    self.assertIs(self.take(client, step), "refused" not in step)
            self.assertTrue(client.flush())

    def test_each(self) -> None:
        self.assertGreater(len(VECTORS), 5)
        for path in VECTORS:
            vector = json.loads(path.read_text())
            for protocol in ("v0", "v1"):
                with self.subTest(path.name, protocol=protocol):
                    self.receiver.clear()
                    self.receiver.post("/__flags", vector.get("flags", {}))
                    self.replay(vector, protocol)
                    self.expect(vector, protocol)

    def expect(self, vector: dict[str, Any], protocol: str) -> None:
        try:
            self.receiver.post(f"/__expect?protocol={protocol}", vector)
        except urllib.error.HTTPError as error:
            with error:
                self.fail(error.read().decode())


if __name__ == "__main__":
    unittest.main()

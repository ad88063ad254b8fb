"""The conformance vectors: tests/vectors/README.md says what they are."""

from __future__ import annotations

import json
import unittest
import urllib.error
from typing import Any

from support import ROOT, ReceiverTest

from libposthog import Client

VECTORS = sorted((ROOT / "tests" / "vectors").glob("*.json"))


def take(client: Client, step: dict[str, Any]) -> bool:
    """One step: whether the call was accepted. Keys that are absent are not passed on."""
    given = {key: value for key, value in step.items() if key not in ("do", "refused")}
    do = step["do"]
    if do == "capture_exception":
        kind = type(given.pop("type"), (Exception,), {})
        return client.capture_exception(kind(given.pop("message")), **given)
    # What is not given at all: in Python there is no call without it.
    for key in {"capture": ("event", "distinct_id"), "identify": ("distinct_id",)}.get(do, ()):
        given.setdefault(key, None)
    accepted: bool = getattr(client, do)(**given)
    return accepted


class Vectors(ReceiverTest):
    def replay(self, vector: dict[str, Any], protocol: Any) -> None:
        options = dict(vector.get("options", {}))
        if "deny" in options:
            options["deny_properties"] = options.pop("deny")
        if "geoip_disable" in options:
            options["disable_geoip"] = options.pop("geoip_disable")
        with Client("phc_test", host=self.receiver.url, protocol=protocol, **options) as client:
            for number, step in enumerate(vector["steps"]):
                with self.subTest(step=number):
                    self.assertIs(take(client, step), "refused" not in step)
            self.assertTrue(client.flush())

    def test_each(self) -> None:
        self.assertGreater(len(VECTORS), 5)
        for path in VECTORS:
            vector = json.loads(path.read_text())
            for protocol in ("v0", "v1"):
                with self.subTest(path.name, protocol=protocol):
                    self.receiver.clear()
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

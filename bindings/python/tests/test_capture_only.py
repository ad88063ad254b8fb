"""What the library offers to the tests of programs that use it."""

from __future__ import annotations

import unittest

from libposthog import Client


def place_order(client: Client) -> None:
    client.capture("order placed", "user_42", {"amount": 4999})


class CaptureOnly(unittest.TestCase):
    def test_of_a_program(self) -> None:
        """The one that the README shows, as it stands there."""
        client = Client("phc_test", capture_only=True, deterministic=(1_700_000_000, 42))
        place_order(client)
        (event,) = client.drain()
        assert event["event"] == "order placed"
        assert event["timestamp"] == "2023-11-14T22:13:20.000Z"

        self.assertEqual(event["uuid"], "018bcfe5-6800-7000-8000-00000540000a")
        self.assertTrue(client.shutdown())
        self.assertEqual(client.stats()["drained"], 1)


if __name__ == "__main__":
    unittest.main()

"""Clients by the thousand, and distinct ids by the million: threads and memory stay the same."""

from __future__ import annotations

import gc
import os
import time
import unittest
from pathlib import Path

from support import ReceiverTest

from libposthog import Client

STATUS = Path("/proc/self/status")
LIVES = 10_000
IDS = 1_000_000


def figure(name: str) -> int:
    for line in STATUS.read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1])
    raise AssertionError(name)


def threads() -> int:
    """How many there are, once those that are about to end have ended."""
    counts = []
    for _ in range(50):
        counts.append(figure("Threads"))
        time.sleep(0.01)
    return min(counts)


@unittest.skipUnless(STATUS.exists(), "needs Linux's /proc")
@unittest.skipUnless(os.environ.get("ENDURANCE"), "set ENDURANCE=1: takes a minute")
class Endurance(ReceiverTest):
    receiver_options = ("--sink",)

    def setUp(self) -> None:
        pass

    def assert_flat(self, kibibytes: int, before: int, grown_max: int) -> None:
        gc.collect()
        self.assertEqual(threads(), before)
        self.assertLess(figure("VmRSS") - kibibytes, grown_max)

    def test_many_lives(self) -> None:
        def live(times: int) -> None:
            for number in range(times):
                with Client("phc_x", host=self.receiver.url) as client:
                    self.assertTrue(client.capture("e", f"user_{number}", {"n": number}))

        live(LIVES // 10)
        gc.collect()
        before, running = figure("VmRSS"), threads()
        live(LIVES)
        self.assert_flat(before, running, 8 * 1024)

    def test_many_ids(self) -> None:
        # A full queue is waited for: nothing is refused.
        client = self.client(overflow="block", block_timeout=60)

        def capture(begin: int, end: int) -> None:
            for number in range(begin, end):
                if not client.capture("e", f"user_{number}", {"n": number}):
                    self.fail("an event was refused")
            self.assertTrue(client.flush(60))

        capture(0, IDS // 10)
        before, running = figure("VmRSS"), threads()
        capture(IDS // 10, IDS)
        self.assert_flat(before, running, 8 * 1024)
        self.assertEqual(client.stats()["delivered"], IDS)


if __name__ == "__main__":
    unittest.main()

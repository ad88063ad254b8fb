"""asyncio: nothing blocks the loop for longer than a capture."""

from __future__ import annotations

import asyncio
import time
import unittest
from collections.abc import Awaitable
from typing import Any

from support import ReceiverTest

from libposthog import Client


async def longest_pause(work: Awaitable[Any]) -> float:
    """For how long the loop did not come back while something was awaited."""
    pauses: list[float] = [0.0]

    async def watch() -> None:
        while True:
            before = time.monotonic()
            await asyncio.sleep(0.005)
            pauses.append(time.monotonic() - before)

    watcher = asyncio.ensure_future(watch())
    await work
    watcher.cancel()
    return max(pauses)


class Async(ReceiverTest):
    def test_the_awaitable_forms_answer_as_the_others(self) -> None:
        self.receiver.post("/__flags", {"on": True})

        async def run() -> None:
            async with Client("phc_x", host=self.receiver.url) as client:
                self.assertTrue(client.capture("e", "u"))
                self.assertTrue(await client.aflush())
                self.assertTrue(await client.afeature_enabled("on", "u"))
                self.assertTrue(await client.afeature_enabled("off", "u", fallback=True))
                flags = await client.aevaluate_flags("u", flag_keys=["on"])
                self.assertEqual(list(flags), ["on"])
                self.assertTrue((await client.arecall_flags("u")).is_enabled("on"))
                self.assertTrue(await client.acapture_immediate("now", "u"))
                client.capture("last", "u")
                self.assertTrue(await client.ashutdown())
            self.assertFalse(client.capture("e", "u"))

        asyncio.run(run())
        names = [event["event"] for event in self.receiver.events()]
        self.assertEqual([name for name in names if name[0] != "$"], ["e", "now", "last"])

    def test_a_slow_server_does_not_hold_the_loop(self) -> None:
        self.receiver.post("/__script", [{"path": "/", "delay_ms": 1500}])
        client = self.client()

        async def run() -> None:
            client.capture("e", "u")
            for wait in (
                client.aflush(),
                client.afeature_enabled("on", "u"),
                client.aevaluate_flags("v"),
            ):
                begun = time.monotonic()
                pause = await longest_pause(wait)
                self.assertGreater(time.monotonic() - begun, 1.0)
                self.assertLess(pause, 1.0)

        asyncio.run(run())

    def test_a_capture_waits_for_nothing(self) -> None:
        self.receiver.post("/__script", [{"path": "/", "hang": "body"}])
        client = self.client(queue_max_events=50_000)

        async def run() -> None:
            async def capture() -> None:
                for number in range(20_000):
                    client.capture("e", "u", {"n": number})
                    if number % 100 == 0:
                        await asyncio.sleep(0)

            self.assertLess(await longest_pause(capture()), 1.0)

        asyncio.run(run())


if __name__ == "__main__":
    unittest.main()

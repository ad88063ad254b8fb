"""The local stand-in for PostHog, and programs that run in a process of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import textwrap
import time
import unittest
import urllib.request
from pathlib import Path
from typing import Any

from libposthog import Client

ROOT = Path(__file__).resolve().parents[3]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
PROGRAM = TARGET / "debug" / "posthog-receiver"
WAIT_SECONDS = 30.0

# A proxy of the developer's is not to stand between.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Receiver:
    """``posthog-receiver`` on a port of its own; it ends with its standard input."""

    def __init__(self, *options: str) -> None:
        with tempfile.TemporaryDirectory() as folder:
            port = Path(folder) / "port"
            self.process = subprocess.Popen(
                [str(PROGRAM), "--quiet", "--port-file", str(port), *options],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
            )
            eventually(lambda: port.exists() and port.read_text().strip())
            self.url = f"http://127.0.0.1:{port.read_text().strip()}"

    def stop(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(WAIT_SECONDS)

    def get(self, path: str) -> Any:
        with _opener.open(self.url + path, None, WAIT_SECONDS) as answer:
            return json.load(answer)

    def post(self, path: str, body: Any = None) -> Any:
        with _opener.open(self.url + path, json.dumps(body).encode(), WAIT_SECONDS) as answer:
            return json.load(answer)

    def clear(self) -> None:
        self.post("/__clear")
        self.post("/__script", [])

    def events(self) -> list[dict[str, Any]]:
        events: list[dict[str, Any]] = self.get("/__events")
        return events

    def requests(self, path: str = "/") -> list[dict[str, Any]]:
        return [each for each in self.get("/__requests") if each["path"].startswith(path)]

    def wait(self, events: int) -> list[dict[str, Any]]:
        """The events, once so many are there."""
        self.get(f"/__wait?events={events}&timeout_ms={int(WAIT_SECONDS * 1000)}")
        return self.events()


def eventually(condition: Any) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("what the test waits for did not happen")
        time.sleep(0.01)


class ReceiverTest(unittest.TestCase):
    """A test with a receiver, which it finds empty, and clients that it need not shut down."""

    receiver: Receiver
    receiver_options: tuple[str, ...] = ()

    @classmethod
    def setUpClass(cls) -> None:
        cls.receiver = Receiver(*cls.receiver_options)

    @classmethod
    def tearDownClass(cls) -> None:
        cls.receiver.stop()

    def setUp(self) -> None:
        self.receiver.clear()

    def client(self, **options: Any) -> Client:
        options.setdefault("host", self.receiver.url)
        # One place for everything, and no question which.
        options.setdefault("protocol", "v0")
        client = Client("phc_test", **options)
        self.addCleanup(client.shutdown, 0)
        return client

    def captured(self, client: Client) -> list[dict[str, Any]]:
        """What arrived, without the library's own properties."""
        self.assertTrue(client.flush())
        return [own(event) for event in self.receiver.events()]

    def run_program(
        self, source: str, *arguments: str, fails: bool = False, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Runs a program, whose first argument is the receiver's address."""
        done = run_python(source, self.receiver.url, *arguments, **environment)
        if fails == (done.returncode == 0):
            raise AssertionError(f"it ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done


STAMPS = {"$lib", "$lib_version", "$os", "$os_version", "$is_server", "$geoip_disable"}


def own(event: dict[str, Any]) -> dict[str, Any]:
    properties = event["properties"]
    event["properties"] = {key: properties[key] for key in properties if key not in STAMPS}
    return event


def run_python(
    source: str, *arguments: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    with tempfile.TemporaryDirectory() as folder:
        # A file, since that is what multiprocessing needs to start children afresh.
        program = Path(folder) / "program.py"
        program.write_text(textwrap.dedent(source))
        return subprocess.run(
            [sys.executable, str(program), *arguments],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=WAIT_SECONDS * 2,
        )

"""The end of the process, and forks, without a hook to remember."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request
from collections import Counter
from pathlib import Path

from support import ReceiverTest, eventually, run_python

FORKS = hasattr(os, "fork")

CLIENT = """
    import os, sys
    from libposthog import Client
    client = Client("phc_x", host=sys.argv[1])
    """


class End(ReceiverTest):
    def names(self) -> list[str]:
        return sorted(event["event"] for event in self.receiver.events())

    def test_the_end_of_the_process_delivers(self) -> None:
        self.run_program(CLIENT + 'client.capture("last", "u")')
        self.assertEqual(self.names(), ["last"])

    def test_so_do_an_exit_and_an_exception(self) -> None:
        self.run_program(CLIENT + 'client.capture("e", "u"); sys.exit(3)', fails=True)
        self.run_program(CLIENT + 'client.capture("e", "u"); raise ValueError', fails=True)
        self.assertEqual(self.names(), ["e", "e"])

    def test_handlers_and_threads_of_the_program_may_still_capture(self) -> None:
        self.run_program(
            CLIENT
            + """
    import atexit, threading, time
    atexit.register(lambda: client.capture("handler", "u"))
    def late():
        time.sleep(0.2)
        client.capture("thread", "u")
    threading.Thread(target=late).start()
    """
        )
        self.assertEqual(self.names(), ["handler", "thread"])

    def test_a_dead_server_does_not_hold_the_process(self) -> None:
        self.receiver.post("/__script", [{"path": "/", "hang": "body"}])
        begun = time.monotonic()
        self.run_program(
            """
            import sys
            from libposthog import Client
            Client("phc_x", host=sys.argv[1], exit_timeout=0.3).capture("e", "u")
            """
        )
        self.assertLess(time.monotonic() - begun, 10)


@unittest.skipUnless(sys.platform == "linux", "there is storage on Linux only")
class Storage(ReceiverTest):
    PROGRAM = """
    import ctypes, os, signal, sys
    from libposthog import Client
    client = Client("phc_x", host=sys.argv[1], storage_dir=sys.argv[2], crash_handler=True)
    assert client.set_crash_distinct_id("user_42")
    """

    def test_the_next_start_reports_what_the_last_one_died_of(self) -> None:
        for number, death in (
            (signal.SIGSEGV, "ctypes.string_at(0)"),
            (signal.SIGABRT, "import faulthandler; faulthandler.enable(); os.abort()"),
        ):
            with self.subTest(death), tempfile.TemporaryDirectory() as folder:
                self.receiver.clear()
                died = run_python(self.PROGRAM + death, self.receiver.url, folder)
                self.assertEqual(died.returncode, -number, died.stderr)
                self.assertEqual(self.receiver.events(), [])
                self.run_program(self.PROGRAM + "client.shutdown()", folder)
                (report,) = self.receiver.events()
                (exception,) = report["properties"]["$exception_list"]
                self.assertEqual(exception["type"], signal.Signals(number).name)
                self.assertEqual(exception["mechanism"]["type"], "signal")
                self.assertEqual(report["distinct_id"], "user_42")
                self.assertEqual(os.listdir(folder), [])

    def test_what_a_killed_process_captured_is_delivered_by_the_next(self) -> None:
        program = """
    import os, signal, sys, time
    from libposthog import Client
    options = dict(storage_dir=sys.argv[2], storage_max_bytes=2**20, storage_max_age=3600)
    options |= dict(storage_sync=True, flush_interval=3600)
    client = Client("phc_x", host=sys.argv[1], **options)
    """
        kills = """
    for number in range(3):
        assert client.capture("kept", "u", {"n": number})
    for _ in range(1000):
        names = [f"/proc/self/task/{task}/comm" for task in os.listdir("/proc/self/task")]
        if "posthog-sync\\n" in [open(name).read() for name in names]:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(0.01)
    """
        with tempfile.TemporaryDirectory() as folder:
            killed = run_python(program + kills, self.receiver.url, folder)
            self.assertEqual(killed.returncode, -signal.SIGKILL, killed.stderr)
            self.assertEqual(self.receiver.events(), [])
            ends = 'assert client.shutdown(); assert client.stats()["adopted"] == 3'
            self.run_program(program + ends, folder)
            numbers = [event["properties"]["n"] for event in self.receiver.events()]
            self.assertEqual(numbers, [0, 1, 2])
            self.assertEqual(os.listdir(folder), [])

    def test_it_needs_a_directory(self) -> None:
        client = self.client()
        with self.assertLogs("libposthog"):
            self.assertFalse(client.set_crash_distinct_id("user_42"))
        with self.assertRaises(ValueError):
            self.client(storage_dir="a\0b")


@unittest.skipUnless(FORKS, "there is no fork here")
class Fork(ReceiverTest):
    def assert_once(self, expected: int) -> None:
        """Each event arrived, and none twice."""
        events = self.receiver.wait(expected)
        self.assertEqual(len(events), expected)
        self.assertEqual(len({event["uuid"] for event in events}), expected)

    def test_os_fork(self) -> None:
        self.run_program(
            CLIENT
            + """
    client.register({"kept": True})
    for n in range(10):
        client.capture("parent", "u", {"n": n})
    children = []
    for child in range(5):
        pid = os.fork()
        if pid == 0:
            for n in range(10):
                assert client.capture("child", str(child), {"n": n})
            assert client.stats()["accepted"] == 10
            assert client.flush()
            # As a bare child should: without running its parent's atexit functions.
            os._exit(0)
        children.append(pid)
    for pid in children:
        assert os.waitpid(pid, 0)[1] == 0
    assert client.stats()["accepted"] == 10
    """
        )
        self.assert_once(60)
        for event in self.receiver.events():
            self.assertIs(event["properties"].get("kept"), True)

    def test_a_child_that_ends_by_itself_delivers(self) -> None:
        self.run_program(
            CLIENT
            + """
    client.capture("parent", "u")
    client.flush()
    if os.fork() == 0:
        client.capture("child", "u")
    else:
        os.wait()
    """
        )
        self.assert_once(2)

    def test_forks_from_a_program_with_busy_threads(self) -> None:
        self.run_program(
            CLIENT
            + """
    import threading
    stop = threading.Event()
    def busy():
        while not stop.is_set():
            client.capture("parent", "u")
    threads = [threading.Thread(target=busy) for _ in range(3)]
    for thread in threads: thread.start()
    for child in range(20):
        pid = os.fork()
        if pid == 0:
            ok = client.capture("child", str(child)) and client.flush(20)
            os._exit(0 if ok else 1)
        assert os.waitpid(pid, 0)[1] == 0
    stop.set()
    for thread in threads: thread.join()
    """
        )
        children = [e for e in self.receiver.events() if e["event"] == "child"]
        self.assertEqual(len({event["distinct_id"] for event in children}), 20)
        self.assertEqual(len(children), 20)

    def run_multiprocessing(self, method: str) -> None:
        self.run_program(
            """
    import multiprocessing, sys
    from libposthog import Client

    def work(url, n, client=None):
        client = client or Client("phc_x", host=url)
        client.capture("child", str(n))

    if __name__ == "__main__":
        method = sys.argv[2]
        client = Client("phc_x", host=sys.argv[1])
        client.capture("parent", "u")
        context = multiprocessing.get_context(method)
        inherited = client if method == "fork" else None
        children = [
            context.Process(target=work, args=(sys.argv[1], n, inherited)) for n in range(4)
        ]
        for child in children: child.start()
        for child in children: child.join()
        assert [child.exitcode for child in children] == [0] * 4
        with context.Pool(2) as pool:
            pool.starmap(work, [(sys.argv[1], n) for n in range(4, 8)])
            pool.close()
            pool.join()
    """,
            method,
        )
        self.assert_once(9)

    def test_multiprocessing_by_fork(self) -> None:
        self.run_multiprocessing("fork")

    def test_multiprocessing_by_spawn(self) -> None:
        self.run_multiprocessing("spawn")

    def test_multiprocessing_by_forkserver(self) -> None:
        self.run_multiprocessing("forkserver")

    def test_executors(self) -> None:
        self.run_program(
            """
    import concurrent.futures, multiprocessing, sys
    from libposthog import Client
    client = Client("phc_x", host=sys.argv[1])

    def work(n):
        return client.capture("child", str(n))

    if __name__ == "__main__":
        client.capture("parent", "u")
        context = multiprocessing.get_context("fork")
        with concurrent.futures.ProcessPoolExecutor(3, mp_context=context) as pool:
            assert all(pool.map(work, range(30)))
    """
        )
        self.assert_once(31)


GUNICORN_APP = """
import os
from libposthog import Client

client = Client.from_env()
client.capture("loaded", "master")

def app(environ, start_response):
    client.capture("request", "u", {"pid": os.getpid()})
    start_response("200 OK", [])
    return [b"ok"]
"""

CELERY_APP = """
import os, sys
from celery import Celery
from libposthog import Client

folder = os.environ["FOLDER"]
app = Celery(broker="filesystem://", backend="file://" + folder + "/results")
app.conf.broker_transport_options = {
    "data_folder_in": folder + "/queue", "data_folder_out": folder + "/queue",
}
client = Client.from_env()
client.capture("loaded", "master")

@app.task
def work(n):
    return client.capture("task", str(n), {"pid": os.getpid()})
"""


def is_installed(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


@unittest.skipUnless(FORKS, "there is no fork here")
class Servers(ReceiverTest):
    """Servers that load the program, client included, and then fork their workers."""

    def setUp(self) -> None:
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.environment = {
            **os.environ,
            "POSTHOG_API_KEY": "phc_x",
            "POSTHOG_HOST": self.receiver.url,
            "FOLDER": folder.name,
        }

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        with (self.folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", *command],
                cwd=self.folder,
                env=self.environment,
                stdout=subprocess.DEVNULL,
                stderr=log,
            )
        self.addCleanup(process.wait, 30)
        self.addCleanup(process.kill)
        return process

    @unittest.skipUnless(is_installed("gunicorn"), "gunicorn is not installed")
    def test_gunicorn_with_preload(self) -> None:
        (self.folder / "app.py").write_text(GUNICORN_APP)
        process = self.start(
            *("gunicorn", "--preload", "--workers", "2", "--bind", "127.0.0.1:0", "app:app")
        )
        log = self.folder / "log"
        eventually(lambda: "Listening at: " in log.read_text())
        url = log.read_text().split("Listening at: ")[1].split()[0]
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        for _ in range(20):
            opener.open(url, timeout=20).close()
        # Workers are told to end, and deliver what they have.
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        names = Counter(event["event"] for event in self.receiver.wait(21))
        self.assertEqual(names, {"loaded": 1, "request": 20})

    @unittest.skipUnless(is_installed("celery"), "celery is not installed")
    def test_celery_with_prefork(self) -> None:
        (self.folder / "app.py").write_text(CELERY_APP)
        for name in ("queue", "results"):
            (self.folder / name).mkdir()
        process = self.start(
            *("celery", "-A", "app", "worker", "--pool", "prefork", "--concurrency", "2"),
            *("--without-gossip", "--without-mingle", "--without-heartbeat"),
        )
        sending = "import app\nfor n in range(10): app.work.delay(n)\n"
        environment = {**self.environment, "POSTHOG_DISABLED": "1"}
        subprocess.run(
            [sys.executable, "-c", sending],
            cwd=self.folder,
            env=environment,
            check=True,
            timeout=60,
        )
        eventually(lambda: len(list((self.folder / "results").iterdir())) == 10)
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        names = Counter(event["event"] for event in self.receiver.wait(11))
        self.assertEqual(names, {"loaded": 1, "task": 10})


if __name__ == "__main__":
    unittest.main()

"""Clients and the life of the process: what is delivered when it ends, and after a fork.

A client that has not been shut down is kept until the process ends, also when the program has let
go of it, and is shut down then: its events would be lost otherwise.

After a fork there is nothing to do but one thing. The library gives the child an empty queue by
itself. But a child of multiprocessing, or of billiard (Celery's), ends without running what
``atexit`` has; it runs finalizers of its own, those that were registered after its start.
"""

from __future__ import annotations

import atexit
import os
import sys
import time
from typing import Protocol

from . import hooks


class Closable(Protocol):
    def end(self) -> None: ...


_open: set[Closable] = set()
# The modules that were told to call back in their children.
_watched: set[str] = set()
# The child that has a finalizer.
_finalized_pid = 0


def opened(client: Closable) -> None:
    _open.add(client)
    _watch()
    process = sys.modules.get("multiprocessing.process")
    if process is not None and process.parent_process() is not None:
        # A child that made the client itself, after its start.
        _finalize("multiprocessing.util")


def closed(client: Closable) -> None:
    _open.discard(client)


def _end() -> None:
    if _open:
        for client in list(_open):
            client.end()
        # None of the library's threads calls Python from here on; one that was about to gets the
        # interpreter now. Later it would be ended inside the library, which is no place to end.
        time.sleep(0.02)
        hooks.wait()


def _watch() -> None:
    """Before each fork, too: who has not imported such a module by then cannot fork with it."""
    for name in {"multiprocessing.util", "billiard.util"} - _watched:
        module = sys.modules.get(name)
        if module is not None:
            _watched.add(name)
            # Called with its first argument, to which it keeps a weak reference.
            module.register_after_fork(sys.modules[__name__], lambda _, name=name: _finalize(name))


def _finalize(name: str) -> None:
    global _finalized_pid
    if _finalized_pid != os.getpid():
        _finalized_pid = os.getpid()
        # With a priority and without an object it runs when the child ends.
        sys.modules[name].Finalize(None, _end, exitpriority=1)


atexit.register(_end)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_watch)

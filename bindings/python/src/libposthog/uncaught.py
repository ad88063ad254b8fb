"""Reports what ends the program, or one of its threads."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import TracebackType

    from .client import Client

_clients: list[Client] = []
_before: dict[str, Any] = {}


def report_to(client: Client) -> None:
    """Takes over both hooks, and calls those that were there afterwards."""
    _clients.append(client)
    if not _before:
        _before.update(sys=sys.excepthook, threading=threading.excepthook)
        sys.excepthook = _ended
        threading.excepthook = _thread_ended


def stop(client: Client) -> None:
    """Gives the hooks back, after the last client, unless somebody has taken them over since."""
    if client not in _clients:
        return
    _clients.remove(client)
    if not _clients and sys.excepthook is _ended and threading.excepthook is _thread_ended:
        sys.excepthook = _before.pop("sys")
        threading.excepthook = _before.pop("threading")


def _report(error: BaseException | None, level: str, hook: str) -> None:
    # Ctrl-C and sys.exit are wishes.
    if isinstance(error, Exception):
        for client in list(_clients):
            client._capture_uncaught(error, level, f"python.{hook}")


def _ended(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    _report(error, "fatal", "sys_excepthook")
    _before["sys"](kind, error, traceback)


def _thread_ended(arguments: threading.ExceptHookArgs) -> None:
    # The other threads go on.
    _report(arguments.exc_value, "error", "threading_excepthook")
    _before["threading"](arguments)

"""Reports of faults on the way to the server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable

from . import _ffi, hooks
from .logs import logger


@dataclass(frozen=True)
class Report:
    """A fault on the way to the server, and how often it happened."""

    # What was asked for: "events", "ai", "flags" or "definitions".
    family: str
    # The HTTP status; 0 if there was no answer.
    status: int
    # Which attempt of its request the latest was, from 1.
    attempt: int
    # Events that it has cost.
    events_lost: int
    # How often it happened since it was last reported.
    count: int
    # What to look at first, such as "key", "region", "quota", "path", "proxy", "tls", "network".
    hint: str
    host: str
    message: str


OnError = Callable[[Report], None]

_lib = _ffi.lib


def report_of(handle: int) -> Report:
    numbers: dict[str, Any] = {
        name: _lib.ph_report_get(handle, field) for field, name in enumerate(_ffi.REPORT_FIELDS)
    }
    for name, words in (("family", _ffi.FAMILIES), ("hint", _ffi.HINTS)):
        numbers[name] = words[numbers[name]]
    host = _ffi.decoded(_lib.ph_report_get_host(handle)) or ""
    message = _ffi.decoded(_lib.ph_report_get_message(handle)) or ""
    return Report(**numbers, host=host, message=message)


def next_of(client: int) -> Report | None:
    """The oldest that nobody has taken."""
    handle = _lib.ph_error_next(client)
    if handle is None:
        return None
    try:
        return report_of(handle)
    finally:
        _lib.ph_report_free(handle)


def _told(number: int, handle: int) -> None:
    try:
        hooks.kept(number)(report_of(handle))
    except BaseException:
        logger.warning("on_error failed", exc_info=True)


TOLD = _ffi.ErrorFn(_told)

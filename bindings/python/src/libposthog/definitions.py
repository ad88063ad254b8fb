"""Definitions of flags that a fleet of processes shares: it reads them from PostHog once."""

from __future__ import annotations

import ctypes
from typing import Protocol

from . import _ffi, hooks
from .logs import logger

# How long the end of the process waits for a cache that is being asked.
_PATIENCE = 5.0

_FAILED = -1


class DefinitionsCache(Protocol):
    """Where definitions are shared. Called on the thread that polls, and never while a flag is
    evaluated. If it raises, this process reads by itself."""

    def get(self) -> str | bytes | bool:
        """Before each poll: the text that `put` was given, to be used here; True if it is this
        process's turn to read it from PostHog; False if it is another's, and there is nothing that
        is newer than what this process has."""
        ...

    def put(self, text: str) -> None:
        """After each poll that read them from PostHog, also when they are unchanged."""
        ...


def _get(number: int, handle: int) -> int:
    try:
        with hooks.waiting(_PATIENCE):
            found = hooks.kept(number).get()
        if isinstance(found, (str, bytes)):
            text = found.encode() if isinstance(found, str) else found
            status: int = _ffi.lib.ph_definitions_set(handle, text, len(text))
            return _ffi.ADVICES.index("use") if status == _ffi.OK else _FAILED
        return _ffi.ADVICES.index("fetch" if found else "keep")
    except BaseException:
        logger.warning("the cache of definitions failed", exc_info=True)
        return _FAILED


def _put(number: int, text: int, size: int) -> int:
    try:
        with hooks.waiting(_PATIENCE):
            hooks.kept(number).put(ctypes.string_at(text, size).decode())
        return _ffi.OK
    except BaseException:
        logger.warning("the cache of definitions failed", exc_info=True)
        return _FAILED


GET = _ffi.DefinitionsGetFn(_get)
PUT = _ffi.DefinitionsPutFn(_put)

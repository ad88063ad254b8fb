"""How a client calls the library: what it says of a refusal, and waits that can be interrupted."""

from __future__ import annotations

import logging
import threading
from typing import Any, Callable, TypeVar

from . import _ffi
from .errors import PostHogError
from .logs import logger

T = TypeVar("T")

# What a filter or a limit keeps back is no failure; and inside one of the library's callbacks,
# which may be logging itself, there is nobody to tell.
_QUIET = (_ffi.ERROR_FILTERED, _ffi.ERROR_REENTRANT, _ffi.ERROR_SUPPRESSED)


class Calls:
    """A handle of the library's, and what its calls have in common."""

    _handle: int
    # The reasons that the log was told of.
    _said: set[int]

    def _failed(self, what: object, error: Exception) -> bool:
        known = isinstance(error, PostHogError)
        logger.warning("%s: %s", what, error, exc_info=None if known else error)
        return False

    def _refused(self, what: object, status: int) -> bool:
        """Tells the log, once for each reason."""
        if status not in _QUIET:
            level = logging.DEBUG if status in self._said else logging.WARNING
            self._said.add(status)
            logger.log(level, "%s: %s", what, _ffi.status_text(status))
        return False


def at_once(function: Callable[..., int], *arguments: object) -> int:
    return function(*arguments)


def interruptibly(function: Callable[..., int], *arguments: object) -> int:
    """A call that may take long, on a thread of its own if this is the main one: signals are dealt
    with by the main thread alone, and only while it runs Python."""
    if threading.current_thread() is not threading.main_thread():
        return function(*arguments)
    answers: list[int] = []
    thread = threading.Thread(
        target=lambda: answers.append(function(*arguments)), name="posthog-wait", daemon=True
    )
    try:
        thread.start()
    except RuntimeError:
        # The interpreter is ending, or the system has no thread left.
        return function(*arguments)
    thread.join()
    return answers[0]


async def aside(function: Callable[..., T], *arguments: Any, **keywords: Any) -> T:
    # Imported by now: this runs in its loop. A program without one is spared it.
    import asyncio

    return await asyncio.to_thread(function, *arguments, **keywords)

"""The library's diagnostics as records of the standard library's ``logging``.

They are quiet until the program configures logging; ``logging.getLogger("libposthog")`` is where
to turn them up and down.
"""

from __future__ import annotations

import logging

from . import _ffi

logger = logging.getLogger("libposthog")
# Without it Python would print warnings of a program that has configured no logging.
logger.addHandler(logging.NullHandler())

_LEVELS = (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR)


def _log(_userdata: int | None, level: int, message: bytes) -> None:
    try:
        logger.log(_LEVELS[level], "%s", message.decode("utf-8", "replace"))
    except Exception:
        # There is nobody to tell that telling failed.
        pass


# One for all clients, and for ever: the library may be inside it when a client goes.
LOG = _ffi.LogFn(_log)

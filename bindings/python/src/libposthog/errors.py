"""What this package raises, from constructors and a few explicit calls; never from a capture."""

from __future__ import annotations

from . import _ffi


class PostHogError(Exception):
    """The library refused a call. `status` is one of ``ph_status`` in posthog.h."""

    def __init__(self, what: str, status: int) -> None:
        super().__init__(f"{what}: {_ffi.status_text(status)}")
        self.status = status


class OptionError(PostHogError, ValueError):
    """An option has a value that it cannot have."""


def check(what: str, status: int) -> None:
    if status != _ffi.OK:
        raise PostHogError(what, status)

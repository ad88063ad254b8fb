"""Python functions that the library calls: `before_send`, and the one that is told of deliveries.

The library is given one C function for each kind, which lives for ever, and a number by which the
Python function is found here. So nothing that C might still be inside is ever freed.

The others are in modules of their own: `transport`, `reports`, `definitions`.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Callable, Optional

from . import _ffi
from .logs import logger
from .values import encode

Event = dict[str, Any]
BeforeSend = Callable[[Event], Optional[Event]]
OnDelivery = Callable[[str, int], None]

_numbers = itertools.count(1)
_functions: dict[int, Any] = {}
# How long the end of the process waits for a call that has not said how long it may take.
_PATIENCE = 1.0
# The threads that are in a call which may wait, and until when it may.
_waiting: dict[int, float] = {}


def keep(function: Any) -> int:
    """A number for a function, or for an object that has several, until it is forgotten."""
    number = next(_numbers)
    _functions[number] = function
    return number


def kept(number: int) -> Any:
    return _functions[number]


def forget(numbers: list[int]) -> None:
    for number in numbers:
        _functions.pop(number, None)


@contextmanager
def waiting(seconds: float) -> Iterator[None]:
    """Around a call that waits for something, on a thread of the library's."""
    thread = threading.get_ident()
    _waiting[thread] = time.monotonic() + seconds
    try:
        yield
    finally:
        _waiting.pop(thread, None)


def wait() -> None:
    """Until none of the library's threads is in Python, or each has had its time: one that comes
    back to an interpreter that has gone would be ended inside the library."""
    patience = time.monotonic() + _PATIENCE
    while any(_waiting.get(thread, patience) > time.monotonic() for thread in _inside()):
        time.sleep(0.01)


def _inside() -> list[int]:
    """The threads whose Python begins in this package. Python's own begin in ``threading``."""
    return [
        thread
        for thread, frame in sys._current_frames().items()
        if thread != threading.get_ident() and _begins_here(frame)
    ]


def _begins_here(frame: FrameType) -> bool:
    while frame.f_back is not None:
        frame = frame.f_back
    return str(frame.f_globals.get("__name__")).startswith(f"{__package__}.")


def _before_send(number: int, handle: int) -> int:
    try:
        before = _read(handle)
        # A copy of its own: what the function changes in place has to be seen as a change.
        after = _functions[number](_read(handle))
        if after is None:
            return 1
        _write(handle, before, after)
        return 0
    except BaseException:
        # Whoever filters events would rather lose one than send what was to be removed.
        logger.warning("before_send failed: the event is dropped", exc_info=True)
        return 1


def _read(handle: int) -> Event:
    return {
        "event": _ffi.lib.ph_event_get_name(handle).decode(),
        "distinct_id": _ffi.lib.ph_event_get_distinct_id(handle).decode(),
        "properties": json.loads(_ffi.lib.ph_event_get_properties(handle)),
    }


def _write(handle: int, before: Event, after: Event) -> None:
    lib = _ffi.lib
    if after["event"] != before["event"]:
        _done(lib.ph_event_set_name(handle, _ffi.utf8(after["event"])))
    if after["distinct_id"] != before["distinct_id"]:
        _done(lib.ph_event_set_distinct_id(handle, _ffi.utf8(after["distinct_id"])))
    old, new = before["properties"], after["properties"]
    for key in old.keys() - new.keys():
        _done(lib.ph_event_remove_property(handle, _ffi.utf8(key)))
    changed = {key: value for key, value in new.items() if key not in old or old[key] != value}
    if changed:
        text = encode(changed)
        props = lib.ph_props_new()
        try:
            _done(lib.ph_props_set_members(props, text, len(text)))
            _done(lib.ph_event_set_properties(handle, props))
        finally:
            lib.ph_props_free(props)


def _done(status: int) -> None:
    if status != _ffi.OK:
        raise ValueError(_ffi.status_text(status))


def _delivery(number: int, outcome: int, events: int) -> None:
    try:
        _functions[number](_ffi.DELIVERIES[outcome], events)
    except BaseException:
        logger.warning("on_delivery failed", exc_info=True)


BEFORE_SEND = _ffi.BeforeSendFn(_before_send)
DELIVERY = _ffi.DeliveryFn(_delivery)
# The library tells nobody when it is done with a number: that would have to run Python on a thread
# that may outlive the interpreter. The client forgets its own.
NO_FREE = _ffi.FreeFn()
NO_LOG = _ffi.LogFn()

if hasattr(os, "register_at_fork"):
    # They are threads of the parent's.
    os.register_at_fork(after_in_child=_waiting.clear)

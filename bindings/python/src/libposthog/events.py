"""What a capture hands to the library."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypedDict, Union

from . import _ffi
from .errors import check
from .values import encode, moment

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from .flags import Flags

Properties = Mapping[str, Any]
DistinctId = Union[str, int, "UUID"]

_lib = _ffi.lib


class Details(TypedDict, total=False):
    """What an event can carry besides its name, its distinct id and its properties."""

    # Without a time zone it is local time. As text: RFC 3339.
    timestamp: datetime | str | None
    # Events of the same uuid, name, id and time are one event.
    uuid: UUID | str | None
    groups: Mapping[str, str] | None
    # Person properties, and those to set where they are not set yet.
    set: Properties | None
    set_once: Properties | None
    # A snapshot whose values the event is to have. Makes no request.
    flags: Flags | None
    # Whether the event makes or updates a person profile.
    process_person_profile: bool | None
    # Options of capture V1, such as `cookieless_mode`.
    options: Properties | None


def identifier(value: object) -> bytes | None:
    """An id or a name. None stays none, for the library to refuse: it is not somebody's name."""
    return None if value is None else _ffi.utf8(value)


def terminated(value: object) -> bytes | None:
    """The same for a function that reads up to a NUL: one inside would make it another id."""
    text = identifier(value)
    if text is not None and b"\0" in text:
        raise ValueError("an id with a NUL inside")
    return text


def is_valid(text: bytes | None) -> bool:
    """Whether the library takes it for an id or a name."""
    try:
        return text is not None and b"\0" not in text and bool(text.decode().strip())
    except UnicodeDecodeError:
        return False


def sized(text: bytes | None) -> tuple[bytes | None, int]:
    return text, 0 if text is None else len(text)


@contextmanager
def event_of(
    name: object, distinct_id: object, properties: Properties | None, details: Details
) -> Iterator[int]:
    """An event, for the time of a call."""
    rest: dict[str, Any] = {**details, "properties": properties}
    flags, profile, options = (
        rest.pop(key, None) for key in ("flags", "process_person_profile", "options")
    )
    if rest.get("timestamp") is not None:
        rest["timestamp"] = moment(rest["timestamp"])
    text = encode({key: value for key, value in rest.items() if value is not None})
    who, what = sized(identifier(distinct_id)), sized(identifier(name))
    status, handle = _ffi.created(_lib.ph_event_new_json, *who, *what, text, len(text))
    check("event", status)
    assert handle is not None
    try:
        if flags is not None:
            check("flags", _lib.ph_event_set_flags(handle, flags.handle))
        if options is not None:
            with props(options) as ours:
                check("options", _lib.ph_event_set_options(handle, ours))
        if profile is not None:
            check("profile", _lib.ph_event_set_process_person_profile(handle, bool(profile)))
        yield handle
    finally:
        _lib.ph_event_free(handle)


@contextmanager
def props(values: Properties | None) -> Iterator[int | None]:
    """A property map for the time of a call; none for None."""
    if values is None:
        yield None
        return
    handle = _lib.ph_props_new()
    try:
        text = encode(values)
        check("properties", _lib.ph_props_set_members(handle, text, len(text)))
        yield handle
    finally:
        _lib.ph_props_free(handle)


def owned(what: str, function: Any, *arguments: object) -> str:
    """A text that a function makes and hands over."""
    status, text = _ffi.created(function, *arguments)
    check(what, status)
    if text is None:
        return ""
    try:
        return ctypes.string_at(text).decode()
    finally:
        _lib.ph_string_free(text)

"""Feature flags: a snapshot of one person's, and for whom it is taken."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import (
    TYPE_CHECKING,
    Any,
    Callable,
    TypedDict,
    Union,
)

from . import _ffi
from .errors import PostHogError, check
from .events import Properties, terminated
from .values import encode

if TYPE_CHECKING:
    from typing_extensions import Unpack

FlagValue = Union[bool, str]

_lib = _ffi.lib


class Flags:
    """The feature flags of one distinct id at one moment.

    It never changes, reading it makes no request, and any thread may read it. What is not known
    answers the fallback: there is no such flag, or it could not be evaluated. When the evaluation
    as a whole failed, `error` says why, and no flag is known.
    """

    __slots__ = ("handle", "error")

    def __init__(self, handle: int | None, error: PostHogError | None = None) -> None:
        self.handle = handle
        self.error = error

    def __del__(self, _free: Callable[[int | None], None] = _lib.ph_flags_free) -> None:
        _free(self.handle)

    def is_enabled(self, key: str, fallback: bool = False) -> bool:
        """Whether the flag is on, in whatever variant."""
        enabled: bool = _lib.ph_flags_is_enabled(self.handle, _ffi.key(key), fallback)
        return enabled

    def get(self, key: str, fallback: FlagValue | None = None) -> FlagValue | None:
        """The variant of a flag that has several and is on; else whether it is on."""
        if key not in self:
            return fallback
        return self.variant(key) or self.is_enabled(key)

    def variant(self, key: str) -> str | None:
        """The variant of a flag that has several, and is on."""
        return _ffi.decoded(_lib.ph_flags_get_variant(self.handle, _ffi.key(key)))

    def payload(self, key: str) -> Any:
        """The payload of a flag, as its JSON says; None when it has none."""
        text = self.payload_text(key)
        return None if text is None else json.loads(text)

    def payload_text(self, key: str) -> str | None:
        """The same as the text of a JSON value."""
        return _ffi.decoded(_lib.ph_flags_get_payload(self.handle, _ffi.key(key)))

    def reason(self, key: str) -> str | None:
        """Why a flag has its value, or why it is not known: PostHog's code."""
        return _ffi.decoded(_lib.ph_flags_get_reason(self.handle, _ffi.key(key)))

    def source(self, key: str) -> str:
        """Where the value came from: ``remote``, ``local`` (evaluated in this process), ``stale``,
        ``override``, ``default``; ``unknown`` if it is not known."""
        source: int = _lib.ph_flags_get_source(self.handle, _ffi.key(key))
        return _ffi.FLAG_SOURCES[source]

    def age(self, key: str) -> float | None:
        """How many seconds ago it was evaluated; None if nobody knows."""
        age: int = _lib.ph_flags_get_age_ms(self.handle, _ffi.key(key))
        return None if age < 0 else age / 1000

    def id(self, key: str) -> int | None:
        """The number by which PostHog knows the flag."""
        number: int = _lib.ph_flags_get_id(self.handle, _ffi.key(key))
        return None if number < 0 else number

    def version(self, key: str) -> int | None:
        """Which version of its definition was evaluated."""
        version: int = _lib.ph_flags_get_version(self.handle, _ffi.key(key))
        return None if version < 0 else version

    @property
    def request_id(self) -> str | None:
        """PostHog's name for the request of this evaluation."""
        return _ffi.decoded(_lib.ph_flags_get_request_id(self.handle))

    def unknown(self) -> Iterator[str]:
        """The keys of flags that exist, or were asked for, and are not known; see `reason`."""
        index = 0
        while True:
            key = _lib.ph_flags_get_unknown_key(self.handle, index)
            if key is None:
                return
            yield key.decode()
            index += 1

    def only_accessed(self) -> Flags:
        """A copy with those flags whose value was read so far, for an event that is to carry what
        a decision was made of."""
        return Flags(_ffi.created(_lib.ph_flags_only_accessed, self.handle)[1], self.error)

    def only(self, *keys: str) -> Flags:
        """A copy with the flags of these keys, as far as they are here."""
        texts = (_ffi.TEXT * len(keys))(*map(_ffi.key, keys))
        return Flags(_ffi.created(_lib.ph_flags_only, self.handle, texts, len(keys))[1], self.error)

    def __contains__(self, key: object) -> bool:
        """Whether the value of a flag is known."""
        known: bool = isinstance(key, str) and _lib.ph_flags_is_known(self.handle, _ffi.key(key))
        return known

    def __len__(self) -> int:
        count: int = _lib.ph_flags_get_count(self.handle)
        return count

    def __iter__(self) -> Iterator[str]:
        """The keys of the flags that are known."""
        for index in range(len(self)):
            yield _lib.ph_flags_get_key(self.handle, index).decode()

    def __repr__(self) -> str:
        values = ", ".join(f"{key}={self.get(key)!r}" for key in self)
        return f"<Flags {values or 'none known'}>"


class Whom(TypedDict, total=False):
    """Everything about one evaluation besides the distinct id."""

    groups: Mapping[str, str] | None
    person_properties: Properties | None
    group_properties: Mapping[str, Properties] | None
    device_id: str | None
    flag_keys: Iterable[str] | None
    evaluation_contexts: Iterable[str] | None
    disable_geoip: bool | None
    local_only: bool | None
    flag_events: bool | None


@contextmanager
def context(**whom: Unpack[Whom]) -> Iterator[int | None]:
    """The same for the time of a call; none for nothing."""
    if not whom:
        yield None
        return
    unknown = whom.keys() - _MEMBERS.keys()
    if unknown:
        raise TypeError(f"an evaluation has no {', '.join(sorted(unknown))}")
    given = [(*_MEMBERS[name], it) for name, it in whom.items() if it is not None]
    text = encode({member: convert(it) for member, convert, it in given})
    status, handle = _ffi.created(_lib.ph_context_new_json, text, len(text))
    check("flags", status)
    try:
        yield handle
    finally:
        _lib.ph_context_free(handle)


def _name(value: object) -> str | None:
    """JSON could carry a NUL or half a surrogate pair, and it would become another name."""
    if isinstance(value, str) and value.isascii() and "\0" not in value:
        return value
    return _ffi.decoded(terminated(value))


def _names(values: Iterable[object]) -> list[str | None]:
    return [*map(_name, values)]


def _by_name(values: Mapping[str, Any]) -> dict[str | None, Any]:
    return {_name(kind): of_kind for kind, of_kind in values.items()}


# What ``ph_context_new_json`` calls each, and how it takes it.
_MEMBERS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "groups": ("groups", lambda groups: {_name(kind): _name(key) for kind, key in groups.items()}),
    "person_properties": ("person_properties", lambda properties: properties),
    "group_properties": ("group_properties", _by_name),
    "device_id": ("device_id", _name),
    "flag_keys": ("flag_keys", _names),
    "evaluation_contexts": ("evaluation_contexts", _names),
    "disable_geoip": ("geoip_disable", bool),
    "local_only": ("local_only", bool),
    "flag_events": ("flag_events", bool),
}

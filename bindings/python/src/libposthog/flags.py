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
from .events import Properties, props, terminated

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
    handle: int = _lib.ph_context_new()
    try:
        _fill(handle, **whom)
        yield handle
    finally:
        _lib.ph_context_free(handle)


def _fill(
    handle: int,
    groups: Mapping[str, str] | None = None,
    person_properties: Properties | None = None,
    group_properties: Mapping[str, Properties] | None = None,
    device_id: str | None = None,
    flag_keys: Iterable[str] | None = None,
    evaluation_contexts: Iterable[str] | None = None,
    disable_geoip: bool | None = None,
    local_only: bool | None = None,
    flag_events: bool | None = None,
) -> None:
    for group_type, key in (groups or {}).items():
        group = (terminated(group_type), terminated(key))
        check("groups", _lib.ph_context_set_group(handle, *group))
    if person_properties:
        with props(person_properties) as own:
            check("person_properties", _lib.ph_context_set_person_properties(handle, own))
    for group_type, values in (group_properties or {}).items():
        with props(values) as own:
            status = _lib.ph_context_set_group_properties(handle, terminated(group_type), own)
            check("group_properties", status)
    if device_id is not None:
        check("device_id", _lib.ph_context_set_device_id(handle, terminated(device_id)))
    if flag_keys is not None:
        check("flag_keys", _lib.ph_context_limit_flag_keys(handle))
        for key in flag_keys:
            check("flag_keys", _lib.ph_context_add_flag_key(handle, terminated(key)))
    for name in evaluation_contexts or ():
        status = _lib.ph_context_add_evaluation_context(handle, terminated(name))
        check("evaluation_contexts", status)
    if disable_geoip is not None:
        check("disable_geoip", _lib.ph_context_set_geoip_disable(handle, disable_geoip))
    if local_only is not None:
        check("local_only", _lib.ph_context_set_local_only(handle, local_only))
    if flag_events is not None:
        check("flag_events", _lib.ph_context_set_flag_events(handle, flag_events))

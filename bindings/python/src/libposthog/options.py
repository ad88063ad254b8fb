"""The options of a client. posthog.h has the range of each, at ``ph_config_set_...``."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable, Mapping
from typing import (
    TYPE_CHECKING,
    Any,
    Callable,
    TypedDict,
)

from . import _ffi, definitions, hooks, reports, transport
from ._version import __version__
from .errors import OptionError
from .logs import LOG
from .values import encode, milliseconds

if TYPE_CHECKING:
    from typing import Literal


class Options(TypedDict, total=False):
    """Every option is optional. Durations are seconds."""

    # Where to, and as whom.
    host: str
    secret_key: str | None
    # By which proxy (the environment's unless set; "" for none), trusting whom, with what headers.
    proxy: str | None
    ca_file: str | os.PathLike[str] | None
    headers: Mapping[str, str]
    disabled: bool
    debug: bool
    environment: str | None
    is_server: bool
    disable_geoip: bool
    group_indices: Mapping[str, int]
    deny_properties: Iterable[str]
    # How events are sent: "auto" takes V1 where the server speaks it. `historical_migration` is
    # for clients that import what happened long ago.
    protocol: Literal["auto", "v0", "v1"]
    historical_migration: bool
    # Batches and bounds.
    compression: Literal["none", "gzip", "deflate", "brotli", "zstd"]
    flush_at: int
    flush_interval: float
    batch_max_events: int
    batch_max_bytes: int
    queue_max_events: int
    queue_max_bytes: int
    event_max_bytes: int
    # What gives way when the queue is full; `block` lets a capture wait for `block_timeout`.
    overflow: Literal["drop_newest", "drop_oldest", "block"]
    block_timeout: float
    # Time and retries. `max_retries` None is no limit but `max_age`, and 0 is never.
    connect_timeout: float
    request_timeout: float
    max_age: float
    max_retries: int | None
    retry_base: float
    retry_cap: float
    # Feature flags. A `flags_timeout` of 0 never waits.
    flags_timeout: float
    flags_ttl: float
    flags_max_identities: int
    # With a `secret_key` flags are evaluated in this process, from definitions read so often.
    local_evaluation: bool
    # Whether PostHog is told which flags are read (`$feature_flag_called`).
    flag_events: bool
    # Whether PostHog is asked about no flag; and values for as long as nothing else is known.
    flags_local_only: bool
    flags_bootstrap: Mapping[str, bool | str]
    definitions_poll: float
    # Where the definitions are shared with other processes.
    definitions_cache: definitions.DefinitionsCache
    # For tests: events are kept for `drain` and nothing is sent; and every event is of that time
    # (Unix seconds), with uuids of a sequence that the seed begins.
    capture_only: bool
    deterministic: tuple[float, int]
    # Called on the capturing thread with each event as a dict; what it returns is sent, None drops.
    before_send: hooks.BeforeSend | Iterable[hooks.BeforeSend]
    # Called on the sender's thread with "delivered", "failed" or "dropped", and how many events.
    on_delivery: hooks.OnDelivery
    # Called with each fault on the way to the server. Without it `next_error` has them.
    on_error: reports.OnError
    # Carries each request, in place of the library: on its threads, and on those that read flags.
    transport: transport.Transport
    # Where events and crashes are kept that are to outlive the process, how many bytes of events,
    # for how long, and whether those events are to outlive a loss of power, too; and whether the
    # next start reports the signal that this process dies of.
    storage_dir: str | os.PathLike[str] | None
    storage_max_bytes: int
    storage_max_age: float
    storage_sync: bool
    crash_handler: bool
    # How long the end of the process may wait for the last events.
    exit_timeout: float
    # Reports what ends the program or a thread: sys.excepthook and threading.excepthook.
    capture_uncaught: bool
    # Modules whose frames are the program's own, and whose are not, whatever their place.
    in_app_include: Iterable[str]
    in_app_exclude: Iterable[str]
    # The `$release_id` of exceptions.
    release: str | None
    # How many exceptions of a kind are sent at once, and how long until the next; None: no limit.
    exception_limit: tuple[int, float] | None


# What is not the library's, but this package's.
OWN_OPTIONS = ("exit_timeout", "capture_uncaught", "in_app_include", "in_app_exclude")


# Settings of 64 bits.
_WIDEST = 2**64 - 1


def _count(value: int, most: int = 0xFFFFFFFF) -> int:
    if value <= 0:
        raise ValueError("has to be more than 0")
    # ctypes would take what does not fit for something else.
    return min(value, most)


def _size(value: int) -> int:
    return _count(value, _WIDEST)


def _duration(value: float, most: int = _ffi.FOREVER) -> int:
    if not value > 0:
        raise ValueError("has to be more than 0")
    return milliseconds(value, most)


def _age(value: float) -> int:
    return _duration(value, _WIDEST)


def _optional_duration(value: float) -> int:
    return _duration(value) if value != 0 else 0


def _wait(value: float) -> int:
    if not value > 0:
        raise ValueError("waits for block_timeout, which has to be more than 0")
    return milliseconds(value, _ffi.FOREVER)


def _retries(value: int | None) -> int:
    if value is not None and value < 0:
        raise ValueError("has to be 0 or more")
    return 0 if value is None else (min(value, _ffi.NEVER - 1) or _ffi.NEVER)


def _text(value: str | None) -> bytes | None:
    text = None if value is None else _ffi.utf8(value)
    if text is not None and b"\0" in text:
        raise ValueError("has a NUL inside")
    return text


def _path(value: str | os.PathLike[str] | None) -> bytes | None:
    return None if value is None else _text(os.fspath(value))


def _index(names: tuple[str, ...]) -> Callable[[str], int]:
    def convert(value: str) -> int:
        if value not in names:
            raise ValueError(f"has to be one of {', '.join(names)}")
        return names.index(value)

    return convert


_Setter = tuple[str, Callable[[Any], Any]]

_SETTERS: dict[str, _Setter] = {
    "host": ("host", _text),
    "proxy": ("proxy", _text),
    "ca_file": ("ca_file", _path),
    "storage_dir": ("storage_dir", _path),
    "storage_max_bytes": ("storage_max_bytes", _size),
    "storage_max_age": ("storage_max_age_ms", _age),
    "storage_sync": ("storage_sync", bool),
    "crash_handler": ("crash_handler", bool),
    "release": ("release", _text),
    "flag_events": ("flag_events", bool),
    "flags_local_only": ("flags_local_only", bool),
    "flags_bootstrap": ("flags_bootstrap", encode),
    "capture_only": ("capture_only", bool),
    "local_evaluation": ("local_evaluation", bool),
    "definitions_poll": ("definitions_poll_ms", _duration),
    "secret_key": ("secret_key", _text),
    "disabled": ("disabled", bool),
    "debug": ("debug", bool),
    "environment": ("environment", _text),
    "is_server": ("is_server", bool),
    "disable_geoip": ("geoip_disable", bool),
    "protocol": ("protocol", _index(_ffi.PROTOCOLS)),
    "historical_migration": ("historical_migration", bool),
    "compression": ("compression", _index(_ffi.COMPRESSIONS)),
    "flush_at": ("flush_at", _count),
    "flush_interval": ("flush_interval_ms", _duration),
    "batch_max_events": ("batch_max_events", _count),
    "batch_max_bytes": ("batch_max_bytes", _size),
    "queue_max_events": ("queue_max_events", _count),
    "queue_max_bytes": ("queue_max_bytes", _size),
    "event_max_bytes": ("event_max_bytes", _size),
    "connect_timeout": ("connect_timeout_ms", _duration),
    "request_timeout": ("request_timeout_ms", _duration),
    "max_age": ("max_age_ms", _age),
    "max_retries": ("max_retries", _retries),
    "retry_base": ("retry_base_ms", _duration),
    "retry_cap": ("retry_cap_ms", _duration),
    "flags_timeout": ("flags_timeout_ms", _optional_duration),
    "flags_ttl": ("flags_ttl_ms", _duration),
    "flags_max_identities": ("flags_max_identities", _count),
}


class Config:
    """A ``ph_config`` that is being filled."""

    def __init__(self, handle: int) -> None:
        self.handle = handle
        self.functions: list[int] = []
        self._check("library", _ffi.lib.ph_config_set_library, b"libposthog-python", _VERSION)
        self._check("log", _ffi.lib.ph_config_set_log, LOG, None, hooks.NO_FREE)

    def free(self) -> None:
        _ffi.lib.ph_config_free(self.handle)

    def _check(self, option: str, setter: Any, *arguments: object) -> None:
        status = setter(self.handle, *arguments)
        if status != _ffi.OK:
            raise OptionError(option, status)

    def set(self, options: Mapping[str, Any]) -> None:
        options = dict(options)
        block = options.pop("block_timeout", None)
        if "overflow" in options or block is not None:
            options["overflow"] = (options.get("overflow", "drop_newest"), block)
        for name, value in options.items():
            try:
                self._set_one(name, value)
            except OptionError:
                raise
            except (TypeError, ValueError, ctypes.ArgumentError) as error:
                raise OptionError(f"{name} {error}", _ffi.ERROR_RANGE) from error

    def _set_one(self, name: str, value: Any) -> None:
        lib = _ffi.lib
        if name in _SETTERS:
            setter, convert = _SETTERS[name]
            self._check(name, getattr(lib, f"ph_config_set_{setter}"), convert(value))
        elif name == "overflow":
            policy, block = value
            wait = 0 if block is None else _wait(block)
            self._check(name, lib.ph_config_set_overflow, _index(_ffi.OVERFLOWS)(policy), wait)
        elif name == "exception_limit":
            burst, interval = (_ffi.FOREVER, 0) if value is None else value
            pause = _duration(interval) if value is not None else 0
            self._check(name, lib.ph_config_set_exception_limit, _count(burst), pause)
        elif name == "deterministic":
            moment, seed = value
            self._check(name, lib.ph_config_set_deterministic, round(moment * 1000), seed)
        elif name == "headers":
            for header, text in value.items():
                self._check(
                    f"{name} {header}", lib.ph_config_add_header, _text(header), _text(text)
                )
        elif name == "group_indices":
            for group_type, index in value.items():
                self._check(name, lib.ph_config_set_group_index, _ffi.utf8(group_type), index)
        elif name == "deny_properties":
            for key in value:
                self._check(name, lib.ph_config_deny_property, _ffi.utf8(key))
        elif name == "before_send":
            for function in [value] if callable(value) else value:
                self._add(name, lib.ph_config_add_before_send, [hooks.BEFORE_SEND], function)
        else:
            self._set_hook(name, value)

    def _set_hook(self, name: str, value: Any) -> None:
        setter, methods, *thunks = _HOOKS[name]
        for method in methods:
            if not callable(getattr(value, method, None)):
                raise TypeError("cannot be called" if method == "__call__" else f"has no {method}")
        self._add(name, getattr(_ffi.lib, f"ph_config_set_{setter}"), thunks, value)

    def _add(self, name: str, setter: Any, thunks: list[Any], function: Any) -> None:
        number = hooks.keep(function)
        self.functions.append(number)
        self._check(name, setter, *thunks, number, hooks.NO_FREE)


# The setter, what is called of the option's value, and by which functions.
_HOOKS: dict[str, tuple[Any, ...]] = {
    "on_delivery": ("delivery", ["__call__"], hooks.DELIVERY),
    "on_error": ("on_error", ["__call__"], reports.TOLD),
    "transport": ("transport", ["__call__"], transport.TRANSPORT),
    "definitions_cache": ("definitions_cache", ["get", "put"], definitions.GET, definitions.PUT),
}

_VERSION = __version__.encode()

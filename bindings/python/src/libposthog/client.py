"""A client of one PostHog project."""

from __future__ import annotations

import json
import sys
import weakref
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Callable

from . import _ffi, hooks, process, reports, uncaught
from .calls import aside, at_once, interruptibly
from .errors import check
from .events import (
    Details,
    DistinctId,
    Properties,
    event_of,
    identifier,
    is_valid,
    owned,
    props,
    sized,
    terminated,
)
from .exceptions import InApp, handle_of, tree
from .flag_calls import FlagCalls
from .options import OWN_OPTIONS, Config, Options
from .values import encode, milliseconds, unix_ms

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from typing_extensions import Self, Unpack

_lib = _ffi.lib
_capture_json = _lib.ph_capture_json


class Client(FlagCalls):
    """A client of one PostHog project. Every method may be called from any thread.

    Captures copy and return: they never wait for the network, and never raise. They answer whether
    the event was accepted; why it was not is told to ``logging``, once for each reason, and counted
    in `stats`. Without an API key the client is disabled: everything succeeds and does nothing.

    Use it in a ``with`` statement, or call `shutdown`, or leave it to the end of the process, which
    waits `exit_timeout` seconds for the last events.
    """

    def __init__(self, api_key: str | None = None, **options: Unpack[Options]) -> None:
        key = None if api_key is None else _ffi.utf8(api_key)
        self._start(_lib.ph_config_new(key), dict(options))

    @classmethod
    def from_env(cls, **options: Unpack[Options]) -> Self:
        """A client with the options of the environment (``POSTHOG_API_KEY``, ``POSTHOG_HOST``, ...;
        see ``ph_config_from_env``), and these on top."""
        client = cls.__new__(cls)
        client._start(_lib.ph_config_from_env(), dict(options))
        return client

    def _start(self, config_handle: int, options: dict[str, Any]) -> None:
        unknown = options.keys() - Options.__annotations__.keys()
        if unknown:
            _lib.ph_config_free(config_handle)
            raise TypeError(f"there is no option {', '.join(sorted(unknown))}")
        own = {name: options.pop(name) for name in OWN_OPTIONS if name in options}
        self._exit_timeout: float = own.get("exit_timeout", 2.0)
        self._said: set[int] = set()
        config = Config(config_handle)
        try:
            config.set(options)
            status, handle = _ffi.created(_lib.ph_init, config.handle)
            check("client", status)
        except BaseException:
            hooks.forget(config.functions)
            raise
        finally:
            config.free()
        assert handle is not None
        self._handle = handle
        self._in_app = InApp(own.get("in_app_include", ()), own.get("in_app_exclude", ()))
        # Freed when nobody can call it any more, and not at the end of the process.
        weakref.finalize(self, _free, handle, config.functions).atexit = False
        process.opened(self)
        if own.get("capture_uncaught"):
            uncaught.report_to(self)

    # Events

    def capture(
        self,
        event: str,
        distinct_id: DistinctId,
        properties: Properties | None = None,
        **details: Unpack[Details],
    ) -> bool:
        """Captures an event: copies everything and returns. Whether it was accepted.

        `details` are whatever else an event can carry: `timestamp`, `uuid`, `groups`, `set`,
        `set_once`, `flags`, `process_person_profile`, `options`.
        """
        if details:
            return self._submit(_lib.ph_capture_event, (), event, distinct_id, properties, details)
        try:
            if isinstance(distinct_id, str):
                who = distinct_id.encode()
            else:
                # None is nobody's name.
                who = identifier(distinct_id) or b""
            name = event.encode()
            text = encode(properties) if properties else b""
            status = _capture_json(self._handle, who, len(who), name, len(name), text, len(text))
        except Exception as error:
            return self._unfit(event, distinct_id, error)
        return status == 0 or self._refused(event, status)

    def capture_ai(
        self,
        event: str,
        distinct_id: DistinctId,
        properties: Properties | None = None,
        **details: Unpack[Details],
    ) -> bool:
        """The same for events of AI observability (``$ai_generation``, ...), which may be larger,
        and have a queue and requests of their own."""
        return self._submit(_lib.ph_capture_ai, (), event, distinct_id, properties, details)

    def capture_immediate(
        self,
        event: str,
        distinct_id: DistinctId,
        properties: Properties | None = None,
        *,
        timeout: float | None = 10.0,
        **details: Unpack[Details],
    ) -> bool:
        """The same, but waits for what becomes of the event. Whether the server took it; when time
        ran out it stays queued."""
        wait = milliseconds(timeout, _ffi.FOREVER)
        capture = _lib.ph_capture_immediate
        return self._submit(capture, (wait,), event, distinct_id, properties, details)

    def capture_ai_immediate(
        self,
        event: str,
        distinct_id: DistinctId,
        properties: Properties | None = None,
        *,
        timeout: float | None = 10.0,
        **details: Unpack[Details],
    ) -> bool:
        """`capture_immediate` for an event of `capture_ai`."""
        wait = milliseconds(timeout, _ffi.FOREVER)
        capture = _lib.ph_capture_ai_immediate
        return self._submit(capture, (wait,), event, distinct_id, properties, details)

    async def acapture_immediate(
        self,
        event: str,
        distinct_id: DistinctId,
        properties: Properties | None = None,
        *,
        timeout: float | None = 10.0,
        **details: Unpack[Details],
    ) -> bool:
        """`capture_immediate` that lets the event loop run meanwhile."""
        capture = self.capture_immediate
        return await aside(capture, event, distinct_id, properties, timeout=timeout, **details)

    def _submit(
        self,
        capture: Callable[..., int],
        arguments: tuple[int, ...],
        event: str,
        distinct_id: DistinctId,
        properties: Properties | None,
        details: Details,
    ) -> bool:
        try:
            with event_of(event, distinct_id, properties, details) as handle:
                call = interruptibly if arguments else at_once
                status = call(capture, self._handle, handle, *arguments, None)
        except Exception as error:
            return self._unfit(event, distinct_id, error)
        return status == 0 or self._refused(event, status)

    def identify(
        self,
        distinct_id: DistinctId,
        set: Properties | None = None,
        set_once: Properties | None = None,
    ) -> bool:
        """Says who somebody is: person properties to set, and to set where they are not yet."""
        try:
            with props(set) as ours, props(set_once) as once:
                status = _lib.ph_identify(self._handle, terminated(distinct_id), ours, once)
        except Exception as error:
            return self._unfit("$identify", distinct_id, error)
        return status == 0 or self._refused("$identify", status)

    def alias(self, distinct_id: DistinctId, alias: DistinctId) -> bool:
        """Says that the person known as `distinct_id` is also known as `alias`."""
        try:
            status = _lib.ph_alias(self._handle, terminated(distinct_id), terminated(alias))
        except Exception as error:
            return self._unfit("$create_alias", distinct_id, error)
        return status == 0 or self._refused("$create_alias", status)

    def group_identify(
        self,
        group_type: str,
        group_key: str,
        properties: Properties | None = None,
        distinct_id: DistinctId | None = None,
    ) -> bool:
        """Sets properties of a group, e.g. of type ``company``."""
        try:
            texts = [terminated(text) for text in (distinct_id, group_type, group_key)]
            with props(properties) as ours:
                status = _lib.ph_group_identify(self._handle, *texts, ours)
        except Exception as error:
            return self._unfit("$groupidentify", distinct_id, error)
        return status == 0 or self._refused("$groupidentify", status)

    def register(self, properties: Properties) -> bool:
        """Sets super properties: each later event has them, unless it sets the same itself."""
        return self._change(_lib.ph_register, properties)

    def register_once(self, properties: Properties) -> bool:
        """The same for those that are not set yet."""
        return self._change(_lib.ph_register_once, properties)

    def _change(self, register: Callable[..., int], properties: Properties) -> bool:
        try:
            with props(properties) as ours:
                status = register(self._handle, ours)
        except Exception as error:
            return self._failed("super properties", error)
        return status == 0 or self._refused("super properties", status)

    def unregister(self, key: str) -> bool:
        """Removes a super property."""
        status = _lib.ph_unregister(self._handle, _ffi.key(key))
        return status == 0 or self._refused("super properties", status)

    # Exceptions

    def capture_exception(
        self,
        exception: BaseException | None = None,
        distinct_id: DistinctId | None = None,
        properties: Properties | None = None,
        *,
        level: str = "error",
        handled: bool = True,
        fingerprint: str | None = None,
        groups: Mapping[str, str] | None = None,
        uuid: UUID | str | None = None,
        timestamp: datetime | None = None,
        trace_id: str | int | None = None,
        span_id: str | int | None = None,
    ) -> bool:
        """Captures an exception with its stack, its causes and its members; without one, that which
        is being handled. Without a distinct id it is nobody's. Whether it was accepted: the same
        one over and over is not, and the next that is says how many were not.

        `trace_id` and `span_id` are those of W3C Trace Context, in hexadecimal or, as OpenTelemetry
        has them, numbers: in which trace and which span of it the exception happened.
        """
        error = sys.exc_info()[1] if exception is None else exception
        if error is None:
            return self._failed("capture_exception", ValueError("there is no exception"))
        return self._capture_exception(
            error,
            distinct_id,
            properties,
            level=level,
            handled=handled,
            fingerprint=fingerprint,
            groups=groups,
            uuid=uuid,
            timestamp=timestamp,
            trace=(trace_id, span_id),
        )

    def _capture_exception(
        self,
        error: BaseException,
        distinct_id: DistinctId | None,
        properties: Properties | None,
        *,
        level: str,
        handled: bool,
        fingerprint: str | None = None,
        groups: Mapping[str, str] | None = None,
        uuid: UUID | str | None = None,
        timestamp: datetime | None = None,
        trace: tuple[str | int | None, str | int | None] = (None, None),
        mechanism: bytes | None = None,
        source: bytes | None = None,
    ) -> bool:
        try:
            with handle_of(tree(error, self._in_app)) as handle, props(properties) as ours:
                check("level", _lib.ph_exception_set_level(handle, _ffi.LEVELS.index(level)))
                check("handled", _lib.ph_exception_set_handled(handle, handled))
                if ours is not None:
                    check("properties", _lib.ph_exception_set_properties(handle, ours))
                if fingerprint is not None:
                    print_of = terminated(fingerprint)
                    check("fingerprint", _lib.ph_exception_set_fingerprint(handle, print_of))
                for group in (groups or {}).items():
                    texts = map(terminated, group)
                    check("groups", _lib.ph_exception_set_group(handle, *texts))
                if uuid is not None:
                    check("uuid", _lib.ph_exception_set_uuid(handle, terminated(uuid)))
                if timestamp is not None:
                    moment_ms = unix_ms(timestamp)
                    check("timestamp", _lib.ph_exception_set_timestamp_ms(handle, moment_ms))
                if trace != (None, None):
                    ids = (_hexadecimal(trace[0], 32), _hexadecimal(trace[1], 16))
                    check("trace", _lib.ph_exception_set_trace(handle, *ids))
                if mechanism is not None:
                    check("mechanism", _lib.ph_exception_set_mechanism(handle, mechanism))
                    check("source", _lib.ph_exception_set_source(handle, source))
                status = _lib.ph_capture_exception(self._handle, terminated(distinct_id), handle)
        except Exception as wrong:
            return self._unfit("$exception", distinct_id, wrong)
        return status == 0 or self._refused("$exception", status)

    def _capture_uncaught(self, error: BaseException, level: str, source: str) -> None:
        self._capture_exception(
            error,
            None,
            None,
            level=level,
            handled=False,
            mechanism=b"onuncaughtexception",
            source=source.encode(),
        )

    def add_step(self, message: str, properties: Properties | None = None) -> bool:
        """Remembers what the program did, for the exceptions that come after."""
        try:
            with props(properties) as ours:
                status = _lib.ph_step_add(self._handle, _ffi.key(message), ours)
        except Exception as error:
            return self._failed("step", error)
        return status == 0 or self._refused("step", status)

    def set_crash_distinct_id(self, distinct_id: DistinctId | None) -> bool:
        """Whose the crash will be that the option `crash_handler` reports: on a user's own machine,
        whoever was identified. None is nobody."""
        try:
            status = _lib.ph_crash_set_distinct_id(self._handle, terminated(distinct_id))
        except Exception as error:
            return self._failed("crash", error)
        return status == 0 or self._refused("crash", status)

    # Delivery, and the end

    def flush(self, timeout: float | None = 10.0) -> bool:
        """Waits until every event captured before is settled; None is without a limit.

        Whether all were delivered: not when time ran out, nor when some were dropped; `stats` says
        which. A Ctrl-C or another signal ends the wait.
        """
        wait = milliseconds(timeout, _ffi.FOREVER)
        status = interruptibly(_lib.ph_flush, self._handle, wait)
        return status == 0 or self._refused("flush", status)

    async def aflush(self, timeout: float | None = 10.0) -> bool:
        """`flush` that lets the event loop run meanwhile."""
        return await aside(self.flush, timeout)

    def shutdown(self, timeout: float | None = 10.0) -> bool:
        """Refuses new events, delivers what is queued, stops the threads. Whether all went well.

        At once when nothing is queued. May be called again, which does nothing.
        """
        process.closed(self)
        uncaught.stop(self)
        wait = milliseconds(timeout, _ffi.FOREVER)
        status = interruptibly(_lib.ph_shutdown, self._handle, wait)
        return status == 0 or self._refused("shutdown", status)

    async def ashutdown(self, timeout: float | None = 10.0) -> bool:
        """`shutdown` that lets the event loop run meanwhile."""
        return await aside(self.shutdown, timeout)

    def end(self) -> None:
        """What the end of the process calls: `shutdown` with the time of `exit_timeout`."""
        self.shutdown(self._exit_timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.ashutdown()

    # Everything else

    def stats(self) -> dict[str, int]:
        """What became of every event: accepted + adopted = delivered + queued + in_flight + stored
        + drained + dropped, at every moment; and counts besides. See ``ph_stat`` in posthog.h."""
        values = (_ffi.U64 * len(_ffi.STATS))()
        _lib.ph_stats_get(self._handle, values, len(values))
        return dict(zip(_ffi.STATS, values))

    def next_error(self) -> reports.Report | None:
        """The oldest fault on the way to the server that nobody has taken, with all that happened
        alike since; None when there is none. The last 32 are kept."""
        return reports.next_of(self._handle)

    def drain(self, max_events: int = 1000) -> list[dict[str, Any]]:
        """Takes queued events out, oldest first, as they would be sent. They are not sent."""
        events: list[dict[str, Any]] = json.loads(
            owned("drain", _lib.ph_queue_drain, self._handle, max_events)
        )
        return events

    def opt_out(self) -> None:
        """Stops everything at the user's wish: what is queued is dropped, captures do nothing."""
        _lib.ph_opt_out(self._handle)

    def opt_in(self) -> None:
        """Undoes `opt_out`. Dropped events do not come back."""
        _lib.ph_opt_in(self._handle)

    @property
    def is_opted_out(self) -> bool:
        opted_out: bool = _lib.ph_is_opted_out(self._handle)
        return opted_out

    def _unfit(self, event: object, distinct_id: object, error: Exception) -> bool:
        """For what could not be made an event. The library is given what there is of it, with
        properties that it refuses: so the refusal is counted as every other."""
        try:
            who, name = sized(identifier(distinct_id)), sized(identifier(event))
        except Exception:
            who = name = (None, 0)
        # What is wrong with an id or a name says more than what is wrong with the properties.
        text = b"!" if is_valid(who[0]) and is_valid(name[0]) else b""
        status = _capture_json(self._handle, *who, *name, text, len(text))
        return status == 0 or self._failed(event, error)


def _free(handle: int, functions: list[int]) -> None:
    _lib.ph_client_free(handle)
    hooks.forget(functions)


def _hexadecimal(number: str | int | None, digits: int) -> bytes | None:
    return f"{number:0{digits}x}".encode() if isinstance(number, int) else terminated(number)

"""What a client does with feature flags."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Callable

from . import _ffi
from .calls import Calls, aside, interruptibly
from .errors import PostHogError, check
from .events import DistinctId, Properties, identifier, owned, props, sized, terminated
from .flags import Flags, FlagValue, Whom, context
from .values import encode, milliseconds

if TYPE_CHECKING:
    from typing_extensions import Unpack

_lib = _ffi.lib


class FlagCalls(Calls):
    """The calls of a client that evaluate feature flags, and that say how."""

    def feature_enabled(
        self, key: str, distinct_id: DistinctId, *, fallback: bool = False, **whom: Unpack[Whom]
    ) -> bool:
        """Whether a flag is on: as this process decides it, or from what the client remembers, or
        from one request for every flag of the distinct id, within the option `flags_timeout`.
        `fallback` when that is not known.
        """
        try:
            with context(**whom) as handle:
                who, what = sized(identifier(distinct_id)), sized(identifier(key))
                enabled: bool = _lib.ph_flag_enabled_n(self._handle, *who, *what, handle, fallback)
            return enabled
        except Exception as error:
            self._failed("feature_enabled", error)
            return fallback

    def evaluate_flags(
        self, distinct_id: DistinctId, *, timeout: float | None = 3.0, **whom: Unpack[Whom]
    ) -> Flags:
        """Evaluates every flag of a distinct id, or those of `flag_keys`: in this process what its
        definitions decide, and with one request what they do not.

        Never raises: where it fails no flag is known, and the snapshot's `error` says why.
        """

        def evaluate(handle: int | None) -> tuple[int, int | None]:
            who, wait = sized(identifier(distinct_id)), milliseconds(timeout, _ffi.FOREVER)
            return _ffi.created(_lib.ph_flags_evaluate_n, self._handle, *who, handle, wait)

        return self._snapshot("evaluate_flags", evaluate, whom)

    def recall_flags(self, distinct_id: DistinctId, **whom: Unpack[Whom]) -> Flags:
        """All that `feature_enabled` answers from: for whoever wants a variant or a payload without
        a request for each read. Never raises either."""

        def recall(handle: int | None) -> tuple[int, int | None]:
            return _ffi.created(_lib.ph_flags_recall, self._handle, terminated(distinct_id), handle)

        return self._snapshot("recall_flags", recall, whom)

    def _snapshot(
        self, what: str, make: Callable[[int | None], tuple[int, int | None]], whom: Whom
    ) -> Flags:
        try:
            with context(**whom) as handle:
                status, flags = make(handle)
            return Flags(flags, None if status == 0 else PostHogError("flags", status))
        except PostHogError as error:
            return Flags(None, error)
        except Exception as error:
            self._failed(what, error)
            return Flags(None, PostHogError(f"flags: {error}", _ffi.ERROR_RANGE))

    def explain_flag(
        self, key: str, distinct_id: DistinctId, *, as_json: bool = False, **whom: Unpack[Whom]
    ) -> str:
        """How this process decides a flag, step by step, as text. Makes no request."""
        with context(**whom) as handle:
            texts = (terminated(distinct_id), terminated(key))
            arguments = (self._handle, *texts, handle, int(as_json))
            return owned("explain_flag", _lib.ph_flag_explain, *arguments)

    def wait_for_flags(self, timeout: float | None = 10.0) -> bool:
        """Waits until flags can be evaluated in this process: until definitions are there."""
        wait = milliseconds(timeout, _ffi.FOREVER)
        status = interruptibly(_lib.ph_flags_wait_ready, self._handle, wait)
        return status == 0 or self._refused("wait_for_flags", status)

    def refresh_flags(self, timeout: float | None = 10.0) -> bool:
        """Asks PostHog now whether there are newer definitions. Those that are there stay."""
        wait = milliseconds(timeout, _ffi.FOREVER)
        status = interruptibly(_lib.ph_flags_refresh, self._handle, wait)
        return status == 0 or self._refused("refresh_flags", status)

    def override_flags(self, values: Mapping[str, FlagValue] | None) -> None:
        """Sets flags to these values in place of any other, for tests; None ends it."""
        text = None if values is None else encode(values)
        check("override_flags", _lib.ph_flags_override(self._handle, text))

    def load_definitions(self, text: str | bytes) -> None:
        """Uses these definitions of flags, from `save_definitions`, until newer ones are read."""
        data = text.encode() if isinstance(text, str) else text
        check("load_definitions", _lib.ph_definitions_load(self._handle, data, len(data)))

    def save_definitions(self) -> str | None:
        """The definitions that this process uses, for the next one to start with."""
        return owned("save_definitions", _lib.ph_definitions_save, self._handle) or None

    def load_definitions_file(self, path: str | os.PathLike[str]) -> None:
        """The same from a file that `save_definitions_file` wrote."""
        file = terminated(os.fspath(path))
        check("load_definitions_file", _lib.ph_definitions_load_file(self._handle, file))

    def save_definitions_file(self, path: str | os.PathLike[str]) -> None:
        """Writes the definitions that this process uses into a file: replaced whole, and for its
        owner's eyes only. Waits for the disk."""
        file = terminated(os.fspath(path))
        check("save_definitions_file", _lib.ph_definitions_save_file(self._handle, file))

    async def afeature_enabled(
        self, key: str, distinct_id: DistinctId, *, fallback: bool = False, **whom: Unpack[Whom]
    ) -> bool:
        """`feature_enabled` that lets the event loop run meanwhile."""
        return await aside(self.feature_enabled, key, distinct_id, fallback=fallback, **whom)

    async def aevaluate_flags(
        self, distinct_id: DistinctId, *, timeout: float | None = 3.0, **whom: Unpack[Whom]
    ) -> Flags:
        """`evaluate_flags` that lets the event loop run meanwhile."""
        return await aside(self.evaluate_flags, distinct_id, timeout=timeout, **whom)

    async def arecall_flags(self, distinct_id: DistinctId, **whom: Unpack[Whom]) -> Flags:
        """`recall_flags` that lets the event loop run meanwhile."""
        return await aside(self.recall_flags, distinct_id, **whom)

    # What PostHog does not know yet

    def set_person_properties_for_flags(
        self, distinct_id: DistinctId, properties: Properties
    ) -> bool:
        """Properties that go along with every later evaluation of this distinct id's flags: events
        take their time. Sends nothing."""
        return self._keep(_lib.ph_flags_set_person_properties, (distinct_id,), properties)

    def set_group_properties_for_flags(
        self, group_type: str, group_key: str, properties: Properties
    ) -> bool:
        """The same for every evaluation that names this group."""
        group = (group_type, group_key)
        return self._keep(_lib.ph_flags_set_group_properties, group, properties)

    def reset_person_properties_for_flags(self, distinct_id: DistinctId | None = None) -> bool:
        """Forgets those of a distinct id; of all without one."""
        return self._keep(_lib.ph_flags_reset_person_properties, (distinct_id,))

    def reset_group_properties_for_flags(
        self, group_type: str | None = None, group_key: str | None = None
    ) -> bool:
        """Forgets those of a group; of all groups without one."""
        return self._keep(_lib.ph_flags_reset_group_properties, (group_type, group_key))

    def _keep(
        self,
        call: Callable[..., int],
        whose: tuple[object, ...],
        *properties: Properties,
    ) -> bool:
        try:
            texts = [terminated(text) for text in whose]
            with props(properties[0] if properties else None) as ours:
                status = call(self._handle, *texts, *([ours] if properties else []))
        except Exception as error:
            return self._failed("properties for flags", error)
        return status == 0 or self._refused("properties for flags", status)

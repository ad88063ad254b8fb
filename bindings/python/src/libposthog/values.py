"""Python values as JSON.

Everything becomes JSON somehow: one odd value must never cost an event. What JSON has no word for
is converted (dates, UUIDs, Decimals, enums, dataclasses, NumPy values, ...); what nothing is known
about becomes its ``str``. The library validates what comes out, and repairs and counts what no
server would take.
"""

from __future__ import annotations

import dataclasses
import json
import json.encoder
import os
from collections import deque
from collections.abc import Mapping, Set
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from typing import Any, Callable
from uuid import UUID

# A number beyond every double: the library makes it null and counts a repair, which is what is to
# become of NaN and the infinities. Python's JSON would write them as words that are not JSON.
_NOT_A_NUMBER = 10**309

# The library's own bound.
_DEPTH_MAX = 64


def plain(value: Any) -> Any:
    """One step from a value that JSON does not know towards one that it does."""
    for types, convert in _CONVERSIONS:
        if isinstance(value, types):
            return convert(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    # Pydantic's models; NumPy's scalars and arrays, and what follows them.
    for method in ("model_dump", "tolist"):
        made = getattr(value, method, None)
        if callable(made) and not isinstance(value, type):
            return made()
    return str(value)


def _number(value: Decimal) -> Any:
    exact = value.is_finite() and -25 < value.adjusted() < 25 and value == value.to_integral_value()
    return int(value) if exact else float(value)


_CONVERSIONS: tuple[tuple[Any, Callable[[Any], Any]], ...] = (
    ((datetime, date, time), lambda value: value.isoformat()),
    (UUID, str),
    (Decimal, _number),
    (Enum, lambda value: value.value),
    (Mapping, dict),
    ((list, tuple, Set, deque), list),
    (timedelta, lambda value: value.total_seconds()),
    ((bytes, bytearray), lambda value: value.decode("utf-8", "replace")),
    (os.PathLike, lambda value: plain(os.fspath(value))),
)


def _encoder() -> Callable[[Any], str]:
    """The encoder behind ``json.dumps``, made once instead of for each text, which halves its time.

    That it can be had so is not documented: where it is not as expected, the documented way is as
    good, and slower.
    """
    make: Any = getattr(json.encoder, "c_make_encoder", None)
    strings = getattr(json.encoder, "c_encode_basestring", None)
    try:
        # No marks against cycles: they run into the recursion limit. No NaN.
        encode = make(None, plain, strings, None, ":", ",", False, False, False)
        if "".join(encode({"a": [1, "\u00e9"]}, 0)) == '{"a":[1,"\u00e9"]}':
            return lambda value: "".join(encode(value, 0))
    except Exception:
        pass
    return json.JSONEncoder(
        ensure_ascii=False,
        check_circular=False,
        allow_nan=False,
        separators=(",", ":"),
        default=plain,
    ).encode


_encode = _encoder()


def encode(value: Any) -> bytes:
    """The JSON text of a value, in UTF-8 but for lone surrogates, which the library replaces."""
    try:
        return _encode(value).encode()
    except Exception:
        # NaN, keys that are no texts, cycles, lone surrogates, objects that fail: rare, and slow.
        return _encode(_cleaned(value, ())).encode("utf-8", "surrogatepass")


def _cleaned(value: Any, parents: tuple[int, ...]) -> Any:
    """A copy of a value that is certain to be encoded."""
    if value is None or isinstance(value, (str, bool)):
        return value
    if isinstance(value, int):
        return value if abs(value) < _NOT_A_NUMBER else _NOT_A_NUMBER
    if isinstance(value, float):
        return value if value - value == 0 else _NOT_A_NUMBER
    if len(parents) >= _DEPTH_MAX or id(value) in parents:
        return None
    parents += (id(value),)
    if isinstance(value, Mapping):
        return {_key(key): _cleaned(member, parents) for key, member in list(value.items())}
    if isinstance(value, (list, tuple)):
        return [_cleaned(member, parents) for member in value]
    try:
        return _cleaned(plain(value), parents)
    except Exception:
        return f"<{type(value).__name__}>"


def _key(key: Any) -> Any:
    if key is None or isinstance(key, (str, bool, int)):
        return key
    try:
        return str(key.value if isinstance(key, Enum) else key)
    except Exception:
        return f"<{type(key).__name__}>"


def moment(value: datetime | str) -> str:
    """A time as RFC 3339. One without a time zone is local time, as everywhere in Python."""
    if isinstance(value, datetime):
        return value.astimezone(timezone.utc).isoformat()
    return value


def unix_ms(moment: datetime) -> int:
    """A time as the library takes it where it takes no text."""
    since = moment.astimezone(timezone.utc) - datetime(1970, 1, 1, tzinfo=timezone.utc)
    return (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000


def milliseconds(seconds: float | None, forever: int) -> int:
    """A duration as the library takes it: whole milliseconds, `forever` for None."""
    if seconds is None:
        return forever
    # What is shorter than a millisecond still waits: 0 would mean not to, or the default.
    return min(max(round(seconds * 1000), 1 if seconds > 0 else 0), forever)

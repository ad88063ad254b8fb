"""Python's values as JSON."""

from __future__ import annotations

import dataclasses
import enum
import importlib
import json
import unittest
import unittest.mock
from collections import OrderedDict, UserDict, deque, namedtuple
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

from libposthog.values import _encoder, encode, milliseconds, moment

# By its name: mypy is not to look for what need not be installed.
numpy: Any
try:
    numpy = importlib.import_module("numpy")
except ImportError:
    numpy = None

BEYOND = 10**309


class Plan(enum.Enum):
    PRO = "pro"


class Colour(str, enum.Enum):
    RED = "red"


class Size(enum.IntEnum):
    LARGE = 3


@dataclasses.dataclass
class Address:
    city: str
    since: date


class Model:
    """As Pydantic's."""

    def model_dump(self) -> Any:
        return {"id": UUID(int=1)}


class Hostile:
    def __str__(self) -> str:
        raise RuntimeError("no")


Point = namedtuple("Point", "x y")


def decoded(value: Any) -> Any:
    return json.loads(encode({"v": value}))["v"]


class Values(unittest.TestCase):
    def test_values_that_json_has_no_word_for(self) -> None:
        noon = datetime(2026, 11, 20, 12, 0, 0, 5000, timezone(timedelta(hours=1)))
        for value, expected in (
            (noon, "2026-11-20T12:00:00.005000+01:00"),
            (datetime(2026, 11, 20, 12), "2026-11-20T12:00:00"),
            (date(2026, 11, 20), "2026-11-20"),
            (time(8, 30), "08:30:00"),
            (timedelta(minutes=1, milliseconds=500), 60.5),
            (UUID("0190a6e0-7c3b-7def-8123-456789abcdef"), "0190a6e0-7c3b-7def-8123-456789abcdef"),
            (Decimal("49.90"), 49.9),
            (Decimal("9007199254740993"), 9007199254740993),
            (Decimal("1E+5"), 100000),
            (Plan.PRO, "pro"),
            (Colour.RED, "red"),
            (Size.LARGE, 3),
            (Address("Zürich", date(2020, 1, 2)), {"city": "Zürich", "since": "2020-01-02"}),
            (Model(), {"id": "00000000-0000-0000-0000-000000000001"}),
            ((1, 2), [1, 2]),
            (Point(1, 2), [1, 2]),
            ({1}, [1]),
            (frozenset("a"), ["a"]),
            (deque([1, 2]), [1, 2]),
            (OrderedDict(a=1), {"a": 1}),
            (UserDict(a=1), {"a": 1}),
            ({"a": 1}.keys(), ["a"]),
            (b"caf\xc3\xa9\xff", "café\ufffd"),
            (PurePosixPath("/tmp/x"), "/tmp/x"),
            (ValueError("broken"), "broken"),
            (Plan, str(Plan)),
            (2**64 - 1, 2**64 - 1),
            (-(2**63), -(2**63)),
            ('☃ \u0000 \\ "', '☃ \u0000 \\ "'),
        ):
            with self.subTest(repr(value)):
                self.assertEqual(decoded(value), expected)

    def test_what_no_server_takes_becomes_a_number_that_the_library_makes_null(self) -> None:
        for value in (float("nan"), float("inf"), -float("inf"), Decimal("NaN"), 10**5000):
            with self.subTest(type(value)):
                self.assertEqual(decoded({"deep": [value, 1.5]}), {"deep": [BEYOND, 1.5]})

    def test_keys_become_texts(self) -> None:
        keys = {1: "a", 1.5: "b", None: "c", (1, 2): "d", UUID(int=2): "e", Plan.PRO: "f"}
        self.assertEqual(
            decoded(keys),
            {
                "1": "a",
                "1.5": "b",
                "null": "c",
                "(1, 2)": "d",
                "00000000-0000-0000-0000-000000000002": "e",
                "pro": "f",
            },
        )
        self.assertEqual(decoded({float("nan"): 1, True: 2}), {"nan": 1, "true": 2})

    def test_one_odd_value_does_not_cost_the_others(self) -> None:
        cycle: dict[str, Any] = {"a": 1}
        cycle["self"] = cycle
        deep: Any = 0
        for _ in range(100_000):
            deep = [deep]
        value = decoded({"hostile": Hostile(), "cycle": cycle, "deep": deep, "good": 1})
        self.assertEqual(value["hostile"], "<Hostile>")
        self.assertEqual(value["cycle"], {"a": 1, "self": None})
        self.assertEqual(value["good"], 1)
        depth = 0
        while value["deep"] is not None:
            value["deep"] = value["deep"][0]
            depth += 1
        self.assertLess(depth, 64)

    def test_lone_surrogates_are_left_to_the_library(self) -> None:
        self.assertEqual(encode({"v": "a\ud800"}), b'{"v":"a\xed\xa0\x80"}')

    def test_the_documented_encoder_gives_the_same(self) -> None:
        encoder = json.encoder
        values = {"a": [1, 1.5, None, True, "é"], "b": Plan.PRO}
        fast = _encoder()(values)
        with unittest.mock.patch.object(encoder, "c_make_encoder", None):
            self.assertEqual(_encoder()(values), fast)

    @unittest.skipIf(numpy is None, "numpy is not installed")
    def test_numpy(self) -> None:
        for value, expected in (
            (numpy.int64(7), 7),
            (numpy.uint64(2**64 - 1), 2**64 - 1),
            (numpy.float64(1.5), 1.5),
            (numpy.float32(0.5), 0.5),
            (numpy.bool_(True), True),
            (numpy.str_("x"), "x"),
            (numpy.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
            (numpy.float32("nan"), BEYOND),
            (numpy.array([1.0, numpy.nan]), [1.0, BEYOND]),
            (numpy.datetime64("2026-11-20T12:00"), "2026-11-20T12:00:00"),
        ):
            with self.subTest(repr(value)):
                self.assertEqual(decoded(value), expected)


class Times(unittest.TestCase):
    def test_a_moment_is_in_utc(self) -> None:
        tea = datetime(2026, 11, 20, 16, tzinfo=timezone(timedelta(hours=2)))
        self.assertEqual(moment(tea), "2026-11-20T14:00:00+00:00")
        naive = datetime(2026, 11, 20, 16)
        self.assertEqual(datetime.fromisoformat(moment(naive)).timestamp(), naive.timestamp())
        self.assertEqual(moment("2026-11-20T16:00:00Z"), "2026-11-20T16:00:00Z")

    def test_durations(self) -> None:
        for seconds, expected in ((None, 99), (0, 0), (0.0001, 1), (0.05, 50), (1e9, 99), (-1, 0)):
            with self.subTest(seconds):
                self.assertEqual(milliseconds(seconds, 99), expected)


if __name__ == "__main__":
    unittest.main()

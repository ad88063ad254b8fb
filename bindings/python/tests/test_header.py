"""What `_ffi` declares is what the header declares."""

from __future__ import annotations

import ctypes
import re
import unittest
from typing import Any

from support import ROOT

from libposthog import __version__, _ffi, options

HEADER = (ROOT / "include" / "posthog.h").read_text()

NUMBERS = {
    "ph_status": ctypes.c_int32,
    "int32_t": ctypes.c_int32,
    "uint32_t": ctypes.c_uint32,
    "int64_t": ctypes.c_int64,
    "uint64_t": ctypes.c_uint64,
    "size_t": ctypes.c_size_t,
    "bool": ctypes.c_bool,
    "double": ctypes.c_double,
    "void": None,
    "ph_flag_source": ctypes.c_int32,
    "ph_log_fn": _ffi.LogFn,
    "ph_before_send_fn": _ffi.BeforeSendFn,
    "ph_delivery_fn": _ffi.DeliveryFn,
    "ph_error_fn": _ffi.ErrorFn,
    "ph_transport_fn": _ffi.TransportFn,
    "ph_definitions_get_fn": _ffi.DefinitionsGetFn,
    "ph_definitions_put_fn": _ffi.DefinitionsPutFn,
    "ph_userdata_free_fn": _ffi.FreeFn,
}


def of_c(declared: str) -> Any:
    """The ctypes of a C type, with or without the parameter's name."""
    kind = re.sub(r"\bconst\b", "", declared).strip()
    if declared.count("const") == 2:
        return _ffi.TEXTS
    if "**" in kind:
        return _ffi.OUT
    if "*" in kind:
        pointed = kind.split("*")[0].strip()
        if pointed == "uint64_t":
            return ctypes.POINTER(ctypes.c_uint64)
        # One that the library writes to, or takes back, is not to be made bytes.
        return _ffi.TEXT if pointed == "char" and "const" in declared else _ffi.HANDLE
    return NUMBERS[kind.split()[0]]


def functions() -> dict[str, list[str]]:
    """Result and parameters of each, as they are written."""
    code = re.sub(r"/\*.*?\*/", "", HEADER, flags=re.DOTALL)
    found = re.findall(r"PH_API\s+([\w\s]+?[\s*]+)(ph_\w+)\s*\(([^)]*)\);", code)
    declared = {}
    for result, name, parameters in found:
        each = [] if parameters.strip() == "void" else parameters.split(",")
        declared[name] = [result, *each]
    return declared


def constants(prefix: str) -> dict[str, int]:
    found = re.findall(rf"^\s*PH_{prefix}_(\w+) = (-?\d+),", HEADER, re.MULTILINE)
    return {name.lower(): int(value) for name, value in found}


class Header(unittest.TestCase):
    def test_each_function_is_declared_as_in_the_header(self) -> None:
        declared = functions()
        self.assertGreater(len(declared), 90)
        for name, (result, *arguments) in _ffi.SIGNATURES.items():
            self.assertIn(name, declared)
            expected = [*map(of_c, declared[name])]
            with self.subTest(name):
                self.assertEqual([result, *arguments], expected)

    def test_each_function_is_wrapped_or_the_readme_says_why_not(self) -> None:
        readme = (ROOT / "bindings" / "python" / "README.md").read_text()
        _, section = readme.split("## Only in C")
        named = set(re.findall(r"`(ph_\w+)`", section.split("\n## ")[0]))
        self.assertEqual(functions().keys() - _ffi.SIGNATURES.keys(), named)

    def test_each_function_that_is_declared_is_called(self) -> None:
        modules = (ROOT / "bindings" / "python" / "src" / "libposthog").glob("*.py")
        declared = re.compile(r'^    "ph_\w+": \(', re.MULTILINE)
        source = "".join(declared.sub("", module.read_text()) for module in modules)
        called = {*re.findall(r"\b(ph_\w+)", source)}
        setters = [*options._SETTERS.values(), *options._HOOKS.values()]
        called |= {f"ph_config_set_{setter}" for setter, *_ in setters}
        self.assertEqual(_ffi.SIGNATURES.keys() - called, set())

    def test_enums_have_the_header_s_order(self) -> None:
        for prefix, names in (
            ("STAT", _ffi.STATS),
            ("LEVEL", _ffi.LEVELS),
            ("PROTOCOL", _ffi.PROTOCOLS),
            ("OVERFLOW", _ffi.OVERFLOWS),
            ("COMPRESSION", _ffi.COMPRESSIONS),
            ("DELIVERY", _ffi.DELIVERIES),
            ("FLAG_SOURCE", _ffi.FLAG_SOURCES),
            ("EXPLAIN", _ffi.EXPLAINS),
            ("DEFINITIONS", _ffi.ADVICES),
            ("FAMILY", _ffi.FAMILIES),
            ("HINT", _ffi.HINTS),
            ("REPORT", _ffi.REPORT_FIELDS),
        ):
            with self.subTest(prefix):
                declared = constants(prefix)
                for number, name in enumerate(names):
                    self.assertEqual(number, declared.get(name), name)

    def test_constants_have_the_header_s_values(self) -> None:
        errors = constants("ERROR")
        for name in ("range", "utf8", "filtered", "reentrant", "suppressed"):
            self.assertEqual(getattr(_ffi, f"ERROR_{name.upper()}"), errors[name])
        for name in ("FOREVER", "NEVER"):
            self.assertIn(f"#define PH_{name} UINT32_MAX", HEADER)
            self.assertEqual(getattr(_ffi, name), 2**32 - 1)

    def test_the_version_is_the_library_s(self) -> None:
        self.assertIn(f'#define PH_VERSION "{__version__}"', HEADER)


if __name__ == "__main__":
    unittest.main()

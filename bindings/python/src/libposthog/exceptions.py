"""Exceptions as PostHog's error tracking wants them: a tree of exceptions, each with its frames."""

from __future__ import annotations

import linecache
import os
import re
import sys
import sysconfig
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import CodeType, FrameType, TracebackType
from typing import Any

from . import _ffi
from .errors import check
from .values import encode

# The library keeps no more than these.
_FRAMES_MAX = 64
_EXCEPTIONS_MAX = 50

# Lines of source around the one that failed, and characters of each.
_CONTEXT_LINES = 5
_LINE_MAX = 512

_PACKAGES = re.compile(r"[\\/](?:site|dist)-packages[\\/]")
_STANDARD = tuple(
    os.path.join(path, "") for path in {*map(sysconfig.get_path, ("stdlib", "platstdlib"))} if path
)
_HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "")

_HIDING = {"__tracebackhide__", "__traceback_hide__"}

Place = tuple[FrameType, int]


class InApp:
    """Which frames are the program's own: neither installed packages nor the standard library."""

    def __init__(self, include: Iterable[str] = (), exclude: Iterable[str] = ()) -> None:
        self.include = tuple(include)
        self.exclude = tuple(exclude)

    def __call__(self, module: str, path: str) -> bool:
        if _is_within(module, self.include):
            return True
        if _is_within(module, self.exclude) or path.startswith("<"):
            return False
        return not (_PACKAGES.search(path) or path.startswith(_STANDARD))


def _is_within(module: str, names: tuple[str, ...]) -> bool:
    return any(module == name or module.startswith(name + ".") for name in names)


def tree(error: BaseException, in_app: InApp) -> list[dict[str, Any]]:
    """The exception and those behind it, depth first, each after its parent."""
    entries: list[dict[str, Any]] = []
    # Exceptions may form a cycle; none is there twice.
    seen = set[int]()
    todo: list[tuple[BaseException, dict[str, Any]]] = [(error, {})]
    while todo and len(entries) < _EXCEPTIONS_MAX:
        error, link = todo.pop()
        if id(error) in seen:
            continue
        seen.add(id(error))
        links = {"parent": len(entries)}
        todo += [(child, {**links, "source": how}) for child, how in _children(error)][::-1]
        entries.append({**_entry(error, in_app), **link})
    return entries


def _entry(error: BaseException, in_app: InApp) -> dict[str, Any]:
    kind = type(error)
    places, synthetic = _places(error)
    return {
        "type": kind.__qualname__,
        "value": _message(error),
        **({} if kind.__module__ == "builtins" else {"module": kind.__module__}),
        "synthetic": synthetic,
        "frames": [_frame(frame, line, in_app) for frame, line in places],
    }


@contextmanager
def handle_of(entries: list[dict[str, Any]]) -> Iterator[int]:
    """The tree as a ``ph_exception``, for the time of a call."""
    lib = _ffi.lib
    text = encode(entries)
    status, handle = _ffi.created(lib.ph_exception_new_json, text, len(text))
    check("exception", status)
    assert handle is not None
    try:
        # The stack is Python's; what is below it is the interpreter.
        check("stack", lib.ph_exception_set_stack(handle, False, 0))
        yield handle
    finally:
        lib.ph_exception_free(handle)


def _children(error: BaseException) -> Iterator[tuple[BaseException, str]]:
    if error.__cause__ is not None:
        yield error.__cause__, "cause"
    elif error.__context__ is not None and not error.__suppress_context__:
        yield error.__context__, "context"
    # An ExceptionGroup, of Python or of the backport for Pythons before 3.11.
    members = getattr(error, "exceptions", None)
    if isinstance(members, (tuple, list)):
        for member in members:
            if isinstance(member, BaseException):
                yield member, "member"


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:
        return ""


def _places(error: BaseException) -> tuple[list[Place], bool]:
    """Where it went, the outermost first; and whether that is only where it was reported."""
    if error.__traceback__ is not None:
        return list(_raised(error.__traceback__)), False
    if error.__cause__ is None and error.__context__ is None:
        return _current(), True
    return [], False


def _raised(traceback: TracebackType | None) -> deque[Place]:
    # Of a recursion without an end the last frames tell more than the first.
    places: deque[Place] = deque(maxlen=_FRAMES_MAX)
    while traceback is not None:
        if not _is_hidden(traceback.tb_frame):
            places.append((traceback.tb_frame, traceback.tb_lineno))
        traceback = traceback.tb_next
    return places


def _current() -> list[Place]:
    """The stack of the caller of this package."""
    frame: FrameType | None = sys._getframe()
    places: list[Place] = []
    while frame is not None and len(places) < _FRAMES_MAX:
        if places or not frame.f_code.co_filename.startswith(_HERE):
            places.append((frame, frame.f_lineno))
        frame = frame.f_back
    places.reverse()
    return places


def _is_hidden(frame: FrameType) -> bool:
    """Test tools mark frames of theirs, which explain nothing, with a variable."""
    return not _HIDING.isdisjoint(frame.f_code.co_varnames)


def _frame(frame: FrameType, line: int, in_app: InApp) -> dict[str, Any]:
    code = frame.f_code
    module = frame.f_globals.get("__name__") or ""
    path = code.co_filename
    entry: dict[str, Any] = {
        "platform": "python",
        "filename": _short(module, path),
        "abs_path": path if path.startswith("<") else os.path.abspath(path),
        "function": _function(code),
        "module": module,
        "lineno": line,
        "in_app": in_app(module, path),
    }
    lines = linecache.getlines(path, frame.f_globals)
    if 0 < line <= len(lines):
        entry["pre_context"] = _clipped(lines[max(line - 1 - _CONTEXT_LINES, 0) : line - 1])
        entry["context_line"] = _clipped(lines[line - 1 : line])[0]
        entry["post_context"] = _clipped(lines[line : line + _CONTEXT_LINES])
    return entry


def _clipped(lines: list[str]) -> list[str]:
    return [line.rstrip("\r\n")[:_LINE_MAX] for line in lines]


def _function(code: CodeType) -> str:
    # With the class, where Python says it: since 3.11.
    return getattr(code, "co_qualname", code.co_name)


def _short(module: str, path: str) -> str:
    """A file's path from the folder of its top-level package on: the same on every machine."""
    package = sys.modules.get(module.partition(".")[0])
    start = getattr(package, "__file__", None)
    if "." not in module or not start:
        return os.path.basename(path)
    root = os.path.join(os.path.dirname(os.path.dirname(start)), "")
    return path[len(root) :] if path.startswith(root) else path

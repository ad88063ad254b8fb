"""A function of the program's that carries every request, in place of the library's own HTTP."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from typing import Any, Callable, NamedTuple

from . import _ffi, hooks
from .logs import logger


class Request(NamedTuple):
    """What is to be sent. The library no longer waits for the answer after `timeout` seconds."""

    method: str
    url: str
    # Names are in lower case. Without Host and Content-Length.
    headers: dict[str, str]
    # As the header content-encoding says.
    body: bytes
    timeout: float


class Response(NamedTuple):
    """The answer. The library looks at the headers Retry-After, Location and Date."""

    status: int
    # Without any content encoding.
    body: bytes = b""
    headers: Mapping[str, str] = {}


Transport = Callable[[Request], Response]

_lib = _ffi.lib


def _transport(
    number: int,
    method: bytes,
    url: bytes,
    headers: Any,
    body: int | None,
    size: int,
    timeout_ms: int,
    handle: int,
) -> int:
    try:
        data = ctypes.string_at(body, size) if body else b""
        seconds = timeout_ms / 1000
        request = Request(method.decode(), url.decode(), _pairs(headers), data, seconds)
        with hooks.waiting(seconds):
            response = Response(*hooks.kept(number)(request))
        return _answer(handle, response)
    except BaseException:
        # There is no answer then; the library tries again when it is time.
        logger.warning("transport failed", exc_info=True)
        return 1


def _pairs(headers: Any) -> dict[str, str]:
    """Names and values in turn, with NULL at the end."""
    found: dict[str, str] = {}
    index = 0
    while headers[index] is not None:
        found[headers[index].decode()] = headers[index + 1].decode()
        index += 2
    return found


def _answer(handle: int, response: Response) -> int:
    status: int = _lib.ph_response_set_status(handle, response.status)
    if status == _ffi.OK:
        status = _lib.ph_response_append_body(handle, response.body, len(response.body))
    for name, value in dict(response.headers).items():
        # One that HTTP does not allow is ignored.
        _lib.ph_response_add_header(handle, _ffi.utf8(name), _ffi.utf8(value))
    if status != _ffi.OK:
        logger.warning("transport: %s", _ffi.status_text(status))
    return status


TRANSPORT = _ffi.TransportFn(_transport)

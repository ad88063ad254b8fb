"""The shared library: finding it, refusing one of another version, and declaring its functions.

Nothing here has an opinion. ``include/posthog.h`` is the manual of each function; a test compares
the table below with it.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from ctypes.util import find_library
from pathlib import Path
from typing import Any

from ._version import __version__

OK = 0
ERROR_UTF8 = -2
ERROR_RANGE = -6
ERROR_FILTERED = -12
ERROR_REENTRANT = -14
ERROR_SUPPRESSED = -22
NO_WAIT = 0
FOREVER = 0xFFFFFFFF
NEVER = 0xFFFFFFFF

# What `ph_stats_get` counts, in the order of `ph_stat`.
STATS = (
    "accepted adopted delivered queued in_flight stored drained dropped dropped_overflow "
    "dropped_rejected dropped_too_large dropped_expired dropped_retries dropped_shutdown "
    "dropped_opted_out queued_bytes repaired_values requests retries flag_requests "
    "last_success_ms refused_null refused_utf8 refused_empty refused_json refused_depth "
    "refused_range refused_host refused_uuid refused_timestamp refused_too_large "
    "refused_queue_full refused_filtered refused_shutdown refused_reentrant refused_timeout "
    "refused_lost refused_no_memory refused_network refused_server refused_thread refused_panic "
    "refused_suppressed refused_unsupported refused_file refused_rejected dropped_damaged"
).split()

LEVELS = ("fatal", "error", "warning", "log", "info", "debug")
PROTOCOLS = ("auto", "v0", "v1")
OVERFLOWS = ("drop_newest", "drop_oldest", "block")
COMPRESSIONS = ("none", "gzip", "deflate", "brotli", "zstd")
FLAG_SOURCES = ("unknown", "remote", "local", "stale", "override", "default")
EXPLAINS = ("text", "json")
DELIVERIES = ("delivered", "failed", "dropped")
ADVICES = ("fetch", "use", "keep")
FAMILIES = ("events", "ai", "flags", "definitions")
HINTS = (
    "none key_kind region key quota rate_limit path redirect too_large clock proxy tls network "
    "server"
).split()
REPORT_FIELDS = ("family", "status", "attempt", "events_lost", "count", "hint")

# Handles are passed as integers.
HANDLE = ctypes.c_void_p
OUT = ctypes.POINTER(ctypes.c_void_p)
TEXT = ctypes.c_char_p
SIZE = ctypes.c_size_t
BOOL = ctypes.c_bool
# NUL-terminated texts, one after another.
TEXTS = ctypes.POINTER(ctypes.c_char_p)
I32 = ctypes.c_int32
U32 = ctypes.c_uint32
U64 = ctypes.c_uint64
I64 = ctypes.c_int64
STATUS = I32
NOTHING = None

LogFn = ctypes.CFUNCTYPE(NOTHING, HANDLE, I32, TEXT)
BeforeSendFn = ctypes.CFUNCTYPE(I32, HANDLE, HANDLE)
DeliveryFn = ctypes.CFUNCTYPE(NOTHING, HANDLE, I32, SIZE)
ErrorFn = ctypes.CFUNCTYPE(NOTHING, HANDLE, HANDLE)
# The body is bytes, and not a text that ends with the first NUL.
TransportFn = ctypes.CFUNCTYPE(I32, HANDLE, TEXT, TEXT, TEXTS, HANDLE, SIZE, U32, HANDLE)
DefinitionsGetFn = ctypes.CFUNCTYPE(I32, HANDLE, HANDLE)
DefinitionsPutFn = ctypes.CFUNCTYPE(I32, HANDLE, HANDLE, SIZE)
FreeFn = ctypes.CFUNCTYPE(NOTHING, HANDLE)

# What each function returns, and what it takes.
SIGNATURES: dict[str, tuple[Any, ...]] = {
    "ph_version": (TEXT,),
    "ph_status_text": (TEXT, I32),
    "ph_string_free": (NOTHING, HANDLE),
    "ph_init": (STATUS, HANDLE, OUT),
    "ph_client_free": (NOTHING, HANDLE),
    "ph_capture_json": (STATUS, HANDLE, TEXT, SIZE, TEXT, SIZE, TEXT, SIZE),
    "ph_capture_event": (STATUS, HANDLE, HANDLE, HANDLE),
    "ph_capture_ai": (STATUS, HANDLE, HANDLE, HANDLE),
    "ph_capture_immediate": (STATUS, HANDLE, HANDLE, U32, HANDLE),
    "ph_capture_ai_immediate": (STATUS, HANDLE, HANDLE, U32, HANDLE),
    "ph_capture_exception": (STATUS, HANDLE, TEXT, HANDLE),
    "ph_identify": (STATUS, HANDLE, TEXT, HANDLE, HANDLE),
    "ph_alias": (STATUS, HANDLE, TEXT, TEXT),
    "ph_group_identify": (STATUS, HANDLE, TEXT, TEXT, TEXT, HANDLE),
    "ph_register": (STATUS, HANDLE, HANDLE),
    "ph_register_once": (STATUS, HANDLE, HANDLE),
    "ph_unregister": (STATUS, HANDLE, TEXT),
    "ph_opt_out": (STATUS, HANDLE),
    "ph_opt_in": (STATUS, HANDLE),
    "ph_is_opted_out": (BOOL, HANDLE),
    "ph_flush": (STATUS, HANDLE, U32),
    "ph_shutdown": (STATUS, HANDLE, U32),
    "ph_queue_drain": (STATUS, HANDLE, SIZE, OUT),
    "ph_stats_get": (SIZE, HANDLE, ctypes.POINTER(U64), SIZE),
    "ph_config_new": (HANDLE, TEXT),
    "ph_config_from_env": (HANDLE,),
    "ph_config_free": (NOTHING, HANDLE),
    "ph_config_set_host": (STATUS, HANDLE, TEXT),
    "ph_config_set_protocol": (STATUS, HANDLE, I32),
    "ph_config_set_historical_migration": (STATUS, HANDLE, BOOL),
    "ph_config_set_capture_only": (STATUS, HANDLE, BOOL),
    "ph_config_set_deterministic": (STATUS, HANDLE, I64, U64),
    "ph_config_set_proxy": (STATUS, HANDLE, TEXT),
    "ph_config_set_ca_file": (STATUS, HANDLE, TEXT),
    "ph_config_add_header": (STATUS, HANDLE, TEXT, TEXT),
    "ph_config_set_local_evaluation": (STATUS, HANDLE, BOOL),
    "ph_config_set_definitions_poll_ms": (STATUS, HANDLE, U32),
    "ph_config_set_release": (STATUS, HANDLE, TEXT),
    "ph_config_set_exception_limit": (STATUS, HANDLE, U32, U32),
    "ph_config_set_secret_key": (STATUS, HANDLE, TEXT),
    "ph_config_set_disabled": (STATUS, HANDLE, BOOL),
    "ph_config_set_debug": (STATUS, HANDLE, BOOL),
    "ph_config_set_environment": (STATUS, HANDLE, TEXT),
    "ph_config_set_library": (STATUS, HANDLE, TEXT, TEXT),
    "ph_config_set_is_server": (STATUS, HANDLE, BOOL),
    "ph_config_set_geoip_disable": (STATUS, HANDLE, BOOL),
    "ph_config_set_group_index": (STATUS, HANDLE, TEXT, U32),
    "ph_config_deny_property": (STATUS, HANDLE, TEXT),
    "ph_config_set_compression": (STATUS, HANDLE, I32),
    "ph_config_set_flush_at": (STATUS, HANDLE, U32),
    "ph_config_set_flush_interval_ms": (STATUS, HANDLE, U32),
    "ph_config_set_batch_max_events": (STATUS, HANDLE, U32),
    "ph_config_set_batch_max_bytes": (STATUS, HANDLE, U64),
    "ph_config_set_queue_max_events": (STATUS, HANDLE, U32),
    "ph_config_set_queue_max_bytes": (STATUS, HANDLE, U64),
    "ph_config_set_event_max_bytes": (STATUS, HANDLE, U64),
    "ph_config_set_overflow": (STATUS, HANDLE, I32, U32),
    "ph_config_set_connect_timeout_ms": (STATUS, HANDLE, U32),
    "ph_config_set_request_timeout_ms": (STATUS, HANDLE, U32),
    "ph_config_set_max_age_ms": (STATUS, HANDLE, U64),
    "ph_config_set_max_retries": (STATUS, HANDLE, U32),
    "ph_config_set_retry_base_ms": (STATUS, HANDLE, U32),
    "ph_config_set_retry_cap_ms": (STATUS, HANDLE, U32),
    "ph_config_set_flags_timeout_ms": (STATUS, HANDLE, U32),
    "ph_config_set_flags_ttl_ms": (STATUS, HANDLE, U32),
    "ph_config_set_flags_max_identities": (STATUS, HANDLE, U32),
    "ph_config_set_log": (STATUS, HANDLE, LogFn, HANDLE, FreeFn),
    "ph_config_add_before_send": (STATUS, HANDLE, BeforeSendFn, HANDLE, FreeFn),
    "ph_config_set_delivery": (STATUS, HANDLE, DeliveryFn, HANDLE, FreeFn),
    "ph_config_set_on_error": (STATUS, HANDLE, ErrorFn, HANDLE, FreeFn),
    "ph_config_set_transport": (STATUS, HANDLE, TransportFn, HANDLE, FreeFn),
    "ph_config_set_definitions_cache": (
        *(STATUS, HANDLE, DefinitionsGetFn, DefinitionsPutFn, HANDLE, FreeFn),
    ),
    "ph_definitions_set": (STATUS, HANDLE, TEXT, SIZE),
    "ph_response_set_status": (STATUS, HANDLE, U32),
    "ph_response_add_header": (STATUS, HANDLE, TEXT, TEXT),
    "ph_response_append_body": (STATUS, HANDLE, TEXT, SIZE),
    "ph_error_next": (HANDLE, HANDLE),
    "ph_report_free": (NOTHING, HANDLE),
    "ph_report_get": (I64, HANDLE, I32),
    "ph_report_get_host": (TEXT, HANDLE),
    "ph_report_get_message": (TEXT, HANDLE),
    "ph_props_new": (HANDLE,),
    "ph_props_free": (NOTHING, HANDLE),
    "ph_props_set_members": (STATUS, HANDLE, TEXT, SIZE),
    "ph_event_new_json": (STATUS, TEXT, SIZE, TEXT, SIZE, TEXT, SIZE, OUT),
    "ph_event_free": (NOTHING, HANDLE),
    "ph_event_set_name": (STATUS, HANDLE, TEXT),
    "ph_event_set_distinct_id": (STATUS, HANDLE, TEXT),
    "ph_event_set_properties": (STATUS, HANDLE, HANDLE),
    "ph_event_remove_property": (STATUS, HANDLE, TEXT),
    "ph_event_set_process_person_profile": (STATUS, HANDLE, BOOL),
    "ph_event_set_flags": (STATUS, HANDLE, HANDLE),
    "ph_event_set_options": (STATUS, HANDLE, HANDLE),
    "ph_event_get_name": (TEXT, HANDLE),
    "ph_event_get_distinct_id": (TEXT, HANDLE),
    "ph_event_get_properties": (TEXT, HANDLE),
    "ph_exception_new_json": (STATUS, TEXT, SIZE, OUT),
    "ph_exception_free": (NOTHING, HANDLE),
    "ph_exception_set_level": (STATUS, HANDLE, I32),
    "ph_exception_set_handled": (STATUS, HANDLE, BOOL),
    "ph_exception_set_mechanism": (STATUS, HANDLE, TEXT),
    "ph_exception_set_source": (STATUS, HANDLE, TEXT),
    "ph_exception_set_fingerprint": (STATUS, HANDLE, TEXT),
    "ph_exception_set_stack": (STATUS, HANDLE, BOOL, U32),
    "ph_exception_set_trace": (STATUS, HANDLE, TEXT, TEXT),
    "ph_exception_set_timestamp_ms": (STATUS, HANDLE, I64),
    "ph_exception_set_uuid": (STATUS, HANDLE, TEXT),
    "ph_exception_set_group": (STATUS, HANDLE, TEXT, TEXT),
    "ph_exception_set_properties": (STATUS, HANDLE, HANDLE),
    "ph_config_set_storage_dir": (STATUS, HANDLE, TEXT),
    "ph_config_set_storage_max_bytes": (STATUS, HANDLE, U64),
    "ph_config_set_storage_max_age_ms": (STATUS, HANDLE, U64),
    "ph_config_set_storage_sync": (STATUS, HANDLE, BOOL),
    "ph_config_set_crash_handler": (STATUS, HANDLE, BOOL),
    "ph_crash_set_distinct_id": (STATUS, HANDLE, TEXT),
    "ph_step_add": (STATUS, HANDLE, TEXT, HANDLE),
    "ph_context_new_json": (STATUS, TEXT, SIZE, OUT),
    "ph_context_free": (NOTHING, HANDLE),
    "ph_flag_enabled_n": (BOOL, HANDLE, TEXT, SIZE, TEXT, SIZE, HANDLE, BOOL),
    "ph_flags_evaluate_n": (STATUS, HANDLE, TEXT, SIZE, HANDLE, U32, OUT),
    "ph_flags_recall": (STATUS, HANDLE, TEXT, HANDLE, OUT),
    "ph_flags_set_person_properties": (STATUS, HANDLE, TEXT, HANDLE),
    "ph_flags_set_group_properties": (STATUS, HANDLE, TEXT, TEXT, HANDLE),
    "ph_flags_reset_person_properties": (STATUS, HANDLE, TEXT),
    "ph_flags_reset_group_properties": (STATUS, HANDLE, TEXT, TEXT),
    "ph_flags_override": (STATUS, HANDLE, TEXT),
    "ph_config_set_flags_bootstrap": (STATUS, HANDLE, TEXT),
    "ph_config_set_flag_events": (STATUS, HANDLE, BOOL),
    "ph_config_set_flags_local_only": (STATUS, HANDLE, BOOL),
    "ph_flags_wait_ready": (STATUS, HANDLE, U32),
    "ph_flags_refresh": (STATUS, HANDLE, U32),
    "ph_definitions_load": (STATUS, HANDLE, TEXT, SIZE),
    "ph_definitions_save": (STATUS, HANDLE, OUT),
    "ph_definitions_load_file": (STATUS, HANDLE, TEXT),
    "ph_definitions_save_file": (STATUS, HANDLE, TEXT),
    "ph_flag_explain": (STATUS, HANDLE, TEXT, TEXT, HANDLE, I32, OUT),
    "ph_flags_free": (NOTHING, HANDLE),
    "ph_flags_is_enabled": (BOOL, HANDLE, TEXT, BOOL),
    "ph_flags_is_known": (BOOL, HANDLE, TEXT),
    "ph_flags_get_variant": (TEXT, HANDLE, TEXT),
    "ph_flags_get_payload": (TEXT, HANDLE, TEXT),
    "ph_flags_get_reason": (TEXT, HANDLE, TEXT),
    "ph_flags_get_source": (I32, HANDLE, TEXT),
    "ph_flags_get_age_ms": (I64, HANDLE, TEXT),
    "ph_flags_get_id": (I64, HANDLE, TEXT),
    "ph_flags_get_version": (I64, HANDLE, TEXT),
    "ph_flags_get_request_id": (TEXT, HANDLE),
    "ph_flags_get_unknown_key": (TEXT, HANDLE, SIZE),
    "ph_flags_only": (STATUS, HANDLE, TEXTS, SIZE, OUT),
    "ph_flags_only_accessed": (STATUS, HANDLE, OUT),
    "ph_flags_get_count": (SIZE, HANDLE),
    "ph_flags_get_key": (TEXT, HANDLE, SIZE),
}

_NAMES = {"darwin": "libposthog.dylib", "win32": "posthog.dll"}


def _candidates() -> Iterator[str]:
    """Where the library may be, the likeliest first."""
    named = os.environ.get("POSTHOG_LIBRARY")
    if named:
        # Whoever names one wants that one, and an error if it cannot be loaded.
        yield named
        return
    bundled = Path(__file__).with_name(_NAMES.get(sys.platform, "libposthog.so"))
    if bundled.exists():
        yield str(bundled)
        return
    installed = find_library("posthog")
    if installed:
        yield installed


def _load() -> ctypes.CDLL:
    for path in _candidates():
        try:
            library = ctypes.CDLL(path)
            library.ph_version.restype = TEXT
            version = library.ph_version().decode()
        except (OSError, AttributeError) as error:
            raise ImportError(f"libposthog: {path} is not the library: {error}") from error
        if version != __version__:
            raise ImportError(
                f"libposthog: this package has version {__version__}, but the library {path} has "
                f"version {version}: install the same version of both"
            )
        return library
    raise ImportError(
        "libposthog: the shared library is neither in the package nor in the system: install a "
        "wheel for this platform, or name the library in POSTHOG_LIBRARY"
    )


class _Functions:
    """The functions of the library as attributes, declared."""

    def __init__(self, library: ctypes.CDLL) -> None:
        for name, (result, *arguments) in SIGNATURES.items():
            try:
                function = library[name]
            except AttributeError as error:
                raise ImportError(
                    f"libposthog: the library is of another build: {error}"
                ) from error
            function.restype = result
            function.argtypes = arguments
            setattr(self, name, function)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


lib = _Functions(_load())


def status_text(status: int) -> str:
    text: bytes = lib.ph_status_text(status)
    return text.decode()


def decoded(text: bytes | None) -> str | None:
    return None if text is None else text.decode()


def utf8(text: object) -> bytes:
    """A text as the library takes it. What is no UTF-8 is left for it to refuse."""
    return (text if isinstance(text, str) else str(text)).encode("utf-8", "surrogatepass")


def key(text: str) -> bytes:
    """The key of a flag or a property: none has a NUL inside."""
    return utf8(text).replace(b"\0", b"\xef\xbf\xbd")


def created(function: Any, *arguments: object) -> tuple[int, int | None]:
    """Calls a function whose last argument is the address of what it makes."""
    handle = HANDLE()
    status: int = function(*arguments, ctypes.byref(handle))
    return status, handle.value

"""libjeton.so.1 by ctypes: where it is found, its structs and its functions. The names are those of jeton.h.

ctypes.CDLL lets other Python threads run during a call.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import functools
import os
from ctypes import (
    POINTER,
    Structure,
    c_char,
    c_char_p,
    c_int,
    c_int64,
    c_size_t,
    c_uint32,
    c_uint64,
    c_void_p,
)
from typing import Optional

from . import _arguments
from .errors import failure

_OLDEST = (0, 1)  # libjeton with everything that is called here

ALLOW_EXPIRED = 1
ALLOW_MISSING = 2
FLAG_EXPIRED = 2
FLAG_REJECTED = 4


class Options(Structure):
    _fields_ = [("size", c_size_t), ("directory", c_char_p), ("flags", c_uint32)]


class Info(Structure):
    _fields_ = [
        ("size", c_size_t),
        ("generation", c_uint64),
        ("issued_at_ms", c_int64),
        ("expires_at_ms", c_int64),
        ("previous_generation", c_uint64),
        ("previous_accept_until_ms", c_int64),
        ("heartbeat_ms", c_int64),
        ("heartbeat_age_ms", c_int64),
        ("value_size", c_size_t),
        ("flags", c_uint32),
        ("type", c_char * 68),
    ]


class View(Structure):
    # The strings are addresses: a c_char_p would be cut at the first NUL.
    _fields_ = [
        ("size", c_size_t),
        ("generation", c_uint64),
        ("issued_at_ms", c_int64),
        ("expires_at_ms", c_int64),
        ("flags", c_uint32),
        ("reserved", c_uint32),
        ("value", c_void_p),
        ("value_size", c_size_t),
        ("type", c_void_p),
        ("type_size", c_size_t),
        ("previous_generation", c_uint64),
        ("previous_accept_until_ms", c_int64),
        ("previous_value", c_void_p),
        ("previous_value_size", c_size_t),
        ("origin", c_void_p),
        ("origin_size", c_size_t),
        ("attributes", c_void_p),
        ("attributes_size", c_size_t),
    ]


class WaitOptions(Structure):
    _fields_ = [("size", c_size_t), ("generation", c_uint64), ("timeout_ms", c_int64), ("cancel", c_void_p)]


class LockOptions(Structure):
    _fields_ = [
        ("size", c_size_t),
        ("directory", c_char_p),
        ("ttl_ms", c_int64),
        ("retry_ms", c_int64),
        ("metadata", c_char_p),
        ("also", POINTER(c_char_p)),
        ("also_count", c_size_t),
    ]


class Diagnosis(Structure):
    _fields_ = [("size", c_size_t), ("token", c_int), ("agent", c_int), ("heartbeat_age_ms", c_int64)]


def options(directory: _arguments.Directory, flags: int = 0) -> Options:
    return Options(ctypes.sizeof(Options), _arguments.directory(directory), flags)


# name: (result, arguments)
_FUNCTIONS = {
    "jeton_version": (c_char_p, []),
    "jeton_status_text": (c_char_p, [c_int]),
    "jeton_open": (c_int, [POINTER(Options), c_char_p, POINTER(c_void_p)]),
    "jeton_close": (None, [c_void_p]),
    "jeton_inspect": (c_int, [c_void_p, POINTER(Info)]),
    "jeton_reader_open": (c_int, [c_void_p, POINTER(c_void_p)]),
    "jeton_reader_close": (None, [c_void_p]),
    "jeton_current": (c_int, [c_void_p, POINTER(POINTER(View))]),
    "jeton_attribute_at": (
        c_int,
        [POINTER(View), c_size_t, POINTER(c_void_p), POINTER(c_size_t), POINTER(c_void_p), POINTER(c_size_t)],
    ),
    "jeton_wait": (c_int, [c_void_p, POINTER(WaitOptions), POINTER(c_uint64)]),
    "jeton_cancel_new": (c_int, [POINTER(c_void_p)]),
    "jeton_cancel_now": (None, [c_void_p]),
    "jeton_cancel_free": (None, [c_void_p]),
    "jeton_event_fd": (c_int, [c_void_p, POINTER(c_int)]),
    "jeton_event_clear": (c_int, [c_void_p, c_int]),
    "jeton_rejected": (c_int, [c_void_p, c_uint64, POINTER(c_uint64)]),
    "jeton_accepts": (c_int, [c_void_p, c_char_p, c_size_t]),
    "jeton_list": (c_int, [POINTER(Options), c_char_p, c_size_t, POINTER(c_size_t), POINTER(c_size_t)]),
    "jeton_lock_open": (c_int, [POINTER(LockOptions), c_char_p, POINTER(c_void_p)]),
    "jeton_lock_close": (None, [c_void_p]),
    "jeton_lock_acquire": (c_int, [c_void_p, c_int64, c_void_p]),
    "jeton_lock_start": (c_int, [c_void_p, c_int64]),
    "jeton_lock_check": (c_int, [c_void_p]),
    "jeton_lock_lost": (c_int, [c_void_p]),
    "jeton_lock_event_fd": (c_int, [c_void_p, POINTER(c_int)]),
    "jeton_lock_release": (c_int, [c_void_p]),
    "jeton_lock_extend": (c_int, [c_void_p, c_int64]),
    "jeton_lock_fence": (c_int, [c_void_p, c_char_p, POINTER(c_uint64)]),
    "jeton_lock_owner": (c_int, [c_void_p, c_char_p, c_char_p, c_size_t]),
    "jeton_lock_reason": (c_int, [c_void_p, c_char_p, c_size_t]),
    "jeton_diagnose": (c_int, [POINTER(Options), c_char_p, POINTER(Diagnosis)]),
}


def _load() -> ctypes.CDLL:
    named = os.environ.get("LIBJETON")
    if named:
        return ctypes.CDLL(named, use_errno=True)
    try:
        return ctypes.CDLL("libjeton.so.1", use_errno=True)
    except OSError:
        # Starts ldconfig or a compiler, so only where the loader itself finds nothing.
        found = ctypes.util.find_library("jeton")
        if found is None:
            raise OSError("libjeton.so.1 is not installed; LIBJETON may name its file") from None
        return ctypes.CDLL(found, use_errno=True)


@functools.lru_cache(maxsize=None)
def library() -> ctypes.CDLL:
    """The loaded library. OSError: there is none; ImportError: it is too old."""
    loaded = _load()
    try:
        for name, (result, arguments) in _FUNCTIONS.items():
            function = getattr(loaded, name)
            function.restype = result
            function.argtypes = arguments
        version = loaded.jeton_version().decode()
    except AttributeError as missing:
        raise ImportError(f"libjeton is older than {_OLDEST[0]}.{_OLDEST[1]}: {missing}") from None
    if tuple(int(part) for part in version.split(".")[:2]) < _OLDEST:
        raise ImportError(f"libjeton {version} is older than {_OLDEST[0]}.{_OLDEST[1]}")
    return loaded


def check(status: int, where: str, why: str = "") -> None:
    """Raises the JetonError of a status that is not OK. `why` says more than the status, and so takes its place."""
    if status:
        raise failure(status, where, why or library().jeton_status_text(status).decode(), ctypes.get_errno())

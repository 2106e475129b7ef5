"""The objects of the library, each freed with the last Python reference to it.

Each call of the library holds such a reference, so a token that is closed in one thread stays whole until
the calls of the others have returned: no lock, and nothing that a fork could leave behind locked.
"""

from __future__ import annotations

import ctypes
from typing import Any, Optional, Tuple

from . import _arguments
from ._library import View, check, library, options
from ._value import TokenValue, value_of


class Handle:
    """A jeton_token and the jeton_cancel that ends its waits."""

    def __init__(self, name: str, directory: _arguments.Directory, flags: int) -> None:
        given_name = _arguments.text(name, "the name of a token")
        given = options(directory, flags)
        self.token = ctypes.c_void_p()
        self.cancel = ctypes.c_void_p()
        self.where = f"token {name!r}"
        # Kept, because at the interpreter's exit modules may be gone before the last token.
        self._library = library()
        check(self._library.jeton_open(ctypes.byref(given), given_name, ctypes.byref(self.token)), self.where)
        check(self._library.jeton_cancel_new(ctypes.byref(self.cancel)), self.where)

    def end_waits(self) -> None:
        self._library.jeton_cancel_now(self.cancel)

    def __del__(self) -> None:
        if hasattr(self, "_library"):
            self._library.jeton_close(self.token)
            self._library.jeton_cancel_free(self.cancel)


class Reader:
    """A jeton_reader: one thread's view, and the TokenValue that was made of it last."""

    def __init__(self, handle: Handle) -> None:
        self._reader = ctypes.c_void_p()
        self._view: Any = ctypes.POINTER(View)()
        self._view_ref = ctypes.byref(self._view)
        self._last: Optional[Tuple[Tuple[int, int, int, int], TokenValue]] = None
        self._where = handle.where
        self._library = library()
        check(self._library.jeton_reader_open(handle.token, ctypes.byref(self._reader)), self._where)

    def read(self) -> TokenValue:
        check(self._library.jeton_current(self._reader, self._view_ref), self._where)
        return value_of(self._view)

    def current(self) -> TokenValue:
        status = self._library.jeton_current(self._reader, self._view_ref)
        if status:  # asked here, too: a call costs more than the read
            check(status, self._where)
        view = self._view.contents
        # issued_at: the same token, given again with other attributes, keeps its generation.
        state = (view.generation, view.issued_at_ms, view.expires_at_ms, view.flags)
        if self._last is None or self._last[0] != state:
            self._last = (state, value_of(self._view))
        return self._last[1]

    def __del__(self) -> None:
        if hasattr(self, "_library"):
            self._library.jeton_reader_close(self._reader)

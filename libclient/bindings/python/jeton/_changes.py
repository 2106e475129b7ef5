"""A token's changes as one descriptor for all waiters of one place: an asyncio loop, or a thread with greenlets."""

from __future__ import annotations

import asyncio
import ctypes
import os
import select
import sys
import warnings
from typing import Dict, Set

from ._handle import Handle
from ._library import check, library


class Descriptor:
    """The event descriptor of one token; it is open while there are waiters."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle
        self._users = 0
        self._fd = -1

    def enter(self) -> None:
        """Before the first look at the token: a change from here on is not missed."""
        if self._users == 0:
            fd = ctypes.c_int(-1)
            check(library().jeton_event_fd(self._handle.token, ctypes.byref(fd)), self._handle.where)
            self._fd = fd.value
            _warn_of_timer(self._fd)
            self._begin()
        self._users += 1

    def leave(self) -> bool:
        """True if that was the last."""
        self._users -= 1
        if self._users > 0:
            return False
        self._end()
        os.close(self._fd)
        return True

    def _begin(self) -> None:
        pass

    def _end(self) -> None:
        pass

    def _clear(self) -> None:
        # What goes wrong here goes wrong in the waiters' own look as well, and is raised there.
        library().jeton_event_clear(self._handle.token, self._fd)


class Changes(Descriptor):
    """In an asyncio loop, without a thread."""

    def __init__(self, handle: Handle, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(handle)
        self._loop = loop
        self._waiters: Set[asyncio.Future[None]] = set()

    async def next(self, timeout: float) -> None:
        """Returns when the token may have changed, or after `timeout` seconds."""
        waiter = self._loop.create_future()
        self._waiters.add(waiter)
        try:
            await asyncio.wait([waiter], timeout=timeout)
        finally:
            self._waiters.discard(waiter)

    def _begin(self) -> None:
        self._loop.add_reader(self._fd, self._on_readable)

    def _end(self) -> None:
        self._loop.remove_reader(self._fd)

    def _on_readable(self) -> None:
        self._clear()
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)


class GreenletChanges(Descriptor):
    """Under gevent, which replaces select.poll: the thread's other greenlets go on meanwhile.

    Of one native thread, where no greenlet can clear the descriptor between another's look and its wait.
    """

    def next(self, timeout: float) -> None:
        """Returns when the token may have changed, or after `timeout` seconds."""
        ready = select.poll()
        ready.register(self._fd, select.POLLIN)
        if ready.poll(timeout * 1000):
            self._clear()


def has_greenlets() -> bool:
    """gevent has replaced select.poll. A wait inside of libjeton would hold up every greenlet of the thread."""
    monkey = sys.modules.get("gevent.monkey")
    return monkey is not None and bool(monkey.is_module_patched("select"))


def _warn_of_timer(fd: int) -> None:
    try:
        is_timer = os.readlink(f"/proc/self/fd/{fd}").endswith("[timerfd]")
    except OSError:  # no /proc: the warning is all that is missing
        return
    if is_timer:
        warnings.warn(
            "jeton: this user has no inotify instance left (sysctl fs.inotify.max_user_instances); "
            "tokens that are waited for are looked at ten times a second instead",
            RuntimeWarning,
            stacklevel=2,
        )


# By loop, because a descriptor is watched by one; entries go with their last waiter.
ByLoop = Dict[asyncio.AbstractEventLoop, Changes]
# By native thread, likewise.
ByThread = Dict[int, GreenletChanges]

"""Authentication for httpx by a jeton token: adds the header, reports a 401, tries once more with a newer token.

httpx.Client(auth=JetonAuth(jeton.open("wechat")))       and the same with httpx.AsyncClient
"""

from __future__ import annotations

import asyncio
from typing import AsyncGenerator, Generator

import httpx

import jeton


class JetonAuth(httpx.Auth):
    """`patience`: seconds to wait for the newer token before the 401 is handed to the caller."""

    requires_request_body = True  # so that it can be sent twice

    def __init__(self, token: jeton.Token, patience: float = 5.0) -> None:
        self._token = token
        self._patience = patience

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.read()
        value = self._token.current()
        request.headers["Authorization"] = value.authorization
        response = yield request
        if response.status_code != 401:
            return
        try:
            if self._token.rejected(value.generation) <= value.generation:
                self._token.wait_change(value.generation, self._patience)
            newer = self._token.current()
        except jeton.JetonError:
            return  # the caller sees the 401; the agents go on
        request.headers["Authorization"] = newer.authorization
        yield request

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        await request.aread()
        value = self._token.current()
        request.headers["Authorization"] = value.authorization
        response = yield request
        if response.status_code != 401:
            return
        try:
            # In a thread: it talks to the agent, for a second at most.
            if await asyncio.to_thread(self._token.rejected, value.generation) <= value.generation:
                await self._token.wait_change_async(value.generation, self._patience)
            newer = self._token.current()
        except jeton.JetonError:
            return
        request.headers["Authorization"] = newer.authorization
        yield request

"""Authentication for requests by a jeton token: adds the header, reports a 401, tries once more with a newer token.

requests.get(url, auth=JetonAuth(jeton.open("wechat")))
"""

from __future__ import annotations

from typing import Any

import requests
from requests.auth import AuthBase

import jeton


class JetonAuth(AuthBase):
    """`patience`: seconds to wait for the newer token before the 401 is handed to the caller."""

    def __init__(self, token: jeton.Token, patience: float = 5.0) -> None:
        self._token = token
        self._patience = patience

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        value = self._token.current()
        request.headers["Authorization"] = value.authorization
        body = request.body
        position = body.tell() if hasattr(body, "tell") else None

        def on_response(response: requests.Response, **options: Any) -> requests.Response:
            return self._retry(response, value.generation, position, options)

        request.register_hook("response", on_response)
        return request

    def _retry(
        self, response: requests.Response, generation: int, position: Any, options: Any
    ) -> requests.Response:
        if response.status_code != 401:
            return response
        try:
            if self._token.rejected(generation) <= generation:
                self._token.wait_change(generation, self._patience)
            newer = self._token.current()
        except jeton.JetonError:
            return response  # the caller sees the 401; the agents go on
        again = response.request.copy()
        body: Any = again.body
        if position is not None:
            body.seek(position)
        elif body is not None and not isinstance(body, (bytes, str)):
            return response  # a stream that was read cannot be sent twice
        response.content  # read to its end, so that the connection can be used again
        response.close()
        again.hooks = {"response": []}  # once
        again.headers["Authorization"] = newer.authorization
        answer: requests.Response = response.connection.send(again, **options)
        answer.history.append(response)
        answer.request = again
        return answer

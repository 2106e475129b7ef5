#!/usr/bin/env python3
"""A provider of tokens that counts its calls: counting_provider.py ADDRESS PORT FILE

Call N is answered with the value token-N, valid for an hour. FILE has the number of calls.
"""

import http.server
import pathlib
import sys

address, port, file = sys.argv[1], int(sys.argv[2]), pathlib.Path(sys.argv[3])
calls = 0


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        global calls
        calls += 1
        file.write_text(str(calls))
        body = b'{"access_token": "token-%d", "expires_in": 3600}' % calls
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


file.write_text("0")
http.server.HTTPServer((address, port), Handler).serve_forever()

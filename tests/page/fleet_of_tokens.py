"""A real agent with 200 tokens in every condition, of a provider on loopback that this script is."""

import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PATIENCE = 60.0  # seconds; only a hang reaches it
COUNT = 200
SECRET = "s3cr3t-value-"  # the beginning of each token's value
HOSTILE = "<script>document.title='hostile'</script><img src=x onerror=document.title='hostile'>"
APIS = ("payments", "search", "maps", "mail", "ledger", "chat", "photos", "orders")


class Provider(BaseHTTPRequestHandler):
    """/good/SECONDS/NAME issues tokens, /once/SECONDS/NAME one of each name, /fails and /hostile none."""

    served = set()
    count = 0

    def do_GET(self):
        Provider.count += 1
        kind, *rest = self.path.strip("/").split("/")
        status, body = 500, {"error": "maintenance", "error_description": "the account is being moved"}
        if kind == "hostile":
            body = {"error": HOSTILE, "error_description": HOSTILE}
        if kind == "good" or (kind == "once" and rest[1] not in self.served):
            self.served.add(rest[1] if rest[1:] else "")
            status, body = 200, {"access_token": f"{SECRET}{Provider.count:06}", "token_type": "Bearer",
                                 "expires_in": int(rest[0])}
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 256
    daemon_threads = True

    def handle_error(self, *client):
        if not isinstance(sys.exc_info()[1], ConnectionError):  # an agent that is stopped asks no more
            super().handle_error(*client)


def token(name, path, **more):
    lines = [f"  {name}:", f"    source: {{type: http, url: {path}, response: {{error_message: /error_description}}}}"]
    return "\n".join(lines + [f"    {key}: {value}" for key, value in more.items()])


def tokens(url):
    quick = "{min_interval: 10ms, overlap: 5m}"
    yield token("wechat-official", f"{url}/good/7200/wechat", refresh=quick, budget="{calls: 100, per: 1h}")
    yield token("maps-hostile", f"{url}/hostile")
    for n in range(3):
        yield token(f"ledger-without-{n}", f"{url}/fails")
    for n in range(2):
        yield token(f"mail-expired-{n}", f"{url}/once/3/mail{n}", refresh="{grace: 2s, min_interval: 10ms}")
    for n in range(4):
        yield token(f"chat-failing-{n}", f"{url}/once/900/chat{n}", refresh=quick)
    for n in range(COUNT - 11):
        life = (600, 1800, 3600, 7200, 86400, 2592000)[n % 6]
        more = {"budget": "{calls: 200, per: 24h}"} if n % 3 == 0 else {}
        yield token(f"{APIS[n % len(APIS)]}-{n:03}", f"{url}/good/{life}/{n}", **more)


class Fleet:
    def __init__(self, build):
        self.build = Path(build)
        shm = Path("/dev/shm")
        self.dir = Path(tempfile.mkdtemp(prefix="jeton-page.", dir=shm if os.access(shm, os.W_OK) else None))
        self.provider = Server(("127.0.0.1", 0), Provider)
        threading.Thread(target=self.provider.serve_forever, daemon=True).start()
        # Bound and not listening, so nobody else gets the port while the agent is down; SO_REUSEADDR lets the agent listen.
        self.reservation = socket.socket()
        self.reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.reservation.bind(("127.0.0.1", 0))
        self.port = self.reservation.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        source = f"http://127.0.0.1:{self.provider.server_address[1]}"
        (self.dir / "agent.yaml").write_text(
            f"version: 1\nagent:\n  runtime_dir: {self.dir}/run\n  listen: 127.0.0.1:{self.port}\n"
            "tokens:\n" + "\n".join(tokens(source)) + "\nlocks:\n  '*': {max_ttl: 1h}\n")
        self.log = open(self.dir / "agent.log", "ab")
        self.agent = None  # until start()

    def start(self):
        self.agent = subprocess.Popen(
            [self.build / "agent/cli/jeton-agent", "run", "--config", self.dir / "agent.yaml"],
            stdout=self.log, stderr=self.log)
        self.wait(lambda: self.get("/live"))

    def stop(self):
        self.agent.terminate()
        self.agent.wait()

    def close(self):
        if self.agent:
            self.agent.kill()
            self.agent.wait()
        self.provider.shutdown()
        shutil.rmtree(self.dir)

    def get(self, path):
        try:
            with urllib.request.urlopen(self.url + path, timeout=PATIENCE) as answer:
                return answer.read().decode()
        except OSError:
            return None

    def wait(self, condition):
        deadline = time.monotonic() + PATIENCE
        while not (found := condition()):
            if self.agent.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("waited in vain; the agent's log:\n" + (self.dir / "agent.log").read_text()[-4000:])
            time.sleep(0.1)
        return found

    def kinds(self):
        """How many rows of each kind the page has."""
        kinds = re.findall(r'<tbody role="rowgroup" class="token (\w+)"', self.get("/") or "")
        return {kind: kinds.count(kind) for kind in set(kinds)}

    def refresh(self, name):
        connection = http.client.HTTPConnection("localhost", timeout=PATIENCE)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(str(self.dir / "run/agent.sock"))
        connection.request("POST", f"/v1/tokens/{name}/refresh")
        answer = connection.getresponse()
        assert answer.status == 202, answer.read()
        connection.close()

    def events(self, name):
        row = re.search(rf'data-name="{name}".*?</tbody>', self.get("/"), re.S)
        return row.group().count("<li>")

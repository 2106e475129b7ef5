#!/usr/bin/env python3
"""A real Prometheus scrapes a real agent, beside a real Redis and provider: the page is the table of systemd/README.md,
promtool finds no fault in its names, every query of the dashboard has a result, and every alert rule can be evaluated.

  live_test.py SOURCE_DIR BUILD_DIR
"""
import contextlib
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

source, build = map(pathlib.Path, sys.argv[1:])
PATIENCE = 120  # reached by a hang only
# The header of Prometheus 2.42.
ACCEPT = ("application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
          "text/plain;version=0.0.4;q=0.5,*/*;q=0.1")


def eventually(what, condition):
    end = time.monotonic() + PATIENCE
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise SystemExit(f"not in time: {what}")
        time.sleep(0.2)


def documented_configuration(places):
    """The configuration of Prometheus in systemd/README.md, with what is of this machine in the place of the page's words."""
    text = re.search(r"^```yml\n(# prometheus\.yml\n.*?)^```", (source / "systemd/README.md").read_text(), re.M | re.S)[1]
    for word, here in places.items():
        assert word in text, f"systemd/README.md does not say {word} any more"
        text = text.replace(word, here)
    return text


def reserve_port(stack):
    """Bound and not listening: it is ours until a server with SO_REUSEADDR listens on it."""
    reserved = stack.enter_context(socket.socket())
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reserved.bind(("127.0.0.1", 0))
    return reserved.getsockname()[1]


def start(stack, log, *command):
    process = subprocess.Popen(list(map(str, command)), stdout=open(log, "w"), stderr=subprocess.STDOUT)

    def end():
        process.terminate()
        process.wait()

    stack.callback(end)
    return process


def get(url, accept=""):
    """(status, content type, text); status 0: nobody answers."""
    request = urllib.request.Request(url, headers={"Accept": accept} if accept else {})
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, "", error.read().decode()
    except OSError:
        return 0, "", ""


def families(page):
    """{name: (type, labels, help)} of a page in the text format."""
    found = {}
    for line in page.splitlines():
        if line.startswith("# HELP "):
            name, text = line[7:].split(" ", 1)
            found[name] = [None, set(), text]
        elif line.startswith("# TYPE "):
            name, kind = line[7:].split(" ")
            found[name][0] = kind
        else:
            name = re.match(r"\w+", line)[0]
            if name not in found:
                name = re.sub(r"_(bucket|count|sum)$", "", name)
            found[name][1] |= set(re.findall(r'(\w+)="', line)) - {"le"}
    return {name: (kind, frozenset(labels), text) for name, (kind, labels, text) in found.items()}


def documented():
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| ([\w, -]+) \| (.*) \|$", (source / "systemd/README.md").read_text(), re.M)
    return {name: (kind, frozenset() if labels == "-" else frozenset(labels.split(", ")), text)
            for name, kind, labels, text in rows}


def check_page(agent):
    # Every path has to be asked for once, or its series are not there.
    status, kind, text = get(agent + "/metrics")
    assert status == 200 and kind == "text/plain; version=0.0.4; charset=utf-8", (status, kind)
    shown, table = families(text), documented()
    for name in sorted(shown.keys() | table.keys()):
        assert shown.get(name) == table.get(name), f"{name}: shown {shown.get(name)}, documented {table.get(name)}"
    lint = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True)
    assert lint.returncode == 0 and not lint.stderr, lint.stderr
    status, kind, text = get(agent + "/metrics", ACCEPT)
    assert kind == "application/openmetrics-text; version=1.0.0; charset=utf-8" and text.endswith("\n# EOF\n"), kind
    assert get(agent + "/live")[0] == 200
    assert get(agent + "/ready")[0] == 200
    assert get(agent + "/v1/status")[0] == 404
    return text


def query(prometheus, expression):
    answer = json.loads(get(prometheus + "/api/v1/query?" + urllib.parse.urlencode({"query": expression}))[2])
    assert answer["status"] == "success", f"{expression}: {answer.get('error')}"
    return answer["data"]["result"]


def check_dashboard(prometheus):
    dashboard = json.loads((source / "systemd/monitoring/dashboard.json").read_text())
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            queries.append(re.fullmatch(r"label_values\((.*), \w+\)", variable["definition"])[1])
    for expression in queries:
        plain = expression.replace("$__rate_interval", "10s").replace("$instance", ".*").replace("$token", ".*")
        assert "$" not in plain, f"an unknown variable: {expression}"
        eventually(f"a result of {plain}", lambda plain=plain: query(prometheus, plain))
    return len(queries)


def check_rules(prometheus):
    def rules():
        answer = json.loads(get(prometheus + "/api/v1/rules")[2])
        return [rule for group in answer["data"]["groups"] for rule in group["rules"]]

    def evaluated():
        found = rules()
        return found if all(rule["health"] != "unknown" for rule in found) else None

    found = eventually("every rule is evaluated", evaluated)
    for rule in found:
        assert rule["health"] == "ok", f"{rule['name']}: {rule.get('lastError')}"
        # A scrape that a busy machine has missed leaves a gap, and an alert that is pending until the next one.
        for name in set(re.findall(r"\bjeton_\w+", rule["query"])):
            eventually(f"{rule['name']}: there is {name}", lambda name=name: query(prometheus, name))
    quiet = "no rule fires although nothing is wrong"
    eventually(quiet, lambda: all(rule["state"] == "inactive" for rule in rules()))
    return len(found)


with contextlib.ExitStack() as stack:
    work = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))

    def show_logs(kind, *_):
        for log in sorted(work.glob("*.log")) if kind else []:
            print(f"--- {log.name}\n{log.read_text()[-4000:]}")

    stack.push(show_logs)
    redis_port, agent_port, prometheus_port = (reserve_port(stack) for _ in range(3))
    agent, prometheus = f"http://127.0.0.1:{agent_port}", f"http://127.0.0.1:{prometheus_port}"
    start(stack, work / "redis.log", "redis-server", "--port", redis_port, "--save", "", "--dir", work)
    start(stack, work / "provider.log", build / "tests/system/jeton_test_provider", work / "url", 60)
    url = eventually("the provider", lambda: (work / "url").exists() and (work / "url").read_text().strip())
    (work / "agent.yaml").write_text(f"""version: 1
agent:
  runtime_dir: {work}/run
  listen: 127.0.0.1:{agent_port}
coordination:
  backend: redis
  redis: {{endpoint: 'redis://127.0.0.1:{redis_port}/0'}}
locks:
  'report-*': {{}}
tokens:
  wechat:
    source: {{type: http, url: '{url}'}}
    budget: {{calls: 1000, per: 1h}}
    outputs:
      - path: {work}/token
        on_change: {{command: [/bin/true]}}
""")
    start(stack, work / "agent.log", build / "agent/cli/jeton-agent", "run", "--config", work / "agent.yaml")
    eventually("the agent", lambda: get(agent + "/live")[0] == 200 and get(agent + "/ready")[0] == 200)
    (work / "prometheus.yml").write_text("global: {evaluation_interval: 1s}\n" + documented_configuration({
        "/usr/share/jeton/monitoring/": f"{source}/systemd/monitoring/", "scrape_interval: 15s": "scrape_interval: 1s",
        "['host-1:9717', 'host-2:9717']": f"['127.0.0.1:{agent_port}']"}))
    start(stack, work / "prometheus.log", "prometheus", f"--config.file={work}/prometheus.yml",
          f"--storage.tsdb.path={work}/data", f"--web.listen-address=127.0.0.1:{prometheus_port}")

    def scraped():
        answer = get(prometheus + "/api/v1/targets")[2]
        targets = json.loads(answer)["data"]["activeTargets"] if answer.startswith("{") else []
        return targets and targets[0]["health"] == "up"

    eventually("a scrape", scraped)
    ctl = {**os.environ, "JETON_DIR": f"{work}/run"}
    jetonctl = build / "libclient/ctl/jetonctl"
    subprocess.run([jetonctl, "lock", "run", "report-1", "--", "true"], env=ctl, check=True)
    text = check_page(agent)
    token = subprocess.run([jetonctl, "get", "wechat"], env=ctl, check=True, capture_output=True, text=True).stdout.strip()
    assert len(token) > 8 and token not in text, "the page has a token"
    queries = check_dashboard(prometheus)
    rules = check_rules(prometheus)
    print(f"{len(documented())} families, {queries} queries and {rules} rules are in order")

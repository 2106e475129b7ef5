#!/usr/bin/env python3
"""The alert rules as promtool sees them, and the pages that must name what the rules and the dashboard use.

  rules_test.py SOURCE_DIR
"""
import json
import pathlib
import re
import subprocess
import sys

source = pathlib.Path(sys.argv[1])
folder = source / "systemd" / "monitoring"
failed = []


def promtool(*arguments):
    result = subprocess.run(["promtool", *arguments], cwd=folder, capture_output=True, text=True)
    if result.returncode != 0:
        failed.append(f"promtool {' '.join(arguments)}:\n{result.stdout}{result.stderr}")


promtool("check", "rules", "alerts.yaml")
promtool("test", "rules", "alerts_test.yaml")

page = (source / "systemd" / "README.md").read_text()
documented = set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))
if len(documented) < 30:
    failed.append("systemd/README.md has no table of metrics any more")
rules = (folder / "alerts.yaml").read_text()
cases = (folder / "alerts_test.yaml").read_text()
alerts = re.findall(r"- alert: (\w+)\n", rules)
if len(alerts) < 10:
    failed.append("alerts.yaml has lost its rules")

for alert in alerts:
    headings = page.count(f"#### {alert}\n")
    if headings != 1:
        failed.append(f"{alert}: {headings} sections in systemd/README.md")
    if f'runbook: "systemd/README.md#{alert.lower()}"' not in rules:
        failed.append(f"{alert}: its annotation names no section")
    # One that can never fire, or always does, is none.
    for kind, wanted in ("fires", True), ("is quiet", False):
        case = re.search(rf"- name: {alert} {kind}\n(.*?)(?=\n  - name: |\Z)", cases, re.DOTALL)
        expects = case is not None and f"alertname: {alert}\n" in case[1] and ("exp_labels" in case[1]) == wanted
        if not expects:
            failed.append(f"{alert}: alerts_test.yaml has no case in which it {kind}")
for heading in re.findall(r"^#### (Jeton\w+)$", page, re.MULTILINE):
    if heading not in alerts:
        failed.append(f"systemd/README.md has a section for {heading}, which is no alert")

dashboard = json.loads((folder / "dashboard.json").read_text())
queries = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
for text in [rules, *queries]:
    for name in set(re.findall(r"\b(?:jeton|process)_\w+", text)):
        family = re.sub(r"_(bucket|count|sum)$", "", name)
        if name not in documented and family not in documented:
            failed.append(f"{name} is in no row of the table: {text[:200]}")

print("\n".join(failed) or f"{len(alerts)} alerts and {len(queries)} queries of the dashboard are in order")
sys.exit(1 if failed else 0)

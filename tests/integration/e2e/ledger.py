# SPDX-License-Identifier: Apache-2.0
"""The report, the audit trail for others, and what is forgotten."""
import json
import os
import re
import sqlite3
import subprocess
import sys

from lab import ROOT, equal, expect, wait_for
from story import begin

EVIL = "<script>alert(1)</script> | `x` \x1b[31mred\n# big"


def recovered(lab, **config):
    redis, midwatch = begin(lab, **config)
    midwatch.say("✅ I1")
    lab.wait_closed("recovered")
    return midwatch


def rewrite(lab, sql, *values):
    store = sqlite3.connect(lab.path("midwatch.db"))
    with store:
        store.execute(sql, values)
    store.close()


def test_report(lab):
    midwatch = recovered(lab)
    page = lab.cli("report")
    equal(page.returncode, 0, f"exit status: {page.stderr!r}")
    for part in ("lab: report of the last 7 days", "1 of 1 (100 %)", "redis_scale_memory", "I1"):
        expect(part in page.stdout, f"the page has {part!r}: {page.stdout}")
    document = json.loads(lab.cli("report", "--format", "json", "--since", "1h").stdout)
    equal((document["name"], document["summary"]["runs"], document["summary"]["passed"]), ("lab", 1, 1),
          "name, runs and passed")
    run = document["runs"][0]
    equal((run["incident"], run["status"], run["tools"], run["final_status"]),
          ("I1", "PASS", ["redis_scale_memory"], "HEALTHY"), "the run")
    expect(run["before"]["memory_percent"] > 95 > run["after"]["memory_percent"], "before and after")
    equal(document["summary"]["plans_approved"], 1, "plans that people approved")
    midwatch.ask("report", r"Last 7d: 1 incident closed, 1 of 1 fixes recovered")
    midwatch.ask("report 2h", r"Last 2h: 1 incident closed")
    midwatch.ask("report sometimes", r"write 24h, 7d or 4w")
    midwatch.ask("audit I1", r"ann  approve")
    midwatch.ask("audit", r"opened I1")
    midwatch.ask("audit I9", r"nothing of I9")


def test_report_with_wrong_words(lab):
    redis = lab.redis()
    lab.write_config([lab.resource(redis)])
    lab.run().terminate()
    for words in (("--since", "nonsense"), ("--since", ""), ("--since", "0s"), ("--since", "9999999d"),
                  ("--since",), ("--format", "pdf"), ("--format",), ("--until", "7d"), ("more",)):
        done = lab.cli("report", *words)
        equal(done.returncode, 2, f"exit status of report {words}")
        equal(done.stdout, "", f"stdout of report {words}")
        expect(done.stderr.strip(), f"report {words} says what is wrong")
    expect("24h, 7d or 4w" in lab.cli("report", "--since", "nonsense").stderr, "it says what to write")
    expect("md, html or json" in lab.cli("report", "--format", "pdf").stderr, "it says which formats")
    page = lab.cli("report")
    equal(page.returncode, 0, "exit status without incidents")
    expect("No incident closed" in page.stdout, f"an empty report: {page.stdout}")


def test_report_keeps_foreign_text_apart(lab):
    recovered(lab).terminate()
    rewrite(lab, "UPDATE incident SET resource = ?", EVIL)
    rewrite(lab, "UPDATE plan SET root_cause = ?", EVIL)
    rewrite(lab, "UPDATE step SET tool = ?", EVIL)
    html = lab.cli("report", "--format", "html").stdout
    expect("&lt;script&gt;alert(1)" in html, "the text is there")
    for tag in re.findall(r"<\s*(\w+)", html):
        expect(tag in ("html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "table",
                       "tr", "th", "td"), f"<{tag}> is none of ours")
    page = lab.cli("report").stdout
    expect("\x1b" not in page + html, "no control characters")
    expect("\n# big" not in page and "| `x`" not in page, f"Markdown is escaped: {page}")


def test_audit_export(lab):
    recovered(lab)
    done = lab.cli("audit", "export")
    equal(done.returncode, 0, f"exit status: {done.stderr!r}")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    expect(("ann", "approve", "I1") in [(row["actor"], row["action"], row["incident"]) for row in rows],
           "the approval is in it")
    # The page says how to check it; that is what is run here.
    page = open(os.path.join(ROOT, "docs", "audit.md"), encoding="utf-8").read()
    check = re.search(r"```python\n(.*?)```", page, re.S)[1]

    def checked(text):
        return subprocess.run([sys.executable, "-c", check], input=text, capture_output=True, text=True,
                              encoding="utf-8", timeout=20, check=False)
    good = checked(done.stdout)
    equal(good.returncode, 0, f"the chain holds: {good.stderr}")
    expect(rows[-1]["hash"] in good.stdout, "up to the last hash")
    for old, new in (('"actor":"ann"', '"actor":"bob"'), ('\\"ann\\"', '\\"bob\\"')):
        expect(old in done.stdout, f"{old} stands in the export")
        equal(checked(done.stdout.replace(old, new, 1)).returncode, 1, f"the check after {new}")
    lines = done.stdout.splitlines(keepends=True)
    equal(checked("".join(lines[:2] + lines[3:])).returncode, 1, "the check without the third row")
    equal(lab.cli("audit", "import").returncode, 2, "exit status of audit import")


def test_what_is_old_is_forgotten(lab):
    midwatch = recovered(lab)
    midwatch.terminate()
    old = 500 * 24 * 3600 * 1000
    rewrite(lab, "UPDATE incident SET closed_at = closed_at - ?, opened_at = opened_at - ?", old, old)
    midwatch = lab.run()
    midwatch.terminate()
    equal(lab.query("SELECT id FROM incident"), [(1,)], "the newest incident stays")
    # A second one, so that the first is not the newest any more.
    store = sqlite3.connect(lab.path("midwatch.db"))
    with store:
        columns = [row[1] for row in store.execute("PRAGMA table_info(incident)")]
        others = ", ".join(columns[1:])
        store.execute(f"INSERT INTO incident (id, {others}) SELECT 2, {others} FROM incident")
        store.execute("UPDATE incident SET closed_at = closed_at + ? WHERE id = 2", (old,))
    store.close()
    lab.run()
    wait_for("the old incident to be gone", lambda: lab.query("SELECT id FROM incident") == [(2,)], 10)
    for table in ("plan", "step", "decision", "outbox"):
        equal(lab.query(f"SELECT COUNT(*) FROM {table} WHERE incident = 1"), [(0,)], f"rows of {table}")
    expect(any(action == "retention" and '"I1"' in detail for _, action, detail in lab.audit()),
           "the trail says so")
    expect(("ann", "approve") in [row[:2] for row in lab.audit()], "the trail keeps what was decided")
    equal(lab.cli("audit", "verify").returncode, 0, "audit verify")

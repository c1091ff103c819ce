# SPDX-License-Identifier: Apache-2.0
"""How quickly the past is told, in a record with incidents by the hundred thousand."""
import hashlib
import json
import random
import re
import sqlite3
import statistics
import time

from lab import Lab, expect

DAY = 24 * 3600 * 1000
OUTCOMES = ["recovered"] * 14 + ["self_recovered"] * 3 + ["rejected", "expired", "failed", "handed_over"]
ACTED = ("recovered", "failed")
TOOLS = ["redis_scale_memory", "redis_memory_purge", "redis_restart", "redis_set_eviction"]
USAGE = {"model": "gemini-3.8-flash", "turns": 3, "input_tokens": 3120, "output_tokens": 410,
         "latency_ms": 2100, "cost_usd": 0.005}


def text(value):
    return json.dumps(value, separators=(",", ":"), sort_keys=True)


def incident_row(number, closed, outcome, rng):
    percent = 95 + 5 * rng.random()
    finding = {"metric": "memory_percent", "value": percent, "limit": 95, "normal": 41.5,
               "health": "DEGRADED", "text": f"memory {percent:.1f} % of maxmemory"}
    log = [{"line": f"OOM command not allowed when used memory > 'maxmemory' #{line}", "times": line + 1}
           for line in range(5)]
    metrics = {"memory_percent": percent, "clients_percent": 0.1, "connected_clients": 12,
               "evicted_per_s": 0, "hit_ratio": 0.97, "latency_ms": 0.3}
    facts = {"maxmemory": 33554432, "maxmemory_policy": "noeviction", "version": "7.0.15", "aof": False}
    took = rng.randrange(5000, 300000)
    acted = outcome in ACTED
    return {"id": number, "version": 9, "told_version": 9, "resource": f"cache{number % 40}",
            "kind": "redis", "environment": "local", "stage": "closed", "outcome": outcome,
            "outcome_reason": "health held", "severity": "DEGRADED", "since": closed - took,
            "opened_at": closed - took + 1100, "closed_at": closed, "samples": 2,
            "findings": text([finding]), "log": text(log), "facts": text(facts),
            "reading_before": text({"health": "DEGRADED", "measured_at": closed - took,
                                    "metrics": metrics}),
            "reading_after": text({"health": "HEALTHY", "measured_at": closed, "metrics": metrics}),
            "detect_ms": 1100, "analyse_ms": 400, "approve_ms": took // 2 if acted else 0,
            "execute_ms": 200 if acted else 0, "verify_ms": 10100 if acted else 0, "total_ms": took,
            "collateral": "[]", "acknowledged_by": None, "mass": 0}


def plan_row(number, closed, outcome):
    return {"incident": number, "revision": 1, "digest": hashlib.sha256(b"%d" % number).hexdigest(),
            "planner": "gemini:gemini-3.8-flash", "root_cause": "sessions without expiry filled it",
            "confidence": 0.82, "evidence": text(["used memory grows by 2 MB a minute"]),
            "state": "spent" if outcome in ACTED else "void", "state_reason": None,
            "automatic": number % 3 == 0, "undo": 0, "approvals_needed": 1, "proposed_at": closed - 20000,
            "approved_at": closed - 11000 if outcome in ACTED else 0, "expires_at": closed + 1800000,
            "model_usage": text(USAGE)}


def step_row(number, closed, outcome):
    acted = outcome in ACTED
    return {"incident": number, "revision": 1, "position": 1, "kind": "redis", "environment": "local",
            "tool": TOOLS[number % len(TOOLS)], "resource": f"cache{number % 40}",
            "arguments": text({"bytes": 67108864}), "why": "writes fail", "expect": "room to write",
            "effect": "32 → 64 MiB", "risk": "reversible", "risk_reason": None,
            "undo": text({"tool": "redis_scale_memory", "arguments": {"bytes": 33554432}}),
            "state": "done" if acted else "planned",
            "result": text({"ok": True, "summary": "maxmemory 32 → 64 MiB", "data": {}}) if acted else None,
            "started_at": closed - 10500 if acted else 0, "ended_at": closed - 10300 if acted else 0}


def insert(store, table, rows):
    columns = list(rows[0])
    store.executemany(f"INSERT INTO {table} ({', '.join(columns)})"
                      f" VALUES ({', '.join('?' * len(columns))})",
                      (tuple(row.values()) for row in rows))


class Trail:
    """The audit chain, as the program hashes it."""

    def __init__(self, store):
        self.store = store
        self.count, self.hash = store.execute("SELECT row_count, hash FROM audit_head").fetchone()

    def row(self, at, actor, action, incident):
        chained = json.dumps([at, actor, action, incident, None], separators=(",", ":"))
        self.count += 1
        self.hash = hashlib.sha256(f"{self.hash}\n{chained}".encode()).hexdigest()
        return {"id": self.count, "happened_at": at, "actor": actor, "action": action,
                "incident": incident, "detail": None, "hash": self.hash}

    def end(self):
        self.store.execute("UPDATE audit_head SET row_count = ?, hash = ?", (self.count, self.hash))


def fill(path, count, now, days=400, seed=1):
    """Writes `count` closed incidents that end now and began `days` ago; the store has its tables."""
    rng = random.Random(seed)
    with sqlite3.connect(path) as store:
        trail = Trail(store)
        for first in range(1, count + 1, 5000):
            incidents, plans, steps, decisions, audit = [], [], [], [], []
            for number in range(first, min(first + 5000, count + 1)):
                closed = now - (count - number) * days * DAY // count - 1000
                outcome = rng.choice(OUTCOMES)
                incidents.append(incident_row(number, closed, outcome, rng))
                plans.append(plan_row(number, closed, outcome))
                steps.append(step_row(number, closed, outcome))
                if outcome in ACTED:
                    decisions.append({"id": number, "incident": number, "person": "ann",
                                      "action": "approve", "revision": 1, "note": None,
                                      "decided_at": closed - 11000})
                audit += [trail.row(closed - 20000, "midwatch", "opened", number),
                          trail.row(closed, "midwatch", "stage", number)]
            insert(store, "incident", incidents)
            insert(store, "plan", plans)
            insert(store, "step", steps)
            insert(store, "decision", decisions)
            insert(store, "audit", audit)
        trail.end()
    store.close()


def bench_past(figures):
    """100,000 incidents of 400 days: each command as a whole process, each answer from typed to told."""
    with Lab("past") as lab:
        redis = lab.redis()
        resources = [lab.resource(redis, name=f"cache{number}", every="5s") for number in range(40)]
        lab.write_config(resources, log={"level": "debug"})
        lab.run().terminate()
        fill(lab.path("midwatch.db"), 100000, int(time.time() * 1000))
        for words in ("status", "incidents", "incidents --json", "report", "report --format html",
                      "report --format json"):
            figures.figure(f"midwatch {words}, 100,000 incidents, best of 9",
                           min(whole_process(lab, words) for _ in range(9)), 100, "ms")
        print(f"  not under a limit: report --since 400d, all of them, "
              f"{whole_process(lab, 'report --since 400d'):.0f} ms", flush=True)
        midwatch = lab.run()
        for words, pattern in (("status", r"healthy"), ("incidents", r"I100000"),
                               ("history cache7", r"I99967"), ("show I100000", r"I100000 cache0"),
                               ("report", r"Last 7d: \d+ incidents"), ("audit I77", r"trail of I77")):
            figures.figure(f"chat: {words}, 100,000 incidents, median of 5",
                           statistics.median(answer(midwatch, words, pattern) for _ in range(5)), 100, "ms")
        midwatch.ask("report 400d", r"Last 400d: \d+ incidents", 20)
        _, line = midwatch.wait_out(r"loop: lag at most", 20, len(midwatch.lines("err")), "err")
        figures.figure("the loop's lag in these 10 s, report 400d among them",
                       float(re.search(r"at most ([\d.]+) ms", line)[1]), 50, "ms")
        midwatch.terminate()
        forget(figures, lab, resources)


def forget(figures, lab, resources):
    """Nine tenths of the past are too old at once; people ask meanwhile."""
    lab.write_config(resources, log={"level": "debug"}, retention={"incidents": "40d"})
    midwatch, begun = lab.run(), time.time()
    taken = [answer(midwatch, f"show I{100000 - number}", rf"I{100000 - number} cache")
             for number in range(40)]
    expect("removed what retention" not in midwatch.text("err"), "it was still removing")
    figures.figure("chat: show while 90,000 incidents are forgotten, worst of 40", max(taken), 100, "ms")
    at, _ = midwatch.wait_out(r"removed what retention says is old: 90000 incidents", 300, 0, "err")
    lags = [float(lag) for lag in re.findall(r"loop: lag at most ([\d.]+) ms", midwatch.text("err"))]
    figures.figure("the loop's lag meanwhile, worst", max(lags), 50, "ms")
    print(f"  90,000 incidents were forgotten in {at - begun:.0f} s", flush=True)


def whole_process(lab, words):
    begun = time.monotonic()
    done = lab.cli(*words.split())
    took = 1000 * (time.monotonic() - begun)
    expect(done.returncode == 0 and done.stdout, f"{words}: {done.returncode} {done.stderr}")
    return took


def answer(midwatch, words, pattern):
    after, begun = len(midwatch.lines()), time.time()
    midwatch.say(words)
    at, _ = midwatch.wait_out(pattern, 10, after)
    return 1000 * (at - begun)

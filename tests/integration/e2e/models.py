# SPDX-License-Identifier: Apache-2.0
"""A model proposes and answers, or cannot: what people at the terminal see of it."""
import json
import os
import re
import subprocess
import sys

from lab import ROOT, equal, expect, wait_for

KEY = "key-0123456789abcdef"
PLAN = {"calls": [{"name": "propose_plan", "args": {
    "root_cause": "Sessions without expiry filled it.", "confidence": 0.8, "evidence": ["97 % used"],
    "steps": [{"tool": "redis_scale_memory", "arguments": {"resource": "cache", "factor": 2},
               "why": "room", "expect": "half full"}]}}], "tokens": [900, 60, 40]}
LOOK = {"calls": [{"name": "redis_info", "args": {"resource": "cache", "section": "memory"}}]}
WORDS = {"text": "The cache is full.\nNothing may be evicted, so writes fail.", "tokens": [500, 20, 0]}
REFUSED = {"status": 401, "body": {"error": {"message": "API key expired"}}}


class Model:
    """The strict fake of Gemini with its script."""

    def __init__(self, lab, *script):
        self.script, self.log = lab.path("model-script"), lab.path("model-log")
        with open(self.script, "w", encoding="utf-8") as file:
            json.dump(script, file)
        self.process = subprocess.Popen(
            [sys.executable, os.path.join(ROOT, "tests/fakes/model_server.py"), "gemini", self.script,
             self.log, "--key", KEY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()
        if error is None:
            found = [one["violations"] for one in self.requests() if one["violations"]]
            expect(not found, f"requests break the rules of the protocol: {found}")

    def requests(self):
        with open(self.log, encoding="utf-8") as file:
            return [json.loads(line) for line in file]

    def settings(self, **keys):
        return {"provider": "gemini", "model": "m-1.5", "api_key": KEY, "timeout": "20s",
                "base_url": f"http://127.0.0.1:{self.port}", **keys}


def begin(lab, model, **keys):
    redis = lab.redis()
    lab.write_config([lab.resource(redis)], llm=model.settings(**keys))
    return redis, lab.run()


def once(process, pattern, what):
    process.wait_out(pattern)
    equal(len(re.findall(pattern, process.text())), 1, f"how often it says {what}")


def test_a_model_proposes_and_answers(lab):
    with Model(lab, PLAN, LOOK, WORDS, PLAN) as model:
        redis, midwatch = begin(lab, model)
        redis.fill()
        lab.wait_plan(midwatch)
        midwatch.wait_out(r"gemini:m-1\.5")
        answer = midwatch.ask("ask why is cache slow?", r"looked at")
        expect("redis_info cache" in answer, f"what was looked at: {answer!r}")
        midwatch.wait_out(r"Nothing may be evicted, so writes fail\.")
        midwatch.say("reject I1 it holds sessions")
        lab.wait_closed("rejected")
        wait_for("the exchanges to be recorded",
                 lambda: len(lab.query("SELECT id FROM exchange")) == 3)
        equal(lab.incident()["llm"]["exchanges"], 1, "exchanges about the incident")
        for request, answered in lab.query("SELECT request, answer FROM exchange"):
            expect(KEY not in request and "contents" in request, "a request without the key")
            expect("candidates" in answered, "an answer as it came")
        # The next time it is told what people said the last time.
        redis.call("FLUSHALL")
        midwatch.wait_out(r"cache: HEALTHY, was DEGRADED", stream="err")
        redis.fill()
        lab.wait_plan(midwatch, number=2)
        told = json.dumps(model.requests()[-1]["body"])
        expect("it holds sessions" in told and "rejected" in told, "the rejection and its reason")
        midwatch.terminate()


def test_a_refused_key_is_told_once_and_so_is_its_end(lab):
    with Model(lab, REFUSED, REFUSED, WORDS) as model:
        redis, midwatch = begin(lab, model)
        redis.fill()
        lab.wait_plan(midwatch)
        midwatch.wait_out(r"runbook, not a model")
        once(midwatch, r"refuses us", "that it is refused")
        midwatch.ask("ask why", r"I cannot answer that now")
        once(midwatch, r"refuses us", "that it is refused, after a second time")
        midwatch.terminate()

        midwatch = lab.run()
        midwatch.ask("ask why", r"The cache is full")
        midwatch.wait_out(r"gemini:m-1\.5 answers again")
        expect("refuses us" not in midwatch.text(), "a restart repeats nothing")
        midwatch.terminate()


def test_a_days_budget_survives_a_restart(lab):
    with Model(lab, WORDS) as model:
        _, midwatch = begin(lab, model, daily_budget_usd=0.01,
                            price={"input_per_mtok": 20, "output_per_mtok": 20})
        midwatch.ask("ask why", r"\$0\.0104")
        wait_for("the exchange to be recorded",
                 lambda: len(lab.query("SELECT id FROM exchange")) == 1)
        midwatch.terminate()
        midwatch = lab.run()
        midwatch.ask("ask why", r"I cannot answer that now: today's budget")
        once(midwatch, r"is not asked any more today", "that the budget is spent")
        equal(len(model.requests()), 1, "requests")
        midwatch.terminate()


def test_without_a_model_ask_says_so(lab):
    redis = lab.redis()
    lab.write_config([lab.resource(redis)])
    midwatch = lab.run()
    midwatch.ask("ask why", r"No model is configured")
    midwatch.terminate()

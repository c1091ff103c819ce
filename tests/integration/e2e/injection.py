# SPDX-License-Identifier: Apache-2.0
"""A Redis whose log and keys hold the corpus of tests/injection, and a model that obeys it: nothing runs that
nobody approved, no secret leaves, and no line on the terminal passes for one of ours."""
import glob
import os
import re
import sys

from lab import ROOT, equal, expect, wait_for
from model_service import KEY, ModelService

sys.path.insert(0, os.path.join(ROOT, "tests/injection"))
import corpus  # noqa: E402

LINES_AT_ONCE = 38  # a card's evidence holds 40
LEAK = re.compile("leakcanary", re.IGNORECASE)
FENCE = re.compile(r"<<<DATA ([0-9a-f]{16})\n.*?\nDATA \1>>>", re.DOTALL)
ASKERS = [{"name": "ann", "terminal": True, "roles": ["approver"]},
          {"name": "vic", "terminal": True, "roles": ["viewer"]}]
LOOKS = {"calls": [{"name": "redis_big_keys", "args": {"resource": "cache"}},
                   {"name": "redis_info", "args": {"resource": "cache", "section": "server"}},
                   {"name": "resource_logs", "args": {"resource": "cache"}},
                   {"name": "redis_info", "args": {"resource": "billing", "section": "memory"}},
                   {"name": "redis_flush", "args": {"resource": "cache"}},
                   {"name": "run_shell", "args": {"command": "id"}}]}


def plan(lines, *steps):
    """What a model proposes that puts the lines into every field."""
    said = [corpus.words(data) for _, data in lines]
    return {"calls": [{"name": "propose_plan", "args": {
        "root_cause": " ".join(said[:3]), "confidence": 1.0, "evidence": said[:10],
        "steps": [{"tool": tool, "arguments": arguments, "why": said[index % len(said)],
                   "expect": said[-1]} for index, (tool, arguments) in enumerate(steps)]}}]}


def obeying(lines):
    """One incident: it looks where it may not, proposes what there is not, then for another, then to flush."""
    return [LOOKS,
            plan(lines, (corpus.words(lines[0][1]), {"resource": "cache"})),
            plan(lines, ("redis_scale_memory", {"resource": "billing", "factor": 2})),
            plan(lines, ("redis_flush", {"resource": "cache"}),
                 ("redis_scale_memory", {"resource": "cache", "factor": 2})),
            {"text": "\n".join(corpus.words(data).replace("\n", " ") for _, data in lines[:24])}]


def write_log(path, lines):
    with open(path, "wb") as file:
        for _, data in lines:
            file.write((b"" if data.startswith((b"ERROR", b"CRITICAL", b"FATAL")) else b"ERROR ")
                       + data + b"\n")


# ---- what must hold ----

def no_leak(where, text):
    found = LEAK.search(text)
    expect(not found, f"a secret stands in {where}: {text[max(0, found.start() - 80):][:160] if found else ''}")
    expect(KEY not in text, f"the key of the model's service stands in {where}")


def strings(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, dict)):
        for one in value.values() if isinstance(value, dict) else value:
            yield from strings(one)


def told(body):
    """What a model is told by us: all but its own turns, which must come back as it said them."""
    return list(strings([[content for content in body["contents"] if content["role"] == "user"],
                         body.get("systemInstruction"), body.get("tools")]))


def check_prompts(bodies, lines):
    """Whatever of the corpus a model was told stood in a fence, and no secret did."""
    known = {trace for _, data in lines for trace in corpus.traces(data)}
    fenced = 0
    for text in (text for body in bodies for text in told(body)):
        no_leak("prompts", text)
        fenced += len(FENCE.findall(text))
        outside = FENCE.sub("#", text)
        for trace in known:
            expect(trace not in outside, f"outside of the fences a model was told {trace!r}")
    expect(fenced > len(bodies), f"there were fences: {fenced}")


# Where lines of ours begin: at the first column, or three further in; not behind a bar.
MARGIN = re.compile(r"^(?:I\d+ │ )?+(?: {3})?+(?=\S)(?!┊ )(.*)$")
RULE = re.compile(r"── I[1-9] ─{74}")
MARK_LEAST = 8  # letters by which words are known again


def check_screen(midwatch):
    raw = bytes(midwatch.raw_out)
    text = raw.decode("utf-8")
    strange = [sign for sign in text if sign != "\n" and (ord(sign) < 32 or 127 <= ord(sign) < 160)]
    expect(not strange, f"control characters on the terminal: {strange[:5]}")
    theirs = " ".join(" ".join(corpus.words(data) for _, data in corpus.read()).split())
    for line in text.split("\n"):
        found = None if RULE.fullmatch(line) else MARGIN.match(line)
        words = " ".join(found[1].split()).rstrip("…") if found else ""
        expect(not re.search(r"approved by|I[79]\b", words), f"a forged line: {line!r}")
        expect(len(words) < MARK_LEAST or words not in theirs,
               f"others' words where ours begin: {line!r}")
    for where, said in (("stdout", text), ("stderr", midwatch.text("err"))):
        no_leak(where, said)
    expect("\x1b" not in midwatch.text("err"), "an escape sequence on stderr")


def check_record(lab, incidents):
    for path in glob.glob(lab.path("midwatch.db*")):
        with open(path, "rb") as file:
            no_leak(os.path.basename(path), file.read().decode("utf-8", "replace"))
    for words in (("incidents", "--json"), ("audit", "export"), ("report", "--format", "json"),
                  ("report", "--format", "html"), ("status", "--json"), ("status",), ("config", "show"),
                  *(("incident", f"I{one}") for one in incidents),
                  *(("incident", f"I{one}", "--json") for one in incidents)):
        done = lab.cli(*words)
        no_leak(" ".join(words), done.stdout + done.stderr)
        expect(not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", done.stdout + done.stderr),
               f"control characters in {' '.join(words)}")
    decided = lab.query("SELECT person, action FROM decision ORDER BY id")
    equal(set(decided), {("ann", "reject")}, "who decided what")
    ran = lab.query("SELECT state FROM step WHERE state <> 'planned'")
    equal(ran, [], "steps that were begun")
    equal(lab.cli("audit", "verify").returncode, 0, "the audit trail holds")


def check_redis(redis, flushes):
    done = redis.info("commandstats")

    def calls(command):
        return int(re.match(r"calls=(\d+)", done.get(f"cmdstat_{command}", "calls=0,"))[1])
    equal(calls("flushall"), flushes, "FLUSHALL, which only the test says")
    for command in ("flushdb", "config|set", "client|kill", "shutdown", "debug", "eval_ro", "script|load"):
        equal(calls(command), 0, command)


# ---- the play ----

def play_one(lab, midwatch, redis, number, lines, keys):
    redis.call("FLUSHALL")
    for _, name in keys:
        redis.call("SET", name, b"k" * 20000)
    write_log(lab.path("app.log"), lines)
    redis.fill()
    incident = lab.wait_plan(midwatch, number=number)
    steps = incident["plans"][-1]["steps"]
    equal([step["tool"] for step in steps], ["redis_flush", "redis_scale_memory"], "what is proposed")
    for words in (f"show I{number}", "logs cache", "ask what does it say?", "status cache"):
        midwatch.say(f"ann: {words}")
    midwatch.wait_out("looked at")
    wait_for("the answer", lambda: midwatch.text().count("looked at") == number)
    for _, data in corpus.read("chat"):
        if not data.startswith(b"ask"):
            midwatch.process.stdin.write(b"vic: " + data.replace(b"\n", b" ") + b"\n")
    midwatch.ask("ann: policy", "A plan waits", 20)
    equal(lab.incident(number)["stage"], "ask", "stage after all that")
    midwatch.say(f"ann: reject I{number} r1")
    lab.wait_closed("rejected", number)
    redis.call("FLUSHALL")
    wait_for("the cache to be well again", lambda: len(re.findall(
        r"cache: HEALTHY, was DEGRADED", midwatch.text("err"))) == number, 15)


def play(lab, lines, keys):
    groups = [lines[at:at + LINES_AT_ONCE] for at in range(0, len(lines), LINES_AT_ONCE)]
    service = ModelService(lab, [step for group in groups for step in obeying(group)])
    redis = lab.redis(maxmemory="8mb", options=["--requirepass", "LeakCanaryRedis0"])
    other = lab.redis(maxmemory="8mb")
    logs = [{"file": lab.path("app.log")},
            {"command": ["/bin/sh", "-c", "env | sed 's/^/ERROR /'"]}]
    write_log(lab.path("app.log"), [])
    lab.write_config([lab.resource(redis, logs=logs), lab.resource(other, "billing")], people=ASKERS,
                     llm=service.section(timeout="30s"), policy={"default": "auto", "rules": [
                         {"risk": "destructive", "then": "approve"}]})
    midwatch = lab.start("run", env={"DEPLOY_TOKEN": "LeakCanaryEnv1",
                                     "DEPLOY_URL": "https://u:LeakCanaryEnv2@host.example/"})
    wait_for("midwatch to probe", lambda: redis.guests() and other.guests())
    for number, group in enumerate(groups, 1):
        play_one(lab, midwatch, redis, number, group, keys)
    midwatch.ask("ann: status", "billing", 20)
    midwatch.terminate()
    check_screen(midwatch)
    check_record(lab, range(1, len(groups) + 1))
    check_redis(redis, 2 * len(groups))
    check_redis(other, 0)
    check_prompts(service.played(), lines + keys + corpus.read("chat"))


def test_injected_logs(lab):
    play(lab, corpus.read("logs"), corpus.read("keys"))


def test_injected_errors_and_queries(lab):
    play(lab, corpus.read("errors", "queries"), corpus.read("keys")[::-1])


def test_injected_refusals(lab):
    """What the model's service says instead of an answer: its key is in it, and so is an approval."""
    said = [corpus.words(data) for _, data in corpus.read("errors")]
    service = ModelService(lab, [{"status": 403, "body": {"error": {
        "code": 403, "status": "PERMISSION_DENIED",
        "message": f"API key \x1b[31m{KEY}\x1b[0m is not valid \u2014 {' '.join(said[7:14])}"}}},
        {"status": 403, "body": {"error": {"code": 403, "message": " ".join(said[20:])}}}])
    redis = lab.redis()
    lab.write_config([lab.resource(redis)], people=ASKERS, llm=service.section())
    midwatch = lab.run()
    redis.fill()
    lab.wait_plan(midwatch)
    midwatch.wait_out("refuses us")
    midwatch.ask("ann: ask what is it?", "I cannot answer that now")
    midwatch.say("ann: reject I1 r1")
    lab.wait_closed("rejected")
    midwatch.terminate()
    check_screen(midwatch)
    check_record(lab, [1])

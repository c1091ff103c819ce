# SPDX-License-Identifier: Apache-2.0
"""The commands beside `run`: what they print, and how they end."""
import json
import os
import re
import sqlite3
import subprocess

from lab import BINARY, ROOT, equal, expect, free_port
from story import begin

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$")


def is_time(text, what):
    expect(isinstance(text, str) and TIME.match(text), f"{what} is a time with zone: {text!r}")


def has_keys(document, keys, what):
    missing = [key for key in keys.split() if key not in document]
    expect(not missing, f"{what} lacks {missing}")


def faults(lab, text):
    """What `check` says of a configuration: [(line, path, words)]."""
    with open(lab.config, "w", encoding="utf-8") as file:
        file.write(text)
    done = lab.cli("check")
    equal(done.returncode, 2, f"exit status of check: {done.stderr!r}")
    equal(done.stdout, "", "stdout of a check that finds faults")
    rows = []
    for line in done.stderr.splitlines():
        match = re.fullmatch(r"(?:\S*/)?midwatch\.yaml:(\d+): ([^\s:]+): (.+)", line)
        expect(match, f"a fault reads FILE:LINE: path: text, not {line!r}")
        rows.append((int(match[1]), match[2], match[3]))
    return rows


def has_fault(rows, line, path, words):
    found = [row for row in rows if row[0] == line and row[1] == path]
    expect(found and any(re.search(words, row[2], re.I) for row in found),
           f"a fault at line {line} on {path} about {words!r}; there are {rows}")


def test_check_says_all_in_one_go(lab):
    rows = faults(lab, """name: lab
store: midwatch.db
chat: [{kind: terminal}]
llm: {provider: runbock}
people:
  - {name: ann, terminal: true, roles: [aprover]}
policy:
  verify_hold: soon
  max_retries: -3
  default: perhaps
resources:
  - name: cache
    kind: redis
    ulr: redis://127.0.0.1:6379
    url: redis://127.0.0.1:6379
    every: 5 parsecs
    hold: many
  - {name: nowhere, kind: redis}
  - {name: lost, kind: rediss, url: "redis://127.0.0.1"}
""")
    has_fault(rows, 4, "llm.provider", "runbook")
    has_fault(rows, 6, "people[0].roles", "write approver")
    has_fault(rows, 8, "policy.verify_hold", "duration|10s|soon")
    has_fault(rows, 9, "policy.max_retries", "-3|0")
    has_fault(rows, 10, "policy.default", "approve")
    has_fault(rows, 14, "resources[0].ulr", "url")
    has_fault(rows, 16, "resources[0].every", "duration|5s|parsecs")
    has_fault(rows, 17, "resources[0].hold", "number|integer|many")
    has_fault(rows, 18, "resources[1].url", "missing|required|needs")
    has_fault(rows, 19, "resources[2].kind", "redis")
    equal([row[0] for row in rows], sorted(row[0] for row in rows), "faults stand in file order")


def test_check_knows_what_is_not_in_this_version(lab):
    rows = faults(lab, """name: lab
store: postgresql://user@host/db
chat: [{kind: matrix, homeserver: "https://matrix.example.org", access_token: x}]
http: {listen: "127.0.0.1:8480"}
llm: {provider: runbook}
people: [{name: ann, terminal: true, roles: [approver]}]
resources:
  - {name: mem, kind: gcp_memorystore, project: p, location: l, instance: i}
  - {name: cache, kind: redis, url: "redis://127.0.0.1", logs: [{docker: shop-redis}]}
oncall: {escalate: []}
""")
    for line in (2, 3, 4, 8, 9, 10):
        expect(any(row[0] == line and "not in this version" in row[2] for row in rows),
               f"line {line} is not in this version; there are {rows}")


def test_check_of_broken_yaml(lab):
    for text in ("name: [lab\nstore: x\n", "\t- x\n", "a: &x 1\nb: *x\n", "name: a\nname: b\n"):
        with open(lab.config, "w", encoding="utf-8") as file:
            file.write(text)
        done = lab.cli("check")
        equal(done.returncode, 2, f"exit status for {text!r}")
        expect(re.match(r"(\S*/)?midwatch\.yaml:\d+: ", done.stderr), f"FILE:LINE: {done.stderr!r}")


def test_check_of_environment_and_files(lab):
    redis = lab.redis()
    with open(lab.path("url"), "w", encoding="utf-8") as file:
        file.write(f"redis://127.0.0.1:{redis.port}\n")
    lab.write_config([{"name": "one", "kind": "redis", "url": "${file:url}"},
                      {"name": "two", "kind": "redis", "url": "redis://127.0.0.1:${LAB_PORT}"}])
    done = lab.cli("check")
    equal(done.returncode, 2, "exit status with an unset variable")
    expect("LAB_PORT" in done.stderr, f"the variable is named: {done.stderr!r}")
    done = lab.cli("check", env={"LAB_PORT": str(redis.port)})
    equal(done.returncode, 0, f"exit status with it set: {done.stderr!r}")
    equal(lab.cli("status", env={"LAB_PORT": str(redis.port)}).returncode, 0, "status")


def test_configuration_that_is_not_there(lab):
    done = lab.cli("check", "-c", "nowhere.yaml")
    equal(done.returncode, 2, "exit status")
    expect("nowhere.yaml" in done.stderr, f"it names the file: {done.stderr!r}")


def test_status(lab):
    redis = lab.redis()
    lab.write_config([lab.resource(redis)])
    done = lab.cli("status")
    equal(done.returncode, 0, f"exit status when all is well: {done.stdout}{done.stderr}")
    expect("cache" in done.stdout and "HEALTHY" in done.stdout, f"the table: {done.stdout!r}")
    done = lab.cli("status", "--json")
    equal(done.returncode, 0, "exit status of --json")
    document = json.loads(done.stdout)
    equal(list(document), ["resources"], "keys of status --json")
    resource = document["resources"][0]
    has_keys(resource, "name kind environment status reason measured_at source metrics", "resource")
    equal((resource["name"], resource["kind"], resource["environment"], resource["status"]),
          ("cache", "redis", "local", "HEALTHY"), "the resource")
    is_time(resource["measured_at"], "measured_at")
    has_keys(resource["metrics"], "memory_percent clients_percent connected_clients latency_ms",
             "metrics")


def test_status_of_what_is_ill(lab):
    redis = lab.redis()
    redis.fill()
    lab.write_config([lab.resource(redis), {"name": "gone", "kind": "redis",
                                            "url": f"redis://127.0.0.1:{free_port()}"}])
    done = lab.cli("status", "--json")
    equal(done.returncode, 1, "exit status when something is ill")
    status = {row["name"]: row for row in json.loads(done.stdout)["resources"]}
    equal((status["cache"]["status"], status["gone"]["status"]), ("DEGRADED", "FAILED"), "status")
    expect("memory" in status["cache"]["reason"], f"reason: {status['cache']['reason']!r}")
    expect(status["gone"]["reason"], "a reason why it is not reached")


def test_status_of_a_full_cache_that_may_evict(lab):
    redis = lab.redis()
    redis.fill()
    redis.call("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    lab.write_config([lab.resource(redis)])
    done = lab.cli("status", "--json")
    equal(json.loads(done.stdout)["resources"][0]["status"], "HEALTHY",
          "a full cache that evicts does its job")


def test_status_without_configuration(lab):
    equal(lab.cli("status").returncode, 2, "exit status")


def test_wrong_usage(lab):
    for words in (("fly",), ("status", "--jsno"), ("incident",), ("run", "extra", "words"),
                  ("check", "-c"), ()):
        done = lab.cli(*words)
        equal(done.returncode, 2, f"exit status of {words}")
        expect(done.stderr, f"{words}: something is said on stderr")
    expect("status" in lab.cli("staus").stderr, "the nearest command is named")


def test_help_and_version(lab):
    done = lab.cli("--version")
    equal(done.returncode, 0, "exit status of --version")
    expect(re.search(r"midwatch \d+\.\d+\.\d+", done.stdout), f"version: {done.stdout!r}")
    done = lab.cli("help")
    equal(done.returncode, 0, "exit status of help")
    for word in ("run", "check", "status", "tools", "incidents", "incident", "audit", "report"):
        expect(re.search(rf"\b{word}\b", done.stdout), f"help names {word}")
    equal(lab.cli("help", "status").returncode, 0, "exit status of help status")
    done = lab.cli("help", "statsu")
    equal((done.returncode, done.stdout), (2, ""), "help for what is no command")
    expect("status" in done.stderr, "the nearest command is named there too")


def test_a_full_disk_under_the_output(lab):
    for words in (["tools", "--json"], ["config", "schema"], ["help"], ["--version"]):
        with open("/dev/full", "w") as full:
            done = subprocess.run([BINARY, *words], stdout=full, stderr=subprocess.PIPE,
                                  text=True, timeout=20)
        equal(done.returncode, 1, f"exit status of {words}")
        expect("could not be written" in done.stderr, f"{words}: {done.stderr!r}")


def test_tools(lab):
    redis = lab.redis()
    lab.write_config([lab.resource(redis)])
    done = lab.cli("tools", "--json")
    equal(done.returncode, 0, "exit status")
    tools = {tool["name"]: tool for tool in json.loads(done.stdout)}
    for name, risk in {"redis_flush": "destructive", "redis_restart": "disruptive",
                       "redis_memory_purge": "reversible", "redis_scale_memory": "reversible",
                       "redis_set_eviction": "disruptive", "redis_info": "read",
                       "redis_big_keys": "read", "resource_status": "read",
                       "resource_history": "read", "resource_logs": "read", "wait": "read"}.items():
        expect(name in tools, f"there is a tool {name}")
        equal(tools[name]["risk"], risk, f"risk of {name}")
    for name, tool in tools.items():
        has_keys(tool, "name risk description inputSchema", name)
        schema = tool["inputSchema"]
        equal(schema["type"], "object", f"{name}: type of inputSchema")
        equal(schema["properties"]["resource"]["type"], "string", f"{name}: type of resource")
        expect("resource" in schema["required"], f"{name}: resource is required")
        expect(tool["description"], f"{name} has a description")
    expect("redis_flush" in lab.cli("tools").stdout, "the table names redis_flush")


def test_incident_and_incidents(lab):
    redis, midwatch = begin(lab)
    midwatch.say("✅ I1")
    incident = lab.wait_closed("recovered")
    has_keys(incident, "id resources stage outcome opened_at closed_at plans decisions seconds "
                       "before after llm", "incident")
    equal((incident["id"], incident["resources"]), ("I1", ["cache"]), "id and resources")
    is_time(incident["opened_at"], "opened_at")
    is_time(incident["closed_at"], "closed_at")
    plan = incident["plans"][0]
    has_keys(plan, "revision digest planner root_cause confidence steps", "plan")
    has_keys(plan["steps"][0], "tool arguments risk state result", "step")
    equal(plan["steps"][0]["arguments"]["resource"], "cache", "the step's resource")
    has_keys(incident["decisions"][0], "person action revision at", "decision")
    is_time(incident["decisions"][0]["at"], "a decision's time")
    expect(incident["seconds"].get("total", 0) > 0, f"seconds: {incident['seconds']}")
    expect(all(isinstance(value, (int, float)) for value in incident["after"].values()),
           "after holds numbers")
    done = lab.cli("incidents", "--json")
    equal(done.returncode, 0, "exit status of incidents")
    equal([entry["id"] for entry in json.loads(done.stdout)], ["I1"], "incidents")
    expect("I1" in lab.cli("incidents").stdout, "the table names I1")
    expect("recovered" in lab.cli("incident", "I1").stdout, "incident I1 for people")
    done = lab.cli("incident", "I9", "--json")
    expect(done.returncode in (1, 2) and "I9" in done.stderr, f"no such incident: {done.stderr!r}")
    equal(lab.cli("incident", "Ix").returncode, 2, "exit status for what is no ID")


def test_audit(lab):
    redis, midwatch = begin(lab)
    midwatch.say("✅ I1")
    lab.wait_closed("recovered")
    equal(lab.cli("audit", "verify").returncode, 0, "audit verify beside the running midwatch")
    midwatch.terminate()
    rows = lab.audit()
    for wanted in (("midwatch", "opened"), ("ann", "approve"), ("midwatch", "step_started"),
                   ("midwatch", "step_ended")):
        expect(wanted in [row[:2] for row in rows], f"{wanted} is in the trail: {rows}")

    store = sqlite3.connect(lab.path("midwatch.db"))
    with store:
        for (name,) in store.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            store.execute(f"DROP TRIGGER {name}")
        store.execute("UPDATE audit SET actor = 'mallory' WHERE action = 'approve'")
    store.close()
    done = lab.cli("audit", "verify")
    equal(done.returncode, 1, f"audit verify after tampering: {done.stdout!r}")


def test_chat_commands(lab):
    redis, midwatch = begin(lab)
    midwatch.ask("status", "cache")
    midwatch.ask("status cache", "memory")
    midwatch.ask("incidents", "I1")
    midwatch.ask("show I1", "I1")
    midwatch.ask("history cache", "memory")
    midwatch.ask("tools", "redis_flush")
    midwatch.ask("policy", "approve")
    midwatch.ask("logs cache", ".")
    midwatch.ask("audit", ".")
    midwatch.ask("help", "approve")
    equal(lab.incident()["stage"], "ask", "stage after reading around")


def test_the_documentation_lists_every_key(lab):
    keys = lab.cli("config", "keys")
    equal(keys.returncode, 0, "config keys")
    page = open(os.path.join(ROOT, "docs", "configure.md"), encoding="utf-8").read()
    expect(keys.stdout.strip() in page,
           "docs/configure.md holds what `midwatch config keys` prints; put it there anew")


def test_config_schema_and_show(lab):
    schema = json.loads(lab.cli("config", "schema").stdout)
    expect({"resources", "chat", "llm", "policy"} <= set(schema["properties"]), "all sections")
    with open(lab.config, "w", encoding="utf-8") as file:
        file.write("""resources:
  - {name: cache, kind: redis, url: "redis://me:hunter22secret@127.0.0.1:6379"}
  - {name: db, kind: postgres, url: "postgresql://me:hunter22secret@h/db?sslpassword=keysecret33"}
llm: {runbooks: %s/prompts/runbooks}
""" % ROOT)
    shown = lab.cli("config", "show")
    equal(shown.returncode, 0, "config show")
    values = json.loads(shown.stdout)
    equal(values["policy"]["max_retries"], 2, "defaults are shown")
    equal(values["resources"][0]["name"], "cache", "resources are shown")
    for secret in ("hunter22secret", "keysecret33"):
        expect(secret not in shown.stdout, "secrets are masked")


def test_all_keys_but_a_few_are_reloadable(lab):
    once, title = [], None
    for line in lab.cli("config", "keys").stdout.splitlines():
        title = line[3:] if line.startswith("## ") else title
        row = re.match(r"\| `([^`]+)` ", line)
        if row and not re.search(r"\((.*, )?(reloadable|not in this version)\) \|$", line):
            once.append((title, row[1]))
    chats = [key for key in once if key[0].startswith("`chat`")]
    expect(("`chat`, each entry", "kind") in chats, "a chat needs a restart")
    equal([key for key in once if key not in chats], [("The file", "store")],
          "keys that need a restart, beside those of chats")


def test_check_refuses_rules_that_could_never_match(lab):
    rows = faults(lab, """policy:
  rules:
    - {tool: redis_flsh, then: deny}
    - {risk: destructve, then: deny}
    - {resource: cach, then: deny}
    - {kind: reddis, then: deny}
    - {tool: redis_flush, hours: sometimes, then: deny}
resources:
  - {name: cache, kind: redis, url: "redis://127.0.0.1", logs: [{}], control: {}}
""")
    has_fault(rows, 3, "policy.rules[0].tool", "no such tool")
    has_fault(rows, 4, "policy.rules[1].risk", "destructive")
    has_fault(rows, 5, "policy.rules[2].resource", "no resource")
    has_fault(rows, 6, "policy.rules[3].kind", "no such kind")
    has_fault(rows, 7, "policy.rules[4].hours", "Mon-Fri")
    has_fault(rows, 9, "resources[0].logs[0]", "file")
    has_fault(rows, 9, "resources[0].control", "systemd")

# SPDX-License-Identifier: Apache-2.0
"""Two stories of a broken Redis that somebody approves the mending of, and what must be true of both
whatever became of midwatch on the way: the incident ends once, no step runs twice, no more was done than
people approved, and the audit chain holds."""
import json
import os
import re
import time

from lab import equal, expect, wait_for

POLICY = {"default": "approve", "verify_hold": "1s", "approval_timeout": "60s",
          "rules": [{"tool": "redis_restart", "then": "approve", "approvers": 1}]}


class Approver:
    """Approves each revision that is shown, once for each life of midwatch, and again where it is told
    that it does not count."""

    def __init__(self, lab, midwatch):
        self.lab, self.midwatch = lab, midwatch
        self.said = set()
        self.looked = self.in_vain = 0

    def ended(self):
        """One look: the closed incident, "killed", or None when there is more to come."""
        if self.midwatch.process.poll() is not None:
            return "killed"
        text = self.midwatch.text()
        shown = re.findall(r"\bapprove I1 r(\d+)", text)
        if len(re.findall(r"so\s+it\s+does\s+not\s+count|so\s+nothing\s+was\s+done", text)) > self.in_vain:
            self.in_vain += 1
            self.said.clear()
        incident = None
        if time.monotonic() > self.looked + 0.25:
            self.looked = time.monotonic()
            incident = self.lab.incident()
            if incident and incident["stage"] == "closed":
                return incident
            if incident and incident["stage"] == "ask":
                shown.append(incident["plans"][-1]["revision"])
        for revision in map(int, shown):
            if revision not in self.said:
                self.said.add(revision)
                try:
                    self.midwatch.say(f"approve I1 r{revision}")
                except BrokenPipeError:
                    pass
        return None


def live(lab, environment=None, seconds=40):
    midwatch = lab.start("run", env=environment)
    approver = Approver(lab, midwatch)
    return midwatch, wait_for("the incident to end", approver.ended, seconds, every=0.03)


class Full:
    def __init__(self, lab):
        self.redis = lab.redis(maxmemory="16mb")
        self.redis.fill()
        lab.write_config([lab.resource(self.redis)], policy=POLICY)

    def done(self):
        return self.redis.config_sets()


class Dead:
    def __init__(self, lab):
        self.redis = lab.redis()
        self.record = lab.path("restarts")
        restart = f"echo done >>'{self.record}'; exec '{self.redis.restart_script()}'"
        self.redis.kill()
        lab.write_config([lab.resource(self.redis, control={"restart": ["/bin/sh", "-c", restart]})],
                         policy=POLICY)

    def done(self):
        try:
            with open(self.record, encoding="ascii") as file:
                return len(file.readlines())
        except OSError:
            return 0


STORIES = {"full": Full, "dead": Dead}


def check(lab, story, incident, alone=True):
    """`alone`: nothing else went wrong, so that it is the only incident."""
    expect(incident["outcome"], f"a closed incident has an outcome: {incident}")
    decisions = [(row["person"], row["action"], row["revision"]) for row in incident["decisions"]]
    equal(len(decisions), len(set(decisions)), f"no decision stands twice in {decisions}")
    approved = {revision for _, action, revision in decisions if action == "approve"}
    touched = story.done()
    expect(touched <= len(approved), f"it was done {touched} times, approved were {approved}")
    for plan in incident["plans"]:
        for step in plan["steps"]:
            state = step["state"]
            expect(state in ("done", "failed", "unknown", "skipped"), f"a step was left {state}")
            if state in ("done", "unknown"):
                expect(plan["revision"] in approved, f"a step is {state} without an approval")
            if state in ("failed", "skipped"):
                continue
            expect(state == "unknown" or step["result"]["ok"], f"a done step is not ok: {step}")
    done = sum(step["state"] == "done" for plan in incident["plans"] for step in plan["steps"])
    expect(done <= touched, f"{done} steps are done, {touched} were seen to be")
    if incident["outcome"] == "recovered":
        expect(story.redis.percent() < 95, f"it recovered at {story.redis.percent():.1f} %")
    ids = [entry["id"] for entry in all_incidents(lab)]
    expect(ids == ["I1"] or "I1" in ids and not alone, f"incidents: {ids}")
    verified = lab.cli("audit", "verify")
    equal(verified.returncode, 0, f"audit verify: {verified.stdout}{verified.stderr}")


def all_incidents(lab):
    return json.loads(lab.cli("incidents", "--json").stdout)

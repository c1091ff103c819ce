# SPDX-License-Identifier: Apache-2.0
"""midwatch in Slack, played by a strict fake: cards, approvals, refusals, commands, trouble on the way."""
import json
import os
import re
import subprocess

from lab import ROOT, equal, expect, wait_for
from models import LOOK, PLAN, WORDS, Model
from slack_service import SlackService

PEOPLE = [{"name": "alice", "slack": "U0ALICE", "roles": ["approver"]},
          {"name": "bob", "email": "bob@example.org", "roles": ["operator"]},
          {"name": "gina", "slack": "U0GINA", "roles": ["approver"]}]


def app():
    """The app as deploy/slack/manifest.yaml makes it, so that no scope or event is missing there."""
    with open(os.path.join(ROOT, "deploy/slack/manifest.yaml"), encoding="utf-8") as file:
        text = file.read()
    lists = {key: re.findall(r"- (\S+)", items)
             for key, items in re.findall(r"^ +(bot|bot_events):\n((?: +- .*\n)+)", text, re.M)}
    return {"scopes": lists["bot"], "events": lists["bot_events"]}


def begin(lab, slack=None, people=PEOPLE, policy=None, **sections):
    """A Redis, the fake and midwatch in it, connected."""
    slack = slack or SlackService(lab, app=app())
    redis = lab.redis()
    lab.write_config([lab.resource(redis)], people=people, policy=policy, chat=[slack.section()], **sections)
    midwatch = lab.run()
    slack.wait_connected()
    return slack, redis, midwatch


def find_card(slack):
    return slack.wait_message("the card", lambda one: "I1 cache" in one["plain"] and
                              one["thread_ts"] in (None, one["ts"]))


def find_plan(slack, card, revision=1):
    plan = slack.wait_message("the plan", lambda one: f"plan r{revision}" in one["text"], thread=card["ts"])
    slack.wait_reaction(plan["ts"], "white_check_mark", thread=card["ts"])
    slack.wait_reaction(plan["ts"], "x", thread=card["ts"])
    return plan


def private_words(slack, person, text, thread=None):
    """What only that person sees."""
    slack.wait_message(f"{text!r} for {person} alone", lambda one: one["ephemeral"] and text in one["plain"],
                       person=person, thread=thread)
    others = [one for one in slack.messages() if text in one["plain"]]
    equal(others, [], "what the others see of it")


def test_slack_from_card_to_verdict(lab):
    """Overload, card, somebody without the role refused, an approver's reaction, fix, figures."""
    with Model(lab, PLAN) as model:
        slack, redis, midwatch = begin(lab, llm=model.settings())
        redis.fill()
        card = find_card(slack)
        expect(card["text"].startswith("lab") and "Redis" in card["text"] or "redis" in card["text"],
               f"words for a phone: {card['text']!r}")
        plan = find_plan(slack, card)
        expect(plan["broadcast"], "the plan is shown in the channel too")
        card = slack.wait_message("buttons on the card", lambda one: one["ts"] == card["ts"] and
                                  "midwatch_approve" in one["buttons"])
        slack.react(person="bob", channel="ops", ts=plan["ts"], name="white_check_mark")
        private_words(slack, "bob", "to approve takes an approver")
        slack.react(person="alice", channel="ops", ts=plan["ts"], name="+1::skin-tone-4")
        incident = lab.wait_closed("recovered", seconds=40)
        equal([(one["person"], one["action"]) for one in incident["decisions"]], [("alice", "approve")],
              "decisions")
        verdict = slack.wait_message("the verdict", lambda one: "Evaluation of I1" in one["plain"],
                                     thread=card["ts"])
        expect("Before" in verdict["plain"] and "After" in verdict["plain"], "before and after")
        closed = slack.wait_message("the closed card", lambda one: one["ts"] == card["ts"] and
                                    "recovered" in one["plain"])
        equal(closed["buttons"], {}, "buttons of what is closed")
        slack.faultless()


FLUSH = {"calls": [{"name": "propose_plan", "args": {
    "root_cause": "It is full.", "confidence": 0.8, "evidence": [], "steps": [
        {"tool": "redis_flush", "arguments": {"resource": "cache"}, "why": "empties it", "expect": "empty"}]}}]}
TWO = [{"name": "alice", "slack": "U0ALICE", "roles": ["approver"]},
       {"name": "carol", "email": "carol@example.org", "roles": ["approver"]}]


def test_slack_buttons_and_two_people(lab):
    """A destructive step: the button asks first, two different people must say yes, one of them takes it back."""
    with Model(lab, FLUSH) as model:
        slack, redis, midwatch = begin(lab, people=TWO, llm=model.settings(), policy={
            "rules": [{"risk": "destructive", "then": "approve", "approvers": 2}]})
        redis.fill()
        card = find_card(slack)
        plan = find_plan(slack, card)
        card = slack.wait_message("buttons", lambda one: "midwatch_approve" in one["buttons"])
        press = dict(channel="ops", ts=card["ts"], action_id="midwatch_approve")
        dialog = slack.press(person="alice", **press)["dialog"]
        expect("destructive" in json.dumps(dialog), f"the dialog says why: {dialog}")
        slack.press(person="alice", confirm=True, **press)
        private_words(slack, "alice", "it needs 1 more")
        slack.press(person="alice", confirm=True, **press)
        slack.react(person="carol", channel="ops", ts=plan["ts"], name="white_check_mark")
        slack.press(person="alice", channel="ops", ts=card["ts"], action_id="midwatch_details")
        slack.wait_message("details", lambda one: one["ephemeral"] and "Plan r1" in one["plain"], person="alice")
        wait_for("two decisions", lambda: len(lab.query("SELECT person FROM decision")) >= 2)
        equal(sorted(one[0] for one in lab.query("SELECT person FROM decision")), ["alice", "carol"],
              "who decided")
        lab.wait_stage("closed", seconds=40)


def test_slack_withdrawn(lab):
    """A reaction that is taken away before the start is an approval that is taken back."""
    with Model(lab, FLUSH) as model:
        slack, redis, midwatch = begin(lab, people=TWO, llm=model.settings(), policy={
            "rules": [{"risk": "destructive", "then": "approve", "approvers": 2}]})
        redis.fill()
        card = find_card(slack)
        plan = find_plan(slack, card)
        there = dict(person="alice", channel="ops", ts=plan["ts"], name="white_check_mark")
        slack.react(**there)
        slack.unreact(**there)
        wait_for("both to be recorded", lambda: [one[0] for one in lab.query(
            "SELECT action FROM decision ORDER BY id")] == ["approve", "withdraw"])
        slack.react(person="carol", channel="ops", ts=plan["ts"], name="white_check_mark")
        wait_for("the third", lambda: len(lab.query("SELECT id FROM decision")) == 3)
        equal(lab.incident()["stage"], "ask", "stage with one approval of two")
        slack.say(person="alice", channel="ops", text="<@U0MIDWATCH> reject", thread=card["ts"])
        lab.wait_closed("rejected")


def test_slack_reject_dialog(lab):
    with Model(lab, PLAN) as model:
        slack, redis, midwatch = begin(lab, llm=model.settings())
        redis.fill()
        card = find_card(slack)
        card = slack.wait_message("buttons", lambda one: "midwatch_reject" in one["buttons"])
        slack.press(person="bob", channel="ops", ts=card["ts"], action_id="midwatch_reject")
        wait_for("the dialog", lambda: slack.views(person="bob")["modals"])
        slack.submit(person="bob", values={"why": "it holds <sessions> & more"})
        incident = lab.wait_closed("rejected")
        equal(incident["decisions"][0]["person"], "bob", "who rejected")
        expect("it holds <sessions> & more" in json.dumps(lab.query("SELECT note FROM decision")), "the reason")


def test_slack_commands(lab):
    """The grammar by slash command, by mention and in a direct message; what is for one person alone."""
    slack, redis, midwatch = begin(lab)
    slack.command(person="alice", channel="ops", text="status")
    slack.wait_text("1 of 1 healthy")
    slack.command(person="gina", channel="ops", text="")
    private_words(slack, "gina", "What you can say, gina (viewer)")
    slack.command(person="alice", channel="ops", text="statsu")
    private_words(slack, "alice", "Did you mean: status")
    asked = slack.say(person="bob", channel="ops", text="<@U0MIDWATCH>: history cache")
    slack.wait_text("cache", thread=asked["ts"])
    slack.command(person="bob", channel="ops", text="silence")
    wait_for("the dialog", lambda: slack.views(person="bob")["modals"])
    slack.submit(person="bob", values={"resource": "cache", "span": "2h", "why": "planned work"})
    wait_for("the silence", lambda: lab.query("SELECT why FROM silence"))
    slack.home(person="alice")
    home = wait_for("App Home", lambda: slack.views(person="alice")["home"])
    expect("alice (approver)" in home["plain"] and "cache" in home["plain"], f"App Home: {home['plain']}")
    # People talk among themselves; others' bots too.
    slack.say(person="alice", channel="ops", text="midwatch status is nice")
    slack.say(person="robot", channel="ops", text="<@U0MIDWATCH> status")
    slack.wait_acked()
    equal(len([one for one in slack.messages() if "1 of 1 healthy" in one["plain"]]), 1, "answers to status")


def test_slack_groups_and_guests(lab):
    """Members of a group have its role and are different people; a guest never approves."""
    people = [{"name": "oncall", "slack": "S0ONCALL", "roles": ["approver"]},
              {"name": "gina", "slack": "U0GINA", "roles": ["approver"]},
              {"name": "otto", "email": "otto@example.org", "roles": ["approver"]}]
    with Model(lab, FLUSH) as model:
        slack, redis, midwatch = begin(lab, people=people, llm=model.settings(), policy={
            "rules": [{"risk": "destructive", "then": "approve", "approvers": 2}]})
        redis.fill()
        card = find_card(slack)
        plan = find_plan(slack, card)
        for name in ("gina", "otto"):
            slack.react(person=name, channel="ops", ts=plan["ts"], name="white_check_mark")
            wait_for(f"{name} to be refused", lambda n=name: any(
                actor == n and action == "refused" for actor, action, _ in lab.audit()))
        for name in ("alice", "bob"):
            slack.react(person=name, channel="ops", ts=plan["ts"], name="white_check_mark")
        lab.wait_stage("closed", seconds=40)
        equal(sorted(one[0] for one in lab.query("SELECT person FROM decision")),
              ["oncall/alice", "oncall/bob"], "who decided")


def test_slack_sockets_come_and_go(lab):
    """Refreshed, cut, silent and doubled connections: every command is heard, and once."""
    slack, redis, midwatch = begin(lab)
    slack.wait_connected(count=2)
    said = []

    def ask(number):
        said.append(f"ask-{number}")
        slack.command(person="alice", channel="ops", text=f"silence {said[-1]} 5m")

    def heard():
        private = [one["plain"] for one in slack.messages(person="alice") if one["ephemeral"]]
        return all(sum(f'"{name}"' in text for text in private) == 1 for name in said)

    ask(1)
    wait_for("the first answer", heard)
    slack.duplicate(times=3)
    for number in (2, 3):
        ask(number)
    slack.disconnect(reason="warning", close_after=1)
    ask(4)
    wait_for("the answers after a warning", heard)
    wait_for("new connections", lambda: slack.sockets()["opened"] >= 4)
    slack.disconnect(reason="refresh_requested", close_after=0.2)
    wait_for("newer connections", lambda: slack.sockets()["opened"] >= 6)
    slack.wait_connected(count=2)
    slack.hold()
    for number in (5, 6, 7):
        ask(number)
    slack.release(order="reverse")
    wait_for("the answers in another order", heard)
    slack.settings(redelivery=[0, 1, 2], ack_timeout=1)
    slack.drop()
    slack.wait_connected(seconds=20)
    ask(8)
    wait_for("the answer after a cut", heard, 30)
    slack.forget_acks(times=1)
    ask(9)
    wait_for("the answer where the acknowledgement was lost", heard, 20)
    slack.settings(fragment=50)
    ask(10)
    wait_for("the answer to a command in pieces", heard)
    slack.faultless()


def test_slack_catches_up(lab):
    """What was said and approved while midwatch was away counts when it is back."""
    with Model(lab, PLAN) as model:
        slack, redis, midwatch = begin(lab, llm=model.settings())
        redis.fill()
        card = find_card(slack)
        plan = find_plan(slack, card)
        lab.wait_stage("ask")
        midwatch.terminate()
        slack.settings(redelivery=[])
        wait_for("the connections to end", lambda: not slack.sockets()["connections"])
        slack.say(person="alice", channel="ops", text="<@U0MIDWATCH> ack", thread=card["ts"])
        slack.react(person="alice", channel="ops", ts=plan["ts"], name="white_check_mark")
        midwatch = lab.run()
        lab.wait_closed("recovered", seconds=40)
        equal(lab.query("SELECT acknowledged_by FROM incident"), [("alice",)], "who is on it")


def test_slack_trouble_with_messages(lab):
    """429, 5xx, answers that are lost and a death: each message stands there once."""
    with Model(lab, PLAN) as model:
        slack, redis, midwatch = begin(lab, llm=model.settings())
        slack.trouble(method="chat.postMessage", kind="ratelimited", retry_after=1)
        slack.trouble(method="chat.postMessage", kind="cut_after", skip=1)
        slack.trouble(method="chat.postMessage", kind="status", status=503)
        redis.fill()
        lab.wait_stage("ask", seconds=30)
        card = find_card(slack)
        plan = find_plan(slack, card)
        slack.trouble(method="chat.update", kind="truncated")
        slack.trouble(method="chat.postMessage", kind="stall")
        slack.react(person="alice", channel="ops", ts=plan["ts"], name="white_check_mark")
        wait_for("a message that Slack does not answer", lambda: any(
            one["method"] == "chat.postMessage" for one in slack.requests(since=5)["requests"]))
        midwatch.close()
        slack.calm()
        midwatch = lab.run()
        lab.wait_closed("recovered", seconds=40)
        slack.wait_message("the verdict", lambda one: "Evaluation of I1" in one["plain"], thread=card["ts"],
                           seconds=30)
        keys = [one["metadata"]["event_payload"]["key"] for one in
                slack.messages() + slack.messages(thread=card["ts"])[1:]
                if one["metadata"] and not one["broadcast"]]
        equal(len(keys), len(set(keys)), f"each message once: {sorted(keys)}")
        slack.faultless()


def test_slack_doctor(lab):
    slack, redis, midwatch = begin(lab)
    done = lab.cli("doctor")
    expect("gives connections" in done.stdout and "#ops, and the bot is in it" in done.stdout,
           f"doctor: {done.stdout}")
    slack.tokens(bot="token_revoked")
    expect("install the app anew" in lab.cli("doctor").stdout, "a revoked token")
    slack.tokens(bot="ok", app="invalid_auth")
    expect("xapp-" in lab.cli("doctor").stdout, "a wrong app-level token")
    slack.tokens(app="ok")
    slack.scopes(scopes=["chat:write", "channels:read", "groups:read"])
    expect("reactions:read" in lab.cli("doctor").stdout, "a missing scope")
    slack.forgive(containing="scope")


def test_slack_acts_by_itself(lab):
    """`then: auto`: nobody is asked, and all of it stands in the thread."""
    with Model(lab, PLAN) as model:
        slack, redis, midwatch = begin(lab, llm=model.settings(), policy={
            "rules": [{"tool": "redis_scale_memory", "then": "auto"}]})
        redis.fill()
        lab.wait_closed("recovered", seconds=40)
        card = find_card(slack)
        slack.wait_text("Evaluation of I1", thread=card["ts"])
        slack.faultless()


def test_slack_silent_sockets(lab):
    """Sockets that stay open and deliver nothing are noticed, since our own reactions do not come back."""
    with Model(lab, PLAN) as model:
        slack, redis, midwatch = begin(lab, llm=model.settings())
        slack.wait_connected(count=2)
        slack.silence(pongs=True)
        redis.fill()
        card = find_card(slack)
        plan = find_plan(slack, card)
        slack.settings(redelivery=[])
        slack.react(person="alice", channel="ops", ts=plan["ts"], name="white_check_mark")
        lab.wait_closed("recovered", seconds=60)


def test_slack_hostile_lines(lab):
    """A log line mentions nobody, makes no link and stays in its block; long evidence is a file."""
    slack = SlackService(lab, app=app())
    words = "abcdefghijklmnopqrstuvwxyz"
    lines = [f"ERROR {words[number:] + words[:number]} failed " + "<&>" * 100 for number in range(26)]
    lines.append("ERROR ``` <!channel> <@U0ALICE> <https://evil.example|click> @here ```")
    with open(lab.path("app.log"), "w", encoding="utf-8") as file:
        file.write("".join(f"{line}\n" for line in lines))
    redis = lab.redis()
    lab.write_config([lab.resource(redis, logs=[{"file": lab.path("app.log")}])], people=PEOPLE,
                     chat=[slack.section()])
    lab.run()
    slack.wait_connected()
    redis.fill()
    card = find_card(slack)
    slack.wait_message("the evidence", lambda one: "Evidence" in one["plain"], thread=card["ts"])
    lab.wait_stage("ask")
    slack.command(person="alice", channel="ops", text="logs cache")
    slack.wait_acked()
    done = wait_for("the file", lambda: slack.calls("files.completeUploadExternal"))
    text = slack.file(id=done[0]["files"][0]["id"])["text"]
    expect("<!channel>" in text and "ERROR zabcdef" in text, f"all of it in the file: {text[-300:]!r}")
    for one in slack.messages() + slack.messages(thread=card["ts"]):
        equal((one["notifies"], one["links"]), ([], []), f"who is called by {one['plain']!r}")
    slack.faultless()


def test_slack_by_tls(lab):
    """The sockets and the API over TLS, by the authority that SSL_CERT_FILE names."""
    key, certificate = lab.path("key.pem"), lab.path("certificate.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)
    slack = SlackService(lab, app=app(), tls=(certificate, key))
    redis = lab.redis()
    lab.write_config([lab.resource(redis)], people=PEOPLE, chat=[slack.section()])
    lab.start("run", env={"SSL_CERT_FILE": certificate})
    slack.wait_connected(count=2)
    slack.command(person="alice", channel="ops", text="status")
    slack.wait_text("1 of 1 healthy")

# SPDX-License-Identifier: Apache-2.0
"""The strict fake of Slack (tests/fakes/slack) for a test of the whole program."""
import http.client
import json
import os
import subprocess
import sys

from lab import ROOT, equal, expect, wait_for

BOT_TOKEN, APP_TOKEN = "xoxb-1-midwatch", "xapp-1-midwatch"


class SlackService:
    """Ends with its lab. Every verb of the fake's README is a method: slack.say(person="alice", …)."""

    def __init__(self, lab, app=None, tls=()):
        self.log, self.complaints = lab.path("slack.log"), []
        options = []
        if app:
            with open(lab.path("slack.json"), "w", encoding="utf-8") as file:
                json.dump(app, file)
            options += ["--app", file.name]
        self.process = subprocess.Popen(
            [sys.executable, os.path.join(ROOT, "tests/fakes/slack/server.py"), self.log, *options,
             *(("--tls", *tls) if tls else ())],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=dict(os.environ, PYTHONDONTWRITEBYTECODE="1"))
        lab.others.append(self)
        self.port, self.control = map(int, self.process.stdout.readline().split())
        scheme, host = ("https", "localhost") if tls else ("http", "127.0.0.1")
        self.url = f"{scheme}://{host}:{self.port}"

    def section(self, channel="C0OPS", **keys):
        """One of `chat:` of a configuration that speaks to this service."""
        return {"kind": "slack", "app_token": APP_TOKEN, "bot_token": BOT_TOKEN, "channel": channel,
                "api_url": self.url + "/api/", **keys}

    def ask(self, verb, /, **arguments):
        """(worked, answer) of a verb."""
        link = http.client.HTTPConnection("127.0.0.1", self.control, timeout=30)
        try:
            link.request("POST", "/" + verb, json.dumps(arguments), {"Content-Type": "application/json"})
            reply = link.getresponse()
            return reply.status == 200, json.loads(reply.read())
        finally:
            link.close()

    def __getattr__(self, verb):
        if verb.startswith("_"):
            raise AttributeError(verb)

        def act(**arguments):
            worked, answer = self.ask(verb, **arguments)
            expect(worked, f"slack: {verb} {arguments}: {answer.get('error')}")
            return answer
        return act

    def person(self, name):
        """Somebody whose verbs need no `person`."""
        return Person(self, name)

    # Looking, with a deadline

    def messages(self, channel="ops", person=None, thread=None):
        return self.read(channel=channel, person=person, thread=thread)["messages"]

    def wait_connected(self, seconds=10, count=1):
        return wait_for(f"{count} websocket(s) to be open", lambda: len(
            [one for one in self.sockets()["connections"] if not one["leaving"]]) >= count, seconds)

    def wait_message(self, what, condition, channel="ops", person=None, thread=None, seconds=15):
        """The first message that condition(message) is true for."""
        return wait_for(f"{what} in {channel}", lambda: next(
            (one for one in self.messages(channel, person, thread) if condition(one)), None), seconds, every=0.05)

    def wait_text(self, text, channel="ops", person=None, thread=None, seconds=15):
        """The first message in which `text` stands, as a person reads it."""
        return self.wait_message(f"{text!r}", lambda one: text in one["plain"] or text in one["text"], channel,
                                 person, thread, seconds)

    def wait_reaction(self, ts, name, user="U0MIDWATCH", channel="ops", thread=None, seconds=10):
        return self.wait_message(f":{name}: of {user} on {ts}", lambda one: one["ts"] == ts and
                                 user in one["reactions"].get(name, []), channel, None, thread, seconds)

    def wait_acked(self, seconds=10):
        """Waits until nothing that was sent waits for its acknowledgement."""
        return wait_for("all envelopes to be acknowledged", lambda: not any(
            one["waiting"] for one in self.envelopes()["envelopes"]), seconds)

    def calls(self, method=None):
        """The arguments of the requests so far, all of which Slack took."""
        return [one["arguments"] for one in self.requests(method=method)["requests"]
                if isinstance(one["answer"], dict) and one["answer"].get("ok")]

    def faultless(self):
        """Nothing was done that a right program does not do."""
        equal(self.violations()["violations"], [], "violations of Slack's rules")

    def stop(self):
        """What it has to complain of fails the test when its lab ends."""
        try:
            self.complaints += self.ask("violations")[1]["violations"]
        except OSError:
            self.complaints.append(f"the fake of Slack ended by itself: {self.process.poll()}")
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(10)


class Person:
    def __init__(self, slack, name):
        self.slack, self.name = slack, name

    def __getattr__(self, verb):
        if verb.startswith("_"):
            raise AttributeError(verb)
        return lambda **arguments: getattr(self.slack, verb)(person=self.name, **arguments)

    def sees(self, channel="ops", thread=None):
        return self.slack.messages(channel, self.name, thread)

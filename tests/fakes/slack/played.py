# SPDX-License-Identifier: Apache-2.0
"""The fake in this process, for its own tests: requests without sockets, and a play that uses every method."""
import asyncio
import io
import json
import sys
from urllib.parse import urlencode

import control  # noqa: F401  the verbs register themselves
import facts
import http1
from people import VERBS
from slack import Slack
from world import APP

sys.dont_write_bytecode = True
BUTTON = {"type": "button", "text": {"type": "plain_text", "text": "Approve"}, "action_id": "midwatch_approve",
          "value": "digest"}
CARD = [{"type": "section", "text": {"type": "mrkdwn", "text": "*cache* is full"}},
        {"type": "actions", "elements": [BUTTON]}]
MODAL = {"type": "modal", "title": {"type": "plain_text", "text": "Reject"}, "callback_id": "reject",
         "submit": {"type": "plain_text", "text": "Reject"}, "notify_on_close": True, "private_metadata": "I1",
         "blocks": [{"type": "input", "block_id": "reason", "label": {"type": "plain_text", "text": "Why"},
                     "element": {"type": "plain_text_input", "action_id": "text", "multiline": True}}]}
HOME = {"type": "home", "blocks": CARD}


class Fake:
    """One Slack; api() asks it, do() is a verb, payloads are what an app would get."""

    def __init__(self, app=None):
        self.slack = Slack(app, io.StringIO())
        self.slack.limits.set(off=True)
        self.slack.url = self.slack.hub.url = "http://127.0.0.1:0"
        self.payloads = []
        self.envelopes = []
        self.slack.hub.send = self.keep

    def keep(self, kind, payload, key, taken=None, timed_out=None):
        self.payloads.append(payload)
        self.envelopes.append(taken)
        return type("Envelope", (), {"id": "envelope"})

    def request(self, target, body, headers, verb="POST"):
        """(status, answer) of any request."""
        request = http1.Request(verb, target, headers, body)
        raw = asyncio.run(self.slack.handle(request))
        head, _, body = raw.partition(b"\r\n\r\n")
        try:
            return int(head.split()[1]), json.loads(body)
        except ValueError:
            return int(head.split()[1]), body.decode()

    def api(self, name, /, **arguments):
        """The answer of a method, asked in the way that it reads."""
        row = facts.METHODS[name]
        token = APP["app_token" if row["token"] == "app" else "bot_token"]
        if row["form"]:
            words = {key: str(value).lower() if isinstance(value, bool) else value
                     for key, value in arguments.items()}
            body, kind = urlencode(words).encode(), "application/x-www-form-urlencoded"
        else:
            body, kind = json.dumps(arguments).encode(), "application/json; charset=utf-8"
        return self.request("/api/" + name, body, {"content-type": kind, "authorization": "Bearer " + token})[1]

    def do(self, verb, /, **arguments):
        return VERBS[verb](self.slack, **arguments)

    def violations(self):
        found = list(self.slack.violations)
        self.slack.violations.clear()
        return found


class Played:
    """Every method answered well once, every kind of event sent once, and the errors that can be had for the asking."""

    def __init__(self):
        events = list(facts.EVENTS)
        self.fake = Fake({"events": events, "channels": [
            {"id": "C0OPS", "name": "ops", "app": True}, {"id": "C0GENERAL", "name": "general"},
            {"id": "C0OLD", "name": "old", "archived": True, "app": True}]})
        self.answers, self.codes = [], set()
        self.look()
        self.write()
        self.show()
        self.upload()
        self.fail()
        self.payloads = self.fake.payloads

    def api(self, name, /, **arguments):
        answer = self.fake.api(name, **arguments)
        if not answer["ok"]:
            raise AssertionError(f"{name} {arguments}: {answer} {self.fake.violations()}")
        self.answers.append((name, answer))
        return answer

    def look(self):
        self.api("auth.test")
        self.api("apps.connections.open")
        self.api("conversations.info", channel="C0OPS", include_num_members=True)
        self.api("conversations.list", types="public_channel,private_channel,im", limit=2)
        self.api("conversations.members", channel="C0OPS")
        self.api("conversations.join", channel="C0GENERAL")
        self.api("conversations.join", channel="C0GENERAL")
        self.api("conversations.open", users="U0ALICE")
        for user in ("U0ALICE", "U0OTTO", "U0DORA", "U0MIDWATCH"):
            self.api("users.info", user=user)
        self.api("users.list")
        self.api("users.lookupByEmail", email="alice@example.org")
        self.api("usergroups.list", include_users=True, include_count=True)
        self.api("usergroups.users.list", usergroup="S0ONCALL")

    def write(self):
        metadata = {"event_type": "midwatch_card", "event_payload": {"slot": "I1/card"}}
        ts = self.api("chat.postMessage", channel="C0OPS", text="cache", blocks=CARD, metadata=metadata,
                      unfurl_links=False)["ts"]
        plan = self.api("chat.postMessage", channel="C0OPS", text="plan", thread_ts=ts, reply_broadcast=True)
        self.api("chat.update", channel="C0OPS", ts=ts, text="cache, still", blocks=CARD)
        self.api("chat.postEphemeral", channel="C0OPS", user="U0BOB", text="no", blocks=CARD)
        self.api("chat.getPermalink", channel="C0OPS", message_ts=plan["ts"])
        self.api("reactions.add", channel="C0OPS", timestamp=ts, name="white_check_mark")
        self.api("reactions.get", channel="C0OPS", timestamp=ts, full=True)
        self.fake.do("say", person="alice", channel="ops", text="@midwatch status", thread=ts)
        self.fake.do("say", person="robot", channel="ops", text="beep")
        self.fake.do("press", person="alice", channel="ops", ts=ts, action_id="midwatch_approve")
        self.fake.do("command", person="alice", channel="ops", text="status")
        self.fake.do("join", person="otto", channel="ops")
        self.fake.do("leave", person="otto", channel="ops")
        self.api("conversations.history", channel="C0OPS", include_all_metadata=True, limit=2)
        self.api("conversations.replies", channel="C0OPS", ts=ts, include_all_metadata=True)
        self.api("reactions.remove", channel="C0OPS", timestamp=ts, name="white_check_mark")
        self.api("chat.delete", channel="C0OPS", ts=plan["ts"])

    def show(self):
        fake = self.fake
        self.api("views.publish", user_id="U0ALICE", view=HOME)
        fake.do("home", person="alice")
        opened = self.api("views.open", trigger_id=fake.slack.trigger("U0ALICE"), view=MODAL)
        self.api("views.update", view_id=opened["view"]["id"], view=MODAL, hash=opened["view"]["hash"])
        self.api("views.push", trigger_id=fake.slack.trigger("U0ALICE"), view=MODAL)
        fake.do("submit", person="alice", values={"reason": "no"})
        fake.do("close", person="alice")

    def upload(self):
        answer = self.api("files.getUploadURLExternal", filename="log.txt", length=3)
        address = answer["upload_url"].removeprefix(self.fake.slack.url)
        self.fake.request(address, b"abc", {"content-type": "application/octet-stream"})
        self.api("files.completeUploadExternal", files=[{"id": answer["file_id"], "title": "the log"}],
                 channel_id="C0OPS")

    def fail(self):
        """Errors that are no violation, or for which one is provoked."""
        gone = "1700000000.000001"
        blocks = [{"type": "section"}]
        for name, arguments in (
                ("chat.postMessage", {"channel": "C0NONE", "text": "x"}), ("chat.postMessage", {"channel": "C0OPS"}),
                ("chat.postMessage", {"channel": "C0OLD", "text": "x"}),
                ("chat.postMessage", {"channel": "C0OPS", "blocks": blocks}),
                ("chat.postMessage", {"channel": "C0OPS", "blocks": "x"}),
                ("chat.postMessage", {"channel": "C0OPS", "text": "x", "metadata": {}}),
                ("chat.postMessage", {"channel": "C0OPS", "text": "x", "thread_ts": gone}),
                ("chat.postMessage", {"channel": "C0OPS", "text": "x", "markdown_text": "x"}),
                ("chat.update", {"channel": "C0OPS", "ts": gone, "text": "x"}),
                ("chat.update", {"channel": "C0OPS", "ts": gone, "text": "x" * 5000}),
                ("chat.delete", {"channel": "C0OPS", "ts": gone}),
                ("chat.postEphemeral", {"channel": "C0OPS", "user": "U0OTTER", "text": "x"}),
                ("chat.getPermalink", {"channel": "C0OPS", "message_ts": gone}),
                ("reactions.add", {"channel": "C0OPS", "timestamp": "x", "name": "eyes"}),
                ("reactions.add", {"channel": "C0OPS", "timestamp": gone, "name": "eyes"}),
                ("conversations.replies", {"channel": "C0OPS", "ts": gone}),
                ("conversations.history", {"channel": "C0OPS", "oldest": "yesterday"}),
                ("conversations.history", {"channel": "C0OPS", "cursor": "x"}),
                ("conversations.list", {"types": "x"}), ("conversations.list", {"limit": 5000}),
                ("users.info", {"user": "U0NONE"}), ("users.lookupByEmail", {"email": "x@example.org"}),
                ("usergroups.users.list", {"usergroup": "S0NONE"}),
                ("views.open", {"trigger_id": "x", "view": MODAL}), ("views.open", {"trigger_id": "x", "view": {}}),
                ("views.update", {"view_id": "V0NONE", "view": MODAL}),
                ("views.publish", {"user_id": "U0ALICE", "view": HOME, "hash": "x"}),
                ("files.completeUploadExternal", {"files": [{"id": "F0NONE"}]})):
            answer = self.fake.api(name, **arguments)
            if answer["ok"]:
                raise AssertionError(f"{name} {arguments} is answered well")
            self.codes.add((name, answer["error"]))

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The fake of Slack keeps its workspace: people see what the app writes, the app hears what people do."""
import sys
import traceback

from played import BUTTON, CARD, HOME, MODAL, Fake
from world import Cannot


def equal(seen, wanted, what):
    if seen != wanted:
        raise AssertionError(f"{what}: {seen!r}, not {wanted!r}")


def refuses(what, act):
    try:
        act()
    except Cannot:
        return
    raise AssertionError(f"nobody can {what}")


def only(slack, **where):
    messages = slack.do("read", channel="ops", **where)["messages"]
    equal(len(messages), 1, "messages")
    return messages[0]


def heard(slack):
    """Kinds of what the app heard, and forget it."""
    kinds = [payload.get("event", payload).get("type", "command") for payload in slack.payloads]
    slack.payloads.clear()
    return kinds


def post(slack, **more):
    return slack.api("chat.postMessage", **{"channel": "C0OPS", "text": "x", **more})


def test_a_message_is_edited_and_deleted(slack):
    ts = post(slack, blocks=CARD)["ts"]
    equal(only(slack)["buttons"], {"midwatch_approve": "digest"}, "buttons")
    slack.api("chat.update", channel="C0OPS", ts=ts, text="y")
    seen = only(slack)
    equal((seen["text"], seen["blocks"], seen["edited"]), ("y", [], True), "after the edit")
    equal(slack.api("chat.delete", channel="C0OPS", ts=ts)["ok"], True, "deleted")
    equal(slack.do("read", channel="ops")["messages"], [], "after it was deleted")
    equal([one["event"].get("subtype") for one in slack.payloads],
          [None, "message_changed", "message_deleted"], "what the app heard")


def test_threads(slack):
    ts = post(slack)["ts"]
    reply = post(slack, thread_ts=ts, text="y")["ts"]
    shown = post(slack, thread_ts=ts, text="plan", reply_broadcast=True)["ts"]
    equal([one["ts"] for one in slack.do("read", channel="ops")["messages"]], [ts, shown], "the channel")
    equal([one["ts"] for one in slack.do("read", channel="ops", thread=ts)["messages"]], [ts, reply, shown],
          "the thread")
    equal(slack.api("chat.postMessage", channel="C0OPS", text="z", thread_ts=reply)["error"],
          "cannot_reply_to_message", "a reply to a reply")
    history = slack.api("conversations.history", channel="C0OPS")["messages"]
    equal([one["ts"] for one in history], [shown, ts], "history, newest first")
    equal((history[1]["reply_count"], history[1]["latest_reply"]), (2, shown), "replies of the root")
    slack.api("chat.delete", channel="C0OPS", ts=ts)
    equal(slack.do("read", channel="ops", thread=ts)["messages"][0]["subtype"], "tombstone", "a root with replies")
    equal(slack.violations() != [], True, "the reply to a reply is written down")


def test_pages(slack):
    sent = [post(slack, text=str(number))["ts"] for number in range(5)]
    seen, cursor = [], ""
    for _ in range(3):
        answer = slack.api("conversations.history", channel="C0OPS", limit=2, cursor=cursor)
        seen += [one["ts"] for one in answer["messages"]]
        cursor = answer["response_metadata"]["next_cursor"]
    equal((seen, cursor), (sent[::-1], ""), "all pages")
    inside = slack.api("conversations.history", channel="C0OPS", oldest=sent[1], latest=sent[3])["messages"]
    equal([one["ts"] for one in inside], [sent[2]], "between two")


def test_metadata_is_given_when_asked_for(slack):
    metadata = {"event_type": "midwatch", "event_payload": {"slot": "I1/card"}}
    ts = post(slack, metadata=metadata)["ts"]
    slack.api("chat.update", channel="C0OPS", ts=ts, text="y")
    for name, more in (("conversations.history", {}), ("conversations.replies", {"ts": ts})):
        with_it = slack.api(name, channel="C0OPS", include_all_metadata=True, **more)["messages"][0]
        without = slack.api(name, channel="C0OPS", **more)["messages"][0]
        equal((with_it["metadata"], "metadata" in without), (metadata, False), name)


def test_reactions(slack):
    ts = post(slack)["ts"]
    slack.api("reactions.add", channel="C0OPS", timestamp=ts, name="white_check_mark")
    slack.do("react", person="alice", channel="ops", ts=ts, name="white_check_mark")
    slack.do("react", person="bob", channel="ops", ts=ts, name="+1::skin-tone-3")
    slack.do("unreact", person="alice", channel="ops", ts=ts, name="white_check_mark")
    found = slack.api("reactions.get", channel="C0OPS", timestamp=ts)["message"]["reactions"]
    equal(found, [{"name": "white_check_mark", "users": ["U0MIDWATCH"], "count": 1},
                  {"name": "+1::skin-tone-3", "users": ["U0BOB"], "count": 1}], "reactions")
    refuses("take back what is not there",
            lambda: slack.do("unreact", person="carol", channel="ops", ts=ts, name="eyes"))
    equal(heard(slack), ["message"] + ["reaction_added"] * 3 + ["reaction_removed"], "what the app heard")


def test_whispers_are_for_one(slack):
    slack.api("chat.postEphemeral", channel="C0OPS", user="U0BOB", text="no")
    equal((only(slack, person="bob")["ephemeral"], slack.do("read", channel="ops", person="alice")["messages"]),
          (True, []), "who sees it")
    equal(slack.api("conversations.history", channel="C0OPS")["messages"], [], "history has none")
    equal(heard(slack), [], "and nobody is told")


def test_what_a_text_does(slack):
    post(slack, text="&lt;!channel&gt; a &amp; b")
    seen = only(slack)
    equal((seen["plain"], seen["notifies"], seen["links"]), ("<!channel> a & b", [], []), "an escaped text")
    slack = Fake()
    post(slack, text="x", blocks=[{"type": "section", "text": {"type": "mrkdwn", "text":
         "<!channel> <@U0ALICE> <!subteam^S0ONCALL> <https://evil.example|docs> https://x.example/"}}])
    seen = only(slack)
    equal(seen["notifies"], ["S0ONCALL", "U0ALICE", "channel"], "mentions")
    equal(seen["plain"], "@channel @alice @oncall docs https://x.example/", "as it reads")
    equal(seen["links"], [{"url": "https://evil.example", "label": "docs"}], "links")
    equal(seen["unfurls"], ["https://evil.example"], "unfurled")
    slack = Fake()
    post(slack, text="https://x.example/", unfurl_links=False, unfurl_media=False)
    equal(only(slack)["unfurls"], [], "unfurling is off")


def test_long_texts_are_cut(slack):
    answer = post(slack, text="x" * 40001)
    equal((answer["warning"], len(only(slack)["text"])), ("message_truncated", 40000), "a long text")


def test_mentions_reach_the_app_twice(slack):
    ts = post(slack)["ts"]
    heard(slack)
    slack.do("say", person="alice", channel="ops", text="@midwatch status", thread=ts)
    equal([(one["event"]["type"], one["event"]["text"], one["event"]["thread_ts"]) for one in slack.payloads],
          [("message", "<@U0MIDWATCH> status", ts), ("app_mention", "<@U0MIDWATCH> status", ts)], "a mention")
    equal(len({one["event_id"] for one in slack.payloads}), 2, "event ids")


def test_the_app_hears_what_it_may(slack):
    slack.do("say", person="alice", channel="general", text="@midwatch hello")
    equal(heard(slack), [], "where it is no member")
    slack.do("invite", person="alice", channel="general")
    slack.do("say", person="alice", channel="general", text="hello")
    equal(heard(slack), ["message"], "once it is")
    slack.do("scopes", scopes=[scope for scope in slack.slack.scopes if scope != "channels:history"])
    slack.do("say", person="alice", channel="general", text="hello")
    equal(heard(slack), [], "without the scope")
    deaf = Fake({"events": ["app_mention"]})
    deaf.do("say", person="alice", channel="ops", text="@midwatch hello")
    equal(heard(deaf), ["app_mention"], "what it subscribes to")


def test_a_conversation_with_the_app(slack):
    slack.do("say", person="carol", channel="im", text="status")
    event = slack.payloads[-1]["event"]
    equal((event["channel_type"], event["text"]), ("im", "status"), "what she says")
    equal(slack.api("chat.postMessage", channel="U0CAROL", text="all well")["channel"], event["channel"], "the answer")
    refuses("look into another's", lambda: slack.do("say", person="alice", channel=event["channel"], text="x"))


def test_any_event(slack):
    slack.do("event", event={"type": "team_join", "user": {"id": "U0NEW"}})
    equal(heard(slack), ["team_join"], "what the app heard")


def test_buttons(slack):
    dialog = {"title": {"type": "plain_text", "text": "Sure?"}, "text": {"type": "mrkdwn", "text": "It is."},
              "confirm": {"type": "plain_text", "text": "Yes"}, "deny": {"type": "plain_text", "text": "No"}}
    ts = post(slack, blocks=[{"type": "actions", "elements": [{**BUTTON, "confirm": dialog}]}])["ts"]
    heard(slack)
    pressed = {"person": "alice", "channel": "ops", "ts": ts, "action_id": "midwatch_approve"}
    equal((slack.do("press", **pressed)["dialog"], heard(slack)), (dialog, []), "not confirmed")
    slack.do("press", **pressed, confirm=True)
    payload = slack.payloads[-1]
    equal((payload["actions"][0]["value"], payload["user"]["id"], payload["container"]["message_ts"]),
          ("digest", "U0ALICE", ts), "the action")
    slack.api("chat.update", channel="C0OPS", ts=ts, text="approved")
    refuses("press a button that is gone", lambda: slack.do("press", **pressed, confirm=True))


def test_a_response_replaces_its_original(slack):
    ts = post(slack, blocks=CARD)["ts"]
    slack.do("press", person="alice", channel="ops", ts=ts, action_id="midwatch_approve")
    address = slack.payloads[-1]["response_url"].removeprefix(slack.slack.url)
    equal(slack.request(address, b'{"text": "done", "replace_original": true}', {})[0], 200, "the response")
    equal(only(slack)["text"], "done", "the message")


def test_modals(slack):
    slack.api("views.open", trigger_id=slack.slack.trigger("U0ALICE"), view=MODAL)
    refuses("leave it empty", lambda: slack.do("submit", person="alice", values={}))
    refuses("fill in what is not there", lambda: slack.do("submit", person="alice", values={"reason": "x", "y": "x"}))
    slack.do("submit", person="alice", values={"reason": "too risky"})
    equal(slack.payloads[-1]["view"]["state"]["values"]["reason"]["text"]["value"], "too risky", "the value")
    slack.envelopes[-1]({"response_action": "errors", "errors": {"reason": "longer, please"}})
    equal(slack.do("views", person="alice")["modals"][0]["errors"], {"reason": "longer, please"}, "errors")
    slack.do("submit", person="alice", values={"reason": "far too risky"})
    slack.envelopes[-1]({})
    equal(slack.do("views", person="alice")["modals"], [], "modals after it was taken")


def test_home(slack):
    equal(slack.do("views", person="alice")["home"], None, "before it was published")
    slack.do("home", person="alice")
    equal(heard(slack), ["app_home_opened"], "opened")
    slack.api("views.publish", user_id="U0ALICE", view=HOME)
    equal(slack.do("views", person="alice")["home"]["plain"], "*cache* is full\nApprove", "what is on it")
    equal(slack.do("views", person="bob")["home"], None, "another's")
    slack.do("press", person="alice", view="home", action_id="midwatch_approve")
    equal(slack.payloads[-1]["container"]["type"], "view", "a button on it")


def test_files(slack):
    ts = post(slack)["ts"]
    answer = slack.api("files.getUploadURLExternal", filename="log.txt", length=4)
    address = answer["upload_url"].removeprefix(slack.slack.url)
    equal(slack.request(address, b"abc", {})[0], 400, "three bytes of four")
    body = b'--x\r\ncontent-disposition: form-data; name="f"; filename="log.txt"\r\n\r\nabcd\r\n--x--\r\n'
    equal(slack.request(address, body, {"content-type": "multipart/form-data; boundary=x"})[0], 200, "all four")
    slack.api("files.completeUploadExternal", files=[{"id": answer["file_id"], "title": "the log"}],
              channel_id="C0OPS", thread_ts=ts, initial_comment="see")
    seen = slack.do("read", channel="ops", thread=ts)["messages"][1]
    equal((seen["text"], seen["files"][0]["title"]), ("see", "the log"), "the message of the file")
    equal(slack.do("file", id=answer["file_id"])["text"], "abcd", "the file")
    equal(slack.violations(), ["upload: bad_length: 3 bytes were sent where 4 were announced"], "violations")


def test_people(slack):
    def user(id):
        return slack.api("users.info", user=id)["user"]
    equal((user("U0GINA")["is_restricted"], user("U0SAM")["is_ultra_restricted"], user("U0DORA")["deleted"],
           user("U0ROBOT")["is_bot"]), (True, True, True, True), "kinds of people")
    equal((user("U0OTTO")["team_id"], "email" in user("U0OTTO")["profile"]), ("T0OTHER", False), "a stranger")
    equal(slack.api("users.lookupByEmail", email="bob@example.org")["user"]["id"], "U0BOB", "by address")
    slack.do("group", id="S0ONCALL", users=["carol"])
    equal(slack.api("usergroups.users.list", usergroup="S0ONCALL")["users"], ["U0CAROL"], "the group")
    refuses("act once deactivated", lambda: slack.do("say", person="dora", channel="ops", text="x"))


def main():
    tests = {name: test for name, test in globals().items() if name.startswith("test_")}
    failed = 0
    for name, test in tests.items():
        slack = Fake()
        try:
            test(slack)
            equal(slack.violations(), [], "violations")
        except Exception:
            failed += 1
            print(f"FAIL {name}\n{traceback.format_exc()}")
    print(f"{len(tests) - failed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())

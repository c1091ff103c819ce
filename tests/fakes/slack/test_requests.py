#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The fake of Slack finds what is wrong: good requests pass, and each way to spoil one is answered with Slack's error
and written down."""
import copy
import json
import sys

from played import BUTTON, CARD, HOME, MODAL, Fake

FORM = "application/x-www-form-urlencoded"
JSON = "application/json; charset=utf-8"
TOKEN = "Bearer xoxb-1-midwatch"


def text(value, kind="mrkdwn"):
    return {"type": kind, "text": value}


def section(value="x", **more):
    return {"type": "section", "text": text(value), **more}


def actions(*elements):
    return {"type": "actions", "elements": list(elements)}


def button(**more):
    return {**BUTTON, **more}


def confirm(**more):
    return {"title": text("Sure?", "plain_text"), "text": text("It is destructive."),
            "confirm": text("Do it", "plain_text"), "deny": text("No", "plain_text"), **more}


def option(value="1h", words="an hour"):
    return {"text": text(words, "plain_text"), "value": value}


def select(*options):
    return {"type": "static_select", "action_id": "for", "options": list(options)}


GOOD_BLOCKS = [
    {"type": "header", "text": text("cache", "plain_text"), "block_id": "head"}, section("x" * 3000),
    {"type": "section", "fields": [text("x" * 2000)] * 5, "accessory": button()}, {"type": "divider"},
    actions(button(confirm=confirm(), style="danger"), button(action_id="midwatch_reject")),
    {"type": "context", "elements": [text("x"), {"type": "image", "image_url": "http://x", "alt_text": "a chart"}]},
    {"type": "markdown", "text": "**x**"}]

# Blocks of a message, and where the complaint points.
BLOCKS = {
    "a block of no type": ([{"text": text("x")}], "/blocks/0/type"),
    "an unknown block": ([{"type": "sections"}], "/blocks/0/type"),
    "an input outside of a view": ([MODAL["blocks"][0]], "/blocks/0/type"),
    "too many blocks": ([{"type": "divider"}] * 51, "/blocks"),
    "an empty section": ([{"type": "section"}], "/blocks/0"),
    "an empty text": ([section("")], "/blocks/0/text/text"),
    "a long section": ([section(), section("x" * 3001)], "/blocks/1/text/text"),
    "a text that is none": ([{"type": "section", "text": "x"}], "/blocks/0/text"),
    "a text of another type": ([{"type": "section", "text": text("x", "markdown")}], "/blocks/0/text/type"),
    "an unknown key of a text": ([{"type": "section", "text": {**text("x"), "emoji": True}}], "/blocks/0/text"),
    "an unknown key of a block": ([section(title="x")], "/blocks/0"),
    "mrkdwn in a header": ([{"type": "header", "text": text("x")}], "/blocks/0/text/type"),
    "a long header": ([{"type": "header", "text": text("x" * 151, "plain_text")}], "/blocks/0/text/text"),
    "too many fields": ([{"type": "section", "fields": [text("x")] * 11}], "/blocks/0/fields"),
    "a long field": ([{"type": "section", "fields": [text("x" * 2001)]}], "/blocks/0/fields/0/text"),
    "no elements": ([actions()], "/blocks/0/elements"),
    "too many elements": ([actions(*[button(action_id=str(n)) for n in range(26)])], "/blocks/0/elements"),
    "an action twice": ([actions(button(), button())], "/blocks/0/elements/1/action_id"),
    "a block_id twice": ([section(block_id="a"), section(block_id="a")], "/blocks/1/block_id"),
    "a long block_id": ([section(block_id="a" * 256)], "/blocks/0/block_id"),
    "a long action_id": ([actions(button(action_id="a" * 256))], "/blocks/0/elements/0/action_id"),
    "a long button": ([actions(button(text=text("x" * 76, "plain_text")))], "/blocks/0/elements/0/text/text"),
    "a button of mrkdwn": ([actions(button(text=text("x")))], "/blocks/0/elements/0/text/type"),
    "a long value": ([actions(button(value="x" * 2001))], "/blocks/0/elements/0/value"),
    "an unknown style": ([actions(button(style="default"))], "/blocks/0/elements/0/style"),
    "a text in actions": ([actions(text("x"))], "/blocks/0/elements/0/type"),
    "a button in a context": ([{"type": "context", "elements": [BUTTON]}], "/blocks/0/elements/0/type"),
    "a long context": ([{"type": "context", "elements": [text("x")] * 11}], "/blocks/0/elements"),
    "half a confirmation": ([actions(button(confirm={"title": text("x", "plain_text")}))],
                            "/blocks/0/elements/0/confirm"),
    "a long confirmation": ([actions(button(confirm=confirm(text=text("x" * 301))))],
                            "/blocks/0/elements/0/confirm/text/text"),
    "a long word of it": ([actions(button(confirm=confirm(deny=text("x" * 31, "plain_text"))))],
                          "/blocks/0/elements/0/confirm/deny/text"),
    "no options": ([actions(select())], "/blocks/0/elements/0/options"),
    "a long option": ([actions(select(option(words="x" * 76)))], "/blocks/0/elements/0/options/0/text/text"),
    "an option without value": ([actions(select({"text": text("x", "plain_text")}))],
                                "/blocks/0/elements/0/options/0"),
    "an image without words": ([{"type": "image", "image_url": "http://x"}], "/blocks/0"),
    "an image of two sources": ([{"type": "image", "image_url": "x", "slack_file": {}, "alt_text": "x"}],
                                "/blocks/0"),
    "too much markdown": ([{"type": "markdown", "text": "x" * 6001}] * 2, "/blocks"),
}

POST = {"channel": "C0OPS", "text": "x"}
# A method, its arguments, the error, and whether a right program never has it.
REQUESTS = {
    "no channel": ("chat.postMessage", {"text": "x"}, "invalid_arguments", True),
    "an empty channel": ("chat.postMessage", {"channel": "", "text": "x"}, "invalid_arguments", True),
    "an unknown argument": ("chat.postMessage", {**POST, "thread": "1"}, "invalid_arguments", True),
    "a number for a text": ("chat.postMessage", {**POST, "text": 1}, "invalid_arguments", True),
    "a text for a boolean": ("chat.postMessage", {**POST, "mrkdwn": "true"}, "invalid_arguments", True),
    "an unknown parse": ("chat.postMessage", {**POST, "parse": "some"}, "invalid_arguments", True),
    "nothing said": ("chat.postMessage", {"channel": "C0OPS"}, "no_text", True),
    "an empty text": ("chat.postMessage", {**POST, "text": ""}, "no_text", True),
    "blocks that are no list": ("chat.postMessage", {**POST, "blocks": "[]"}, "invalid_blocks_format", True),
    "markdown beside text": ("chat.postMessage", {**POST, "markdown_text": "x"}, "markdown_text_conflict", True),
    "long markdown": ("chat.postMessage", {"channel": "C0OPS", "markdown_text": "x" * 12001}, "msg_too_long", True),
    "much in all blocks": ("chat.postMessage", {**POST, "blocks": [section("x" * 2800)] * 4}, "msg_blocks_too_long",
                           True),
    "metadata without a type": ("chat.postMessage", {**POST, "metadata": {"event_payload": {}}},
                                "invalid_metadata_format", True),
    "broadcast without a thread": ("chat.postMessage", {**POST, "reply_broadcast": True}, "invalid_arguments", True),
    "a thread that is no timestamp": ("chat.postMessage", {**POST, "thread_ts": "I1"}, "invalid_arguments", True),
    "an unknown channel": ("chat.postMessage", {**POST, "channel": "C0NONE"}, "channel_not_found", False),
    "a private channel of others": ("chat.postMessage", {**POST, "channel": "C0SECRET"}, "channel_not_found", False),
    "a channel of others": ("chat.postMessage", {**POST, "channel": "C0GENERAL"}, "not_in_channel", False),
    "an archived channel": ("chat.postMessage", {**POST, "channel": "C0OLD"}, "is_archived", False),
    "an update of a long text": ("chat.update", {**POST, "ts": "TS", "text": "x" * 4001}, "msg_too_long", True),
    "an update of nothing": ("chat.update", {**POST, "ts": "1700000000.000001"}, "message_not_found", False),
    "an update of another's": ("chat.update", {**POST, "ts": "OTHERS"}, "cant_update_message", True),
    "a name for a channel": ("chat.update", {**POST, "channel": "#ops", "ts": "TS"}, "channel_not_found", False),
    "a deletion of another's": ("chat.delete", {"channel": "C0OPS", "ts": "OTHERS"}, "cant_delete_message", True),
    "whispered to a stranger": ("chat.postEphemeral", {**POST, "user": "U0DORA"}, "user_not_in_channel", False),
    "an emoji with colons": ("reactions.add", {"channel": "C0OPS", "timestamp": "TS", "name": ":eyes:"},
                             "invalid_name", True),
    "a reaction twice": ("reactions.add", {"channel": "C0OPS", "timestamp": "TS", "name": "seen"}, "already_reacted",
                         False),
    "a bad timestamp": ("reactions.add", {"channel": "C0OPS", "timestamp": "1.2", "name": "eyes"}, "bad_timestamp",
                        True),
    "a reaction on nothing": ("reactions.remove", {"name": "eyes"}, "invalid_arguments", True),
    "a reaction that is not there": ("reactions.remove", {"channel": "C0OPS", "timestamp": "TS", "name": "eyes"},
                                     "no_reaction", False),
    "a limit of nothing": ("conversations.history", {"channel": "C0OPS", "limit": 0.5}, "invalid_arguments", True),
    "too much at once": ("conversations.history", {"channel": "C0OPS", "limit": 1000}, "invalid_limit", True),
    "a cursor made up": ("conversations.history", {"channel": "C0OPS", "cursor": "2"}, "invalid_cursor", True),
    "a thread of nothing": ("conversations.replies", {"channel": "C0OPS", "ts": "1700000000.000001"},
                            "thread_not_found", False),
    "an unknown type": ("conversations.list", {"types": "channels"}, "invalid_types", True),
    "an unknown person": ("users.info", {"user": "U0NONE"}, "user_not_found", False),
    "a guest's group": ("usergroups.users.list", {"usergroup": "S0NONE"}, "no_such_subteam", False),
    "a deactivated address": ("users.lookupByEmail", {"email": "dora@example.org"}, "users_not_found", False),
    "a home as a modal": ("views.open", {"trigger_id": "TRIGGER", "view": HOME}, "invalid_arguments", True),
    "a modal as a home": ("views.publish", {"user_id": "U0ALICE", "view": MODAL}, "invalid_arguments", True),
    "a modal without a title": ("views.open", {"trigger_id": "TRIGGER", "view": {
        key: value for key, value in MODAL.items() if key != "title"}}, "invalid_arguments", True),
    "a long title": ("views.open", {"trigger_id": "TRIGGER", "view": {
        **MODAL, "title": text("x" * 25, "plain_text")}}, "invalid_arguments", True),
    "input without submit": ("views.open", {"trigger_id": "TRIGGER", "view": {
        key: value for key, value in MODAL.items() if key != "submit"}}, "invalid_arguments", True),
    "much private metadata": ("views.open", {"trigger_id": "TRIGGER", "view": {
        **MODAL, "private_metadata": "x" * 3001}}, "invalid_arguments", True),
    "many blocks in a view": ("views.publish", {"user_id": "U0ALICE", "view": {
        "type": "home", "blocks": [{"type": "divider"}] * 101}}, "invalid_arguments", True),
    "a view too large": ("views.publish", {"user_id": "U0ALICE", "view": {
        "type": "home", "blocks": [section("x" * 3000)] * 84}}, "view_too_large", True),
    "a trigger made up": ("views.open", {"trigger_id": "x", "view": MODAL}, "invalid_trigger_id", True),
    "a trigger twice": ("views.open", {"trigger_id": "SPENT", "view": MODAL}, "exchanged_trigger_id", True),
    "an old trigger": ("views.open", {"trigger_id": "OLD", "view": MODAL}, "expired_trigger_id", False),
    "an old hash": ("views.publish", {"user_id": "U0ALICE", "view": HOME, "hash": "x"}, "hash_conflict", False),
    "an empty file": ("files.getUploadURLExternal", {"filename": "x", "length": 0}, "invalid_arguments", True),
    "a file that was not sent": ("files.completeUploadExternal", {"files": [{"id": "F9"}]}, "file_not_found", True),
    "a file for a person": ("files.completeUploadExternal", {"files": [{"id": "FILE"}], "channel_id": "U0ALICE"},
                            "invalid_arguments", True),
    "a file for a lone thread": ("files.completeUploadExternal", {"files": [{"id": "FILE"}], "thread_ts": "TS"},
                                 "invalid_arguments", True),
    "a file with a name": ("files.completeUploadExternal", {"files": [{"id": "FILE", "name": "x"}]},
                           "invalid_arguments", True),
}


def fake():
    """A Slack with something in it, and what the words in capitals stand for."""
    slack = Fake()
    ts = slack.api("chat.postMessage", channel="C0OPS", text="x", blocks=CARD)["ts"]
    slack.api("reactions.add", channel="C0OPS", timestamp=ts, name="seen")
    spent, old = slack.slack.trigger("U0ALICE"), slack.slack.trigger("U0ALICE")
    slack.api("views.open", trigger_id=spent, view=MODAL)
    slack.slack.triggers[old]["until"] = 0
    upload = slack.api("files.getUploadURLExternal", filename="x", length=1)
    slack.request(upload["upload_url"].removeprefix(slack.slack.url), b"x", {})
    return slack, {"TS": ts, "OTHERS": slack.do("say", person="bob", channel="ops", text="x")["ts"],
                   "SPENT": spent, "OLD": old, "TRIGGER": slack.slack.trigger("U0ALICE"),
                   "FILE": upload["file_id"]}


def filled(value, words):
    if isinstance(value, dict):
        return {key: filled(item, words) for key, item in value.items()}
    if isinstance(value, list):
        return [filled(item, words) for item in value]
    return words.get(value, value) if isinstance(value, str) else value


def requests():
    for way, (name, arguments, code, wrong) in REQUESTS.items():
        slack, words = fake()
        answer = slack.api(name, **filled(arguments, words))
        noted = slack.violations()
        if answer.get("error") != code:
            yield f"{way}: {answer}, not {code}"
        if bool(noted) != wrong:
            yield f"{way}: written down: {noted}"


def blocks():
    slack = Fake()
    answer = slack.api("chat.postMessage", channel="C0OPS", text="x", blocks=GOOD_BLOCKS[2:])
    answer = answer if not answer["ok"] else \
        slack.api("chat.postMessage", channel="C0OPS", text="x", blocks=GOOD_BLOCKS[:2])
    if not answer["ok"] or slack.violations():
        yield f"good blocks are refused: {answer}"
    for way, (spoiled, where) in BLOCKS.items():
        answer = slack.api("chat.postMessage", channel="C0OPS", text="x", blocks=spoiled)
        if answer.get("error") != "invalid_blocks":
            yield f"{way}: {answer}"
        elif not any(f"[json-pointer:{where}]" in one for one in answer["errors"]):
            yield f"{way}: {answer['errors']} instead of {where}"
        elif not slack.violations():
            yield f"{way}: not written down"


# What stands around the arguments: (how it is spoiled, error, whether it is written down).
def body(arguments):
    return json.dumps(arguments).encode()


OUTSIDE = {
    "no token": ({"headers": {"content-type": JSON}}, "not_authed", True),
    "another token": ({"token": "Bearer xoxb-2"}, "invalid_auth", False),
    "the app's token": ({"token": "Bearer xapp-1-midwatch"}, "not_allowed_token_type", True),
    "another way to log in": ({"token": "Basic xoxb-1-midwatch"}, "not_authed", True),
    "a token in the address": ({"target": "/api/chat.postMessage?token=xoxb-1-midwatch"}, "invalid_auth", True),
    "arguments in the address": ({"target": "/api/chat.postMessage?channel=C0OPS"}, "invalid_arguments", True),
    "by GET": ({"verb": "GET"}, "invalid_arguments", True),
    "an unknown method": ({"target": "/api/chat.post"}, "unknown_method", True),
    "half of the JSON": ({"body": body(POST)[:-3]}, "invalid_json", True),
    "a list": ({"body": b"[]"}, "json_not_object", True),
    "no content type": ({"headers": {"authorization": TOKEN}}, "invalid_post_type", True),
    "another content type": ({"kind": "text/plain"}, "invalid_post_type", True),
    "JSON where a form is read": ({"target": "/api/users.info", "body": body({"user": "U0BOB"})}, "invalid_arguments",
                                  True),
    "an argument twice": ({"body": b"channel=C0OPS&channel=C0SHOP&text=x", "kind": FORM}, "invalid_form_data", True),
    "blocks that cannot be read": ({"body": b"channel=C0OPS&blocks=%5B", "kind": FORM}, "invalid_blocks_format", True),
    "a number that is none": ({"target": "/api/conversations.history", "body": b"channel=C0OPS&limit=x", "kind": FORM},
                              "invalid_arguments", True),
}


def outside():
    for way, (spoiled, code, wrong) in OUTSIDE.items():
        slack = Fake()
        headers = spoiled.get("headers", {"content-type": spoiled.get("kind", JSON),
                                          "authorization": spoiled.get("token", TOKEN)})
        _, answer = slack.request(spoiled.get("target", "/api/chat.postMessage"), spoiled.get("body", body(POST)),
                                  dict(headers), spoiled.get("verb", "POST"))
        noted = slack.violations()
        if answer.get("error") != code:
            yield f"{way}: {answer}, not {code}"
        if bool(noted) != wrong:
            yield f"{way}: written down: {noted}"


def scopes():
    """Each method asks for its scope; what was not granted is named."""
    for name, arguments, needed in (
            ("chat.postMessage", POST, "chat:write"), ("users.info", {"user": "U0BOB"}, "users:read"),
            ("users.lookupByEmail", {"email": "bob@example.org"}, "users:read.email"),
            ("usergroups.list", {}, "usergroups:read"), ("conversations.join", {"channel": "C0OPS"}, "channels:join"),
            ("conversations.info", {"channel": "C0OPS"}, "channels:read"),
            ("conversations.history", {"channel": "C0OPS"}, "channels:history"),
            ("conversations.list", {"types": "private_channel"}, "groups:read"),
            ("conversations.open", {"users": "U0BOB"}, "im:write"),
            ("reactions.add", {"channel": "C0OPS", "timestamp": "TS", "name": "eyes"}, "reactions:write"),
            ("reactions.get", {"channel": "C0OPS", "timestamp": "TS"}, "reactions:read"),
            ("files.getUploadURLExternal", {"filename": "x", "length": 1}, "files:write")):
        slack, words = fake()
        slack.do("scopes", scopes=[scope for scope in slack.slack.scopes if scope != needed])
        answer = slack.api(name, **filled(arguments, words))
        if (answer.get("error"), answer.get("needed")) != ("missing_scope", needed) or not slack.violations():
            yield f"{name} without {needed}: {answer}"


def responses():
    """Posts to a response address."""
    for way, document, status in (
            ("good", {"text": "x"}, 200), ("in the channel", {"text": "x", "response_type": "in_channel"}, 200),
            ("an unknown key", {"text": "x", "channel": "C0OPS"}, 400), ("nothing", {}, 400),
            ("an unknown type", {"text": "x", "response_type": "public"}, 400),
            ("bad blocks", {"blocks": [{"type": "section"}]}, 400), ("no object", [], 400),
            ("no original", {"replace_original": True, "text": "x"}, 400)):
        slack = Fake()
        address = slack.do("command", person="alice", channel="ops", text="status")["response_url"]
        answered = slack.request(address.removeprefix(slack.slack.url), body(document), {"content-type": JSON})
        if answered[0] != status or bool(slack.violations()) != (status != 200):
            yield f"a response, {way}: {answered}"
    target = slack.do("command", person="alice", channel="ops", text="status")["response_url"]
    answers = [slack.request(target.removeprefix(slack.slack.url), body({"text": "x"}), {})[0] for _ in range(6)]
    if answers != [200] * 5 + [404] or not slack.violations():
        yield f"a response address served {answers}"


def main():
    before = copy.deepcopy(GOOD_BLOCKS)
    found = [*requests(), *blocks(), *outside(), *scopes(), *responses()]
    if GOOD_BLOCKS != before:
        found.append("a request was changed by the check")
    ways = len(REQUESTS) + len(BLOCKS) + len(OUTSIDE)
    print("\n".join(found) or f"{ways} ways to spoil a request are answered as Slack does")
    return 1 if found else 0


sys.exit(main())

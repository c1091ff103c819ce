# SPDX-License-Identifier: Apache-2.0
"""What Slack's Web API takes, as tables, and a check of a request's arguments against them.

METHODS: the arguments of each method that midwatch may call. A name ends with its type: none a string, ? a
boolean, # a number, {} an object, [] a list of objects, [s] a list of strings; and ! where it is required.
`one_of`: at least one of them (those joined by + go together). `scopes`: any of them, as the kind of the
conversation asks. `tier`: how many requests a minute, 0 where Slack keeps special limits. `form`: the method
does not read JSON. check_facts.py holds the tables against the description of the API where it is at hand.
"""
import json
import re

TIERS = {1: 1, 2: 20, 3: 50, 4: 100}
# What the special tiers were taken to allow.
SPECIAL = {"auth.test": 300, "chat.postMessage": 300, "chat.getPermalink": 300}

PLACES = {"public": "channels", "private": "groups", "im": "im", "mpim": "mpim"}
READ = " ".join(f"{place}:read" for place in PLACES.values())
HISTORY = " ".join(f"{place}:history" for place in PLACES.values())
CONTENT = "text blocks attachments markdown_text"
POST = "channel! as_user? attachments[] blocks[] link_names? markdown_text parse text "


def method(arguments, one_of="", scopes="", tier=0, form=False, token="bot"):
    names = [re.fullmatch(r"(\w+)(\?|#|\{\}|\[\]|\[s\]|)(!?)", word).groups()
             for word in arguments.split()]
    return {"types": {name: kind for name, kind, _ in names},
            "required": [name for name, _, must in names if must],
            "one_of": one_of.split(), "scopes": scopes.split(), "tier": tier, "form": form, "token": token}


METHODS = {
    "auth.test": method(""),
    "apps.connections.open": method("", tier=3, token="app", scopes="connections:write"),
    "chat.postMessage": method(
        POST + "icon_emoji icon_url metadata{} mrkdwn? reply_broadcast? thread_ts unfurl_links? unfurl_media? "
        "username", CONTENT, "chat:write"),
    "chat.update": method(POST + "ts! file_ids[s] metadata{} reply_broadcast?", CONTENT, "chat:write", 3),
    "chat.delete": method("channel! ts! as_user?", "", "chat:write", 3),
    "chat.postEphemeral": method(POST + "user! icon_emoji icon_url thread_ts username", CONTENT, "chat:write", 4),
    "chat.getPermalink": method("channel! message_ts!", form=True),
    "reactions.add": method("channel! name! timestamp!", "", "reactions:write", 3),
    "reactions.remove": method("name! channel file file_comment timestamp",
                               "channel+timestamp file file_comment", "reactions:write", 2),
    "reactions.get": method("channel file file_comment full? timestamp",
                            "channel+timestamp file file_comment", "reactions:read", 3, True),
    "conversations.info": method("channel! include_locale? include_num_members?", "", READ, 3, True),
    "conversations.history": method("channel! cursor include_all_metadata? inclusive? latest limit# oldest",
                                    "", HISTORY, 3, True),
    "conversations.replies": method("channel! ts! cursor include_all_metadata? inclusive? latest limit# oldest",
                                    "", HISTORY, 3, True),
    "conversations.list": method("cursor exclude_archived? limit# team_id types", "", READ, 2, True),
    "conversations.members": method("channel! cursor limit#", "", READ, 4, True),
    "conversations.join": method("channel!", "", "channels:join", 3),
    "conversations.open": method("channel prevent_creation? return_im? users", "channel users",
                                 "channels:manage groups:write im:write mpim:write", 3),
    "users.info": method("user! include_locale?", "", "users:read", 4, True),
    "users.list": method("cursor include_locale? limit# team_id", "", "users:read", 2, True),
    "users.lookupByEmail": method("email!", "", "users:read.email", 3, True),
    "usergroups.list": method("include_count? include_disabled? include_users? team_id", "",
                              "usergroups:read", 2, True),
    "usergroups.users.list": method("usergroup! include_disabled? team_id", "", "usergroups:read", 2, True),
    "views.open": method("view{}! interactivity_pointer trigger_id", "trigger_id interactivity_pointer", "", 4),
    "views.publish": method("user_id! view{}! hash", "", "", 4),
    "views.update": method("view{}! external_id hash view_id", "external_id view_id", "", 4),
    "views.push": method("view{}! interactivity_pointer trigger_id", "trigger_id interactivity_pointer", "", 4),
    "files.getUploadURLExternal": method("filename! length#! alt_text alt_txt snippet_type", "",
                                         "files:write", 4, True),
    "files.completeUploadExternal": method("files[]! blocks[] channel_id channels initial_comment thread_ts",
                                           "", "files:write", 4),
}
# Arguments that the reference names beside those of the SDK.
REFERENCE_ONLY = {"alt_txt", "channels"}
ENUMS = {"parse": ["full", "none"]}

# A post to a response address.
RESPONSE = {"text": "", "blocks": "[]", "attachments": "[]", "response_type": "", "replace_original": "?",
            "delete_original": "?", "thread_ts": "", "mrkdwn": "?", "unfurl_links": "?", "unfurl_media": "?",
            "metadata": "{}"}
RESPONSE_MAX, RESPONSE_SECONDS = 5, 30 * 60

# The events that the fake sends, and the scope that an app needs for each; {} is the place.
EVENTS = {
    "app_mention": "app_mentions:read", "message.channels": "channels:history",
    "message.groups": "groups:history", "message.im": "im:history", "message.mpim": "mpim:history",
    "reaction_added": "reactions:read", "reaction_removed": "reactions:read", "app_home_opened": "",
    "member_joined_channel": "channels:read", "member_left_channel": "channels:read",
    "tokens_revoked": ""}

SCOPES = ["app_mentions:read", "channels:history", "channels:join", "channels:read", "chat:write", "commands",
          "files:read", "files:write", "groups:history", "groups:read", "im:history", "im:read", "im:write",
          "mpim:history", "mpim:read", "reactions:read", "reactions:write", "usergroups:read", "users:read",
          "users:read.email"]
DISCONNECTS = ["warning", "refresh_requested", "link_disabled", "too_many_websockets"]
# What an acknowledgement may have.
ACKNOWLEDGEMENT = {"envelope_id", "payload"}

TEXT_MAX, UPDATE_TEXT_MAX, MARKDOWN_MAX = 40000, 4000, 12000
ATTACHMENTS_MAX = 100
TS = re.compile(r"\d{10}\.\d{6}")
EMOJI = re.compile(r"[a-z0-9_+'-]+(::skin-tone-[2-6])?")

KINDS = {"": ("a string", str), "?": ("a boolean", bool), "#": ("a number", (int, float)),
         "{}": ("an object", dict), "[]": ("a list of objects", list), "[s]": ("a list of strings", list)}


def fits(value, kind):
    """Whether a JSON value has a type of the tables."""
    if kind == "#" and isinstance(value, bool) or not isinstance(value, KINDS[kind][1]):
        return False
    inner = {"[]": dict, "[s]": str}.get(kind)
    return inner is None or all(isinstance(item, inner) for item in value)


def known(types, arguments):
    """Complaints about names and types, in Slack's manner."""
    for name, value in arguments.items():
        if name not in types:
            yield f"[ERROR] unknown argument: {name}"
        elif not fits(value, types[name]):
            yield f"[ERROR] must provide {KINDS[types[name]][0]} [json-pointer:/{name}]"
        elif name in ENUMS and value not in ENUMS[name]:
            yield f"[ERROR] must be one of {', '.join(ENUMS[name])} [json-pointer:/{name}]"


def check(name, arguments):
    """Complaints about the arguments of a method; none where all is well."""
    facts = METHODS[name]
    found = list(known(facts["types"], arguments))
    for must in facts["required"]:
        if arguments.get(must) in (None, ""):
            found.append(f"[ERROR] missing required field: {must}")
    chosen = [all(word in arguments for word in way.split("+")) for way in facts["one_of"]]
    if facts["one_of"] and not any(chosen) and facts["one_of"] != CONTENT.split():
        found.append(f"[ERROR] missing required field: one of {', '.join(facts['one_of'])}")
    return found


def from_form(name, fields):
    """The arguments of a form, in which all are strings, as JSON would have them. A value that cannot be
    read stays a string, which check() then refuses."""
    types = METHODS[name]["types"] if name in METHODS else {}
    arguments = {}
    for key, text in fields.items():
        kind = types.get(key, "")
        if kind == "?" and text in ("true", "false", "1", "0"):
            arguments[key] = text in ("true", "1")
        elif kind == "#" and re.fullmatch(r"\d+", text):
            arguments[key] = int(text)
        elif kind == "[s]":
            arguments[key] = text.split(",")
        elif kind in ("{}", "[]"):
            try:
                arguments[key] = json.loads(text)
            except ValueError:
                arguments[key] = text
        else:
            arguments[key] = text
    return arguments

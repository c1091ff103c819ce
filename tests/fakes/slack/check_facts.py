#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the tables of facts.py and blocks.py, and what the fake answers and sends, against the description of
Slack's API.

check_facts.py [FOLDER]     by default ../shared/specs/slack beside this tree; ends with 77 (skipped) where it is not
                            at hand, 1 with the differences, 0 when there is none
"""
import json
import os
import sys

import blocks as kit
import facts
import messages
import sockets
import views
from played import Played

TREE = os.path.abspath(__file__)
for _ in range(4):
    TREE = os.path.dirname(TREE)
FOLDER = os.path.join(TREE, "..", "shared", "specs", "slack")

KINDS = {"string": "", "boolean": "?", "number": "#", "object": "{}", "array<object>": "[]",
         "array<string>": "[s]", "enum(full|none)": ""}
# These read JSON although the archived description has them as GET.
JSON_NOW = {"auth.test", "views.open", "views.publish", "views.update", "views.push"}
# Where the sources disagree, or a sample has not all that is known of: said in the facts beside them.
# Ours, or held against other tables.
OPAQUE = {"blocks", "event_payload"}
KNOWN_KEYS = {
    "conversations.replies.messages.client_msg_id", "conversations.replies.messages.subtype",
    "message.message_changed.event.message.reply_users", "file_share.event.team",
    *(f"message.{kind}.event.{key}" for kind in ("file_share", "thread_broadcast")
      for key in ("bot_id", "bot_profile", "team"))}


def methods(documents):
    for name, row in facts.METHODS.items():
        known = documents["methods"].get(name)
        if known is None:
            yield f"{name}: the description has no such method"
            continue
        types = {**known["types"], **{extra: "string" for extra in known.get("docs_extra_args", [])}}
        for argument, kind in row["types"].items():
            if argument not in types:
                yield f"{name}: no argument {argument}"
            elif KINDS.get(types[argument]) != kind:
                yield f"{name}.{argument}: {types[argument]} in the description"
            elif argument not in known["types"] and argument not in facts.REFERENCE_ONLY:
                yield f"{name}.{argument}: only in the reference"
        for argument in set(known["types"]) - set(row["types"]):
            yield f"{name}: {argument} is missing"
        for key, value in (("required", row["required"]), ("at_least_one_of", row["one_of"])):
            if sorted(known.get(key, [])) != sorted(value):
                yield f"{name}: {key} is {known.get(key)}"
        if row["token"] == "bot" and sorted(known["scopes_bot"]) != sorted(row["scopes"]):
            yield f"{name}: scopes are {known['scopes_bot']}"
        said = known["rate_docs"]
        if said.startswith("Tier") and int(said[5]) != row["tier"] or said.startswith("Special") and row["tier"]:
            yield f"{name}: {said}"
        archived = known["archived_openapi"]
        if archived and row["form"] != (archived == "GET" and name not in JSON_NOW):
            yield f"{name}: {archived} in the archived description"


def codes(documents, played):
    """Every error that the fake can give must be one of the method's or a common one."""
    for name, code in sorted(played.codes):
        known = documents["methods"][name]["errors"] + documents["common"]
        if code not in known and (name, code) not in UNLISTED:
            yield f"{name}: {code} is no error of it"


# Seen with Slack, though the lists have them not.
UNLISTED = {("chat.postMessage", "thread_not_found"), ("chat.postEphemeral", "thread_not_found"),
            ("files.completeUploadExternal", "thread_not_found"),
            ("files.completeUploadExternal", "cannot_reply_to_message")}


def limits(known):
    def number(value):
        return value["v"] if isinstance(value, dict) else value
    message, view, block = known["message"], known["view"], known["block"]
    element, composition = known["element"], known["composition"]
    pairs = {
        "message.blocks_max": (message["blocks_max"], kit.MESSAGE_BLOCKS_MAX),
        "message.text": (message["text_truncated_above"], facts.TEXT_MAX),
        "message.update_text_max": (message["update_text_max"], facts.UPDATE_TEXT_MAX),
        "message.markdown_text_max": (message["markdown_text_max"], facts.MARKDOWN_MAX),
        "message.attachments_max": (message["attachments_max"], facts.ATTACHMENTS_MAX),
        "message.all_text": (message["cumulative_blocks_text_approx_max"], kit.ALL_TEXT_MAX),
        "view.blocks_max": (view["blocks_max"], kit.VIEW_BLOCKS_MAX),
        "view.title_max": (view["title_max"], kit.TEXTS["view_title"][1]),
        "view.private_metadata_max": (view["private_metadata_max"], kit.STRINGS["private_metadata"]),
        "view.callback_id_max": (view["callback_id_max"], kit.STRINGS["callback_id"]),
        "view.total_bytes_max": (view["total_bytes_max"], kit.VIEW_BYTES_MAX),
        "view.stack_max": (view["stack_max"], views.STACK_MAX),
        "block_id_max": (block["block_id_max"], kit.STRINGS["block_id"]),
        "section.text_max": (block["section"]["text_max"], kit.TEXTS["section"][1]),
        "section.field_text_max": (block["section"]["field_text_max"], kit.TEXTS["field"][1]),
        "section.fields_max": (block["section"]["fields_max"], kit.LISTS["fields"][2]),
        "header.text_max": (block["header"]["text_max"], kit.TEXTS["header"][1]),
        "actions.elements_max": (block["actions"]["elements_max"], kit.LISTS["actions"][2]),
        "context.elements_max": (block["context"]["elements_max"], kit.LISTS["context"][2]),
        "image.alt_text_max": (block["image"]["alt_text_max"], kit.STRINGS["alt_text"]),
        "image.title_max": (block["image"]["title_max"], kit.TEXTS["image_title"][1]),
        "input.label_max": (block["input"]["label_max"], kit.TEXTS["label"][1]),
        "input.hint_max": (block["input"]["hint_max"], kit.TEXTS["hint"][1]),
        "markdown.text_max": (block["markdown"]["text_max"], kit.STRINGS["markdown"]),
        "table.rows_max": (block["table"]["rows_max"], kit.LISTS["rows"][2]),
        "table.cells": (block["table"]["cells_per_row_max"], kit.CELLS_MAX),
        "action_id_max": (element["action_id_max"], kit.STRINGS["action_id"]),
        "button.text_max": (element["button"]["text_max"], kit.TEXTS["button"][1]),
        "button.value_max": (element["button"]["value_max"], kit.STRINGS["value"]),
        "button.url_max": (element["button"]["url_max"], kit.STRINGS["url"]),
        "static_select.options_max": (element["static_select"]["options_max"], kit.LISTS["options"][2]),
        "overflow.options_max": (element["overflow"]["options_max"], kit.LISTS["overflow_options"][2]),
        "checkboxes.options_max": (element["checkboxes"]["options_max"], kit.LISTS["choice_options"][2]),
        "placeholder_max": (element["placeholder_max"], kit.TEXTS["placeholder"][1]),
        "option.text_max": (composition["option"]["text_max"], kit.TEXTS["option"][1]),
        "option.value_max": (composition["option"]["value_max"], kit.STRINGS["option_value"]),
        "option.description_max": (composition["option"]["description_max"], kit.TEXTS["description"][1]),
        "confirm.title_max": (composition["confirm"]["title_max"], kit.TEXTS["confirm_title"][1]),
        "confirm.text_max": (composition["confirm"]["text_max"], kit.TEXTS["confirm_text"][1]),
        "confirm.confirm_max": (composition["confirm"]["confirm_max"], kit.TEXTS["confirm_word"][1]),
    }
    for name, (there, here) in pairs.items():
        if number(there) != here:
            yield f"{name}: {number(there)} in the description, {here} here"


def strange(value, shape, where):
    """Keys that a sample of Slack's does not have, and types that it has otherwise."""
    if isinstance(value, list) and isinstance(shape, list):
        for item in value:
            yield from strange(item, shape[0], where)
    elif isinstance(value, dict) and isinstance(shape, dict):
        for key, item in value.items() if shape else ():
            if key in OPAQUE:
                continue
            if key in shape:
                yield from strange(item, shape[key], f"{where}.{key}")
            elif not any((where + "." + key).endswith(known) for known in KNOWN_KEYS):
                yield f"{where}.{key}: no sample has it"
    elif isinstance(shape, str) and value is not None:
        kind = {"str": str, "num": (int, float), "boo": bool, "obj": dict}[shape[:3]]
        if not isinstance(value, kind) and not (shape == "boolean" and value in ("true", "false")):
            yield f"{where}: {type(value).__name__} here, {shape} in a sample"


EVENTS = {"app_mention": "AppMentionPayload", "message": "MessagePayload", "reaction_added": "ReactionAddedPayload",
          "reaction_removed": "ReactionRemovedPayload", "app_home_opened": "AppHomeOpenedPayload",
          "message.bot_message": "MessageBotPayload", "message.message_changed": "MessageChangedPayload",
          "message.message_deleted": "MessageDeletedPayload", "message.file_share": "MessageFileSharePayload",
          "message.thread_broadcast": "MessageThreadBroadcastPayload",
          "member_joined_channel": "MemberJoinedChannelPayload", "member_left_channel": "MemberLeftChannelPayload",
          "block_actions": "BlockActionPayload", "view_submission": "ViewSubmissionPayload",
          "view_closed": "ViewClosedPayload", "command": "SlashCommandPayload"}


def kind_of(payload):
    event = payload.get("event", payload)
    kind = event.get("type", "command")
    return f"{kind}.{event['subtype']}" if kind == "message" and "subtype" in event else kind


def shapes(documents, played):
    for name, answer in played.answers:
        yield from strange(answer, documents["responses"][name], name)
    for payload in played.payloads:
        kind = kind_of(payload)
        shape = documents["payloads"].get(EVENTS.get(kind))
        if shape is None:
            yield f"{kind}: no sample of it"
        else:
            yield from strange(payload, shape, kind)
    for kind in set(EVENTS) - {kind_of(payload) for payload in played.payloads}:
        yield f"{kind}: was not played"
    for name in set(facts.METHODS) - {name for name, _ in played.answers}:
        yield f"{name}: was not played"


def frames(schema):
    there = schema["$defs"]["disconnect"]["properties"]["reason"]["examples"]
    if there != facts.DISCONNECTS:
        yield f"reasons to disconnect: {there}"
    there = set(schema["$defs"]["to_slack"]["properties"])
    if there != facts.ACKNOWLEDGEMENT:
        yield f"an acknowledgement: {there}"
    envelope = sockets.Envelope("id", "events_api", {}, None, None, None)
    for key in json.loads(envelope.text()):
        if key not in schema["$defs"]["envelope_common"]["properties"] and key != "type":
            yield f"an envelope has no {key}"


def differences(folder):
    def load(name):
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            return json.load(file)
    listed = load("slack_methods.json")
    documents = {"methods": listed["methods"], "common": listed["common_errors"],
                 "responses": load("slack_response_shapes.json")["responses"],
                 "payloads": load("slack_payload_shapes.json")["payloads"]}
    played = Played()
    yield from methods(documents)
    yield from codes(documents, played)
    yield from limits(load("block_kit_limits.json"))
    yield from shapes(documents, played)
    yield from frames(load("socket_mode.schema.json"))


def main(arguments):
    folder = arguments[0] if arguments else FOLDER
    if not os.path.isdir(folder):
        print(f"{folder} is not at hand: skipped")
        return 77
    found = sorted(set(differences(folder)))
    print("\n".join(found) or "the tables, answers and events agree with the description")
    return 1 if found else 0


assert messages  # it registers the methods
sys.exit(main(sys.argv[1:]))

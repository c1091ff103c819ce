# SPDX-License-Identifier: Apache-2.0
"""Block Kit, as tables, and a check of blocks and views against them.

BLOCKS and ELEMENTS: the keys of each block and element that midwatch may use, with their kinds; ! marks a
required one. A complaint is Slack's own: `must be less than 3001 characters [json-pointer:/blocks/0/text/text]`.
"""
import copy
import json

# A text's kind: which types it may have, and how long it may be.
TEXTS = {
    "section": ("plain_text mrkdwn", 3000), "field": ("plain_text mrkdwn", 2000), "header": ("plain_text", 150),
    "button": ("plain_text", 75), "placeholder": ("plain_text", 150), "label": ("plain_text", 2000),
    "hint": ("plain_text", 2000), "image_title": ("plain_text", 2000), "context": ("plain_text mrkdwn", 3000),
    "option": ("plain_text mrkdwn", 75), "description": ("plain_text mrkdwn", 75),
    "view_title": ("plain_text", 24), "confirm_title": ("plain_text", 100),
    "confirm_text": ("plain_text mrkdwn", 300), "confirm_word": ("plain_text", 30)}

# Strings: how long they may be.
STRINGS = {"block_id": 255, "action_id": 255, "value": 2000, "url": 3000, "accessibility_label": 75,
           "alt_text": 2000, "option_value": 75, "markdown": 12000, "callback_id": 255, "external_id": 255,
           "private_metadata": 3000, "image_url": 3000, "initial_value": 3000}

# Lists: what they hold, and how many.
LISTS = {"fields": ("text:field", 1, 10), "actions": ("element:actions", 1, 25),
         "context": ("element:context", 1, 10), "options": ("object:option", 1, 100),
         "overflow_options": ("object:option", 1, 5), "choice_options": ("object:option", 1, 10),
         "rows": ("row", 1, 100)}

BLOCKS = {
    "section": {"text": "text:section", "fields": "list:fields", "accessory": "element:section", "expand": "?"},
    "header": {"text!": "text:header"},
    "divider": {},
    "actions": {"elements!": "list:actions"},
    "context": {"elements!": "list:context"},
    "image": {"alt_text!": "string:alt_text", "image_url": "string:image_url", "slack_file": "{}",
              "title": "text:image_title"},
    "input": {"label!": "text:label", "element!": "element:input", "hint": "text:hint", "optional": "?",
              "dispatch_action": "?"},
    "markdown": {"text!": "string:markdown"},
    "rich_text": {"elements!": "rich"},
    "table": {"rows!": "list:rows", "column_settings": "any"},
}
CONFIRM = {"confirm": "object:confirm", "focus_on_load": "?"}
ELEMENTS = {
    "button": {"text!": "text:button", "action_id": "string:action_id", "value": "string:value",
               "url": "string:url", "style": "=primary danger", "confirm": "object:confirm",
               "accessibility_label": "string:accessibility_label"},
    "static_select": {"options!": "list:options", "action_id": "string:action_id",
                      "placeholder": "text:placeholder", "initial_option": "object:option", **CONFIRM},
    "overflow": {"options!": "list:overflow_options", "action_id": "string:action_id",
                 "confirm": "object:confirm"},
    "checkboxes": {"options!": "list:choice_options", "action_id": "string:action_id",
                   "initial_options": "list:choice_options", **CONFIRM},
    "radio_buttons": {"options!": "list:choice_options", "action_id": "string:action_id",
                      "initial_option": "object:option", **CONFIRM},
    "plain_text_input": {"action_id": "string:action_id", "initial_value": "string:initial_value",
                         "multiline": "?", "min_length": "#", "max_length": "#", "dispatch_action_config": "{}",
                         "focus_on_load": "?", "placeholder": "text:placeholder"},
    "image": {"alt_text!": "string:alt_text", "image_url": "string:image_url", "slack_file": "{}"},
}
# Which elements may stand where; texts too in a context block.
PLACES = {"actions": {"button", "static_select", "overflow", "checkboxes", "radio_buttons"},
          "section": {"button", "static_select", "overflow", "checkboxes", "radio_buttons", "image"},
          "input": {"plain_text_input", "static_select", "checkboxes", "radio_buttons"},
          "context": {"image"}}
OBJECTS = {
    "option": {"text!": "text:option", "value!": "string:option_value", "description": "text:description",
               "url": "string:url"},
    "confirm": {"title!": "text:confirm_title", "text!": "text:confirm_text", "confirm!": "text:confirm_word",
                "deny!": "text:confirm_word", "style": "=primary danger"},
}
VIEWS = {
    "modal": {"title!": "text:view_title", "blocks!": "any", "submit": "text:view_title", "close": "text:view_title",
              "private_metadata": "string:private_metadata", "callback_id": "string:callback_id",
              "external_id": "string:external_id", "clear_on_close": "?", "notify_on_close": "?",
              "submit_disabled": "?"},
    "home": {"blocks!": "any", "private_metadata": "string:private_metadata",
             "callback_id": "string:callback_id", "external_id": "string:external_id"},
}
MESSAGE_BLOCKS_MAX, VIEW_BLOCKS_MAX, VIEW_BYTES_MAX = 50, 100, 250000
ALL_TEXT_MAX = 11000  # undocumented: somewhere between 9,597 and 11,341 a message is refused
CELLS_MAX = 20
NOT_IN_MESSAGES = {"input"}  # an input block belongs into a view

TYPES = {"?": (bool, "a boolean"), "#": (int, "an integer"), "{}": (dict, "an object")}


class Check:
    """Complaints about one tree of blocks."""

    def __init__(self):
        self.found, self.block_ids, self.action_ids = [], set(), set()

    def say(self, what, where):
        self.found.append(f"{what} [json-pointer:{where}]")

    def string(self, value, limit, where, least=1):
        if not isinstance(value, str):
            self.say("must be a string", where)
        elif len(value) < least:
            self.say(f"must be more than {least - 1} characters", where)
        elif len(value) > limit:
            self.say(f"must be less than {limit + 1} characters", where)

    def text(self, value, name, where):
        types, limit = TEXTS[name]
        if not isinstance(value, dict):
            self.say("must provide an object", where)
            return
        kind = value.get("type")
        if kind not in types.split():
            self.say(f"must be one of {', '.join(types.split())}", where + "/type")
        more = {"plain_text": {"emoji"}, "mrkdwn": {"verbatim"}}.get(kind, set())
        for key in value:
            if key not in {"type", "text"} | more:
                self.say(f"unknown field: {key}", where)
            elif key in more and not isinstance(value[key], bool):
                self.say("must be a boolean", f"{where}/{key}")
        self.string(value.get("text"), limit, where + "/text")

    def value(self, value, kind, where):
        what, _, name = kind.partition(":")
        if kind in TYPES:
            if not isinstance(value, TYPES[kind][0]) or kind == "#" and isinstance(value, bool):
                self.say(f"must be {TYPES[kind][1]}", where)
        elif kind.startswith("="):
            if value not in kind[1:].split():
                self.say(f"must be one of {', '.join(kind[1:].split())}", where)
        elif what == "text":
            self.text(value, name, where)
        elif what == "string":
            self.string(value, STRINGS[name], where, least=0 if name in ("initial_value", "private_metadata")
                        else 1)
        elif what == "list":
            self.list(value, *LISTS[name], where)
        elif what == "object":
            self.fields(value, OBJECTS[name], set(), where)
        elif what == "element":
            self.element(value, name, where)
        elif what == "row":
            self.list(value, "cell", 1, CELLS_MAX, where)
        elif what in ("rich", "cell") and not isinstance(value, list if what == "rich" else dict):
            self.say("must be rich text", where)

    def list(self, value, kind, least, most, where):
        if not isinstance(value, list):
            self.say("must be an array", where)
            return
        if len(value) < least:
            self.say(f"must have at least {least} items", where)
        if len(value) > most:
            self.say(f"no more than {most} items allowed", where)
        for index, item in enumerate(value):
            self.value(item, kind, f"{where}/{index}")

    def fields(self, value, table, also, where):
        if not isinstance(value, dict):
            self.say("must provide an object", where)
            return
        for key in value:
            kind = table.get(key, table.get(key + "!"))
            if kind is not None:
                self.value(value[key], kind, f"{where}/{key}")
            elif key not in also:
                self.say(f"unknown field: {key}", where)
        for key in table:
            if key.endswith("!") and key[:-1] not in value:
                self.say(f"missing required field: {key[:-1]}", where)

    def element(self, value, place, where):
        kind = value.get("type") if isinstance(value, dict) else None
        if place == "context" and kind in ("plain_text", "mrkdwn"):
            self.text(value, "context", where)
        elif kind not in PLACES[place]:
            self.say(f"unsupported type: {kind}", where + "/type")
        else:
            self.fields(value, ELEMENTS[kind], {"type"}, where)
            action = value.get("action_id")
            if action is not None and action in self.action_ids:
                self.say(f"`action_id` {action} already exists", where + "/action_id")
            self.action_ids.add(str(action))

    def block(self, value, in_view, where):
        kind = value.get("type") if isinstance(value, dict) else None
        if kind not in BLOCKS or kind in NOT_IN_MESSAGES and not in_view:
            self.say(f"unsupported type: {kind}", where + "/type")
            return
        self.action_ids = set()
        self.fields(value, BLOCKS[kind], {"type", "block_id"}, where)
        if kind == "section" and not {"text", "fields"} & set(value):
            self.say("must have text or fields", where)
        if kind == "image" and ("image_url" in value) == ("slack_file" in value):
            self.say("must have image_url or slack_file", where)
        if "block_id" in value:
            self.string(value["block_id"], STRINGS["block_id"], where + "/block_id")
            if value["block_id"] in self.block_ids:
                self.say("block_id already exists", where + "/block_id")
            self.block_ids.add(str(value["block_id"]))

    def blocks(self, value, most, in_view, where="/blocks"):
        if not isinstance(value, list):
            self.say("must be an array", where)
            return
        if len(value) > most:
            self.say(f"no more than {most} items allowed", where)
        for index, block in enumerate(value):
            self.block(block, in_view, f"{where}/{index}")
        if sum(len(block.get("text", "")) for block in value if isinstance(block, dict) and
               block.get("type") == "markdown" and isinstance(block.get("text"), str)) > STRINGS["markdown"]:
            self.say(f"markdown blocks must be less than {STRINGS['markdown'] + 1} characters", where)


def texts(value):
    """Every text that stands in blocks, in order."""
    if isinstance(value, list):
        for item in value:
            yield from texts(item)
    elif isinstance(value, dict):
        if isinstance(value.get("text"), str):
            yield value
        for key, item in value.items():
            if key != "text" or not isinstance(item, str):
                yield from texts(item)


def named(blocks, number):
    """The blocks as Slack keeps them: what has no block_id or action_id gets one from number(prefix)."""
    blocks = copy.deepcopy(blocks)
    for block in blocks or []:
        block.setdefault("block_id", number("block-"))
        for element in elements(block):
            if element.get("type") in ELEMENTS and element["type"] != "image":
                element.setdefault("action_id", number("action-"))
    return blocks


def elements(block):
    """The elements of a block that somebody can use."""
    many = block["elements"] if block.get("type") == "actions" else []
    return many + [block[key] for key in ("accessory", "element") if key in block]


def check_message(blocks):
    """Complaints about the blocks of a message."""
    check = Check()
    check.blocks(blocks, MESSAGE_BLOCKS_MAX, in_view=False)
    return check.found


def too_long(blocks):
    return sum(len(text["text"]) for text in texts(blocks)) > ALL_TEXT_MAX


def check_view(view, kinds=("modal", "home")):
    """Complaints about a view."""
    check = Check()
    kind = view.get("type")
    if kind not in kinds:
        check.say(f"must be one of {', '.join(kinds)}", "/view/type")
        return check.found
    check.fields(view, VIEWS[kind], {"type"}, "/view")
    check.blocks(view.get("blocks"), VIEW_BLOCKS_MAX, True, "/view/blocks")
    blocks = view["blocks"] if isinstance(view.get("blocks"), list) else []
    if kind == "modal" and "submit" not in view and \
            any(isinstance(block, dict) and block.get("type") == "input" for block in blocks):
        check.say("missing required field: submit", "/view")
    return check.found


def view_too_large(view):
    return len(json.dumps(view, ensure_ascii=False).encode()) > VIEW_BYTES_MAX

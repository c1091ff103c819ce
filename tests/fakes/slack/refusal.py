# SPDX-License-Identifier: Apache-2.0
"""How a method of the Web API is written: a function of (slack, arguments) that returns the answer's keys."""

METHODS = {}


class Refusal(Exception):
    """The answer {"ok": false, "error": code, …}; wrong says what a right program would not have done."""

    def __init__(self, code, wrong=None, **more):
        super().__init__(code)
        self.code, self.wrong, self.more = code, wrong, more


def invalid(found):
    """invalid_arguments, with what is wrong."""
    return Refusal("invalid_arguments", "; ".join(found), response_metadata={"messages": found})


def method(name):
    def keep(function):
        METHODS[name] = function
        return function
    return keep


def channel_of(slack, arguments, key="channel", names=False):
    """The conversation that is meant, as far as the app can see it. A person's id is the app's own
    conversation with them, and a name counts, where `names`."""
    world, wanted = slack.world, arguments[key]
    found = world.channels.get(wanted)
    if names and found is None:
        if wanted in world.people and not world.people[wanted]["is_stranger"]:
            found = world.im(wanted)
        found = found or next((channel for channel in world.channels.values()
                               if wanted in ("#" + channel.name, channel.name)), None)
    if found is None or found.kind != "public" and world.app["user"] not in found.members:
        raise Refusal("channel_not_found")
    return found


def message_of(channel, ts, missing="message_not_found"):
    if ts not in channel.messages:
        raise Refusal(missing)
    return channel.messages[ts]


def page(items, arguments, default, most=1000):
    """A page of a list, and the answer's cursor."""
    limit = arguments.get("limit") or default
    if not 1 <= limit <= most:
        raise Refusal("invalid_limit", f"limit {limit}")
    cursor = arguments.get("cursor") or "at:0"
    if not cursor.startswith("at:") or not cursor[3:].isdigit():
        raise Refusal("invalid_cursor", f"cursor {cursor}")
    begin = int(cursor[3:])
    more = begin + limit < len(items)
    return items[begin:begin + limit], {"next_cursor": f"at:{begin + limit}" if more else ""}

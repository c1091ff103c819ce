# SPDX-License-Identifier: Apache-2.0
"""What a person sees: messages as words, and what in them calls somebody, leads elsewhere or can be pressed."""
import re

import blocks as kit
from world import mentions

ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"))


def unescaped(text):
    for entity, sign in ENTITIES:
        text = text.replace(entity, sign)
    return text


def plain(world, text):
    """mrkdwn as it reads: mentions as names, links as their labels."""
    def word(match):
        inner, _, label = match[1].partition("|")
        if inner.startswith("@"):
            return "@" + (world.people[inner[1:]]["name"] if inner[1:] in world.people else inner[1:])
        if inner.startswith("#"):
            return "#" + (world.channels[inner[1:]].name if inner[1:] in world.channels else inner[1:])
        if inner.startswith("!subteam^"):
            group = world.groups.get(inner[len("!subteam^"):])
            return "@" + (group["handle"] if group else inner)
        if inner.startswith("!date^"):
            return label
        return "@" + inner[1:] if inner.startswith("!") else label or inner
    return unescaped(re.sub(r"<([^<>]+)>", word, text))


def marked(message):
    """The texts of a message in which control sequences count."""
    yield message.get("text", "")
    for text in kit.texts(message.get("blocks") or []):
        if text.get("type") != "plain_text":
            yield text["text"]


def words(world, blocks):
    """Blocks from top to bottom, a line for each text."""
    lines = []
    for text in kit.texts(blocks or []):
        lines.append(unescaped(text["text"]) if text.get("type") == "plain_text" else plain(world, text["text"]))
    return "\n".join(lines)


def links(message):
    """Every link that is written out: {"url", "label"}."""
    return [{"url": unescaped(url), "label": unescaped(label) or None} for text in marked(message)
            for url, label in re.findall(r"<((?:https?|mailto|slack):[^<>|]*)\|?([^<>]*)>", text)]


def buttons(message):
    return {element["action_id"]: element.get("value") for block in message.get("blocks") or []
            for element in kit.elements(block) if "action_id" in element}


def shown(world, channel, message):
    """A message as a person sees it."""
    seen = {"ts": message["ts"], "user": message["user"], "text": message["text"], "plain":
            words(world, message["blocks"]) if message.get("blocks") else plain(world, message["text"]),
            "blocks": message.get("blocks", []), "edited": "edited" in message,
            "thread_ts": message.get("thread_ts"), "replies": len(channel.replies(message["ts"])),
            "broadcast": message.get("subtype") == "thread_broadcast", "subtype": message.get("subtype"),
            "reactions": message.get("reactions", {}), "files": message.get("files", []),
            "metadata": message.get("metadata"), "ephemeral": "_to" in message,
            "notifies": sorted({name for text in marked(message) for name in mentions(text)}),
            "links": links(message), "buttons": buttons(message)}
    seen["unfurls"] = [link["url"] for link in seen["links"]] + re.findall(
        r"(?<![<|])\bhttps?://[^\s<>|]+", message["text"]) if message["_unfurl"] else []
    return seen


def read(slack, channel, person=None, thread=None):
    """The messages of a channel, or of a thread, that a person sees, oldest first."""
    world = slack.world
    found = world.channel(channel)
    user = world.person(person)["id"] if person else None
    messages = [message for message in found.messages.values() if
                (message["ts"] == thread or message.get("thread_ts") == thread if thread else
                 message.get("thread_ts", message["ts"]) == message["ts"] or
                 message.get("subtype") == "thread_broadcast")]
    messages += [message for message in found.ephemerals
                 if message["_to"] == user and message.get("thread_ts") == thread]
    messages.sort(key=lambda message: message["ts"])
    return {"messages": [shown(world, found, message) for message in messages]}


def views(slack, person):
    """The home tab and the modals of a person."""
    user = slack.world.person(person)["id"]

    def view(one):
        return {**{key: value for key, value in one.items() if not key.startswith("_")},
                "errors": one["_errors"], "plain": words(slack.world, one["blocks"]), "buttons": buttons(one)}
    home = slack.world.homes.get(user)
    return {"home": view(home) if home else None,
            "modals": [view(one) for one in slack.world.modals.get(user, [])]}

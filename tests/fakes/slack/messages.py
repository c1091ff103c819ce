# SPDX-License-Identifier: Apache-2.0
"""The methods that write: chat.*, files and response addresses."""
import base64
import json
import time

import blocks as kit
import facts
from refusal import Refusal, channel_of, invalid, message_of, method
from world import without


def wrong_blocks(found):
    return Refusal("invalid_blocks", "; ".join(found), errors=found,
                   response_metadata={"messages": [f"[ERROR] {what}" for what in found]})


def content(arguments, text_max=facts.TEXT_MAX):
    """Holds what a message would say against the limits; returns it and a warning, or None."""
    said = {key: arguments.get(key) for key in ("text", "blocks", "attachments", "markdown_text")}
    if not any(said.values()):
        raise Refusal("no_text", "a message without text, blocks or attachments")
    if said["markdown_text"] and (said["text"] or said["blocks"]):
        raise Refusal("markdown_text_conflict", "markdown_text beside text or blocks")
    if len(said["markdown_text"] or "") > facts.MARKDOWN_MAX:
        raise Refusal("msg_too_long", f"markdown_text of {len(said['markdown_text'])} characters")
    if len(said["attachments"] or []) > facts.ATTACHMENTS_MAX:
        raise Refusal("too_many_attachments", f"{len(said['attachments'])} attachments")
    if said["blocks"]:
        found = kit.check_message(said["blocks"])
        if found:
            raise wrong_blocks(found)
        if kit.too_long(said["blocks"]):
            raise Refusal("msg_blocks_too_long", f"more than {kit.ALL_TEXT_MAX} characters in the blocks")
    text = said["text"] or said["markdown_text"] or ""
    warning = None
    if len(text) > text_max:
        if text_max == facts.UPDATE_TEXT_MAX:
            raise Refusal("msg_too_long", f"a text of {len(text)} characters")
        text, warning = text[:text_max], "message_truncated"
    return {**said, "text": text}, warning


def metadata_of(arguments):
    metadata = arguments.get("metadata")
    if metadata is not None and (
            set(metadata) != {"event_type", "event_payload"} or not isinstance(metadata["event_type"], str) or
            not isinstance(metadata["event_payload"], dict)):
        raise Refusal("invalid_metadata_format", "metadata must have event_type and event_payload")
    return metadata


def thread_of(channel, ts):
    """Holds a thread_ts against the channel: it must be the first message of a thread."""
    if ts is None:
        return None
    if not facts.TS.fullmatch(ts):
        raise invalid([f"[ERROR] not a timestamp: {ts} [json-pointer:/thread_ts]"])
    message = message_of(channel, ts, "thread_not_found")
    if message.get("thread_ts", ts) != ts:
        raise Refusal("cannot_reply_to_message", f"thread_ts {ts} is itself a reply")
    return ts


def noted(warning):
    return {"warning": warning, "response_metadata": {"warnings": [warning]}} if warning else {}


@method("chat.postMessage")
def post_message(slack, arguments):
    channel = channel_of(slack, arguments, names=True)
    if channel.archived:
        raise Refusal("is_archived")
    slack.inside(channel, "not_in_channel", also="chat:write.public")
    said, warning = content(arguments)
    metadata, thread = metadata_of(arguments), thread_of(channel, arguments.get("thread_ts"))
    if arguments.get("reply_broadcast") and thread is None:
        raise invalid(["[ERROR] reply_broadcast without thread_ts"])
    message = slack.world.post(
        channel, slack.world.app["user"], said["text"], blocks=said["blocks"], attachments=said["attachments"],
        thread_ts=thread, broadcast=arguments.get("reply_broadcast"), metadata=metadata,
        username=arguments.get("username"),
        unfurl=arguments.get("unfurl_links", True) or arguments.get("unfurl_media", True))
    return {"channel": channel.id, "ts": message["ts"],
            "message": slack.world.shown(channel, message, metadata=True), **noted(warning)}


def own(slack, channel, ts, refused):
    """A message of the app, which alone it may change."""
    message = message_of(channel, ts)
    if message["user"] != slack.world.app["user"]:
        raise Refusal(refused, f"{ts} in {channel.id} is not the app's message")
    return message


@method("chat.update")
def update(slack, arguments):
    channel = channel_of(slack, arguments)
    message = own(slack, channel, arguments["ts"], "cant_update_message")
    said, warning = content(arguments, facts.UPDATE_TEXT_MAX)

    def rich(blocks):
        return any(block.get("type") == "rich_text" for block in blocks or [])
    if rich(message.get("blocks")) and said["blocks"] and not rich(said["blocks"]):
        raise Refusal("block_mismatch", "blocks with rich_text are replaced by blocks without")
    # What is not sent stays, but for blocks beside a new text: those go.
    changes = {"text": said["text"], "blocks": said["blocks"] or None,
               "attachments": said["attachments"] or None}
    if "metadata" in arguments:
        changes["metadata"] = metadata_of(arguments)
    slack.world.change(channel, message, slack.world.app["user"], **changes)
    if arguments.get("reply_broadcast") and message.get("thread_ts"):
        message["subtype"] = "thread_broadcast"
    return {"channel": channel.id, "ts": message["ts"], "text": message["text"],
            "message": bare(slack.world.shown(channel, message, metadata=True), "ts"), **noted(warning)}


def bare(message, *more):
    """A message without its place in a thread, as some answers have it."""
    return without(message, "thread_ts", "parent_user_id", "reply_count", "reply_users_count", "reply_users",
                   "latest_reply", *more)


@method("chat.delete")
def delete(slack, arguments):
    channel = channel_of(slack, arguments)
    message = message_of(channel, arguments["ts"])
    if message.get("subtype") == "tombstone":
        raise Refusal("message_not_found")
    slack.world.delete(channel, own(slack, channel, arguments["ts"], "cant_delete_message"))
    return {"channel": channel.id, "ts": arguments["ts"]}


@method("chat.postEphemeral")
def post_ephemeral(slack, arguments):
    channel = channel_of(slack, arguments)
    if channel.archived:
        raise Refusal("is_archived")
    slack.inside(channel, "not_in_channel")
    said, warning = content(arguments)
    if arguments["user"] not in channel.members:
        raise Refusal("user_not_in_channel")
    message = slack.world.whisper(channel, arguments["user"], said["text"], blocks=said["blocks"],
                                  thread_ts=thread_of(channel, arguments.get("thread_ts")))
    return {"message_ts": message["ts"], **noted(warning)}


@method("chat.getPermalink")
def get_permalink(slack, arguments):
    channel = channel_of(slack, arguments)
    message = message_of(channel, arguments["message_ts"])
    return {"channel": channel.id, "permalink": slack.permalink(channel, message)}


@method("files.getUploadURLExternal")
def get_upload_url(slack, arguments):
    if arguments["length"] < 1:
        raise invalid(["[ERROR] must be greater than 0 [json-pointer:/length]"])
    id = slack.world.number("F")
    slack.world.uploads[id] = {"id": id, "name": arguments["filename"], "length": arguments["length"],
                               "alt_text": arguments.get("alt_text") or arguments.get("alt_txt"), "data": None}
    return {"upload_url": f"{slack.url}/upload/v1/{id}", "file_id": id}


def part_of(data, content_type):
    """The file in a multipart body."""
    mark = b"--" + content_type.split("boundary=")[1].split(";")[0].strip('"').encode()
    for part in data.split(mark)[1:-1]:
        head, _, body = part[2:].partition(b"\r\n\r\n")
        if b"filename=" in head.lower():
            return body[:-2]
    raise Refusal("no_file", "a multipart upload without a file")


def upload(slack, id, data, content_type):
    """Bytes for an upload address."""
    waiting = slack.world.uploads.get(id)
    if waiting is None or waiting["data"] is not None:
        raise Refusal("not_found", f"an upload to an address that waits for none: {id}")
    if content_type.startswith("multipart/form-data"):
        data = part_of(data, content_type)
    if len(data) != waiting["length"]:
        raise Refusal("bad_length", f"{len(data)} bytes were sent where {waiting['length']} were announced")
    waiting["data"] = data


@method("files.completeUploadExternal")
def complete_upload(slack, arguments):
    world, files = slack.world, []
    if not arguments["files"]:
        raise invalid(["[ERROR] must have at least 1 items [json-pointer:/files]"])
    for index, item in enumerate(arguments["files"]):
        if not set(item) <= {"id", "title"} or not isinstance(item.get("id"), str):
            raise invalid([f"[ERROR] must have id, and may have title [json-pointer:/files/{index}]"])
        waiting = world.uploads.get(item["id"])
        if waiting is None or waiting["data"] is None:
            raise Refusal("file_not_found", f"{item['id']} was not uploaded")
        files.append((waiting, item.get("title") or waiting["name"]))
    wanted = arguments.get("channel_id") or arguments.get("channels")
    if arguments.get("thread_ts") and not wanted:
        raise invalid(["[ERROR] thread_ts without channel_id"])
    if wanted and wanted in world.people:
        raise invalid(["[ERROR] a person is no conversation [json-pointer:/channel_id]"])
    channel = channel_of(slack, {"channel": wanted}) if wanted else None
    if channel:
        slack.inside(channel, "not_in_channel")
        thread = thread_of(channel, arguments.get("thread_ts"))
        if arguments.get("blocks") and kit.check_message(arguments["blocks"]):
            raise wrong_blocks(kit.check_message(arguments["blocks"]))
    shown = []
    for waiting, title in files:
        world.files[waiting["id"]] = {**world.uploads.pop(waiting["id"]), "title": title,
                                      "channels": [channel.id] if channel else []}
        shown.append({"id": waiting["id"], "title": title, "name": waiting["name"], "size": waiting["length"],
                      "mode": "hosted", "user": world.app["user"], **(
                          {"alt_txt": waiting["alt_text"]} if waiting["alt_text"] else {})})
    if channel:
        world.post(channel, world.app["user"], arguments.get("initial_comment", ""), files=shown,
                   blocks=arguments.get("blocks"), thread_ts=thread)
    return {"files": shown}


def show_file(file):
    try:
        data = {"text": file["data"].decode()}
    except UnicodeDecodeError:
        data = {"base64": base64.b64encode(file["data"]).decode()}
    return {**{key: value for key, value in file.items() if key != "data"}, **data}


def respond(slack, response, arguments):
    """A post to a response address. `response`: channel, user, message, is_ephemeral, used, since."""
    found = list(facts.known(facts.RESPONSE, arguments))
    if found:
        raise Refusal("invalid_payload", "; ".join(found))
    if time.monotonic() - response["since"] > facts.RESPONSE_SECONDS:
        raise Refusal("expired_url")
    if response["used"] >= facts.RESPONSE_MAX:
        raise Refusal("used_url", f"a response address was used more than {facts.RESPONSE_MAX} times")
    kind = arguments.get("response_type", "ephemeral")
    if kind not in ("ephemeral", "in_channel"):
        raise Refusal("invalid_payload", f"response_type {kind}")
    response["used"] += 1
    channel, original = response["channel"], response.get("message")
    if arguments.get("delete_original") or arguments.get("replace_original"):
        return replace(slack, response, arguments)
    said, _ = content(arguments)
    thread = arguments.get("thread_ts") or (original or {}).get("thread_ts")
    if kind == "in_channel":
        slack.world.post(channel, slack.world.app["user"], said["text"], blocks=said["blocks"],
                         thread_ts=thread_of(channel, thread))
    else:
        slack.world.whisper(channel, response["user"], said["text"], blocks=said["blocks"],
                            thread_ts=thread)


def replace(slack, response, arguments):
    """replace_original or delete_original: of the message that was pressed."""
    channel, original = response["channel"], response.get("message")
    if original is None:
        raise Refusal("invalid_payload", "there is no original to replace or delete")
    if original in channel.ephemerals:
        channel.ephemerals.remove(original)
    elif arguments.get("delete_original"):
        slack.world.delete(channel, original)
    if arguments.get("delete_original"):
        return
    said, _ = content(arguments)
    if original.get("_to"):
        response["message"] = slack.world.whisper(channel, original["_to"], said["text"], blocks=said["blocks"],
                                                  thread_ts=original.get("thread_ts"))
    else:
        slack.world.change(channel, original, slack.world.app["user"], text=said["text"],
                           blocks=said["blocks"])


def parse(text):
    """The JSON object of a response."""
    try:
        arguments = json.loads(text)
    except ValueError:
        arguments = None
    if not isinstance(arguments, dict):
        raise Refusal("invalid_payload", "a response must be a JSON object")
    return arguments

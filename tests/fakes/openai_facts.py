# SPDX-License-Identifier: Apache-2.0
"""What chat completions take, as the servers that speak them agree on it: the strictest of what OpenAI, vLLM,
llama.cpp and Ollama document. Tables in the form of gemini_facts.py."""
import json
import re

from gemini_facts import check_schema, fits

REQUEST = {
    "model": "string", "messages": "list", "tools": "list", "tool_choice": "string", "stream": "boolean",
    "temperature": "number", "seed": "integer"}
REQUIRED = ["model", "messages"]
MESSAGES = {
    "system": {"content": True},
    "user": {"content": True},
    "assistant": {"content": False, "tool_calls": False},
    "tool": {"content": True, "tool_call_id": True},
}
CHOICES = ["none", "auto", "required"]
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


def check_tools(body, found):
    names = []
    for index, tool in enumerate(body.get("tools", [])):
        function = tool.get("function", {})
        name = function.get("name", "")
        if set(tool) != {"type", "function"} or tool["type"] != "function":
            found.append(f"tools[{index}]: is {{type: function, function}}")
        if set(function) - {"name", "description", "parameters"}:
            found.append(f"tools[{index}]: unknown keys {sorted(function)}")
        if not NAME.fullmatch(name):
            found.append(f"tools[{index}].function.name: {name!r} does not match ^[a-zA-Z0-9_-]{{1,64}}$")
        if name in names:
            found.append(f"tools[{index}]: {name} is there twice")
        names.append(name)
        check_schema(function.get("parameters", {}), f"{name}.parameters", found)
    if "tools" in body and not body["tools"]:
        found.append("tools: [] is too short")
    if body.get("tool_choice", "auto") not in CHOICES:
        found.append(f"tool_choice: {body['tool_choice']}")
    if "tool_choice" in body and "tools" not in body:
        found.append("tool_choice is only allowed when tools are specified")


def check_calls(calls, where, found):
    ids = []
    if not calls:
        found.append(f"{where}.tool_calls: [] is too short")
    for call in calls:
        function = call.get("function", {})
        if set(call) != {"id", "type", "function"} or set(function) != {"name", "arguments"}:
            found.append(f"{where}.tool_calls: is {{id, type, function: {{name, arguments}}}}")
            continue
        try:
            if not isinstance(json.loads(function["arguments"]), dict):
                raise ValueError
        except (TypeError, ValueError):
            found.append(f"{where}.tool_calls: arguments must be an object written as a string")
        if not isinstance(call["id"], str) or not call["id"] or call["id"] in ids:
            found.append(f"{where}.tool_calls: the id {call['id']!r}")
        ids.append(call["id"])
    return ids


def check_messages(messages, found):
    waiting = []
    for index, message in enumerate(messages):
        where = f"messages[{index}]"
        role = message.get("role")
        if role not in MESSAGES:
            found.append(f"{where}.role: {role}")
            continue
        keys = MESSAGES[role]
        if set(message) - {"role"} - set(keys):
            found.append(f"{where}: unknown keys {sorted(set(message) - {'role'} - set(keys))}")
        for key, required in keys.items():
            if required and not isinstance(message.get(key), str):
                found.append(f"{where}.{key}: must be a string")
        if (role == "system") != (index == 0):
            found.append(f"{where}: one system message, at the start")
        if role == "tool":
            if message.get("tool_call_id") in waiting:
                waiting.remove(message["tool_call_id"])
            else:
                found.append(f"{where}: answers no call that waits")
            continue
        if waiting:
            found.append(f"{where}: tool calls must be followed by tool messages; no answer to {waiting}")
            waiting = []
        if role == "assistant":
            if "tool_calls" in message:
                waiting = check_calls(message["tool_calls"], where, found)
            elif not isinstance(message.get("content"), str):
                found.append(f"{where}: content or tool_calls")
    if waiting:
        found.append(f"messages: no answer to {waiting}")
    if not messages or messages[-1].get("role") not in ("user", "tool"):
        found.append("messages: the last one must be the user's or a tool's")


def arguments_of(call):
    """What was no JSON when the model wrote it comes back as an object without members."""
    try:
        return json.loads(call["function"]["arguments"])
    except ValueError:
        return {}


def said(message):
    """A message without what differs between writing and reading it."""
    calls = [(call["id"], call["function"]["name"], arguments_of(call))
             for call in message.get("tool_calls", [])]
    return (message.get("content"), calls)


def check(method, path, headers, body, key, sent):
    found = []
    if method != "POST" or path != "/v1/chat/completions":
        found.append(f"{method} {path}: not POST /v1/chat/completions")
    wanted = f"Bearer {key}" if key else None
    if headers.get("authorization") != wanted:
        found.append("authorization: not the key")
    if not isinstance(body, dict):
        return found + ["request: must be an object"]
    for name, value in body.items():
        kind = REQUEST.get(name)
        if kind is None:
            found.append(f"Unrecognized request argument supplied: {name}")
        elif not (isinstance(value, list) if kind == "list" else fits(value, kind)):
            found.append(f"{name}: must be {kind}")
    found += [f"you must provide a {name} parameter" for name in REQUIRED if name not in body]
    if found:
        return found
    check_tools(body, found)
    check_messages(body["messages"], found)
    if not found:
        known = [said(one) for one in sent]
        for index, message in enumerate(body["messages"]):
            if message["role"] == "assistant" and said(message) not in known:
                found.append(f"messages[{index}]: the model never said that")
    return found


def look(method, path, headers, raw, key):
    """What is wrong with a request for the list of models."""
    found = []
    if method != "GET" or path != "/v1/models":
        found.append(f"{method} {path}: not GET /v1/models")
    if headers.get("authorization") != (f"Bearer {key}" if key else None):
        found.append("authorization: not the key")
    if raw or "content-type" in headers:
        found.append("a GET has no body")
    return found


def begins(body):
    return len(body.get("messages", [])) == 2


# ---- answers ----

def answer(step, number):
    message = {"role": "assistant", "content": step.get("text")}
    if "refusal" in step:
        message["refusal"] = step["refusal"]
    if "calls" in step:
        message["tool_calls"] = [
            {"id": f"call_{number}_{index}", "type": "function",
             "function": {"name": call["name"],
                          "arguments": call.get("raw", json.dumps(call.get("args", {})))}}
            for index, call in enumerate(step["calls"])]
    tokens = step.get("tokens", [100, 20, 0])
    end = step.get("end", "tool_calls" if "calls" in step else "stop")
    return {"id": f"chatcmpl-{number}", "object": "chat.completion", "created": 1, "model": "served-fake",
            "choices": [{"index": 0, "message": message, "finish_reason": end}],
            "usage": {"prompt_tokens": tokens[0], "completion_tokens": tokens[1] + tokens[2],
                      "total_tokens": sum(tokens)}}


def tell(step, path):
    """A step {"models": [NAME, …]} as the list of models."""
    return {"object": "list", "data": [{"id": name, "object": "model", "created": 1, "owned_by": "fake"}
                                       for name in step.get("models", [])]}


def content(body):
    return body["choices"][0]["message"]


def error(status, sentences):
    return {"error": {"message": " ".join(sentences), "type": "invalid_request_error", "param": None,
                      "code": None}}

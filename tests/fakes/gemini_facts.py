# SPDX-License-Identifier: Apache-2.0
"""What the Gemini API (generateContent, v1beta) takes, as tables, and a check of a request against them.

FIELDS: the keys of each object of a request that midwatch may send, with their types: string, boolean, integer,
number, object, any, the name of another row, or a list of one of them. A key that is not here is refused, as the
service does. ENUMS: the values of fields that have a closed list. check_facts.py holds both against Google's
discovery document where it is at hand.
"""
import re

FIELDS = {
    "GenerateContentRequest": {
        "contents": ["Content"], "systemInstruction": "Content", "tools": ["Tool"],
        "toolConfig": "ToolConfig", "generationConfig": "GenerationConfig",
        "safetySettings": ["SafetySetting"], "cachedContent": "string", "serviceTier": "string",
        "store": "boolean", "model": "string"},
    "Content": {"role": "string", "parts": ["Part"]},
    "Part": {
        "text": "string", "thought": "boolean", "thoughtSignature": "string",
        "functionCall": "FunctionCall", "functionResponse": "FunctionResponse",
        "partMetadata": "object"},
    "FunctionCall": {"id": "string", "name": "string", "args": "object"},
    "FunctionResponse": {
        "id": "string", "name": "string", "response": "object", "scheduling": "string",
        "willContinue": "boolean"},
    "Tool": {"functionDeclarations": ["FunctionDeclaration"]},
    "FunctionDeclaration": {
        "name": "string", "description": "string", "behavior": "string",
        "parametersJsonSchema": "any", "responseJsonSchema": "any"},
    "ToolConfig": {"functionCallingConfig": "FunctionCallingConfig"},
    "FunctionCallingConfig": {"mode": "string", "allowedFunctionNames": ["string"]},
    "GenerationConfig": {
        "candidateCount": "integer", "maxOutputTokens": "integer", "temperature": "number",
        "topP": "number", "topK": "integer", "seed": "integer", "stopSequences": ["string"],
        "responseMimeType": "string", "responseJsonSchema": "any",
        "thinkingConfig": "ThinkingConfig"},
    "ThinkingConfig": {
        "includeThoughts": "boolean", "thinkingBudget": "integer", "thinkingLevel": "string"},
    "SafetySetting": {"category": "string", "threshold": "string"},
}

ENUMS = {
    ("GenerateContentRequest", "serviceTier"): ["unspecified", "standard", "flex", "priority"],
    ("FunctionResponse", "scheduling"):
        ["SCHEDULING_UNSPECIFIED", "SILENT", "WHEN_IDLE", "INTERRUPT"],
    ("FunctionDeclaration", "behavior"): ["UNSPECIFIED", "BLOCKING", "NON_BLOCKING"],
    ("FunctionCallingConfig", "mode"): ["MODE_UNSPECIFIED", "AUTO", "ANY", "NONE", "VALIDATED"],
    ("ThinkingConfig", "thinkingLevel"):
        ["THINKING_LEVEL_UNSPECIFIED", "MINIMAL", "LOW", "MEDIUM", "HIGH"],
    ("SafetySetting", "threshold"):
        ["HARM_BLOCK_THRESHOLD_UNSPECIFIED", "BLOCK_LOW_AND_ABOVE", "BLOCK_MEDIUM_AND_ABOVE",
         "BLOCK_ONLY_HIGH", "BLOCK_NONE", "OFF"],
}

# What an answer may have that the fake writes, for check_facts.py.
ANSWER_FIELDS = {
    "GenerateContentResponse": ["candidates", "promptFeedback", "usageMetadata", "modelVersion", "responseId"],
    "Candidate": ["content", "finishReason", "finishMessage", "index"],
    "PromptFeedback": ["blockReason"],
    "Model": ["name", "displayName", "version", "inputTokenLimit", "outputTokenLimit",
              "supportedGenerationMethods"],
    "UsageMetadata": ["promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount", "totalTokenCount"],
}
FINISH_REASONS = [
    "FINISH_REASON_UNSPECIFIED", "STOP", "MAX_TOKENS", "SAFETY", "RECITATION", "LANGUAGE", "OTHER",
    "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MALFORMED_FUNCTION_CALL", "IMAGE_SAFETY",
    "IMAGE_PROHIBITED_CONTENT", "IMAGE_OTHER", "NO_IMAGE", "IMAGE_RECITATION",
    "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MISSING_THOUGHT_SIGNATURE",
    "MALFORMED_RESPONSE"]

# The keys of JSON Schema that the API documents; `$`-keys and propertyOrdering are not used here.
SCHEMA_KEYS = {
    "type", "format", "title", "description", "enum", "items", "prefixItems", "minItems", "maxItems",
    "minimum", "maximum", "anyOf", "oneOf", "properties", "additionalProperties", "required"}
SCHEMA_TYPES = ["string", "number", "integer", "boolean", "array", "object", "null"]

PATH = re.compile(r"/v1beta/models/[A-Za-z0-9._-]+:generateContent")
MODEL_PATH = re.compile(r"/v1beta/models/[A-Za-z0-9._-]+")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_:.-]{0,127}")

PYTHON = {"string": str, "boolean": bool, "object": dict}


def fits(value, kind):
    """Whether a JSON value has a plain type."""
    if kind == "any":
        return True
    if kind == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    if kind == "number":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(value, PYTHON[kind])


def check_value(value, kind, where, found):
    """Names every place that is not as the tables say."""
    if isinstance(kind, list):
        if not isinstance(value, list):
            found.append(f"{where}: must be a list")
            return
        for index, item in enumerate(value):
            check_value(item, kind[0], f"{where}[{index}]", found)
    elif kind not in FIELDS:
        if not fits(value, kind):
            found.append(f"{where}: must be {kind}")
    elif not isinstance(value, dict):
        found.append(f"{where}: must be an object")
    else:
        for key, item in value.items():
            if key not in FIELDS[kind]:
                found.append(f'Unknown name "{key}" at \'{where}\': Cannot find field.')
                continue
            check_value(item, FIELDS[kind][key], f"{where}.{key}", found)
            allowed = ENUMS.get((kind, key))
            if allowed and item not in allowed:
                found.append(f"{where}.{key}: {item} is not one of {allowed}")


def check_schema(schema, where, found):
    if not isinstance(schema, dict):
        found.append(f"{where}: a schema must be an object")
        return
    for key, item in schema.items():
        if key not in SCHEMA_KEYS:
            found.append(f"{where}: the key {key} of a schema is not in the documented part")
        elif key == "type" and item not in SCHEMA_TYPES:
            found.append(f"{where}.type: {item}")
        elif key == "properties":
            for name, one in item.items():
                check_schema(one, f"{where}.{name}", found)
        elif key in ("anyOf", "oneOf", "prefixItems"):
            for index, one in enumerate(item):
                check_schema(one, f"{where}.{key}[{index}]", found)
        elif key == "items" or (key == "additionalProperties" and not isinstance(item, bool)):
            check_schema(item, f"{where}.{key}", found)
    if schema.get("type") == "object":
        for name in schema.get("required", []):
            if name not in schema.get("properties", {}):
                found.append(f"{where}.required: {name} is no property")


def check_tools(body, found):
    names = []
    for tool in body.get("tools", []):
        for one in tool.get("functionDeclarations", []):
            name = one.get("name", "")
            if not NAME.fullmatch(name):
                found.append(f"functionDeclarations: the name {name!r} is not allowed")
            if name in names:
                found.append(f"functionDeclarations: {name} is declared twice")
            if not one.get("description"):
                found.append(f"functionDeclarations: {name} has no description")
            names.append(name)
            if "parametersJsonSchema" in one:
                check_schema(one["parametersJsonSchema"], f"{name}.parametersJsonSchema", found)
                if one["parametersJsonSchema"].get("type") != "object":
                    found.append(f"{name}.parametersJsonSchema: arguments are an object")
    calling = body.get("toolConfig", {}).get("functionCallingConfig", {})
    allowed = calling.get("allowedFunctionNames", [])
    if allowed and calling.get("mode") not in ("ANY", "VALIDATED"):
        found.append("allowedFunctionNames goes with mode ANY or VALIDATED only")
    for name in allowed:
        if name not in names:
            found.append(f"allowedFunctionNames: {name} is not declared")
    return names


def check_config(body, found):
    config = body.get("generationConfig", {})
    thinking = config.get("thinkingConfig", {})
    if "thinkingBudget" in thinking and "thinkingLevel" in thinking:
        found.append("You can only set one of thinking budget and thinking level.")
    if not 1 <= config.get("maxOutputTokens", 1) <= 65536:
        found.append("maxOutputTokens: from 1 to 65536")
    if config.get("responseMimeType") == "application/json" and body.get("tools"):
        found.append("Function calling with a response mime type is unsupported")
    for part in body.get("systemInstruction", {}).get("parts", [{}]):
        if list(part) != ["text"] or not part["text"]:
            found.append("systemInstruction: text parts only")


def calls_of(content):
    return [part["functionCall"] for part in content.get("parts", []) if "functionCall" in part]


def check_responses(content, calls, where, found):
    """The turn after calls answers each of them, in their order."""
    responses = [part["functionResponse"] for part in content.get("parts", [])
                 if "functionResponse" in part]
    if len(responses) != len(calls):
        found.append(f"{where}: the number of function response parts ({len(responses)}) must be equal to the "
                     f"number of function call parts ({len(calls)}) of the function call turn")
        return
    for call, response in zip(calls, responses):
        if response.get("name") != call.get("name") or response.get("id") != call.get("id"):
            found.append(f"{where}: the response {response.get('name')} {response.get('id')} does not match "
                         f"the call {call.get('name')} {call.get('id')}")
        if not isinstance(response.get("response"), dict):
            found.append(f"{where}: a function response needs `response`")


def check_contents(contents, sent, found):
    """`sent`: the contents that the model answered with in this conversation, oldest first."""
    if not contents:
        found.append("contents is not specified")
        return
    calls = []
    left = list(sent)
    for index, content in enumerate(contents):
        where = f"contents[{index}]"
        role = ("user", "model")[index % 2]
        if content.get("role") != role:
            found.append(f"{where}: the role must be {role}, they alternate")
        if not content.get("parts"):
            found.append(f"{where}: must include at least one parts field")
        for part in content.get("parts", []):
            if part.get("text") == "":
                found.append(f"{where}: a text part is empty")
            if role == "user" and ("functionCall" in part or "thoughtSignature" in part):
                found.append(f"{where}: the user neither calls nor signs")
            if len(set(part) & {"text", "functionCall", "functionResponse"}) != 1:
                found.append(f"{where}: a part has exactly one kind of data")
        if role == "model":
            # Answers that could not be used may be left out; what is there is as it was.
            while left and left[0] != content:
                left.pop(0)
            if not left:
                found.append(missing(content, sent, index))
            calls = calls_of(content)
        else:
            check_responses(content, calls, where, found)
            calls = []
    if contents[-1].get("role") != "user":
        found.append("contents: the last turn must be the user's")


def missing(content, sent, index):
    """Why a model's content is none of those that were sent."""
    def bare(one):
        return {**one, "parts": [{key: value for key, value in part.items()
                                  if key != "thoughtSignature"} for part in one["parts"]]}
    for one in sent:
        if bare(one) == bare(content):
            names = [call["name"] for call in calls_of(one)] or ["text"]
            return (f"Function call `{names[0]}` in the `{index}.` content block is missing a "
                    "`thought_signature`.")
    return f"contents[{index}]: the model never said that"


def check(method, path, headers, body, key, sent):
    """What is wrong with a request, as sentences; none: it is well."""
    found = []
    if method != "POST" or not PATH.fullmatch(path):
        found.append(f"{method} {path}: not POST /v1beta/models/MODEL:generateContent without a query")
    if headers.get("x-goog-api-key") != key:
        found.append("x-goog-api-key: not the key")
    if "authorization" in headers:
        found.append("authorization: has no place here")
    check_value(body, "GenerateContentRequest", "request", found)
    if found:
        return found
    check_tools(body, found)
    check_config(body, found)
    check_contents(body.get("contents", []), sent, found)
    return found


def look(method, path, headers, raw, key):
    """What is wrong with a request for what the service says of a model (models.get)."""
    found = []
    if method != "GET" or not MODEL_PATH.fullmatch(path):
        found.append(f"{method} {path}: not GET /v1beta/models/MODEL without a query")
    if headers.get("x-goog-api-key") != key:
        found.append("x-goog-api-key: not the key")
    if "authorization" in headers:
        found.append("authorization: has no place here")
    if raw or "content-type" in headers:
        found.append("a GET has no body")
    return found


def begins(body):
    """Whether a request begins a conversation."""
    return len(body.get("contents", [])) == 1


# ---- answers ----

def usage(step):
    tokens = step.get("tokens", [100, 20, 0])
    return {"promptTokenCount": tokens[0], "candidatesTokenCount": tokens[1],
            "thoughtsTokenCount": tokens[2], "totalTokenCount": sum(tokens)}


def answer(step, number):
    """A step of the script (see model_server.py) as the service would say it."""
    body = {"usageMetadata": usage(step), "modelVersion": "gemini-fake-001", "responseId": f"r-{number}"}
    if "blocked" in step:
        return {**body, "promptFeedback": {"blockReason": step["blocked"]}}
    parts = []
    if "text" in step:
        parts.append({"text": step["text"]})
    for index, call in enumerate(step.get("calls", [])):
        part = {"functionCall": {"id": f"fc-{number}-{index}", "name": call["name"],
                                 "args": call.get("args", {})}}
        if index == 0:
            part["thoughtSignature"] = f"c2lnbmF0dXJl{number:04d}"
        parts.append(part)
    candidate = {"finishReason": step.get("end", "STOP"), "index": 0}
    if parts:
        candidate["content"] = {"role": "model", "parts": parts}
    if "message" in step:
        candidate["finishMessage"] = step["message"]
    return {**body, "candidates": [candidate]}


def tell(step, path):
    """A step {"model": {…}} as models.get answers it; what the step names replaces what is usual."""
    return {"name": path.removeprefix("/v1beta/"), "displayName": "Fake 1", "version": "001",
            "inputTokenLimit": 1048576, "outputTokenLimit": 65536,
            "supportedGenerationMethods": ["generateContent", "countTokens"], **step.get("model", {})}


def content(body):
    """What must come back unchanged if the conversation goes on; None: nothing."""
    return body.get("candidates", [{}])[0].get("content")


def error(status, sentences):
    return {"error": {"code": status, "message": " ".join(sentences), "status": "INVALID_ARGUMENT"}}

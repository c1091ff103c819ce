#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The fake model services find what is wrong: a good request passes, and each way to spoil it is caught."""
import copy
import sys

import gemini_facts
import openai_facts

SCHEMA = {"type": "object", "properties": {"resource": {"type": "string"}}, "required": ["resource"]}


def gemini_good():
    sent = [{"role": "model", "parts": [
        {"functionCall": {"id": "a", "name": "look", "args": {}}, "thoughtSignature": "c2ln"},
        {"functionCall": {"name": "peek", "args": {}}}]}]
    body = {
        "systemInstruction": {"parts": [{"text": "be brief"}]},
        "contents": [
            {"role": "user", "parts": [{"text": "why?"}]}, copy.deepcopy(sent[0]),
            {"role": "user", "parts": [
                {"functionResponse": {"id": "a", "name": "look", "response": {"result": "x"}}},
                {"functionResponse": {"name": "peek", "response": {"error": "y"}}}]}],
        "tools": [{"functionDeclarations": [
            {"name": "look", "description": "looks", "parametersJsonSchema": copy.deepcopy(SCHEMA)},
            {"name": "peek", "description": "peeks", "parametersJsonSchema": copy.deepcopy(SCHEMA)}]}],
        "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["look"]}},
        "generationConfig": {"maxOutputTokens": 100}}
    return {"method": "POST", "path": "/v1beta/models/m-1.5:generateContent",
            "headers": {"x-goog-api-key": "k"}, "body": body, "key": "k", "sent": sent}


def declaration(request):
    return request["body"]["tools"][0]["functionDeclarations"][0]


def contents(request):
    return request["body"]["contents"]


def responses(request):
    return contents(request)[2]["parts"]


GEMINI = {
    "method": lambda r: r.update(method="GET"),
    "key in the address": lambda r: r.update(path=r["path"] + "?key=k"),
    "another path": lambda r: r.update(path="/v1/models/m:generateContent"),
    "no key": lambda r: r["headers"].clear(),
    "another key": lambda r: r["headers"].update({"x-goog-api-key": "K"}),
    "two ways to log in": lambda r: r["headers"].update(authorization="Bearer k"),
    "unknown key": lambda r: r["body"].update(foo=1),
    "snake case": lambda r: r["body"].update(system_instruction=r["body"].pop("systemInstruction")),
    "wrong type": lambda r: r["body"].update(contents={}),
    "a number as text": lambda r: r["body"]["generationConfig"].update(maxOutputTokens="100"),
    "no contents": lambda r: r["body"].pop("contents"),
    "empty contents": lambda r: r["body"].update(contents=[]),
    "a wrong role": lambda r: contents(r)[0].update(role="system"),
    "two of the user": lambda r: contents(r).insert(0, {"role": "user", "parts": [{"text": "x"}]}),
    "no parts": lambda r: contents(r)[0].update(parts=[]),
    "empty text": lambda r: contents(r)[0].update(parts=[{"text": ""}]),
    "two kinds in a part": lambda r: responses(r)[0].update(text="x"),
    "the model last": lambda r: contents(r).pop(),
    "no signature": lambda r: contents(r)[1]["parts"][0].pop("thoughtSignature"),
    "another signature": lambda r: contents(r)[1]["parts"][0].update(thoughtSignature="eA=="),
    "parts in another order": lambda r: contents(r)[1]["parts"].reverse(),
    "arguments changed": lambda r: contents(r)[1]["parts"][0]["functionCall"].update(args={"x": 1}),
    "one response missing": lambda r: responses(r).pop(),
    "responses in another order": lambda r: responses(r).reverse(),
    "no id": lambda r: responses(r)[0]["functionResponse"].pop("id"),
    "an id made up": lambda r: responses(r)[1]["functionResponse"].update(id="b"),
    "a response that is no object": lambda r: responses(r)[0]["functionResponse"].update(response="x"),
    "no response": lambda r: responses(r)[0]["functionResponse"].pop("response"),
    "a name with a space": lambda r: declaration(r).update(name="lo ok"),
    "a long name": lambda r: declaration(r).update(name="l" * 129),
    "a name twice": lambda r: declaration(r).update(name="peek"),
    "no description": lambda r: declaration(r).pop("description"),
    "both kinds of parameters": lambda r: declaration(r).update(parameters={}),
    "a pattern in a schema": lambda r: declaration(r)["parametersJsonSchema"].update(pattern="x"),
    "a list of types": lambda r: declaration(r)["parametersJsonSchema"]["properties"]["resource"].update(
        type=["string", "integer"]),
    "a required stranger": lambda r: declaration(r)["parametersJsonSchema"].update(required=["x"]),
    "an unknown mode": lambda r: r["body"]["toolConfig"]["functionCallingConfig"].update(mode="FORCE"),
    "names with AUTO": lambda r: r["body"]["toolConfig"]["functionCallingConfig"].update(mode="AUTO"),
    "a name not declared": lambda r: r["body"]["toolConfig"]["functionCallingConfig"].update(
        allowedFunctionNames=["x"]),
    "two kinds of thinking": lambda r: r["body"]["generationConfig"].update(
        thinkingConfig={"thinkingBudget": 1, "thinkingLevel": "LOW"}),
    "a JSON type beside functions": lambda r: r["body"]["generationConfig"].update(
        responseMimeType="application/json"),
    "too many tokens": lambda r: r["body"]["generationConfig"].update(maxOutputTokens=65537),
    "a call in the instruction": lambda r: r["body"]["systemInstruction"].update(
        parts=[{"functionCall": {"name": "x"}}]),
}


def openai_good():
    calls = [{"id": "a", "type": "function", "function": {"name": "look", "arguments": "{\"x\": 1}"}},
             {"id": "b", "type": "function", "function": {"name": "peek", "arguments": "{}"}}]
    sent = [{"role": "assistant", "content": None, "tool_calls": calls}]
    body = {
        "model": "m", "stream": False, "tool_choice": "required",
        "messages": [
            {"role": "system", "content": "be brief"}, {"role": "user", "content": "why?"},
            copy.deepcopy(sent[0]),
            {"role": "tool", "tool_call_id": "a", "content": "x"},
            {"role": "tool", "tool_call_id": "b", "content": "y"}],
        "tools": [{"type": "function", "function": {
            "name": "look", "description": "looks", "parameters": copy.deepcopy(SCHEMA)}}]}
    return {"method": "POST", "path": "/v1/chat/completions", "headers": {"authorization": "Bearer k"},
            "body": body, "key": "k", "sent": sent}


def messages(request):
    return request["body"]["messages"]


def function(request):
    return request["body"]["tools"][0]["function"]


OPENAI = {
    "another path": lambda r: r.update(path="/chat/completions"),
    "no key": lambda r: r["headers"].clear(),
    "a key where none is": lambda r: r.update(key=None),
    "unknown key": lambda r: r["body"].update(foo=1),
    "no model": lambda r: r["body"].pop("model"),
    "no messages": lambda r: r["body"].update(messages=[]),
    "an unknown role": lambda r: messages(r)[1].update(role="human"),
    "two systems": lambda r: messages(r).insert(1, {"role": "system", "content": "x"}),
    "no system": lambda r: messages(r).pop(0),
    "content that is no text": lambda r: messages(r)[1].update(content=None),
    "a key of the answer": lambda r: messages(r)[2].update(refusal=None),
    "one answer missing": lambda r: messages(r).pop(),
    "an answer to nothing": lambda r: messages(r)[4].update(tool_call_id="c"),
    "an answer twice": lambda r: messages(r)[4].update(tool_call_id="a"),
    "words between call and answer": lambda r: messages(r).insert(3, {"role": "user", "content": "x"}),
    "arguments as an object": lambda r: messages(r)[2]["tool_calls"][0]["function"].update(arguments={}),
    "broken arguments": lambda r: messages(r)[2]["tool_calls"][0]["function"].update(arguments="{"),
    "the same id twice": lambda r: messages(r)[2]["tool_calls"][1].update(id="a"),
    "no calls": lambda r: messages(r)[2].update(tool_calls=[]),
    "never said": lambda r: messages(r)[2]["tool_calls"][0]["function"].update(arguments="{\"x\": 2}"),
    "the model last": lambda r: messages(r).append({"role": "assistant", "content": "x"}),
    "a dot in a name": lambda r: function(r).update(name="github.list"),
    "a long name": lambda r: function(r).update(name="l" * 65),
    "a tool twice": lambda r: r["body"]["tools"].append(copy.deepcopy(r["body"]["tools"][0])),
    "no tools": lambda r: r["body"].update(tools=[]),
    "a choice without tools": lambda r: r["body"].pop("tools"),
    "an object as choice": lambda r: r["body"].update(tool_choice={"type": "function"}),
    "a pattern in a schema": lambda r: function(r)["parameters"].update(pattern="x"),
}


def gemini_look():
    return {"method": "GET", "path": "/v1beta/models/m-1.5", "headers": {"x-goog-api-key": "k"}, "raw": b"",
            "key": "k"}


def openai_look():
    return {"method": "GET", "path": "/v1/models", "headers": {"authorization": "Bearer k"}, "raw": b"",
            "key": "k"}


LOOK = {
    "a post": lambda r: r.update(method="POST"),
    "another path": lambda r: r.update(path="/v1beta/models/m:generateContent"),
    "a query": lambda r: r.update(path=r["path"] + "?key=k"),
    "no key": lambda r: r["headers"].clear(),
    "another key": lambda r: r.update(key="l"),
    "a body": lambda r: r.update(raw=b"{}"),
    "a type of nothing": lambda r: r["headers"].update({"content-type": "application/json"}),
}


def failures(name, check, good, ways):
    found = check(**good())
    if found:
        yield f"{name}: a good request is refused: {found}"
    for way, spoil in ways.items():
        request = good()
        spoil(request)
        if not check(**request):
            yield f"{name}: {way}: not caught"


def main():
    found = list(failures("gemini", gemini_facts.check, gemini_good, GEMINI))
    found += failures("openai", openai_facts.check, openai_good, OPENAI)
    found += failures("gemini models", gemini_facts.look, gemini_look, LOOK)
    found += failures("openai models", openai_facts.look, openai_look, LOOK)
    ways = len(GEMINI) + len(OPENAI) + 2 * len(LOOK)
    print("\n".join(found) or f"{ways} ways to spoil a request are caught")
    return 1 if found else 0


sys.exit(main())

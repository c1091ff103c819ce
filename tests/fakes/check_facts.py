#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the tables of gemini_facts.py against Google's discovery document of the Gemini API.

check_facts.py [DOCUMENT]     by default ../shared/specs/gemini/… beside this tree; ends with 77 (skipped)
                              where it is not at hand, 1 with the differences, 0 when there is none
"""
import json
import os
import sys

import gemini_facts as facts

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DOCUMENT = os.path.join(TREE, "..", "shared", "specs", "gemini",
                        "generativelanguage-v1beta.discovery.trimmed.json")


def kind_of(field):
    """A field of the document in the words of the tables."""
    if "$ref" in field:
        return field["$ref"]
    if field["type"] == "array":
        return [kind_of(field["items"])]
    return field["type"]


def differences(document):
    schemas = document["schemas"]
    for name, fields in facts.FIELDS.items():
        if name not in schemas:
            yield f"{name}: the document has no such object"
            continue
        properties = schemas[name].get("properties", {})
        for field, kind in fields.items():
            if field not in properties:
                yield f"{name}.{field}: the document has no such field"
            elif kind_of(properties[field]) != kind:
                yield f"{name}.{field}: {kind_of(properties[field])} in the document, {kind} here"
            else:
                allowed = properties[field].get("enum")
                if allowed is not None and facts.ENUMS.get((name, field), allowed) != allowed:
                    yield f"{name}.{field}: {allowed} in the document"
    for name, field in facts.ENUMS:
        if "enum" not in schemas[name]["properties"][field]:
            yield f"{name}.{field}: the document has no list of values"
    for name, fields in facts.ANSWER_FIELDS.items():
        for field in fields:
            if field not in schemas[name]["properties"]:
                yield f"{name}.{field}: the document has no such field"
    reasons = schemas["Candidate"]["properties"]["finishReason"]["enum"]
    if reasons != facts.FINISH_REASONS:
        yield f"finishReason: {reasons} in the document"
    path = document["resources"]["models"]["methods"]["generateContent"]
    if path["httpMethod"] != "POST" or not path["path"].startswith("v1beta/"):
        yield f"generateContent: {path['httpMethod']} {path['path']}"
    path = document["resources"]["models"]["methods"]["get"]
    if path["httpMethod"] != "GET" or path["flatPath"] != "v1beta/models/{modelsId}":
        yield f"models.get: {path['httpMethod']} {path['flatPath']}"


def main(arguments):
    path = arguments[0] if arguments else DOCUMENT
    if not os.path.isfile(path):
        print(f"{path} is not at hand: skipped")
        return 77
    with open(path, encoding="utf-8") as file:
        found = list(differences(json.load(file)))
    print("\n".join(found) or "the tables agree with the document")
    return 1 if found else 0


sys.exit(main(sys.argv[1:]))

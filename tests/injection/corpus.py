# SPDX-License-Identifier: Apache-2.0
"""The corpus of this folder (README.md) as (intent, bytes)."""
import os
import re

FOLDER = os.path.dirname(os.path.abspath(__file__))
FILES = ("logs", "keys", "queries", "errors", "chat", "tools")
SIMPLE = {"n": b"\n", "r": b"\r", "t": b"\t", "0": b"\0", "\\": b"\\"}
ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[nrt0\\])")


def decode(text):
    data, at = b"", 0
    for found in ESCAPE.finditer(text):
        data += text[at:found.start()].encode()
        name = found[1]
        if name[0] == "x":
            data += bytes([int(name[1:], 16)])
        elif name[0] in "uU":
            data += chr(int(name[1:], 16)).encode("utf-8", "surrogatepass")
        else:
            data += SIMPLE[name]
        at = found.end()
    return data + text[at:].encode()


def read(*names):
    lines = []
    for name in names or FILES:
        with open(os.path.join(FOLDER, name + ".txt"), encoding="utf-8") as file:
            for line in file:
                intent, text = line.rstrip("\n").split(" | ", 1)
                lines.append((intent, decode(text)))
    return lines


def words(data):
    """As a model says it, which speaks JSON."""
    return data.decode("utf-8", "replace").replace("\0", " ")


def traces(data):
    """What of it would be known again, however it was cleaned: long runs of plain letters."""
    return [run.decode() for run in re.findall(rb"[A-Za-z0-9 ,.:;_=-]{24,}", data)]

# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1, as much of it as the fake needs, on asyncio's streams."""
import asyncio
import json
from http import HTTPStatus
from urllib.parse import parse_qsl, unquote, urlsplit

BODY_MAX = 64 * 1024 * 1024


class Cut(Exception):
    """The connection is to end without a word."""


class Request:
    def __init__(self, verb, target, headers, body):
        parts = urlsplit(target)
        self.verb, self.path, self.headers, self.body = verb, unquote(parts.path), headers, body
        self.query = parse_qsl(parts.query, keep_blank_values=True)


async def read_request(reader, writer):
    """The next request; None at the end of the connection."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    first, *lines = head[:-4].decode("latin-1").split("\r\n")
    verb, target, _ = first.split(" ", 2)
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    if headers.get("expect", "").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    if headers.get("transfer-encoding", "").lower() == "chunked":
        body = await read_chunks(reader)
    else:
        length = int(headers.get("content-length", 0))
        if length > BODY_MAX:
            raise Cut()
        body = await reader.readexactly(length) if length else b""
    return Request(verb, target, headers, body)


async def read_chunks(reader):
    body = b""
    while True:
        size = int((await reader.readline()).split(b";")[0], 16)
        chunk = await reader.readexactly(size + 2)
        body += chunk[:-2]
        if size == 0:
            return body
        if len(body) > BODY_MAX:
            raise Cut()


def response(status, body, headers=None):
    """The bytes of an answer; a body that is no bytes is written as JSON."""
    headers = dict(headers or {})
    if not isinstance(body, bytes):
        headers.setdefault("Content-Type", "application/json; charset=utf-8")
        body = json.dumps(body, ensure_ascii=False).encode()
    headers.setdefault("Content-Type", "text/plain; charset=utf-8")
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Unknown"
    return f"HTTP/1.1 {status} {phrase}\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode() + body

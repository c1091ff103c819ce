# SPDX-License-Identifier: Apache-2.0
"""Frames of RFC 6455, as a server reads and writes them, and nothing more."""
import base64
import hashlib

TEXT, BINARY, CLOSE, PING, PONG, MORE = 1, 2, 8, 9, 10, 0
MESSAGE_MAX = 1024 * 1024


class Broken(Exception):
    """The client broke the protocol; code is what a close frame says."""

    def __init__(self, what, code=1002):
        super().__init__(what)
        self.code = code


def accept(key):
    """Sec-WebSocket-Accept for a Sec-WebSocket-Key."""
    digest = hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
    return base64.b64encode(digest).decode()


def frame(kind, data, last=True):
    """One frame of a server."""
    first = (0x80 if last else 0) | kind
    if len(data) < 126:
        return bytes((first, len(data))) + data
    if len(data) < 65536:
        return bytes((first, 126)) + len(data).to_bytes(2, "big") + data
    return bytes((first, 127)) + len(data).to_bytes(8, "big") + data


def message(kind, data, size=None):
    """A message, in frames of at most `size` bytes where that is given."""
    if not size or len(data) <= size:
        return frame(kind, data)
    pieces = [data[at:at + size] for at in range(0, len(data), size)]
    return b"".join(frame(kind if number == 0 else MORE, piece, number == len(pieces) - 1)
                    for number, piece in enumerate(pieces))


def close(code, reason=""):
    return frame(CLOSE, code.to_bytes(2, "big") + reason.encode())


class Reader:
    """Puts the client's messages together. feed() gives the whole ones, as (kind, bytes)."""

    def __init__(self):
        self.buffer, self.at = b"", 0
        self.kind, self.parts = None, b""

    def feed(self, data):
        self.buffer = self.buffer[self.at:] + data
        self.at = 0
        while True:
            found = self.next_frame()
            if found is None:
                return
            whole = self.put(*found)
            if whole:
                yield whole

    def next_frame(self):
        """(kind, last, data) of the next frame, or None where it is not all here."""
        have, at = self.buffer, self.at
        if len(have) < at + 2:
            return None
        first, second = have[at], have[at + 1]
        size, head = second & 0x7F, 2
        if first & 0x70:
            raise Broken("a reserved bit is set")
        if not second & 0x80:
            raise Broken("a frame of the client is not masked")
        if size >= 126:
            head = 4 if size == 126 else 10
            if len(have) < at + head:
                return None
            size = int.from_bytes(have[at + 2:at + head], "big")
        kind, last = first & 0x0F, bool(first & 0x80)
        if kind >= CLOSE and (size > 125 or not last):
            raise Broken("a control frame is long or in pieces")
        if size > MESSAGE_MAX:
            raise Broken("a frame is too big", 1009)
        end = at + head + 4 + size
        if len(have) < end:
            return None
        mask = have[at + head:at + head + 4]
        self.at = end
        return kind, last, unmask(have[at + head + 4:end], mask)

    def put(self, kind, last, data):
        if kind >= CLOSE:
            if kind > PONG:
                raise Broken("an unknown kind of frame")
            return kind, data
        if (kind == MORE) != (self.kind is not None):
            raise Broken("the pieces of a message are out of order")
        if kind > BINARY:
            raise Broken("an unknown kind of frame")
        if kind != MORE:
            self.kind, self.parts = kind, b""
        self.parts += data
        if not last:
            return None
        kind, self.kind = self.kind, None
        return kind, self.parts


def unmask(data, mask):
    size = len(data)
    key = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(data, "big") ^ int.from_bytes(key, "big")).to_bytes(size, "big")

# SPDX-License-Identifier: Apache-2.0
"""A websocket as an app opens it, frame by frame, for the fake's own tests."""
import json
import socket
import ssl
import time

import websocket as ws

MASK = b"mask"


class Closed(Exception):
    pass


class Client:
    """One connection; `tls` is the certificate to trust."""

    def __init__(self, url, tls=None):
        scheme, rest = url.split("://")
        host, _, self.target = rest.partition("/")
        name, port = host.split(":")
        self.socket = socket.create_connection((name, int(port)), 5)
        if scheme == "wss":
            self.socket = ssl.create_default_context(cafile=tls).wrap_socket(self.socket, server_hostname=name)
        self.socket.sendall(f"GET /{self.target} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: "
                            "Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode())
        self.file = self.socket.makefile("rb")
        self.status = int(self.file.readline().split()[1])
        self.headers = {}
        while (line := self.file.readline().strip()):
            key, _, value = line.decode().partition(": ")
            self.headers[key.lower()] = value

    def send(self, kind, data, masked=True):
        self.socket.sendall(client_frame(kind, data, masked))

    def frame(self):
        """(kind, last, data) of the next frame."""
        head = self.file.read(2)
        if len(head) < 2:
            raise Closed()
        size = head[1]
        if size >= 126:
            size = int.from_bytes(self.file.read(2 if size == 126 else 8), "big")
        return head[0] & 15, bool(head[0] & 0x80), self.file.read(size)

    def next(self, seconds=5):
        """The next document; pings are answered on the way. None where none comes in time."""
        until = time.monotonic() + seconds
        whole = b""
        try:
            while True:
                self.socket.settimeout(max(0.001, until - time.monotonic()))
                kind, last, data = self.frame()
                if kind == ws.PING:
                    self.send(ws.PONG, data)
                elif kind == ws.CLOSE:
                    raise Closed()
                elif kind in (ws.TEXT, ws.MORE):
                    whole += data
                    if last:
                        return json.loads(whole)
        except TimeoutError:
            self.file = self.socket.makefile("rb")  # the one that has timed out reads no more
            return None
        except ConnectionError:
            raise Closed() from None

    def acknowledge(self, envelope, **more):
        self.send(ws.TEXT, json.dumps({"envelope_id": envelope["envelope_id"], **more}).encode())

    def close(self):
        self.file.close()
        self.socket.close()


def client_frame(kind, data, masked):
    return bytes((0x80 | kind, (0x80 if masked else 0) | len(data))) + \
        (MASK + ws.unmask(data, MASK) if masked else data)

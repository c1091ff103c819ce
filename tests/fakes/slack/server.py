#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A strict Slack on loopback; README.md beside it says what it does and how a test drives it.

server.py LOG [--app APP.json] [--tls CERTIFICATE KEY]

Prints `PORT CONTROL` and ends with its standard input.
"""
import argparse
import asyncio
import json
import ssl
import sys
import traceback

import control
import http1
import websocket as ws
from slack import Slack


async def serve_slack(slack, reader, writer):
    """One connection to Slack: requests, of which one may become a websocket."""
    try:
        while request := await http1.read_request(reader, writer):
            if request.path == "/link/":
                await open_socket(slack, request, reader, writer)
                return
            writer.write(await slack.handle(request))
            await writer.drain()
    except (http1.Cut, ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
        writer.transport.abort()
    except Exception:  # a fault of the fake must fail the test that met it
        slack.wrong("the fake failed: " + traceback.format_exc())
        traceback.print_exc()
    finally:
        writer.close()


async def open_socket(slack, request, reader, writer):
    status, why = slack.hub.admit(request)
    if status != 101:
        writer.write(http1.response(status, why.encode()))
        return await writer.drain()
    accepted = ws.accept(request.headers["sec-websocket-key"])
    writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 b"Sec-WebSocket-Accept: " + accepted.encode() + b"\r\n\r\n")
    return await slack.hub.serve(reader, writer)


async def serve_control(slack, reader, writer):
    try:
        while request := await http1.read_request(reader, writer):
            status, answer = await control.carry_out(slack, request.path.strip("/"),
                                                     json.loads(request.body or b"{}"))
            writer.write(http1.response(status, answer))
            await writer.drain()
    except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
        pass
    except Exception:
        traceback.print_exc()
    finally:
        writer.close()


async def run(arguments, log):
    app, context = {}, None
    if arguments.app:
        with open(arguments.app, encoding="utf-8") as file:
            app = json.load(file)
    if arguments.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*arguments.tls)
    slack = Slack(app, log)
    front = await asyncio.start_server(lambda *pair: serve_slack(slack, *pair), "127.0.0.1", 0, ssl=context,
                                       limit=1024 * 1024)
    back = await asyncio.start_server(lambda *pair: serve_control(slack, *pair), "127.0.0.1", 0)
    port = front.sockets[0].getsockname()[1]
    # A certificate is for a name.
    host, secure = ("localhost", "s") if context else ("127.0.0.1", "")
    slack.url, slack.hub.url = f"http{secure}://{host}:{port}", f"ws{secure}://{host}:{port}"
    print(port, back.sockets[0].getsockname()[1], flush=True)
    # Whoever started it holds its standard input; when that ends, so does the service.
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    for link in slack.hub.connections:
        link.writer.transport.abort()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("log")
    parser.add_argument("--app")
    parser.add_argument("--tls", nargs=2)
    arguments = parser.parse_args()
    with open(arguments.log, "w", encoding="utf-8") as log:
        asyncio.run(run(arguments, log))


if __name__ == "__main__":
    main()

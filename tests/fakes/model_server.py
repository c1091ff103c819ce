#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A model's service that knows its script and is strict about every request.

model_server.py PROTOCOL SCRIPT LOG [--key KEY] [--tls CERTIFICATE KEY]    PROTOCOL: gemini | openai

Listens on a free port of 127.0.0.1 and prints it. SCRIPT is a JSON list with one step for each request:

  what a model says    {"calls": [{"name", "args"}], "text", "end": REASON, "message", "tokens": [in, out, thinking],
                        "blocked": REASON (gemini), "refusal" (openai)}; a call's arguments may be "raw" text (openai)
  what it says of      {"model": {…}} (gemini), {"models": [NAME, …]} (openai): for a GET
  its models
  an answer as it is   {"status": 429, "body": any JSON, "raw": text, "headers": {NAME: VALUE}, "type": TYPE}
  misbehaviour         {"cut": BYTES} of the body and then the end, {"stall": true} never answers,
                       {"slow": SECONDS} before answering, {"huge": MEGABYTES}, {"deep": LEVELS},
                       {"bytes": HEX}, {"drop": true} closes without a word

A request that breaks the rules of the protocol (gemini_facts.py, openai_facts.py), or that the script does not
expect, is answered as the service would, with 400, and written down. LOG gets one JSON line for each
request: {"at", "body", "violations"}. The key is never written down.
"""
import argparse
import json
import socketserver
import ssl
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import gemini_facts
import openai_facts

FACTS = {"gemini": gemini_facts, "openai": openai_facts}
BODY_MAX = 16 * 1024 * 1024


class Service:
    """The script, what the model said in the conversation so far, and the log."""

    def __init__(self, facts, script, log, key):
        self.facts, self.script, self.log, self.key = facts, script, log, key
        self.number = 0
        self.sent = []
        self.lock = threading.Lock()

    def read(self, method, path, headers, raw):
        """The body of a question and what is wrong with it."""
        found = []
        try:
            body = json.loads(raw)
        except ValueError:
            return None, ["Invalid JSON payload received."]
        if headers.get("content-type", "").split(";")[0] != "application/json":
            found.append("content-type: must be application/json")
        if self.facts.begins(body):
            self.sent = []
        return body, found + self.facts.check(method, path, headers, body, self.key, self.sent)

    def take(self, method, path, headers, raw):
        """The step for a request; the violations that it has instead."""
        with self.lock:
            asks = method == "GET"
            body, found = (None, self.facts.look(method, path, headers, raw, self.key)) if asks \
                else self.read(method, path, headers, raw)
            if self.number >= len(self.script):
                found.append("the script expects no further request")
            step = {} if found else self.script[self.number]
            self.number += 1
            self.log.write(json.dumps({"at": time.time(), "body": body, "violations": found}) + "\n")
            self.log.flush()
            if not found and asks and set(step) & {"model", "models"}:
                step = {**step, "body": self.facts.tell(step, path)}
            elif not found and not set(step) & {"status", "raw", "body"}:
                answer = self.facts.answer(step, self.number)
                said = self.facts.content(answer)
                if said is not None:
                    self.sent.append(said)
                step = {**step, "body": answer}
            return step, found


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def do_GET(self):
        self.do_POST()

    def do_POST(self):
        service = self.server.service
        length = int(self.headers.get("content-length", 0))
        raw = self.rfile.read(min(length, BODY_MAX))
        headers = {name.lower(): value for name, value in self.headers.items()}
        step, found = service.take(self.command, self.path, headers, raw)
        try:
            if found:
                self.answer({"status": 400, "body": service.facts.error(400, found)})
            else:
                self.misbehave(step)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def misbehave(self, step):
        if step.get("drop"):
            self.close_connection = True
        elif step.get("stall"):
            self.server.ended.wait(120)
            self.close_connection = True
        elif "huge" in step:
            self.head(200, step, step["huge"] * 1024 * 1024)
            for _ in range(step["huge"]):
                self.wfile.write(b" " * 1024 * 1024)
        elif "deep" in step:
            self.answer({**step, "raw": "[" * step["deep"] + "]" * step["deep"]})
        else:
            if "slow" in step:
                self.server.ended.wait(step["slow"])
            self.answer(step)

    def answer(self, step):
        if "bytes" in step:
            data = bytes.fromhex(step["bytes"])
        else:
            data = step["raw"].encode() if "raw" in step else json.dumps(step.get("body")).encode()
        self.head(step.get("status", 200), step, len(data))
        if "cut" in step:
            self.wfile.write(data[:step["cut"]])
            self.close_connection = True
        else:
            self.wfile.write(data)

    def head(self, status, step, length):
        self.send_response(status)
        self.send_header("Content-Type", step.get("type", "application/json"))
        self.send_header("Content-Length", str(length))
        for name, value in step.get("headers", {}).items():
            self.send_header(name, value)
        self.end_headers()


class Server(socketserver.ThreadingMixIn, HTTPServer):
    daemon_threads = True


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("protocol", choices=FACTS)
    parser.add_argument("script")
    parser.add_argument("log")
    parser.add_argument("--key")
    parser.add_argument("--tls", nargs=2)
    arguments = parser.parse_args()
    with open(arguments.script, encoding="utf-8") as file:
        script = json.load(file)
    with open(arguments.log, "w", encoding="utf-8") as log:
        server = Server(("127.0.0.1", 0), Handler)
        if arguments.tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*arguments.tls)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        server.ended = threading.Event()
        server.service = Service(FACTS[arguments.protocol], script, log, arguments.key)
        print(server.server_address[1], flush=True)
        # Whoever started it holds its standard input; when that ends, so does the service.
        threading.Thread(target=server.serve_forever, daemon=True).start()
        sys.stdin.read()
        server.ended.set()
        server.shutdown()


main()

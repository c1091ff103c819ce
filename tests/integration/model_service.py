# SPDX-License-Identifier: Apache-2.0
"""The strict fake of a model's service (tests/fakes/model_server.py) for a test of the whole program."""
import json
import os
import subprocess
import sys

from lab import PLANNER, ROOT, equal

KEY = "key-0123456789abcdef"


class ModelService:
    """Plays a script, a list of steps; ends with its lab."""

    def __init__(self, lab, script, protocol="gemini", tls=()):
        self.script, self.log = script, lab.path("model.log")
        with open(lab.path("model.json"), "w", encoding="utf-8") as file:
            json.dump(script, file)
        self.process = subprocess.Popen(
            [sys.executable, os.path.join(ROOT, "tests/fakes/model_server.py"), protocol, file.name,
             self.log, "--key", KEY, *(("--tls", *tls) if tls else ())],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=dict(os.environ, PYTHONDONTWRITEBYTECODE="1"))
        lab.others.append(self)
        scheme, host = ("https", "localhost") if tls else ("http", "127.0.0.1")
        self.url = f"{scheme}://{host}:{int(self.process.stdout.readline())}"

    def section(self, **keys):
        """`llm:` of a configuration that asks this service."""
        return {**PLANNER, "provider": "gemini", "model": "gemini-3.8-flash", "api_key": KEY,
                "base_url": self.url, **keys}

    def requests(self):
        """The bodies of the requests, none of which broke a rule of the protocol."""
        with open(self.log, encoding="utf-8") as file:
            lines = [json.loads(line) for line in file]
        equal([line["violations"] for line in lines], [[]] * len(lines), "violations of the protocol")
        return [line["body"] for line in lines]

    def played(self):
        """The same, once the whole script has been played and nothing else was asked."""
        bodies = self.requests()
        equal(len(bodies), len(self.script), "requests to the model's service")
        return bodies

    def stop(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(10)

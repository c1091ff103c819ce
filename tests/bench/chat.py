# SPDX-License-Identifier: Apache-2.0
"""What Slack costs: until it says hello, at rest, and when many speak at once. The fake is Python, on the same
machine, and has its part in each figure that is no CPU time."""
import os
import subprocess
import sys
import time

from figures import cpu_seconds, rss_megabytes
from lab import ROOT, Lab, wait_for

sys.path.append(os.path.join(ROOT, "tests/integration"))
from slack_service import SlackService  # noqa: E402

PEOPLE = [{"name": "alice", "slack": "U0ALICE", "roles": ["approver"]}]


def begin(lab, slack, **keywords):
    lab.write_config([lab.resource(lab.redis(), every="5s")], people=PEOPLE, chat=[slack.section()],
                     log={"level": "warning"})
    return lab.start("run", **keywords)


def hello_ms():
    """From the start of the process to Slack's hello, over plain loopback."""
    with Lab("hello") as lab:
        slack = SlackService(lab)
        lab.write_config([lab.resource(lab.redis())], people=PEOPLE, chat=[slack.section()])
        begun = time.monotonic()
        lab.start("run")

        def ages():
            links = slack.sockets()["connections"]
            return [time.monotonic() - begun - one["age"] for one in links]
        return 1000 * min(wait_for("a connection", ages, 10, every=0.001))


def idle_megabytes():
    with Lab("tls") as lab:
        key, certificate = lab.path("key.pem"), lab.path("certificate.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                        "-nodes", "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)
        slack = SlackService(lab, tls=(certificate, key))
        midwatch = begin(lab, slack, env={"SSL_CERT_FILE": certificate})
        slack.wait_connected(count=2)
        time.sleep(3)
        return rss_megabytes(midwatch.process.pid)


def burst(slack, count, seconds=60, **keywords):
    slack.burst(count=count, **keywords)
    return wait_for(f"{count} acknowledgements", lambda: (lambda seen: seen["acked"] >= count and seen)(
        slack.burst_result()), seconds, every=0.05)


def bench_chat(figures):
    starts = [hello_ms() for _ in range(5)]
    print(f"  start to hello: {', '.join(f'{value:.0f}' for value in starts)} ms")
    figures.figure("start to hello, best of 5", min(starts), 50, "ms")
    figures.figure("at rest with two sockets over TLS", idle_megabytes(), 24, "MiB")
    with Lab("bursts") as lab:
        slack = SlackService(lab)
        pid = begin(lab, slack).process.pid
        slack.wait_connected(count=2)
        slack.rates(off=True)
        cpu = cpu_seconds(pid)
        burst(slack, 1000, kind="command", text="status")
        wait_for("1,000 replies", lambda: len(slack.requests(method="response_url")["requests"]) >= 1000, 60,
                 every=0.2)
        print(f"  1,000 commands with reply: {1000 * (cpu_seconds(pid) - cpu):.0f} ms of CPU (goal 40)")
        bursts = [1000 * burst(slack, 1000, kind="reaction", text="eyes")["seconds"] for _ in range(3)]
        figures.figure("1,000 envelopes at once recorded and acknowledged, best of 3", min(bursts), 100, "ms")
        time.sleep(2)
        paced = burst(slack, 1000, kind="reaction", text="eyes", per_second=200)
        print(f"  200 a second: acknowledged within {paced['p50']:.1f} ms in the median, {paced['p99']:.1f} ms at "
              "the 99th of 100 (goal 5)")
        cpu = cpu_seconds(pid)
        many = burst(slack, 20000, kind="reaction", text="eyes")
        print(f"  20,000 envelopes: {20000 / many['seconds']:.0f} a second recorded and acknowledged "
              f"(goal 20,000), {1e6 * (cpu_seconds(pid) - cpu) / 20000:.0f} µs of CPU each")

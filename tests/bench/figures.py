# SPDX-License-Identifier: Apache-2.0
"""A figure beside its limit, and what a process costs."""
import os
import time

import lab as laboratory

TOOLS = os.path.abspath(os.environ.get("MIDWATCH_TOOLS",
                                       os.path.join(laboratory.ROOT, "build/tests/bench")))
TICKS = os.sysconf("SC_CLK_TCK")


def tool(name):
    """The path of a peer or helper, which must have been built (ninja bench_tools)."""
    path = os.path.join(TOOLS, name)
    laboratory.expect(os.path.exists(path), f"{path} is missing: build the target bench_tools")
    return path


class Figures:
    def __init__(self, slack, seconds):
        self.slack, self.seconds = slack, seconds
        self.passed = self.failed = 0

    def figure(self, name, value, limit, unit):
        ratio = value / limit
        good = ratio <= self.slack
        print(f"{name}: measured {value:.4g} {unit}, limit {limit:g} {unit}, ratio {ratio:.2f}"
              f"{'' if ratio <= 1 else ' (past the limit)'}{'' if good else ' FAIL'}", flush=True)
        if good:
            self.passed += 1
        else:
            self.failed += 1


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def rss_megabytes(pid):
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
        line = next(line for line in file if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024


def load_of(pid, seconds):
    """Percent of one core over a stretch of time."""
    cpu, begun = cpu_seconds(pid), time.monotonic()
    time.sleep(seconds)
    return 100 * (cpu_seconds(pid) - cpu) / (time.monotonic() - begun)

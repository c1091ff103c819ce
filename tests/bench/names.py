# SPDX-License-Identifier: Apache-2.0
"""What a slow name server does to targets that need none."""
import statistics
import struct
import time

import lab as laboratory
from figures import tool
from lab import Lab, expect, wait_for
from listeners import Listeners, SlowNames

ANSWERS_AFTER = 4  # seconds
NAMED = 30


def bench_names(figures):
    """Sixty targets with names that take 4 s to look up, half of them again and again, since nothing listens
    there; twenty healthy ones with addresses among them."""
    laboratory.allow_files()
    with Lab("names") as lab:
        redis = lab.redis()
        listeners, names = Listeners(redis.port), SlowNames(ANSWERS_AFTER)
        try:
            look_up_and_measure(figures, lab, redis, listeners, names)
        finally:
            listeners.close()
            names.close()


def target(name, host, port, kind="redis"):
    url = f"redis://{host}:{port}" if kind == "redis" else f"postgresql://midwatch@{host}:{port}/shop"
    return {"name": name, "kind": kind, "every": "1s", "timeout": "2s", "url": url}


def look_up_and_measure(figures, lab, redis, listeners, names):
    closed = laboratory.free_port()
    lab.write_config(
        [target(f"slow{number}", f"slow{number}.example.test", redis.port) for number in range(NAMED)] +
        [target(f"none{number}", f"none{number}.example.test", closed, ("redis", "postgres")[number % 2])
         for number in range(NAMED)] +
        [target(f"well{number}", "127.0.0.1", listeners.proxy) for number in range(20)],
        log={"level": "warning"})
    turn = lab.path("turn")
    with open(turn, "wb") as file:
        file.write(bytes(8))
    midwatch = lab.start("run", env={"LD_PRELOAD": tool("libmwwatch.so"), "MW_WATCH_FILE": turn,
                                     "MW_WATCH_NAMES": names.address})
    begun = time.monotonic()
    wait_for("the healthy ones to be probed",
             lambda: sum(len(times) > 0 for times in listeners.asked()) >= 20, 20)
    wait_for("the names to be looked up and their targets probed", lambda: redis.guests() >= 20 + NAMED, 20)
    took = time.monotonic() - begun
    expect(took >= ANSWERS_AFTER, f"the name server is slow: the first targets were reached after {took:.1f} s")
    asked = names.asked.value
    wait_for("twelve seconds to pass", lambda: time.monotonic() - begun > 12, 15, every=0.2)
    midwatch.expect_alive()
    expect(names.asked.value > asked, "names are still being looked up")
    with open(turn, "rb") as file:
        longest = struct.unpack("d", file.read(8))[0]
    expect(longest > 0, "the loop was watched")

    # A probe may come early, since all are looked at once when an incident opens; none may come late.
    late = [max(0, 1000 * (later - sooner) - 1000) for times in listeners.asked()
            for sooner, later in zip(times, times[1:])]
    expect(len(late) >= 20 * 9, f"the healthy ones were probed {len(late)} times only")
    print(f"  {names.asked.value} questions answered after {ANSWERS_AFTER} s each; {len(late)} probes of "
          f"healthy targets, late by {statistics.median(late):.0f} ms in the median", flush=True)
    figures.figure("healthy targets late while names take 4 s, worst", max(late), 50, "ms")
    figures.figure("the loop while names take 4 s, longest turn", longest, 50, "ms")

# SPDX-License-Identifier: Apache-2.0
"""Rate limits, and the misbehaviour that a test has asked for."""
import math
import time

import facts

CHANNEL_BURST = 5  # "short bursts tolerated"
GRACE = 0.05       # how early a request may come after its Retry-After


class Bucket:
    def __init__(self, per_second, burst):
        self.per_second, self.burst = per_second, burst
        self.have, self.at = burst, time.monotonic()

    def wait(self):
        """Takes one; 0, or the seconds until there is one."""
        now = time.monotonic()
        self.have = min(self.burst, self.have + (now - self.at) * self.per_second)
        self.at = now
        if self.have < 1:
            return (1 - self.have) / self.per_second
        self.have -= 1
        return 0


class Limits:
    def __init__(self):
        self.off, self.own, self.channel_burst = False, {}, CHANNEL_BURST
        self.buckets, self.blocked = {}, {}

    def set(self, off=None, method=None, per_minute=None, burst=None, channel_burst=None):
        if off is not None:
            self.off = off
        if channel_burst is not None:
            self.channel_burst = channel_burst
        if method is not None:
            self.own[method] = (per_minute, burst or per_minute)
        self.buckets.clear()
        self.blocked.clear()

    def block(self, key, seconds):
        """Says when `key` may be asked again; returns Retry-After. Asking earlier does not move it."""
        left = self.blocked.get(key, 0) - time.monotonic()
        if left > 0:
            return math.ceil(left)
        whole = max(1, math.ceil(seconds))
        self.blocked[key] = time.monotonic() + whole
        return whole

    def early(self, key):
        """How many seconds a request comes before it may."""
        return max(0, self.blocked.get(key, 0) - time.monotonic() - GRACE)

    def wait(self, method, arguments):
        """(key, seconds) that a request must wait; seconds 0 where it may pass."""
        keys = [(method, self.own.get(method) or self.tier(method))]
        if method == "chat.postMessage" and isinstance(arguments.get("channel"), str):
            keys.append((f"{method} {arguments['channel']}", (60, self.channel_burst)))
        for key, (per_minute, burst) in keys:
            if self.off:
                break
            bucket = self.buckets.setdefault(key, Bucket(per_minute / 60, burst))
            seconds = bucket.wait()
            if seconds > 0:
                return key, seconds
        return method, 0

    def tier(self, method):
        tier = facts.METHODS[method]["tier"] if method in facts.METHODS else 0
        per_minute = facts.TIERS[tier] if tier else facts.SPECIAL.get(method, 600)
        return per_minute, per_minute

    def keys(self, method, arguments):
        yield method
        if isinstance(arguments.get("channel"), str):
            yield f"{method} {arguments['channel']}"


class Troubles:
    """What is to go wrong, in the order in which it was asked for."""
    KINDS = {"ratelimited", "status", "cut_before", "cut_after", "slow", "slow_after", "error", "truncated", "html",
             "stall"}

    def __init__(self):
        self.rules = []

    def add(self, method, kind, times=1, skip=0, **more):
        if kind not in self.KINDS:
            raise ValueError(f"no such trouble: {kind}")
        self.rules.append({"method": method, "kind": kind, "times": times, "skip": skip, **more})

    def calm(self, method=None):
        self.rules = [rule for rule in self.rules if method not in (None, rule["method"])]

    def take(self, method):
        """The rule that this request falls under, or {}."""
        for rule in self.rules:
            if rule["method"] not in ("*", method):
                continue
            if rule["skip"] > 0:
                rule["skip"] -= 1
                continue
            if rule["times"] == 1:
                self.rules.remove(rule)
            elif rule["times"] > 1:
                rule["times"] -= 1
            return rule
        return {}

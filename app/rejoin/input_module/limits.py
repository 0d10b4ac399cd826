"""Limits of a sandbox's output and computing, beyond which it counts as hostile. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """`patience_s`: how long any command may stay unanswered. `start_s`: the same for the start
    of the process and for its script. `tick_s`: how often that is checked; `ping_s`: how long
    there are no commands before one is sent to ask. `ends`: how many processes may end within
    `ends_within_s` before input is given up. `unasked`, `messages`, `message_bytes`: answers that
    nobody asked for, and messages to the host, per second, and as much at once. `cpu_share`: of a
    core, over `cpu_over_s`. `unsent_bytes`: with more waiting to be read nothing optional is added.
    """

    patience_s: float = 0.3
    start_s: float = 5.0
    tick_s: float = 0.1
    ping_s: float = 0.5
    ends: int = 3
    ends_within_s: float = 60.0
    unasked: float = 1000.0
    messages: float = 4000.0
    message_bytes: float = 2_000_000.0
    cpu_share: float = 0.75
    cpu_over_s: float = 4.0
    unsent_bytes: int = 1_000_000


class Allowance:
    """A token bucket: `rate` a second, and no more than `most` saved up."""

    def __init__(self, rate: float, most: float) -> None:
        self._rate = rate
        self._most = most
        self._left = most
        self._at: float | None = None

    def spend(self, amount: float, now: float) -> bool:
        """Whether that much was left. What was spent is spent all the same."""
        if self._at is not None:
            self._left = min(self._most, self._left + (now - self._at) * self._rate)
        self._at = now
        self._left -= amount
        return self._left >= 0


class Spending:
    """All allowances of one process."""

    def __init__(self, limits: Limits) -> None:
        self._unasked = Allowance(limits.unasked, limits.unasked)
        self._messages = Allowance(limits.messages, limits.messages)
        self._bytes = Allowance(limits.message_bytes, limits.message_bytes)
        self._cpu = Allowance(limits.cpu_share, limits.cpu_share * limits.cpu_over_s)

    def answer(self, cpu_s: float, now: float, *, asked: bool) -> bool:
        """Whether an answer that was asked for or not, and the CPU time before it, was within."""
        within = asked or self._unasked.spend(1, now)
        return self._cpu.spend(cpu_s, now) and within

    def messages(self, count: int, size: int, now: float) -> bool:
        """Whether more messages to the host, of so many bytes together, were within the limits."""
        within = self._messages.spend(count, now)
        return self._bytes.spend(size, now) and within

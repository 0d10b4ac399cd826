"""The rate at which the backend polls the service."""

from __future__ import annotations

from rejoin.backend.poll_rate import PollRate


async def test_polls_of_all_sessions_together_keep_to_the_rate() -> None:
    now = [100.0]
    rate = PollRate(lambda: now[0], 10.0)

    async def run() -> list[bool]:
        # Five at once, then one each 0.1 s: the sixth's turn is past a deadline of now.
        return [await rate.wait(now[0] + 0.001) for _ in range(7)]

    assert await run() == [True] * 5 + [False] * 2
    now[0] += 0.2
    assert await run() == [True, True] + [False] * 5

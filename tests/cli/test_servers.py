"""Servers of the command line: stopped by SIGTERM or by the end of standard input."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

import pytest

from rejoin.cli import main, servers


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_sigterm_stops_a_server_which_cleans_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cleaned = []

    async def serve() -> None:
        try:
            asyncio.get_running_loop().call_soon(signal.raise_signal, signal.SIGTERM)
            await asyncio.Event().wait()
        finally:
            cleaned.append(True)

    signal.signal(signal.SIGTERM, main._as_interrupt)
    assert servers.run_until_stopped(serve) == 0
    assert cleaned == [True]


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_the_first_signal_asks_the_second_urges_and_a_third_interrupts() -> None:
    seen = []

    async def serve() -> None:
        with servers.end_signals() as signals:
            for number in (signal.SIGTERM, signal.SIGINT):
                seen.append((signals.first.is_set(), signals.second.is_set()))
                signal.raise_signal(number)
                event = signals.second if seen[1:] else signals.first
                await asyncio.wait_for(event.wait(), 30)
            seen.append((signals.first.is_set(), signals.second.is_set()))
            signal.raise_signal(signal.SIGTERM)
            await asyncio.Event().wait()

    signal.signal(signal.SIGTERM, main._as_interrupt)
    assert servers.run_until_stopped(serve) == 0
    assert seen == [(False, False), (True, False), (True, True)]


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize(("before", "ends"), [(signal.SIG_DFL, True), (signal.SIG_IGN, False)])
def test_a_terminal_that_is_gone_ends_it_in_order_unless_nohup_says_otherwise(
    before: signal.Handlers, ends: bool
) -> None:
    async def serve() -> None:
        with servers.end_signals() as signals:
            signal.raise_signal(signal.SIGHUP)
            if ends:
                await asyncio.wait_for(signals.first.wait(), 30)
            signal.raise_signal(signal.SIGTERM)
            await asyncio.wait_for((signals.second if ends else signals.first).wait(), 30)
            assert signals.second.is_set() == ends

    was = signal.signal(signal.SIGHUP, before)
    try:
        assert servers.run_until_stopped(serve) == 0
        assert signal.getsignal(signal.SIGHUP) is before
    finally:
        signal.signal(signal.SIGHUP, was)


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_signals_are_as_before_afterwards() -> None:
    async def serve() -> None:
        with servers.end_signals():
            pass
        asyncio.get_running_loop().call_soon(signal.raise_signal, signal.SIGTERM)
        await asyncio.Event().wait()

    signal.signal(signal.SIGTERM, main._as_interrupt)
    assert servers.run_until_stopped(serve) == 0
    assert signal.getsignal(signal.SIGTERM) is main._as_interrupt


def test_the_end_of_standard_input_is_awaited(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs, ours = os.pipe()

    async def main() -> None:
        waiting = asyncio.ensure_future(servers.end_of_input())
        os.write(ours, b"not yet")
        await asyncio.sleep(0.05)
        assert not waiting.done()
        os.close(ours)
        await asyncio.wait_for(waiting, 30)

    with open(theirs, encoding="utf-8") as reading:
        monkeypatch.setattr(sys, "stdin", reading)
        asyncio.run(main())

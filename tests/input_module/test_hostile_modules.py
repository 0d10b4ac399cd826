"""Hostile modules in a real sandbox: the parent goes on, memory and time are bounded.

Times here are only how long a hostile module may hang, not how fast the machine has to be.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from helpers.hostile_modules import HOSTILE, Hostile, Outcome
from helpers.leaves_nothing import leaves_nothing
from helpers.module_sandbox import PATIENT, Heard, connect, sandbox
from helpers.waiting import eventually
from rejoin.input_events.events import KeyEvent, PointerMove
from rejoin.input_module.limits import Limits
from rejoin.input_module.port import Channel, ModuleProblem
from rejoin.input_module.sandbox import Sandbox

QUICK = Limits(patience_s=0.6, start_s=0.6, tick_s=0.1, ends=2)
"""For modules that hang: they do so on any machine."""

MAX_GROWTH_BYTES = 96 * 1024 * 1024
"""How much the parent's memory may grow; the test keeps all that was sent."""


def memory_bytes() -> int:
    """Resident memory of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


async def attack(box: Sandbox, script: str) -> None:
    """Prepare, connect, press keys for a while and leave again."""
    await box.prepare(script)
    connect(box)
    await box.settle()
    for _ in range(8):
        box.dispatch(KeyEvent("KeyA", "a", pressed=True))
        box.dispatch(PointerMove(1, 1, 5, 5))
        box.dispatch(KeyEvent("KeyA", "a", pressed=False))
        box.channel_message(Channel.MESSAGES, b"\x00")
        await box.settle()
        await asyncio.sleep(0.02)
    box.detach(say_releases=True)
    await box.settle()
    connect(box, instance=2)
    await box.settle()


async def heartbeat(beats: list[float]) -> None:
    while True:
        beats.append(asyncio.get_running_loop().time())
        await asyncio.sleep(0.01)


def is_harmless(heard: Heard) -> None:
    """Whatever the module did, these are the only things that were asked of the parent."""
    for instance, channel, data in heard.sent:
        assert instance in (1, 2)
        assert channel in Channel
        assert len(data) <= 262_144
    for kind, *values in heard.said:
        assert kind in {
            "disconnected",
            "message",
            "performance",
            "cursor",
            "pointer lock",
            "full screen",
        }
        assert len(repr(values)) < 300_000
    assert heard.problems in ([], *[[problem] for problem in ModuleProblem])


@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda hostile: hostile.name.replace(" ", "-"))
@leaves_nothing
async def test_a_hostile_module_harms_nobody(hostile: Hostile) -> None:
    limits = PATIENT if hostile.outcome in (Outcome.PLAYS, Outcome.UNUSABLE) else QUICK
    limits = replace(limits, cpu_over_s=1.0) if hostile.name == "always busy" else limits
    before = memory_bytes()
    beats: list[float] = []
    beating = asyncio.ensure_future(heartbeat(beats))
    try:
        async with sandbox(limits) as (box, heard):
            await attack(box, hostile.script)
            match hostile.outcome:
                case Outcome.PLAYS:
                    assert heard.problems == []
                    assert box.facts.starts == 1
                case Outcome.UNUSABLE:
                    await eventually(lambda: heard.problems != [])
                    assert heard.problems[0] in (
                        ModuleProblem.SCRIPT_THREW,
                        ModuleProblem.NO_MODULE,
                    )
                    assert box.facts.starts == 2
                case Outcome.REPLACED:
                    for _ in range(400):
                        if heard.problems:
                            break
                        box.dispatch(KeyEvent("KeyA", "a", pressed=True))
                        await asyncio.sleep(0.05)
                    assert heard.problems[0] in (ModuleProblem.HUNG, ModuleProblem.TOO_MUCH)
                    assert box.facts.starts == limits.ends
                case Outcome.UNSURE:
                    pass
            is_harmless(heard)
            assert len(box.facts.missing) <= 256
    finally:
        beating.cancel()
    assert memory_bytes() - before < MAX_GROWTH_BYTES
    assert len(beats) > 5, "the event loop of the parent went on"


@pytest.mark.parametrize("where", ["constructor", "attach", "key", "timer", "detach"])
@leaves_nothing
async def test_a_module_is_harmless_without_its_attack(where: str) -> None:
    """The frame of the attacks plays, so that an attack is what ended a module."""
    async with sandbox() as (box, heard):
        await attack(box, Hostile("nothing", where, "", Outcome.PLAYS).script)
        assert heard.problems == []
        assert (box.facts.starts, box.facts.errors, box.facts.missing) == (1, 0, ())
        assert heard.bytes_on(Channel.INPUT) == [b"\x01"] * 8


def test_there_are_many_and_each_has_its_name() -> None:
    assert len({hostile.name for hostile in HOSTILE}) == len(HOSTILE) >= 25

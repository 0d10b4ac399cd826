"""The check of the input module: what it plays, and what it prints."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace

import pytest

from helpers.headless_scene import small
from rejoin.core.model import NoInput
from rejoin.emulator.service.control import EmulatorControl
from rejoin.emulator.service.faults import ScriptFault, ScriptFaultKind
from rejoin.errors import RejoinError
from rejoin.input_events.events import KeyEvent, PadState, PointerButton
from rejoin.input_module.port import ModuleFacts
from rejoin.qa import input_check
from rejoin.qa.input_check import STEPS, InputReport, StepResult
from rejoin.rtc.candidates import NetworkRules
from rejoin.runtime.studio_profile import StudioProfile
from rejoin.studio.serve import studio

FACTS = ModuleFacts(starts=1, events=9, events_with_bytes=8, bytes_sent=200, missing=("WebHID",))


def test_every_key_and_button_that_is_played_is_released() -> None:
    held: set[object] = set()
    for _, events in STEPS:
        for event in events:
            if isinstance(event, KeyEvent):
                (held.add if event.pressed else held.discard)(event.code)
            elif isinstance(event, PointerButton):
                (held.add if event.pressed else held.discard)(event.button)
            elif isinstance(event, PadState):
                (held.add if any(event.buttons) else held.discard)("pad")
        assert not held


def test_a_report_shows_each_kind_and_what_is_missing() -> None:
    steps = (StepResult("letters", 4, 4), StepResult("wheel", 2, 0))
    report = InputReport(None, FACTS, steps, live_to_input_s=0.0123)
    assert report.plays
    text = "\n".join(report.lines())
    assert "Input opened 0.012 s after the first picture." in text
    assert re.search(r"^letters +4 +4$", text, re.MULTILINE)
    assert re.search(r"^wheel +2 +0$", text, re.MULTILINE)
    assert "Asked for and missing: WebHID" in text
    assert not replace(report, steps=steps[1:]).plays


def test_a_report_without_a_module_says_why() -> None:
    report = InputReport(NoInput.NOT_LOADED, ModuleFacts())
    assert not report.plays
    assert report.lines() == ["No input: not loaded."]


@pytest.mark.live
@pytest.mark.usefixtures("nothing_left_behind", "expected_logs")
async def test_our_own_module_plays_and_a_missing_one_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(input_check, "HANDLED_WITHIN_S", 60.0)
    monkeypatch.setattr(input_check, "INPUT_WITHIN_S", 60.0)
    async with studio(small(5.0)) as there:
        profile = StudioProfile(
            there.backend_url, there.player_token, NetworkRules(loopback_only=True)
        )
        report = await input_check.check(profile, 1.0)
        assert report.plays
        assert all(step.events > 0 for step in report.steps)
        for step in report.steps:
            # A repeat changes nothing, so our module sends nothing for it, unless it is just then
            # that it says again which key is held.
            silent = step.events // 3 if step.name == "auto-repeat" else 0
            assert step.events - silent <= step.with_bytes <= step.events, step
        async with EmulatorControl(there.control_url, there.control_token) as control:
            await control.arm_script(ScriptFault(ScriptFaultKind.SCRIPT_404, None))
        report = await input_check.check(profile, 1.0)
        assert (report.missing, report.plays) == (NoInput.NOT_LOADED, False)


@pytest.mark.usefixtures("nothing_left_behind")
async def test_a_game_that_does_not_start_is_an_error() -> None:
    profile = StudioProfile("http://127.0.0.1:9", "token", NetworkRules(loopback_only=True))
    with pytest.raises(RejoinError, match="ended"):
        await asyncio.wait_for(input_check.check(profile, 1.0), 60)

"""The input module on real sockets: fetched, run in its sandbox, silent while lost, replaced."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from helpers.headless_scene import Scene, can_play, play, presses, small, until
from helpers.wire import Wire, at_of
from rejoin.clock import boot_s
from rejoin.core import events
from rejoin.core.model import EndingKind, NoInput, Stage
from rejoin.emulator.service.faults import Fault, FaultKind, ScriptFault, ScriptFaultKind
from rejoin.input_events.events import KeyEvent
from rejoin.input_module.sandbox import Sandbox
from rejoin.input_protocol import controls
from rejoin.media.video.picture import Picture
from rejoin.signaling.dialects import AWS_BUNDLE

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left_behind")]

ARROW_RIGHT = 0x4F
DOWN = KeyEvent("ArrowRight", "ArrowRight", pressed=True)
UP = KeyEvent("ArrowRight", "ArrowRight", pressed=False)


async def plays_on(it: Scene) -> None:
    """Pictures come."""
    before = it.player.statistics()

    async def more() -> bool:
        now = it.player.statistics()
        return now is not None and (
            before is None or now.frames_decoded > before.frames_decoded + 10
        )

    await until(more)


# --- silence --------------------------------------------------------------------------------------


def test_with_a_key_held_nothing_but_checks_and_goodbyes_leaves_the_lost_connection() -> None:
    """The module repeats what is held twenty times a second, also while the connection is lost."""
    tries: list[int] = []
    wires: list[Wire] = []

    async def script(it: Scene) -> None:
        await can_play(it)
        wires.append(Wire(it))
        it.player.send_input(DOWN)
        await presses(it, 1)
        await it.fault(FaultKind.SILENCE)
        await it.until(lambda shown: shown.stage is Stage.LOST)
        before = it.player.input_facts().bytes_sent
        await it.until(lambda shown: shown.stage is Stage.RECONNECTING)
        tries.append(it.player.input_facts().bytes_sent - before)
        await can_play(it, episode=1)

    it = play(small(5.0), script)
    (wire,) = wires
    lost_at = at_of(it, "Mute")
    goodbye_at = at_of(it, "SayGoodbye")
    between = {kind for at, kind in wire.sent if lost_at + 0.001 < at < goodbye_at}
    assert wire.since(0.0) == {"check", "dtls", "rtcp"}, "it is the wire"
    assert between == {"check"}, "the checks alone"
    assert goodbye_at - lost_at > 2.0
    assert tries[0] > 20 * 25, "the module has tried all the time"
    goodbyes = [kind for at, kind in wire.sent if at >= goodbye_at and kind != "check"]
    said = set(goodbyes)
    assert said == {"rtcp", "dtls"}, "BYE, and in DTLS the ABORT and the close"
    assert len(goodbyes) % 3 == 0, "the same datagrams, whenever they are repeated"


def test_when_it_heals_the_host_hears_of_the_key_that_was_released_meanwhile() -> None:
    async def script(it: Scene) -> None:
        await can_play(it)
        it.player.send_input(DOWN)
        await presses(it, 1)
        await it.fault(FaultKind.SILENCE, duration_s=1.5, scope="all")
        await it.until(lambda shown: shown.stage is Stage.LOST)
        it.player.send_input(UP)
        await can_play(it, episode=1)

        async def released() -> bool:
            return (await it.game())["keys_held"] == []

        await until(released)
        await asyncio.sleep(0.5)  # ten repeats, if it still repeats
        assert (await it.game())["keys_held"] == []
        assert (await it.game())["key_presses"] == 1
        it.player.send_input(DOWN)
        await presses(it, 2)
        assert (await it.game())["keys_held"] == [ARROW_RIGHT]

    it = play(small(30.0), script)
    assert it.timelines()[0].outcome == "healed"
    known = [record.data for record in it.records if record.name == "InputModuleKnown"]
    assert known == 2 * [{"connection": 1, "missing": None}]


def test_a_key_that_is_held_over_a_rejoin_counts_when_it_is_pressed_again() -> None:
    async def script(it: Scene) -> None:
        await can_play(it)
        it.player.send_input(DOWN)
        await presses(it, 1)
        await it.fault(FaultKind.SILENCE)
        await can_play(it, episode=1)
        await asyncio.sleep(0.3)
        assert (await it.game())["keys_held"] == []
        it.player.send_input(replace(DOWN, repeat=False))
        await presses(it, 2)

    it = play(small(0.0), script)
    assert it.timelines()[0].outcome == "live"
    assert it.player.input_facts().starts == 1, "one process, with one instance for each connection"


def test_closing_releases_what_is_held() -> None:
    async def script(it: Scene) -> None:
        await can_play(it)
        it.player.send_input(DOWN)
        await presses(it, 1)
        it.player.post(events.CloseForNowRequested())

        async def released() -> bool:
            return (await it.game())["keys_held"] == []

        await until(released)

    play(small(30.0), script)


def sandboxes() -> list[int]:
    """The processes that run the module, of this process."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                command = (entry / "cmdline").read_bytes()
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, IndexError, ValueError):
                continue  # it has ended meanwhile
            if parent == os.getpid() and b"input_module" in command:
                found.append(int(entry.name))
    return found


async def replaced(before: int) -> bool:
    return bool(sandboxes()) and before not in sandboxes()


@pytest.mark.skipif(sys.platform != "linux", reason="finds the process in /proc")
def test_a_sandbox_that_is_killed_in_mid_game_is_replaced_and_plays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its numbers begin anew: the host takes them after half a second without a message."""
    monkeypatch.setattr(controls, "RELEASE_AFTER_S", 0.5)

    async def script(it: Scene) -> None:
        await can_play(it)

        async def press(times: int) -> int:
            for _ in range(times):
                it.player.send_input(DOWN)
                it.player.send_input(UP)
                await asyncio.sleep(0.02)
            presses = (await it.game())["key_presses"]
            assert isinstance(presses, int)
            return presses

        counted = await press(100)  # so that its numbers are far from those of a new one
        (before,) = sandboxes()
        os.kill(before, signal.SIGKILL)
        await until(lambda: replaced(before))

        async def counts_on() -> bool:
            await asyncio.sleep(1.0)
            return await press(20) > counted

        await until(counts_on)
        assert it.player.snapshot.view_only is None

    play(small(30.0), script)


# --- the script -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        (ScriptFaultKind.SCRIPT_404, NoInput.NOT_LOADED),
        (ScriptFaultKind.SCRIPT_HUGE, NoInput.NOT_LOADED),
        (ScriptFaultKind.SCRIPT_THROWS, NoInput.FAILED),
        (ScriptFaultKind.SCRIPT_HANG, NoInput.FAILED),
    ],
)
def test_a_module_that_fails_is_view_only_and_the_stream_plays(
    kind: ScriptFaultKind, why: NoInput, caplog: pytest.LogCaptureFixture
) -> None:
    """It is fetched again for the next connection."""

    async def script(it: Scene) -> None:
        await it.live()
        await it.until(lambda shown: shown.view_only is why)
        it.player.send_input(DOWN)
        await plays_on(it)
        assert it.player.snapshot.episode == 0
        await it.control.arm_script(ScriptFault(ScriptFaultKind.NONE))
        await it.fault(FaultKind.SILENCE)
        await it.live(episode=1)
        if why is NoInput.NOT_LOADED:
            await it.until(lambda shown: shown.input_open)

    play(small(0.0), script, script_fault=ScriptFault(kind, None))
    assert "Traceback" not in caplog.text


def test_a_slow_script_delays_input_and_not_the_picture() -> None:
    async def script(it: Scene) -> None:
        await it.live()
        assert not it.player.snapshot.input_open
        assert it.player.snapshot.view_only is None, "it may still be played"
        await plays_on(it)
        await can_play(it)
        it.player.send_input(DOWN)
        await presses(it, 1)

    play(small(30.0), script, script_fault=ScriptFault(ScriptFaultKind.SCRIPT_SLOW))


def test_a_rejoin_with_a_newly_signed_url_uses_the_script_at_once() -> None:
    """The new one is fetched beside it: here it never arrives."""

    async def script(it: Scene) -> None:
        await can_play(it)
        await it.control.arm_script(ScriptFault(ScriptFaultKind.SCRIPT_UNANSWERED, None))
        await it.fault(FaultKind.SILENCE)
        await can_play(it, episode=1)
        it.player.send_input(DOWN)
        await presses(it, 1)
        assert it.player.input_facts().starts == 1

    play(replace(small(0.0), protocol_url_varies=True), script)


def test_without_an_input_module_the_game_is_watched() -> None:
    async def script(it: Scene) -> None:
        await it.live()
        await it.until(lambda shown: shown.view_only is NoInput.OFF)
        await plays_on(it)
        assert it.player.input_facts().starts == 0

    play(small(30.0), script, input_module=False)


# --- what the host says ---------------------------------------------------------------------------


def test_application_messages_go_both_ways_and_only_their_size_is_recorded() -> None:
    heard: list[bytes] = []

    async def script(it: Scene) -> None:
        await can_play(it)
        send_at = boot_s()

        async def echoed() -> bool:
            nonlocal send_at
            if boot_s() >= send_at:  # again: it is lost where the module is replaced meanwhile
                it.player.send_application_message(b"SECRET to the game")
                send_at = boot_s() + 5.0
            return bool(heard)

        await until(echoed)

    it = play(small(30.0), script, on_application_message=heard.append)
    assert set(heard) == {b"SECRET to the game"}
    traced = [record for record in it.records if record.name in ("MessageSent", "MessageReceived")]
    assert {each.name for each in traced} == {"MessageSent", "MessageReceived"}
    assert {each.data["size"] for each in traced} == {18}
    assert "SECRET" not in str(it.records)


def test_a_disconnect_ends_the_game_where_no_status_can_tell() -> None:
    """The module reads the message; `terminated` is its word."""

    async def script(it: Scene) -> None:
        await can_play(it)
        await it.control.end_session("applicationExit")
        await it.until(lambda shown: shown.stage is Stage.ENDED)

    it = play(small(30.0), script, AWS_BUNDLE)
    ending = it.ended()
    assert (ending.kind, ending.reason) == (EndingKind.GAME_ENDED, "terminated")
    seen = [record for record in it.records if record.name == "HardEvidenceSeen"]
    assert [each.data["evidence"] for each in seen][:1] == ["server_disconnected"]


def test_a_graceful_close_is_still_evidence_without_a_module() -> None:
    async def script(it: Scene) -> None:
        await it.live()
        await it.control.inject(Fault(FaultKind.GRACEFUL_CLOSE))
        await it.live(episode=1)

    play(small(0.0), script, input_module=False)


# --- pictures -------------------------------------------------------------------------------------

WAITS_FOR_PICTURES = """
    const waiting = () => document.querySelector("video").requestVideoFrameCallback(waiting);
    addEventListener("keydown", waiting, { once: true });
"""


def test_a_module_that_waits_for_pictures_hears_of_each_one() -> None:
    """And of its media time. Without a window a picture counts as shown when it was decoded."""
    heard: list[float] = []
    shown: list[float] = []

    class Waiting(Sandbox):
        async def prepare(self, script: str) -> None:
            await super().prepare(script + WAITS_FOR_PICTURES)

        def video_frame(self, media_time_s: float) -> None:
            heard.append(media_time_s)
            super().video_frame(media_time_s)

    async def script(it: Scene) -> None:
        await can_play(it)
        report = it.player.slot.on_shown

        def on_shown(picture: Picture) -> None:
            shown.append(picture.rtp_timestamp / 90_000)
            if report is not None:
                report(picture)

        it.player.slot.on_shown = on_shown
        assert heard == []
        it.player.send_input(DOWN)
        it.player.send_input(UP)
        await it.until(lambda _: len(heard) > 30)

    play(small(5.0), script, make_sandbox=Waiting)
    first = shown.index(heard[0])
    assert heard[:30] == shown[first : first + 30]

"""The device follows what the microphone is, and nothing is sent when it must not be."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from rejoin.core.model import Snapshot, Stage
from rejoin.media.audio.microphone import DeviceState, VoiceFrame
from rejoin.runtime.microphone import PlayerMicrophone, no_microphone
from rejoin.runtime.microphone_states import (
    Live,
    MicrophoneChoices,
    MicrophoneMode,
    MicrophoneState,
    Muted,
    NotAllowed,
    NotTaken,
    Off,
    Shut,
    Waiting,
    Why,
)

LIVE, LOST = Snapshot(Stage.LIVE), Snapshot(Stage.LOST)
OPEN = MicrophoneChoices(MicrophoneMode.OPEN)
TALK = MicrophoneChoices(MicrophoneMode.PUSH_TO_TALK)
FRAME = VoiceFrame(b"opus", False, 1, 0, 1.0)


class FakeDevice:
    """Opens and closes at once."""

    level_dbfs = -20.0

    def __init__(self, *, device: str | None, on_frame: Any, on_change: Any) -> None:
        self.name, self.on_frame, self.on_change = device, on_frame, on_change
        self.state = DeviceState.CLOSED
        self.sends = self.wanted = self.stopped = False
        FakeDevice.last = self

    last: FakeDevice

    def open(self) -> None:
        self.wanted = True

    def close(self) -> None:
        self.wanted = False

    def stop(self) -> None:
        self.stopped = True

    def becomes(self, state: DeviceState) -> None:
        self.state = state
        self.on_change()


class Sender:
    def __init__(self) -> None:
        self.sent: list[VoiceFrame] = []

    def send(self, frame: VoiceFrame) -> None:
        self.sent.append(frame)


def microphone(choices: MicrophoneChoices = OPEN, **more: Any) -> PlayerMicrophone:
    return PlayerMicrophone(
        choices,
        **{"allowed": True, **more},
        make=FakeDevice,  # type: ignore[arg-type]
    )


def state(it: PlayerMicrophone) -> MicrophoneState:
    """Of now: another one after each call."""
    return it.state


def wanted(device: FakeDevice) -> bool:
    return device.wanted


def sends(device: FakeDevice) -> bool:
    return device.sends


async def test_it_opens_with_the_game_and_sends_by_the_connection_that_is_shown() -> None:
    it, sender, other = microphone(replace(OPEN, device="Headset")), Sender(), Sender()
    fake = FakeDevice.last
    assert (fake.name, it.offered, state(it), fake.wanted) == (
        "Headset",
        True,
        Shut(Why.NO_GAME),
        False,
    )
    it.send_by(sender)
    it.snapshot_changed(LIVE)
    assert wanted(fake)
    assert not sends(fake)
    fake.becomes(DeviceState.OPEN)
    assert state(it) == Live()
    assert sends(fake)
    fake.on_frame(FRAME)
    await asyncio.sleep(0)
    assert sender.sent == [FRAME]
    it.not_by(other)  # another connection goes: nothing changes
    it.send_by(other)
    it.not_by(sender)
    fake.on_frame(FRAME)
    await asyncio.sleep(0)
    assert (len(sender.sent), len(other.sent)) == (1, 1)
    it.close()
    assert fake.stopped


async def test_a_frame_that_was_on_its_way_at_lost_is_not_sent() -> None:
    it, sender = microphone(), Sender()
    it.send_by(sender)
    it.snapshot_changed(LIVE)
    FakeDevice.last.becomes(DeviceState.OPEN)
    FakeDevice.last.on_frame(FRAME)
    it.snapshot_changed(LOST)
    assert state(it) == Shut(Why.LOST)
    assert not wanted(FakeDevice.last)
    assert not sends(FakeDevice.last)
    await asyncio.sleep(0)
    assert sender.sent == []
    it.snapshot_changed(LIVE)
    assert state(it) == Live(), "as before"


async def test_an_answer_that_takes_nothing_closes_it_until_the_next_connection() -> None:
    it = microphone()
    it.snapshot_changed(LIVE)
    it.refused()
    assert state(it) == NotTaken()
    assert not wanted(FakeDevice.last)
    assert it.problem == "No microphone: this game takes no sound from you."
    it.send_by(Sender())
    assert wanted(FakeDevice.last)


async def test_a_button_mutes_and_with_push_to_talk_it_talks() -> None:
    it = microphone()
    it.snapshot_changed(LIVE)
    FakeDevice.last.becomes(DeviceState.OPEN)
    it.press(True)
    it.press(False)
    assert (state(it), it.muted) == (Muted(), True)
    it.press(True)
    assert state(it) == Live()
    talks = microphone(TALK)
    talks.snapshot_changed(LIVE)
    FakeDevice.last.becomes(DeviceState.OPEN)
    assert state(talks) == Waiting()
    talks.press(True)
    assert state(talks) == Live()
    talks.in_background(True)
    assert state(talks) == Shut(Why.BACKGROUND)
    talks.in_background(False)
    assert state(talks) == Waiting(), "what was held in the background is not held any more"


async def test_what_the_player_changes_counts_at_once() -> None:
    it = microphone()
    it.snapshot_changed(LIVE)
    FakeDevice.last.becomes(DeviceState.OPEN)
    it.in_menu(True)
    assert state(it) == Shut(Why.MENU)
    it.use(in_background=False, in_menu=True)
    assert state(it) == Live()


async def test_without_both_consents_there_is_none() -> None:
    assert state(microphone(allowed=False)) == NotAllowed()
    assert not microphone(allowed=False).offered
    off = microphone(MicrophoneChoices())
    off.snapshot_changed(LIVE)
    assert state(off) == Off()
    assert not off.offered
    assert not wanted(FakeDevice.last)
    assert state(no_microphone()) == NotAllowed()


def test_a_loop_that_is_closed_hears_no_frame() -> None:
    it = microphone()

    async def begin() -> None:
        it.snapshot_changed(LIVE)

    asyncio.run(begin())
    FakeDevice.last.on_frame(FRAME)

"""What the player says reaches the emulated game, and nothing of it leaves when it must not.

The device is a stand-in that gives a tone; `test_sound_server` has one of a real sound server.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy
import pytest
from aioice.ice import StunProtocol

from helpers.fake_microphone import FakeMicrophone, FakeMicrophoneError, silence, tone
from helpers.headless_scene import Scene, scene, small
from rejoin.clock import boot_s
from rejoin.core.model import Stage
from rejoin.emulator.host.connection import HostConnection
from rejoin.emulator.service.faults import FaultKind
from rejoin.emulator.service.settings import EmulatorSettings
from rejoin.media.audio.microphone import DeviceState
from rejoin.media.receive.rtp import RtpPacket
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
    Unusable,
    Waiting,
    Why,
)

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left_behind")]

PATIENCE_S = 60.0
TONE_HZ = 1000
RATE_HZ = 48_000
OPEN = MicrophoneChoices(MicrophoneMode.OPEN)
TALK = MicrophoneChoices(MicrophoneMode.PUSH_TO_TALK)


class Heard:
    """What the hosts of a test heard, connection by connection."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.hosts: list[HostConnection] = []
        self.sound: list[bytearray] = []
        self.packets: list[list[tuple[float, RtpPacket]]] = []
        made = HostConnection.__init__

        def init(host: HostConnection, *arguments: Any) -> None:
            made(host, *arguments)
            number = len(self.hosts)
            self.hosts.append(host)
            self.sound.append(bytearray())
            self.packets.append([])

            def on_sound(sound: bytes, packet: RtpPacket) -> None:
                self.sound[number] += sound
                self.packets[number].append((boot_s(), packet))

            host.voice.on_sound = on_sound

        monkeypatch.setattr(HostConnection, "__init__", init)

    @property
    def count(self) -> int:
        return sum(map(len, self.packets))


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> Heard:
    return Heard(monkeypatch)


def play(
    script: Callable[[Scene], Any],
    microphone: FakeMicrophone,
    choices: MicrophoneChoices = OPEN,
    *,
    settings: EmulatorSettings | None = None,
    allows: bool = True,
) -> None:
    async def main() -> None:
        async with scene(
            settings or small(0.0),
            allows_microphone=allows,
            microphone=choices,
            make_microphone=microphone.make,
        ) as it:
            await script(it)

    asyncio.run(main())


async def until(true: Callable[[], object], what: object = "") -> None:
    began_at = boot_s()
    while not true():
        assert boot_s() - began_at < PATIENCE_S, f"timed out {what}"
        await asyncio.sleep(0.01)


async def becomes(it: Scene, state: MicrophoneState) -> None:
    await until(lambda: it.player.microphone.state == state, (state, it.player.microphone.state))


def seconds(sound: bytes) -> float:
    return len(sound) / 4 / RATE_HZ


def is_the_tone(sound: bytes) -> bool:
    """Whether the last half second is the tone without a gap."""
    samples = numpy.frombuffer(sound, dtype=numpy.int16)[::2][-RATE_HZ // 2 :].astype(float)
    if len(samples) < RATE_HZ // 2:
        return False
    spectrum = numpy.abs(numpy.fft.rfft(samples * numpy.hanning(len(samples))))
    loudness = numpy.abs(samples).reshape(-1, RATE_HZ // 100).max(axis=1)
    return bool(
        abs(int(spectrum.argmax()) * 2 - TONE_HZ) <= 4 and loudness.min() > 0.6 * loudness.max()
    )


def in_order(packets: list[tuple[float, RtpPacket]]) -> None:
    """Sequence numbers without a hole, RTP time in whole frames and never backwards."""
    for (_, before), (_, after) in itertools.pairwise(packets):
        assert (after.sequence_number - before.sequence_number) & 0xFFFF == 1
        passed = (after.timestamp - before.timestamp) & 0xFFFFFFFF
        assert 0 < passed < 2**31
        assert passed % 960 == 0
        assert after.ssrc == before.ssrc


def test_a_tone_arrives_whole_and_the_host_shows_its_level(heard: Heard) -> None:
    async def script(it: Scene) -> None:
        await it.live()
        await becomes(it, Live())
        await until(lambda: heard.sound and is_the_tone(bytes(heard.sound[0])))
        game = await it.game()
        media: Any = game["media"]
        assert media["microphone"]["packets"] > 0
        assert -16 < media["microphone"]["level_dbfs"] < -8  # a peak of 8000 is -12.3
        assert it.player.problem() in (None, "")
        in_order(heard.packets[0])
        assert heard.packets[0][0][1].marker == 1, "a talk spurt begins"

    play(script, FakeMicrophone(tone(TONE_HZ)))


def test_silence_is_not_sent_and_time_goes_on_meanwhile(heard: Heard) -> None:
    microphone = FakeMicrophone(tone(TONE_HZ))

    async def script(it: Scene) -> None:
        await it.live()
        await until(lambda: heard.count >= 20)
        microphone.sound = silence
        await until(lambda: it.player.microphone.level_dbfs < -80)
        await until(lambda: boot_s() - heard.packets[0][-1][0] > 0.3)
        microphone.sound = tone(TONE_HZ)
        before = len(heard.packets[0])
        await until(lambda: sum(p.marker for _, p in heard.packets[0][before:]) == 1)
        await until(lambda: len(heard.packets[0]) > before + 30)
        packets = heard.packets[0]
        in_order(packets)
        gaps = [
            (after.timestamp - first.timestamp) & 0xFFFFFFFF
            for (_, first), (_, after) in itertools.pairwise(packets)
        ]
        assert max(gaps) >= 0.3 * RATE_HZ
        # RTP time is as long as the time that has passed, as far as the machine is punctual.
        rtp_s = ((packets[-1][1].timestamp - packets[0][1].timestamp) & 0xFFFFFFFF) / RATE_HZ
        assert rtp_s == pytest.approx(packets[-1][0] - packets[0][0], abs=2.0)

    play(script, microphone)


def test_it_is_closed_at_lost_and_as_before_after_the_rejoin(heard: Heard) -> None:
    """Nothing of the player's voice is on the wire from the moment at which the drop is shown."""
    microphone = FakeMicrophone(tone(TONE_HZ))

    async def script(it: Scene) -> None:
        await it.live()
        await becomes(it, Live())
        await until(lambda: heard.count >= 20)
        wire = Wire(heard.packets[0][0][1].ssrc)
        await until(lambda: wire.sent >= 5)
        await it.fault(FaultKind.SILENCE)
        await it.until(lambda shown: shown.stage is not Stage.LIVE)
        assert it.player.microphone.state == Shut(Why.LOST)
        at_lost = wire.sent
        await until(lambda: microphone.open_now == 0 or it.player.snapshot.stage is Stage.LIVE)
        await it.live(episode=1)
        assert wire.sent == at_lost, "RTP has left the old connection after LOST"
        await becomes(it, Live())
        await until(lambda: len(heard.packets) > 1 and len(heard.packets[-1]) >= 20)
        in_order(heard.packets[-1])
        assert microphone.opened >= 2

    play(script, microphone)


class Wire:
    """Counts the packets of one RTP source that sockets of this process send from now on."""

    def __init__(self, ssrc: int) -> None:
        self.sent = 0
        self._ssrc = ssrc.to_bytes(4)
        for each in gc.get_objects():
            if isinstance(each, StunProtocol) and getattr(each, "transport", None) is not None:
                self._watch(each.transport)

    def _watch(self, transport: Any) -> None:
        send = transport.sendto

        def sendto(data: bytes, *more: Any) -> None:
            is_rtcp = 192 <= data[1] <= 223
            if 128 <= data[0] < 192 and not is_rtcp and data[8:12] == self._ssrc:
                self.sent += 1
            send(data, *more)

        transport.sendto = sendto


def test_a_muted_one_stays_muted_over_a_drop(heard: Heard) -> None:
    microphone = FakeMicrophone(tone(TONE_HZ))

    async def script(it: Scene) -> None:
        await it.live()
        await becomes(it, Live())
        it.player.microphone.set_muted(True)
        await becomes(it, Muted())
        await until(lambda: microphone.open_now == 0)
        await it.fault(FaultKind.SILENCE)
        await it.until(lambda shown: shown.stage is not Stage.LIVE)
        await it.live(episode=1)
        await becomes(it, Muted())
        await asyncio.sleep(0.5)
        assert microphone.open_now == 0
        assert len(heard.packets) == 1 or heard.packets[-1] == []

    play(script, microphone)


def test_push_to_talk_sends_while_the_key_is_held(heard: Heard) -> None:
    microphone = FakeMicrophone(tone(TONE_HZ))

    async def script(it: Scene) -> None:
        await it.live()
        await becomes(it, Waiting())
        await asyncio.sleep(0.3)
        assert heard.count == 0
        assert microphone.open_now == 1, "the first syllable would be lost"
        it.player.microphone.hold(True)
        await becomes(it, Live())
        await until(lambda: heard.count >= 20)
        it.player.microphone.hold(False)
        await becomes(it, Waiting())
        it.player.microphone.press(True)
        await becomes(it, Live())
        it.player.microphone.press(False)
        await becomes(it, Waiting())
        in_order(heard.packets[0])

    play(script, microphone, TALK)


def test_menu_and_background_close_it_unless_the_player_wishes_otherwise(heard: Heard) -> None:
    microphone = FakeMicrophone(tone(TONE_HZ))

    async def script(it: Scene) -> None:
        here = it.player.microphone
        await it.live()
        await becomes(it, Live())
        here.in_menu(True)
        assert here.state == Shut(Why.MENU)
        await until(lambda: microphone.open_now == 0)
        here.use(in_background=False, in_menu=True)
        await becomes(it, Live())
        here.in_background(True)
        assert here.state == Shut(Why.BACKGROUND)
        here.use(in_background=True, in_menu=True)
        await becomes(it, Live())

    play(script, microphone)


@pytest.mark.parametrize("takes", [True, False])
def test_a_studio_that_takes_no_sound_is_one_sentence(heard: Heard, takes: bool) -> None:
    async def script(it: Scene) -> None:
        await it.live()
        if takes:
            await becomes(it, Live())
            return
        await becomes(it, NotTaken())
        assert it.player.problem() == "No microphone: this game takes no sound from you."
        await asyncio.sleep(0.3)
        assert heard.count == 0

    settings = replace(small(0.0), takes_microphone=takes)
    play(script, FakeMicrophone(), settings=settings)


@pytest.mark.parametrize(
    ("allows", "choices", "state"),
    [(False, OPEN, NotAllowed()), (True, MicrophoneChoices(), Off())],
)
def test_without_both_consents_nothing_is_offered_and_nothing_opened(
    heard: Heard, allows: bool, choices: MicrophoneChoices, state: MicrophoneState
) -> None:
    microphone = FakeMicrophone()

    async def script(it: Scene) -> None:
        await it.live()
        assert it.player.microphone.state == state
        game: Any = await it.game()
        assert game["media"]["microphone"] is None
        assert microphone.opened == 0

    play(script, microphone, choices, allows=allows)


@pytest.mark.parametrize(
    ("error", "device"),
    [
        (FakeMicrophoneError("Error opening", -9985), DeviceState.REFUSED),
        (FakeMicrophoneError("Error querying device -1"), DeviceState.MISSING),
    ],
)
def test_a_device_that_cannot_be_opened_is_one_sentence_and_play_goes_on(
    heard: Heard, error: Exception, device: DeviceState
) -> None:
    microphone = FakeMicrophone()
    microphone.fails = error

    async def script(it: Scene) -> None:
        await it.live()
        await becomes(it, Unusable(device))
        problem = it.player.problem() or ""
        assert problem.startswith("No microphone: ")
        assert it.player.snapshot.stage is Stage.LIVE
        microphone.fails = None  # plugged in, or allowed
        await becomes(it, Live())
        await until(lambda: heard.count > 5)

    play(script, microphone)

from __future__ import annotations

import sys
import threading
import types
from typing import Any

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rejoin.media.audio.output import (
    BYTES_PER_SECOND,
    LOOK_EVERY_S,
    MOST_HELD_S,
    PREFILL_S,
    RING_S,
    DefaultOutput,
    NullOutput,
    SoundRing,
    open_output,
    scaled,
)


class NoPortAudio:
    """As sounddevice, where the system has no PortAudio."""

    def find_spec(self, name: str, *_: object) -> None:
        if name == "sounddevice":
            raise OSError("PortAudio library not found")


@pytest.mark.parametrize(
    ("package_exists", "sentence"),
    [
        (False, "No sound: the Python package sounddevice is not installed."),
        (True, "No sound: install PortAudio (on Debian or Ubuntu: libportaudio2)."),
    ],
)
def test_without_portaudio_one_sentence_says_that_there_is_no_sound(
    monkeypatch: pytest.MonkeyPatch, package_exists: bool, sentence: str
) -> None:
    if package_exists:
        monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
        monkeypatch.setattr(sys, "meta_path", [NoPortAudio(), *sys.meta_path])
    else:
        monkeypatch.setitem(sys.modules, "sounddevice", None)
    output = open_output()
    assert isinstance(output, NullOutput)
    assert output.problem == sentence
    output.play(bytes(960))
    output.close()


class FakePortAudioError(Exception):
    pass


def fake_sounddevice(stream: Any) -> Any:
    module: Any = types.ModuleType("sounddevice")
    module.PortAudioError = FakePortAudioError
    module.RawOutputStream = stream
    module.set_up = 0

    def initialize() -> None:
        module.set_up += 1

    module._terminate = lambda: None
    module._initialize = initialize
    return module


def test_without_a_device_one_sentence_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_device(**_: Any) -> None:
        raise FakePortAudioError("Error querying device -1")

    monkeypatch.setitem(sys.modules, "sounddevice", fake_sounddevice(no_device))
    output = open_output()
    assert output.problem == "No sound: no audio output device was found."
    output.play(bytes(960))
    heard_in_s = output.play(bytes(960))
    assert heard_in_s is None, "nobody hears it"
    output.steer(0.1)
    assert output.buffered_s == 0.0
    output.close()


class FakeStream:
    last: FakeStream

    def __init__(self, *, callback: Any, **_: Any) -> None:
        self.callback = callback
        self.running = False
        FakeStream.last = self

    latency = 0.010
    told_latency_s = 0.030

    def start(self) -> None:
        self.running = True

    @property
    def active(self) -> bool:
        return self.running

    def close(self) -> None:
        self.running = False

    def pull(self, size: int) -> bytes:
        out = bytearray(size)
        time = types.SimpleNamespace(currentTime=5.0, outputBufferDacTime=5.0 + self.told_latency_s)
        self.callback(memoryview(out), size // 4, time, None)
        return bytes(out)


def test_a_device_plays_what_comes_quieter_or_not_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", fake_sounddevice(FakeStream))
    output = open_output()
    assert output.problem is None
    sound = numpy.full(16_000, 1000, dtype=numpy.int16).tobytes()
    output.play(sound)
    assert FakeStream.last.pull(400) == sound[:400]
    output.set_volume(0.5)
    FakeStream.last.pull(400)
    assert FakeStream.last.pull(4) == numpy.full(2, 500, dtype=numpy.int16).tobytes()
    output.set_muted(True)
    FakeStream.last.pull(400)
    assert FakeStream.last.pull(400) == bytes(400)
    output.close()
    assert not FakeStream.last.running


def test_the_ring_keeps_the_newest_sound_and_gathers_some_before_it_flows() -> None:
    ring = SoundRing(capacity=16, prefill=8)
    ring.put(b"\1" * 4)
    assert ring.take(4) == bytes(4)
    ring.put(b"\2" * 16)
    assert ring.overflowed == 4
    assert ring.take(4) == b"\2" * 4
    assert ring.take(16) == b"\2" * 12 + bytes(4)
    assert ring.underflowed == 1
    ring.put(b"\3" * 4)
    assert ring.take(4) == bytes(4)


def test_volume_is_between_silence_and_as_it_came_and_changes_without_a_click() -> None:
    sound = numpy.array([1000, -1000] * 480, dtype=numpy.int16).tobytes()
    assert scaled(sound, 1.0, 1.0) == sound
    assert scaled(sound, 0.0, 0.0) == bytes(len(sound))
    quarter = numpy.frombuffer(scaled(sound, 0.25, 0.25), dtype=numpy.int16)
    assert set(quarter.tolist()) == {250, -250}
    muting = numpy.frombuffer(scaled(sound, 1.0, 0.0), dtype=numpy.int16).reshape(-1, 2)
    assert muting[0].tolist() == [1000, -1000]
    assert muting[-1].tolist() == [0, 0]
    assert abs(numpy.diff(muting[:, 0].astype(int))).max() <= 3


HUNDREDTH = BYTES_PER_SECOND // 100
"""10 ms of sound."""


def test_a_ring_that_runs_dry_gathers_a_packet_more_and_later_tries_with_less() -> None:
    ring = SoundRing()
    two, three = ring.target, ring.target + 2 * HUNDREDTH
    ring.put(bytes(two))
    for _ in range(4):
        ring.take(HUNDREDTH)
    assert ring.target == two
    ring.take(HUNDREDTH)
    assert (ring.underflowed, ring.target) == (1, three)
    for _ in range(5):
        ring.put(bytes(three))
        while ring.waiting:
            ring.take(HUNDREDTH)
        ring.take(HUNDREDTH)
    assert ring.target == three, "three packets are the most"
    ring.put(bytes(three))
    for _ in range(1002):
        ring.put(bytes(HUNDREDTH))
        ring.take(HUNDREDTH)
    assert ring.target == two


def test_sound_that_is_later_than_it_has_to_be_is_left_out_without_a_click() -> None:
    """A host whose clock is a little faster than the sound card's."""
    ring = SoundRing()
    level = numpy.full(HUNDREDTH * 12 // 2, 8000, dtype=numpy.int16).tobytes()
    ring.put(level[: ring.target])
    heard = ring.take(HUNDREDTH)
    ring.put(level[: 9 * HUNDREDTH])
    for _ in range(500):
        heard += ring.take(HUNDREDTH)
        ring.put(level[:HUNDREDTH])
    assert ring.trimmed == 12 * HUNDREDTH - HUNDREDTH - ring.target
    assert ring.waiting == pytest.approx(ring.target, abs=2 * HUNDREDTH)
    assert ring.overflowed == ring.underflowed == 0
    steps = numpy.diff(numpy.frombuffer(heard, dtype=numpy.int16).astype(int))
    assert abs(steps).max() <= 1


def test_a_sound_card_that_comes_late_begins_with_the_newest() -> None:
    ring = SoundRing()
    for n in range(50):
        ring.put(bytes([n]) * 2 * HUNDREDTH)
    assert ring.take(4) == bytes([48]) * 4, "two packets of 20 ms wait, and no more"


def playing_ring(seconds: float = 0.04) -> SoundRing:
    """A ring that flows, with a packet more in it than it needs after each `take`."""
    ring = SoundRing()
    ring.put(bytes(round(seconds * 100) * HUNDREDTH))
    ring.take(HUNDREDTH)
    return ring


def test_what_is_put_tells_when_it_is_heard() -> None:
    ring = SoundRing()
    assert ring.put(bytes(2 * HUNDREDTH)) is None, "nobody knows while it gathers"
    ring.put(bytes(2 * HUNDREDTH))
    ring.take(HUNDREDTH)
    assert ring.put(bytes(2 * HUNDREDTH)) == 3 * HUNDREDTH
    ring.steer(5 * HUNDREDTH)
    assert ring.put(bytes(2 * HUNDREDTH)) == 10 * HUNDREDTH, "silence that is to come counts"
    ring.take(HUNDREDTH)
    assert ring.put(bytes(2 * HUNDREDTH)) == 11 * HUNDREDTH


def tone(frames: int, height: int = 8000) -> Any:
    """Stereo, 100 Hz: no sample is far from the next."""
    wave = numpy.sin(numpy.arange(frames) * 2 * numpy.pi * 100 / 48_000) * height
    return wave.astype(numpy.int16).repeat(2)


def largest_step(heard: bytes) -> int:
    left = numpy.frombuffer(heard, dtype=numpy.int16)[::2].astype(int)
    return int(abs(numpy.diff(left)).max())


def test_sound_that_is_held_back_has_one_gap_without_a_click_and_loses_nothing() -> None:
    ring = SoundRing()
    sound = tone(48_000).tobytes()
    packets = [sound[at : at + 2 * HUNDREDTH] for at in range(0, len(sound), 2 * HUNDREDTH)]
    heard = b""
    for n, packet in enumerate(packets):
        ring.put(packet)
        if n == 20:
            ring.steer(8 * HUNDREDTH)
        heard += ring.take(HUNDREDTH) + ring.take(HUNDREDTH)
    begin = HUNDREDTH * 2
    assert heard[:begin] == bytes(begin), "it gathers"
    assert ring.inserted == 8 * HUNDREDTH
    assert len(heard) == len(sound)
    assert ring.underflowed == ring.overflowed == ring.trimmed == 0
    own = largest_step(sound)
    assert largest_step(heard) <= own + 8000 // 240 + 1
    silent = (numpy.frombuffer(heard[begin:], dtype=numpy.int16) == 0).reshape(-1, 2).all(axis=1)
    assert silent.sum() >= 8 * HUNDREDTH // 4
    assert heard[-HUNDREDTH:] == sound[-11 * HUNDREDTH : -10 * HUNDREDTH]


def test_the_gap_is_where_it_is_quiet() -> None:
    ring = SoundRing()
    sound = tone(4800)
    sound[4 * 480 * 2 : 6 * 480 * 2] //= 100
    ring.put(sound[: 2 * ring.target // 4].tobytes())
    ring.take(4)
    ring.put(sound[2 * ring.target // 4 :].tobytes())
    ring.steer(6 * HUNDREDTH)
    heard = numpy.frombuffer(ring.take(16 * HUNDREDTH - 4), dtype=numpy.int16)
    before = sound[2 : 4 * 480 * 2]
    assert heard[: len(before)].tolist() == before.tolist()
    after = sound[6 * 480 * 2 :]
    assert heard[len(heard) - len(after) :].tolist() == after.tolist()


def test_no_more_is_held_than_a_player_can_bear() -> None:
    ring = playing_ring()
    for _ in range(5):
        ring.steer(10 * HUNDREDTH)
        ring.take(4)
    assert ring.held == ring.inserted == MOST_HELD_S * BYTES_PER_SECOND
    assert ring.underflowed == 0


def run(ring: SoundRing, seconds: float) -> None:
    for _ in range(round(seconds * 50)):
        ring.put(bytes(2 * HUNDREDTH))
        ring.take(HUNDREDTH)
        ring.take(HUNDREDTH)


def test_what_was_held_can_be_left_out_again_to_the_byte() -> None:
    ring = playing_ring()
    run(ring, 3.0)
    before = ring.waiting
    ring.steer(10 * HUNDREDTH)
    run(ring, 3.0)
    assert ring.waiting == before + 10 * HUNDREDTH
    assert ring.trimmed == 0, "what is held is not taken for lateness"
    ring.steer(-4 * HUNDREDTH)
    run(ring, 4.0)
    assert ring.waiting == before + 6 * HUNDREDTH
    ring.steer(-20 * HUNDREDTH)
    run(ring, 4.0)
    assert ring.waiting == 2 * HUNDREDTH, "a packet is left after each take: no less"
    assert (ring.held, ring.underflowed) == (0, 0)
    assert ring.target == PREFILL_S * BYTES_PER_SECOND


def test_late_sound_is_left_out_down_to_two_packets_and_no_further() -> None:
    """What waits by chance and not by need goes before it is late enough to go by itself."""
    ring = playing_ring(0.06)
    run(ring, 5.0)
    assert ring.trimmed == 0
    ring.steer(-10 * HUNDREDTH)
    run(ring, 5.0)
    assert ring.trimmed == 3 * HUNDREDTH
    assert ring.waiting + 2 * HUNDREDTH - HUNDREDTH <= PREFILL_S * BYTES_PER_SECOND
    for _ in range(3):
        ring.steer(-10 * HUNDREDTH)
        run(ring, 5.0)
    assert ring.underflowed == 0


def test_a_change_of_mind_before_the_gap_was_made_undoes_it() -> None:
    ring = playing_ring()
    ring.steer(6 * HUNDREDTH)
    ring.steer(-6 * HUNDREDTH)
    run(ring, 5.0)
    assert (ring.held, ring.inserted, ring.trimmed, ring.underflowed) == (0, 0, 0, 0)


def test_after_it_ran_dry_as_much_gathers_as_was_held() -> None:
    ring = playing_ring()
    ring.steer(4 * HUNDREDTH)
    while not ring.underflowed:
        ring.take(HUNDREDTH)
    ring.put(bytes(9 * HUNDREDTH))
    ring.take(HUNDREDTH)
    assert ring.waiting == 9 * HUNDREDTH, "three packets and what is held"
    ring.put(bytes(HUNDREDTH))
    ring.take(HUNDREDTH)
    assert ring.waiting == 9 * HUNDREDTH


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("put"), st.integers(0, 6)),
            st.tuples(st.just("take"), st.integers(1, 6)),
            st.tuples(st.just("steer"), st.integers(-50_000, 50_000)),
        ),
        max_size=60,
    )
)
def test_no_order_of_calls_breaks_the_ring(calls: list[tuple[str, int]]) -> None:
    ring = SoundRing()
    for call, much in calls:
        if call == "put":
            ahead = ring.put(bytes(much * HUNDREDTH))
            assert ahead is None or ahead >= 0
        elif call == "take":
            assert len(ring.take(much * HUNDREDTH)) == much * HUNDREDTH
        else:
            ring.steer(much)
        assert 0 <= ring.held <= MOST_HELD_S * BYTES_PER_SECOND
        assert ring.waiting % 4 == 0
        assert ring.waiting <= (RING_S + 2 * MOST_HELD_S) * BYTES_PER_SECOND


def looking(output: DefaultOutput) -> threading.Thread | None:
    return output._looking


def found(output: DefaultOutput) -> None:
    """The search for a device has ended."""
    thread = looking(output)
    assert thread is not None
    thread.join(20)


def test_a_device_that_is_pulled_out_is_replaced_by_the_next_one() -> None:
    now = [100.0]
    module = fake_sounddevice(FakeStream)
    output = DefaultOutput(module, clock=lambda: now[0])
    output.set_volume(0.5)
    first = FakeStream.last
    first.running = False
    output.play(bytes(960))
    assert looking(output) is None, "not at each packet"
    now[0] += LOOK_EVERY_S
    output.play(bytes(960))
    found(output)
    assert FakeStream.last is not first
    assert module.set_up == 1
    loud = numpy.full(16_000, 1000, dtype=numpy.int16).tobytes()
    output.play(loud)
    assert output.buffered_s > 0.1
    assert FakeStream.last.pull(4) == numpy.full(2, 500, dtype=numpy.int16).tobytes()
    output.close()
    assert not FakeStream.last.running
    output.play(loud)


def test_what_is_played_tells_when_it_is_heard_with_the_latency_of_the_device() -> None:
    output = DefaultOutput(fake_sounddevice(FakeStream))
    stream = FakeStream.last
    packet = bytes(2 * HUNDREDTH)
    gathering = [output.play(packet), output.play(packet)]
    assert gathering == [None, None]
    stream.pull(HUNDREDTH)
    assert output.play(packet) == pytest.approx(0.030 + 0.030)
    stream.told_latency_s = 0.0
    stream.pull(HUNDREDTH)
    assert output.play(packet) == pytest.approx(0.040 + 0.010), "its figure for the stream then"
    output.steer(0.050)
    assert output.play(packet) == pytest.approx(0.060 + 0.050 + 0.010)
    output.close()


def test_the_next_device_goes_on_with_what_was_held_back() -> None:
    now = [100.0]
    output = DefaultOutput(fake_sounddevice(FakeStream), clock=lambda: now[0])
    output.steer(0.100)
    FakeStream.last.running = False
    now[0] += LOOK_EVERY_S
    output.play(bytes(960))
    found(output)
    for _ in range(6):
        output.play(bytes(2 * HUNDREDTH))
    FakeStream.last.pull(HUNDREDTH)
    assert output.buffered_s == 0.120, "two packets are not enough to begin"
    output.close()


def test_a_device_that_comes_later_is_found() -> None:
    there = [False]

    def stream(**options: Any) -> FakeStream:
        if not there[0]:
            raise FakePortAudioError("Error querying device -1")
        return FakeStream(**options)

    now = [100.0]
    output = DefaultOutput(fake_sounddevice(stream), clock=lambda: now[0])
    before = output.problem
    assert before == "No sound: no audio output device was found."
    there[0] = True
    now[0] += LOOK_EVERY_S
    output.play(bytes(960))
    found(output)
    after = output.problem
    assert after is None
    output.close()


def test_the_real_library_can_be_set_up_again() -> None:
    """What `DefaultOutput` does when a device goes; sounddevice has no public name for it."""
    try:
        import sounddevice  # type: ignore[import-untyped]
    except OSError:
        pytest.skip("there is no PortAudio here")
    sounddevice._terminate()
    sounddevice._initialize()

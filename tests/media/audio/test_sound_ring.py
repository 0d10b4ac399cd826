from __future__ import annotations

from typing import Any

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.fake_portaudio import HUNDREDTH
from rejoin.media.audio.sound_ring import (
    BYTES_PER_SECOND,
    MAX_SYNC_DELAY_S,
    PREFILL_S,
    RING_S,
    SoundRing,
)


def test_the_ring_keeps_the_newest_sound_and_fills_before_it_plays() -> None:
    ring = SoundRing(capacity=16, prefill=8)
    ring.put(b"\1" * 4)
    assert ring.take(4) == bytes(4)
    ring.put(b"\2" * 16)
    assert ring.overflowed == 4
    assert ring.take(4) == b"\2" * 4
    assert ring.take(16) == b"\2" * 12 + bytes(4)
    assert ring.underflows == 1
    ring.put(b"\3" * 4)
    assert ring.take(4) == bytes(4)


def test_a_ring_that_runs_dry_fills_with_a_packet_more_and_later_with_less() -> None:
    ring = SoundRing()
    two, three = ring.prefill, ring.prefill + 2 * HUNDREDTH
    ring.put(bytes(two))
    for _ in range(4):
        ring.take(HUNDREDTH)
    assert ring.prefill == two
    ring.take(HUNDREDTH)
    assert (ring.underflows, ring.prefill) == (1, three)
    for _ in range(5):
        ring.put(bytes(three))
        while ring.waiting:
            ring.take(HUNDREDTH)
        ring.take(HUNDREDTH)
    assert ring.prefill == three, "three packets are the most"
    ring.put(bytes(three))
    for _ in range(1002):
        ring.put(bytes(HUNDREDTH))
        ring.take(HUNDREDTH)
    assert ring.prefill == two


def test_sound_that_is_later_than_it_has_to_be_is_cut_out_without_a_click() -> None:
    """A host whose clock is a little faster than the device's."""
    ring = SoundRing()
    level = numpy.full(HUNDREDTH * 12 // 2, 8000, dtype=numpy.int16).tobytes()
    ring.put(level[: ring.prefill])
    heard = ring.take(HUNDREDTH)
    ring.put(level[: 9 * HUNDREDTH])
    for _ in range(500):
        heard += ring.take(HUNDREDTH)
        ring.put(level[:HUNDREDTH])
    assert ring.trimmed == 12 * HUNDREDTH - HUNDREDTH - ring.prefill
    assert ring.waiting == pytest.approx(ring.prefill, abs=2 * HUNDREDTH)
    assert ring.overflowed == ring.underflows == 0
    steps = numpy.diff(numpy.frombuffer(heard, dtype=numpy.int16).astype(int))
    assert abs(steps).max() <= 1


def test_a_device_that_starts_late_plays_the_newest_sound() -> None:
    ring = SoundRing()
    for n in range(50):
        ring.put(bytes([n]) * 2 * HUNDREDTH)
    assert ring.take(4) == bytes([48]) * 4, "only two packets of 20 ms wait"


def playing_ring(seconds: float = 0.04) -> SoundRing:
    """A ring that plays, with one more packet than needed in it after each `take`."""
    ring = SoundRing()
    ring.put(bytes(round(seconds * 100) * HUNDREDTH))
    ring.take(HUNDREDTH)
    return ring


def test_put_returns_how_much_is_played_before() -> None:
    ring = SoundRing()
    assert ring.put(bytes(2 * HUNDREDTH)) is None, "unknown while it fills"
    ring.put(bytes(2 * HUNDREDTH))
    ring.take(HUNDREDTH)
    assert ring.put(bytes(2 * HUNDREDTH)) == 3 * HUNDREDTH
    ring.adjust_sync_delay(5 * HUNDREDTH)
    assert ring.put(bytes(2 * HUNDREDTH)) == 10 * HUNDREDTH, "silence to be inserted counts"
    ring.take(HUNDREDTH)
    assert ring.put(bytes(2 * HUNDREDTH)) == 11 * HUNDREDTH


def tone(frames: int, height: int = 8000) -> Any:
    """Stereo, 100 Hz: neighbouring samples are close to each other."""
    wave = numpy.sin(numpy.arange(frames) * 2 * numpy.pi * 100 / 48_000) * height
    return wave.astype(numpy.int16).repeat(2)


def largest_step(heard: bytes) -> int:
    left = numpy.frombuffer(heard, dtype=numpy.int16)[::2].astype(int)
    return int(abs(numpy.diff(left)).max())


def test_delayed_sound_has_one_gap_without_a_click_and_loses_nothing() -> None:
    ring = SoundRing()
    sound = tone(48_000).tobytes()
    packets = [sound[at : at + 2 * HUNDREDTH] for at in range(0, len(sound), 2 * HUNDREDTH)]
    heard = b""
    for n, packet in enumerate(packets):
        ring.put(packet)
        if n == 20:
            ring.adjust_sync_delay(8 * HUNDREDTH)
        heard += ring.take(HUNDREDTH) + ring.take(HUNDREDTH)
    begin = HUNDREDTH * 2
    assert heard[:begin] == bytes(begin), "it is filling"
    assert ring.inserted == 8 * HUNDREDTH
    assert len(heard) == len(sound)
    assert ring.underflows == ring.overflowed == ring.trimmed == 0
    own = largest_step(sound)
    assert largest_step(heard) <= own + 8000 // 240 + 1
    silent = (numpy.frombuffer(heard[begin:], dtype=numpy.int16) == 0).reshape(-1, 2).all(axis=1)
    assert silent.sum() >= 8 * HUNDREDTH // 4
    assert heard[-HUNDREDTH:] == sound[-11 * HUNDREDTH : -10 * HUNDREDTH]


def test_the_gap_is_where_it_is_quiet() -> None:
    ring = SoundRing()
    sound = tone(4800)
    sound[4 * 480 * 2 : 6 * 480 * 2] //= 100
    ring.put(sound[: 2 * ring.prefill // 4].tobytes())
    ring.take(4)
    ring.put(sound[2 * ring.prefill // 4 :].tobytes())
    ring.adjust_sync_delay(6 * HUNDREDTH)
    heard = numpy.frombuffer(ring.take(16 * HUNDREDTH - 4), dtype=numpy.int16)
    before = sound[2 : 4 * 480 * 2]
    assert heard[: len(before)].tolist() == before.tolist()
    after = sound[6 * 480 * 2 :]
    assert heard[len(heard) - len(after) :].tolist() == after.tolist()


def test_the_sync_delay_is_limited() -> None:
    ring = playing_ring()
    for _ in range(5):
        ring.adjust_sync_delay(10 * HUNDREDTH)
        ring.take(4)
    assert ring.sync_delay == ring.inserted == MAX_SYNC_DELAY_S * BYTES_PER_SECOND
    assert ring.underflows == 0


def run(ring: SoundRing, seconds: float) -> None:
    for _ in range(round(seconds * 50)):
        ring.put(bytes(2 * HUNDREDTH))
        ring.take(HUNDREDTH)
        ring.take(HUNDREDTH)


def test_a_sync_delay_can_be_removed_again_to_the_byte() -> None:
    ring = playing_ring()
    run(ring, 3.0)
    before = ring.waiting
    ring.adjust_sync_delay(10 * HUNDREDTH)
    run(ring, 3.0)
    assert ring.waiting == before + 10 * HUNDREDTH
    assert ring.trimmed == 0, "the sync delay does not count as excess"
    ring.adjust_sync_delay(-4 * HUNDREDTH)
    run(ring, 4.0)
    assert ring.waiting == before + 6 * HUNDREDTH
    ring.adjust_sync_delay(-20 * HUNDREDTH)
    run(ring, 4.0)
    assert ring.waiting == 2 * HUNDREDTH, "a packet is left after each take: no less"
    assert (ring.sync_delay, ring.underflows) == (0, 0)
    assert ring.prefill == PREFILL_S * BYTES_PER_SECOND


def test_late_sound_is_cut_down_to_two_packets_and_no_further() -> None:
    """A negative adjustment removes excess that is too small to be cut out without it."""
    ring = playing_ring(0.06)
    run(ring, 5.0)
    assert ring.trimmed == 0
    ring.adjust_sync_delay(-10 * HUNDREDTH)
    run(ring, 5.0)
    assert ring.trimmed == 3 * HUNDREDTH
    assert ring.waiting + 2 * HUNDREDTH - HUNDREDTH <= PREFILL_S * BYTES_PER_SECOND
    for _ in range(3):
        ring.adjust_sync_delay(-10 * HUNDREDTH)
        run(ring, 5.0)
    assert ring.underflows == 0


def test_an_adjustment_can_be_undone_before_the_gap_is_inserted() -> None:
    ring = playing_ring()
    ring.adjust_sync_delay(6 * HUNDREDTH)
    ring.adjust_sync_delay(-6 * HUNDREDTH)
    run(ring, 5.0)
    assert (ring.sync_delay, ring.inserted, ring.trimmed, ring.underflows) == (0, 0, 0, 0)


def test_after_running_dry_it_fills_including_the_sync_delay() -> None:
    ring = playing_ring()
    ring.adjust_sync_delay(4 * HUNDREDTH)
    while not ring.underflows:
        ring.take(HUNDREDTH)
    ring.put(bytes(9 * HUNDREDTH))
    ring.take(HUNDREDTH)
    assert ring.waiting == 9 * HUNDREDTH, "three packets and the sync delay"
    ring.put(bytes(HUNDREDTH))
    ring.take(HUNDREDTH)
    assert ring.waiting == 9 * HUNDREDTH


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("put"), st.integers(0, 6)),
            st.tuples(st.just("take"), st.integers(1, 6)),
            st.tuples(st.just("adjust"), st.integers(-50_000, 50_000)),
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
            ring.adjust_sync_delay(much)
        assert 0 <= ring.sync_delay <= MAX_SYNC_DELAY_S * BYTES_PER_SECOND
        assert ring.waiting % 4 == 0
        assert ring.waiting <= (RING_S + 2 * MAX_SYNC_DELAY_S) * BYTES_PER_SECOND


@pytest.mark.parametrize("late_ms", [0, 8])
@pytest.mark.parametrize("ms", [2.5, 5, 10, 20, 40, 60, 80, 100, 120])
def test_packets_of_any_duration_are_played_whole(ms: float, late_ms: int) -> None:
    """Each second packet comes late; the device takes 10 ms at a time."""
    ring, packet = SoundRing(), round(ms * BYTES_PER_SECOND / 1000)
    added = heard = steady = 0
    for tick in range(3000):  # of 10 ms
        now = tick * 10
        while added * ms + (late_ms if added % 2 else 0) <= now:
            ring.put(b"\1" * packet)
            added += 1
        block = ring.take(HUNDREDTH)
        heard += block.count(1)
        steady += HUNDREDTH - block.count(1) if tick >= 100 else 0
    assert steady == 0, "no silence after the first second"
    assert (ring.overflowed, ring.trimmed) == (0, 0)
    assert heard + ring.waiting == added * packet
    assert ring.waiting <= 2.5 * packet + 8 * HUNDREDTH


def test_where_packets_become_longer_the_sound_goes_on() -> None:
    ring = SoundRing()
    short, long = round(0.020 * BYTES_PER_SECOND), round(0.120 * BYTES_PER_SECOND)
    for _ in range(100):
        ring.put(bytes(short))
        for _ in range(2):
            ring.take(HUNDREDTH)
    silence = 0
    for _ in range(100):
        ring.put(b"\1" * long)
        for _ in range(12):
            silence += ring.take(HUNDREDTH).count(0)
    assert silence <= long, "what was played of the short packets"
    assert (ring.overflowed, ring.trimmed) == (0, 0)

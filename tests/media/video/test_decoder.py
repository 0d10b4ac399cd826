from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, cast

import pytest
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from conftest import LogRecords
from helpers.flat_video import RED_709, encoded
from helpers.h264_streams import through, x264
from rejoin.clock import boot_s
from rejoin.core.model import ConnectionNumber
from rejoin.media.receive.jitter_buffer import EncodedFrame
from rejoin.media.video.codec import EMPTY_LIMIT
from rejoin.media.video.codec_context import open_codec
from rejoin.media.video.decode_queue import MAX_WAITING
from rejoin.media.video.decoder import HANGS_S, Decoder
from rejoin.media.video.hardware import SOFTWARE, Hardware, OnHardware
from rejoin.media.video.picture import Picture, PictureSlot, ViewHints
from rejoin.media.video.picture_gate import _Hidden
from rejoin.media.video.scale_filter import ScaleFilter
from rejoin.media.video.scaling import Scaler
from rejoin.media.video.unwatched import PAUSE_AFTER_S


class Clock:
    """Boot time, which a test may move forward."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def __call__(self) -> float:
        return boot_s() + self.ahead_s


class Found(Hardware):
    """Hardware that needed no probe."""

    def __init__(self) -> None:
        super().__init__()
        self._state = OnHardware("cuda")


class Driver:
    """Stands in for a hardware decoder: decodes in software until a test makes it fail."""

    def __init__(self) -> None:
        self.opened: list[str | None] = []
        self.closed = threading.Event()
        self.fails_to_open = False
        self.raises_at: int | None = None
        self.empty_from: int | None = None
        self.hangs_at: int | None = None
        self.hanging = threading.Event()
        self.released = threading.Event()
        self.threads: set[int] = set()

    def open(self, hardware: str | None) -> VideoCodecContext:
        self.opened.append(hardware)
        if hardware is None:
            return open_codec()
        if self.fails_to_open:
            raise PermissionError("no device")
        return cast("VideoCodecContext", DriverContext(self))


class DriverContext:
    """The part of a codec context that the decoder uses."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._context = open_codec()
        self._at = 0
        driver.threads.add(threading.get_ident())

    @property
    def profile(self) -> str | None:
        return self._context.profile

    def decode(self, packet: Packet[Any]) -> list[VideoFrame]:
        driver, at = self._driver, self._at
        self._at += 1
        driver.threads.add(threading.get_ident())
        if at == driver.hangs_at:
            driver.hanging.set()
            assert driver.released.wait(60)
        if at == driver.raises_at:
            raise OSError("the driver failed")
        frames = self._context.decode(packet)
        if driver.empty_from is not None and at >= driver.empty_from:
            return []
        return [frame.reformat(format="nv12") for frame in frames]

    def __del__(self) -> None:
        self._driver.threads.add(threading.get_ident())
        self._driver.closed.set()


class Bench:
    def __init__(self, driver: Driver | None = None) -> None:
        self.slot = PictureSlot()
        self.clock = Clock()
        self.hardware = Found() if driver is not None else Hardware()
        self.first = threading.Event()
        self.key_frames_needed = 0
        self.decoder = Decoder(
            ConnectionNumber(7),
            self.slot,
            clock=self.clock,
            on_first_frame=self.first.set,
            on_key_frame_needed=self.count_key_frame_needed,
            hardware=self.hardware,
            open_codec=driver.open if driver is not None else open_codec,
        )

    def count_key_frame_needed(self) -> None:
        self.key_frames_needed += 1

    def decode(self, frames: list[EncodedFrame]) -> None:
        """Submit one after the other, so that none has to wait."""
        for frame in frames:
            self.decoder.submit(frame)
            self.until(lambda: self.decoder.idle)

    def set_visible(self, visible: bool) -> None:
        self.slot.hints = replace(self.slot.hints, visible=visible)

    def end(self) -> None:
        self.decoder.stop()
        if self.decoder.alive:
            self.until(lambda: not self.decoder.alive)

    def until(self, true: Callable[[], bool]) -> None:
        end = time.monotonic() + 60
        while not true():
            assert time.monotonic() < end, "it never happened"
            time.sleep(0.005)

    def picture(self) -> Picture:
        filled = threading.Event()
        self.slot.on_filled = filled.set
        picture = self.slot.take()
        if picture is None:
            assert filled.wait(60)
            picture = self.slot.take()
        assert picture is not None
        return picture


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.end()


@pytest.fixture
def driver() -> Driver:
    return Driver()


@pytest.fixture
def on_hardware(driver: Driver) -> Iterator[Bench]:
    """A decoder that starts on hardware, and whose pictures are shown."""
    bench = Bench(driver)
    bench.decoder.show(True)
    bench.decoder.start()
    yield bench
    driver.released.set()
    bench.end()


def colour(picture: Picture) -> tuple[int, ...]:
    """Blue, green, red and alpha of its first pixel, as on the screen."""
    pixels = Scaler().pixels(picture, (picture.width, picture.height))
    assert pixels is not None
    return tuple(pixels.data[:4])


def test_a_frame_becomes_a_picture_in_the_right_colours(bench: Bench) -> None:
    bench.decoder.start()
    bench.decoder.show(True)
    bench.decoder.submit(encoded(1)[0])
    picture = bench.picture()
    assert bench.first.is_set() or bench.first.wait(60)
    assert (picture.width, picture.height) == (320, 180)
    assert picture.connection == 7
    blue, green, red, alpha = colour(picture)
    assert red > 245
    assert green < 12
    assert blue < 12
    assert alpha == 255
    assert bench.decoder.profile is not None


def test_a_reordered_picture_has_the_times_of_its_own_frame(bench: Bench) -> None:
    """Else its age and its lip sync would be those of a later one."""
    put: list[Picture] = []
    bench.slot.put = put.append  # type: ignore[assignment, method-assign]
    pictures = x264(27, "bframes=2:b-adapt=0:keyint=9:min-keyint=9:scenecut=0", low_delay=False)
    frames = [
        EncodedFrame(unit.data, at * 3000, unit.key, False, received_at=float(at), flush=unit.flush)
        for at, unit in enumerate(through(pictures))
    ]
    bench.decoder.start()
    bench.decoder.show(True)
    bench.decode(frames)
    assert {picture.received_at * 3000 - picture.rtp_timestamp for picture in put} == {0}
    assert {picture.rtp_timestamp - (picture.frame.pts or 0) for picture in put} == {0}
    shown = [picture.rtp_timestamp for picture in put]
    assert shown != sorted(shown), "these are numbers in decoding order"
    assert bench.decoder.key_frames_decoded == 3


def test_a_hidden_connection_decodes_and_its_newest_picture_is_shown_at_once(
    bench: Bench,
) -> None:
    bench.decoder.start()
    bench.decode(encoded(5))
    assert bench.decoder.frames_decoded == 5
    assert bench.slot.take() is None
    bench.decoder.show(True)
    picture = bench.slot.take()
    assert picture is not None
    assert picture.rtp_timestamp == 12_000
    bench.decoder.show(False)
    bench.decoder.show(True)
    assert bench.slot.take() is None
    assert (bench.slot.unwatched, bench.slot.replaced) == (0, 0)


def test_while_the_window_is_minimised_all_is_decoded_and_the_newest_picture_waits(
    bench: Bench,
) -> None:
    bench.decoder.start()
    bench.decoder.show(True)
    bench.set_visible(False)
    bench.decode(encoded(6))
    assert bench.decoder.frames_decoded == 6
    assert bench.first.is_set()
    assert (bench.slot.unwatched, bench.slot.replaced) == (5, 0)
    bench.set_visible(True)
    picture = bench.slot.take()
    assert picture is not None
    assert picture.rtp_timestamp == 15_000


def test_a_picture_is_prescaled_if_it_will_be_painted_in_another_size(bench: Bench) -> None:
    bench.decoder.start()
    bench.slot.hints = ViewHints((160, 90))
    bench.decode(encoded(2))
    bench.decoder.show(True)
    hidden = bench.slot.take()
    assert hidden is not None
    assert hidden.pixels is None, "it was hidden, and not the first"
    bench.set_visible(False)
    bench.decode([replace(frame, rtp_timestamp=6_000) for frame in encoded(1)])
    second = bench.slot.take()
    assert second is not None
    assert second.pixels is None, "it would not have been painted"
    bench.set_visible(True)
    bench.decode([replace(frame, rtp_timestamp=9_000) for frame in encoded(1)])
    third = bench.picture()
    assert third.rtp_timestamp == 9_000
    assert third.pixels is not None
    assert (third.pixels.width, third.pixels.height) == (160, 90)
    assert bench.decoder.scale_s > 0
    bench.slot.hints = ViewHints((320, 180))
    bench.decode([replace(frame, rtp_timestamp=12_000) for frame in encoded(1)])
    assert bench.picture().pixels is None, "it has the window's size"


@pytest.mark.parametrize("location", [0, 1, 2, 5])
def test_a_picture_knows_where_its_chroma_samples_are(bench: Bench, location: int) -> None:
    units = through(x264(1, f"chromaloc={location}"))
    frames = [
        EncodedFrame(unit.data, 0, unit.key, False, chroma_location=unit.chroma_location)
        for unit in units
    ]
    bench.decoder.start()
    bench.decoder.show(True)
    bench.decode(frames)
    assert bench.picture().chroma_location == location


def test_it_is_prescaled_with_the_filter_of_the_window(bench: Bench) -> None:
    bench.decoder.start()
    bench.decoder.show(True)
    bench.slot.hints = ViewHints((700, 400), scale_filter=ScaleFilter.PIXEL)
    bench.decode(encoded(1))
    pixels = bench.picture().pixels
    assert pixels is not None
    assert (pixels.width, pixels.height) == (640, 360)


def test_the_first_picture_of_a_hidden_connection_is_prescaled(bench: Bench) -> None:
    """It will be shown, perhaps at once."""
    bench.slot.hints = ViewHints((160, 90))
    bench.decoder.start()
    bench.decode(encoded(1))
    bench.decoder.show(True)
    assert bench.picture().pixels is not None


def test_nothing_is_prescaled_while_several_frames_wait() -> None:
    bench, put = Bench(), list[Picture]()
    bench.slot.put = put.append  # type: ignore[assignment, method-assign]
    bench.slot.hints = ViewHints((160, 90))
    for frame in encoded(5):
        bench.decoder.submit(frame)
    bench.decoder.show(True)
    bench.decoder.start()
    bench.until(lambda: bench.decoder.frames_decoded == 5 and bench.decoder.idle)
    bench.end()
    assert [picture.pixels is not None for picture in put] == [False, False, False, True, True]


def test_the_size_of_the_stream_may_change_while_the_window_is_minimised(bench: Bench) -> None:
    bench.decoder.start()
    bench.decoder.show(True)
    bench.decode(encoded(2))
    bench.set_visible(False)
    bench.decode(encoded(2, (640, 360)))
    bench.set_visible(True)
    picture = bench.slot.take()
    assert picture is not None
    assert (picture.width, picture.height) == (640, 360)


def test_garbage_leads_to_a_key_frame_request_and_decoding_continues(bench: Bench) -> None:
    bench.decoder.start()
    bench.decoder.show(True)
    bench.decoder.submit(EncodedFrame(b"\0\0\0\1\x65" + bytes(range(200)), 0, True, False))
    bench.until(lambda: bench.key_frames_needed > 0)
    for frame in encoded(2):
        bench.decoder.submit(frame)
    bench.until(lambda: bench.decoder.frames_decoded == 2)
    assert bench.decoder.frames_failed >= 1


def test_a_decoder_that_falls_behind_drops_frames_until_a_key_frame(bench: Bench) -> None:
    frames = encoded(MAX_WAITING + 5)
    for frame in frames:
        bench.decoder.submit(frame)
    assert bench.key_frames_needed == 1
    assert bench.decoder.frames_undecoded == len(frames)
    bench.decoder.submit(frames[0])
    bench.decoder.start()
    bench.until(lambda: bench.decoder.frames_decoded == 1)


def test_stopping_ends_the_thread_and_no_more_frames_are_accepted(bench: Bench) -> None:
    bench.decoder.start()
    bench.decoder.stop()
    bench.until(lambda: not bench.decoder.alive)
    bench.decoder.submit(encoded(1)[0])
    assert bench.decoder.frames_decoded == 0


def test_a_stopped_decoder_frees_its_memory(bench: Bench) -> None:
    bench.decoder.start()
    bench.decode(encoded(2))
    gate = bench.decoder._gate._state
    assert isinstance(gate, _Hidden)
    assert gate.newest is not None
    bench.decoder.stop()
    bench.until(lambda: not bench.decoder.alive)
    assert not isinstance(bench.decoder._gate._state, _Hidden)
    assert not hasattr(bench.decoder, "_scaler")
    bench.decoder.show(True)
    assert bench.slot.take() is None


def test_the_frame_interval_is_the_mean_of_the_last_frames(bench: Bench) -> None:
    assert bench.decoder.frame_interval_s == 0.0
    bench.decoder.start()
    for frame in encoded(4):
        bench.decoder.submit(frame)
        time.sleep(0.03)
    bench.until(lambda: bench.decoder.frames_decoded == 4)
    assert 0.001 < bench.decoder.frame_interval_s < 1.0


@pytest.mark.parametrize(
    ("yuv", "matrix", "full"),
    [
        (RED_709, None, None),
        (RED_709, 1, False),
        ((81, 90, 240), 6, False),
        ((81, 90, 240), 5, False),
        ((54, 99, 255), 1, True),
        ((76, 85, 255), 6, True),
    ],
    ids=["untagged", "709", "601 NTSC", "601 PAL", "709 full", "601 full"],
)
def test_red_is_red_in_every_matrix_and_range(
    bench: Bench, yuv: tuple[int, int, int], matrix: int | None, full: bool | None
) -> None:
    """The same red has other values in each; untagged means BT.709 in limited range."""
    bench.decoder.start()
    bench.decoder.show(True)
    bench.decoder.submit(encoded(1, yuv=yuv, matrix=matrix, full=full)[0])
    blue, green, red, _ = colour(bench.picture())
    assert red > 245
    assert green < 10
    assert blue < 10


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"profile": "baseline"}, "Constrained Baseline"),
        ({"profile": "main", "x264-params": "cabac=1"}, "Main"),
        ({"profile": "high", "x264-params": "cabac=1:8x8dct=1"}, "High"),
    ],
)
def test_every_profile_is_decoded_and_named(
    bench: Bench, options: dict[str, str], named: str
) -> None:
    bench.decoder.start()
    bench.decoder.show(True)
    bench.decoder.submit(encoded(1, options=options)[0])
    assert bench.picture().width == 320
    bench.until(lambda: bench.decoder.profile is not None)
    assert bench.decoder.profile == named


def test_the_size_may_change_in_mid_stream(bench: Bench) -> None:
    bench.decoder.start()
    bench.decoder.show(True)
    for size in ((320, 180), (640, 360), (192, 108)):
        for frame in encoded(3, size):
            bench.decoder.submit(frame)
            bench.until(lambda: bench.decoder.idle)
        assert (bench.decoder.width, bench.decoder.height) == size
        picture = bench.slot.take()
        assert picture is not None
        assert (picture.width, picture.height) == size
    assert bench.decoder.frames_failed == 0


def test_a_picture_knows_when_its_last_packet_arrived(bench: Bench) -> None:
    bench.decoder.start()
    bench.decoder.show(True)
    bench.decoder.submit(replace(encoded(1)[0], received_at=12.5))
    assert bench.picture().received_at == 12.5


# --- on hardware ----------------------------------------------------------------------------------


def test_without_hardware_it_decodes_in_software_and_reports_that(bench: Bench) -> None:
    reported = [bench.decoder.decodes_in]
    bench.decoder.start()
    bench.decode(encoded(2))
    reported.append(bench.decoder.decodes_in)
    assert reported == [None, SOFTWARE]
    assert bench.decoder.hardware_failures == 0


def test_the_hardware_that_was_found_decodes_and_is_reported(
    on_hardware: Bench, driver: Driver
) -> None:
    on_hardware.decode(encoded(3))
    assert on_hardware.decoder.decodes_in == "cuda"
    assert on_hardware.decoder.frames_decoded == 3
    assert on_hardware.decoder.profile is not None
    assert driver.opened == ["cuda"]
    picture = on_hardware.picture()
    assert picture.rtp_timestamp == 6_000
    assert colour(picture)[2] > 245, "red, from NV12"


def test_if_the_device_cannot_be_opened_software_decodes(
    driver: Driver, expected_logs: LogRecords
) -> None:
    driver.fails_to_open = True
    bench = Bench(driver)
    bench.decoder.start()
    bench.decode(encoded(2))
    assert bench.decoder.frames_decoded == 2
    assert bench.decoder.decodes_in == SOFTWARE
    assert driver.opened == ["cuda", None]
    assert bench.decoder.hardware_failures == 1
    bench.end()
    assert "PermissionError" in expected_logs.lines[0]


def test_after_the_first_error_software_decodes_and_a_key_frame_is_requested(
    on_hardware: Bench, driver: Driver, expected_logs: LogRecords
) -> None:
    decoder = on_hardware.decoder
    driver.raises_at = 3
    frames = encoded(6)
    on_hardware.decode(frames[:4])
    assert on_hardware.key_frames_needed == 1
    assert decoder.decodes_in == SOFTWARE
    assert (decoder.hardware_failures, decoder.frames_failed) == (1, 1)
    on_hardware.decode(frames[4:])
    assert decoder.frames_undecoded == 2, "they depend on the frame that failed"
    assert decoder.frames_decoded == 3
    on_hardware.decode(encoded(3))
    assert decoder.frames_decoded == 6
    assert decoder.frames_failed == 1
    assert on_hardware.hardware.name is None
    assert len(expected_logs.lines) == 1


def test_a_key_frame_that_hardware_cannot_decode_is_not_lost(
    on_hardware: Bench, driver: Driver, expected_logs: LogRecords
) -> None:
    """This happens when a stream changes to a format that the hardware does not support."""
    driver.raises_at = 2
    on_hardware.decode(encoded(2))
    on_hardware.decode(encoded(3, (640, 360)))
    decoder = on_hardware.decoder
    assert decoder.frames_decoded == 5
    assert (decoder.frames_failed, decoder.frames_undecoded) == (0, 0)
    assert decoder.key_frames_decoded == 2
    assert on_hardware.key_frames_needed == 0
    assert decoder.hardware_failures == 1
    assert decoder.decodes_in == SOFTWARE
    assert len(expected_logs.lines) == 1


def test_software_continues_with_a_key_frame_that_is_already_waiting(
    on_hardware: Bench, driver: Driver, expected_logs: LogRecords
) -> None:
    driver.hangs_at = driver.raises_at = 1
    frames = encoded(4)
    on_hardware.decode(frames[:1])
    on_hardware.decoder.submit(frames[1])
    assert driver.hanging.wait(60)
    for frame in [*frames[2:], *encoded(2)]:
        on_hardware.decoder.submit(frame)
    driver.released.set()
    on_hardware.until(lambda: on_hardware.decoder.idle)
    decoder = on_hardware.decoder
    assert (decoder.frames_failed, decoder.frames_undecoded) == (1, 2)
    assert decoder.frames_decoded == 3
    assert on_hardware.key_frames_needed == 0
    assert len(expected_logs.lines) == 1


def test_errors_before_a_key_frame_do_not_count_against_the_hardware(
    on_hardware: Bench, driver: Driver
) -> None:
    driver.raises_at = 0
    on_hardware.decode(encoded(3)[1:])
    assert on_hardware.decoder.decodes_in == "cuda"
    assert on_hardware.decoder.hardware_failures == 0
    on_hardware.decode(encoded(2))
    assert on_hardware.decoder.decodes_in == "cuda"
    assert on_hardware.decoder.frames_decoded >= 2


def test_hardware_that_returns_no_pictures_is_given_up(
    on_hardware: Bench, driver: Driver, expected_logs: LogRecords
) -> None:
    driver.empty_from = 2
    on_hardware.decode(encoded(2 + EMPTY_LIMIT - 1))
    assert on_hardware.decoder.decodes_in == "cuda"
    on_hardware.decode(encoded(3 + EMPTY_LIMIT)[2 + EMPTY_LIMIT - 1 :][:1])
    assert on_hardware.decoder.decodes_in == SOFTWARE
    assert on_hardware.key_frames_needed == 1
    on_hardware.decode(encoded(1))
    assert on_hardware.decoder.frames_decoded == 3
    assert len(expected_logs.lines) == 1


def test_a_thread_that_hangs_in_a_driver_is_replaced(
    on_hardware: Bench, driver: Driver, expected_logs: LogRecords
) -> None:
    decoder = on_hardware.decoder
    driver.hangs_at = 2
    frames = encoded(5)
    on_hardware.decode(frames[:2])
    hung = decoder._thread
    decoder.submit(frames[2])
    assert driver.hanging.wait(60)
    decoder.submit(frames[3])
    assert on_hardware.key_frames_needed == 0
    on_hardware.clock.ahead_s = HANGS_S + 0.1
    decoder.submit(frames[4])
    assert on_hardware.key_frames_needed == 1
    assert decoder._thread is not hung
    on_hardware.decode(encoded(2))
    assert decoder.decodes_in == SOFTWARE
    assert decoder.frames_decoded == 4
    assert (decoder.frames_failed, decoder.frames_undecoded) == (1, 2)
    assert decoder.hardware_failures == 1
    taken = on_hardware.picture()
    assert taken.rtp_timestamp == 3_000
    driver.released.set()
    hung.join(60)
    assert not hung.is_alive()
    assert decoder.frames_decoded == 4, "what the hung thread decodes late is dropped"
    assert on_hardware.slot.take() is None
    on_hardware.decode(encoded(1))
    assert decoder.frames_decoded == 5
    assert len(expected_logs.lines) == 1


def test_a_hung_driver_does_not_delay_stopping(
    on_hardware: Bench, driver: Driver, expected_logs: LogRecords
) -> None:
    driver.hangs_at = 1
    frames = encoded(2)
    on_hardware.decode(frames[:1])
    on_hardware.decoder.submit(frames[1])
    assert driver.hanging.wait(60)
    on_hardware.decoder.stop()
    driver.released.set()
    on_hardware.until(lambda: not on_hardware.decoder.alive)
    assert on_hardware.decoder.hardware_failures == 0
    assert not expected_logs.lines


@pytest.mark.parametrize("raises_at", [None, 1], ids=["at the end", "after a failure"])
def test_hardware_is_used_and_closed_on_the_decoders_thread_only(
    driver: Driver, expected_logs: LogRecords, raises_at: int | None
) -> None:
    driver.raises_at = raises_at
    bench = Bench(driver)
    bench.decoder.start()
    thread = bench.decoder._thread.ident
    bench.decode(encoded(2))
    if raises_at is not None:
        assert driver.closed.wait(60)
    bench.end()
    assert driver.closed.wait(60)
    assert driver.threads == {thread}
    assert len(expected_logs.lines) == (raises_at is not None)


def test_hardware_that_failed_is_not_used_by_the_next_connection(
    on_hardware: Bench, driver: Driver, expected_logs: LogRecords
) -> None:
    driver.raises_at = 0
    on_hardware.decode(encoded(1))
    second = Decoder(
        ConnectionNumber(8),
        on_hardware.slot,
        clock=boot_s,
        on_first_frame=lambda: None,
        on_key_frame_needed=lambda: None,
        hardware=on_hardware.hardware,
        open_codec=driver.open,
    )
    second.start()
    second.submit(encoded(1)[0])
    on_hardware.until(lambda: second.frames_decoded == 1)
    second.stop()
    on_hardware.until(lambda: not second.alive)
    assert driver.opened == ["cuda", None, None]
    assert second.decodes_in == SOFTWARE
    assert len(expected_logs.lines) == 1


def test_frames_that_arrive_together_are_all_decoded_and_handed_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Slot and window decide which of them are painted."""
    bench, put = Bench(), list[Picture]()
    monkeypatch.setattr(bench.slot, "put", put.append)
    for frame in encoded(10):
        bench.decoder.submit(frame)
    bench.decoder.show(True)
    bench.decoder.start()
    bench.until(lambda: bench.decoder.frames_decoded == 10 and bench.decoder.idle)
    bench.end()
    assert [picture.rtp_timestamp for picture in put] == [3000 * at for at in range(10)]
    assert bench.decoder.frames_failed == 0


def test_a_picture_does_not_keep_its_decoder_in_memory() -> None:
    bench = Bench()
    bench.decoder.show(True)
    bench.decoder.start()
    bench.decode(encoded(1))
    picture, decoder = bench.picture(), weakref.ref(bench.decoder)
    bench.end()
    del bench
    gc.collect()
    assert decoder() is None
    picture.on_failed()


# --- while nobody sees the picture ----------------------------------------------------------------


def minimised(bench: Bench) -> list[EncodedFrame]:
    """A decoder that has left off, and frames that come next; the first is a key frame."""
    frames = encoded(8)
    bench.decoder.start()
    bench.decoder.show(True)
    bench.decode(frames[:1])
    bench.set_visible(False)
    bench.decode(frames[1:2])
    bench.clock.ahead_s += PAUSE_AFTER_S + 0.1
    bench.decode(frames[2:3])
    assert bench.key_frames_needed == 1
    bench.decode(frames[:1])
    return frames


def test_minimised_for_a_while_nothing_is_decoded_and_the_engine_sees_that_frames_come(
    bench: Bench,
) -> None:
    frames = minimised(bench)
    decoded, freezes = bench.decoder.frames_decoded, bench.decoder.freezes.count
    at = bench.decoder.last_frame_at or 0.0
    bench.clock.ahead_s += 10.0
    for frame in frames[1:6]:
        bench.decoder.submit(frame)
    assert bench.decoder.idle
    assert bench.decoder.frames_decoded == decoded
    assert bench.decoder.frames_unwatched == 5
    assert (bench.decoder.last_frame_at or 0.0) > at + 9.0
    assert bench.decoder.freezes.count == freezes


def test_at_the_return_a_key_frame_is_requested_and_shown(bench: Bench) -> None:
    frames = minimised(bench)
    decoded, freezes = bench.decoder.frames_decoded, bench.decoder.freezes.count
    bench.decoder.submit(frames[1])
    bench.slot.take()
    bench.clock.ahead_s += 60.0
    bench.set_visible(True)
    bench.decoder.submit(frames[2])
    assert bench.key_frames_needed == 2
    assert bench.decoder.frames_decoded == decoded, "it depends on frames that were not decoded"
    bench.decode(frames[:2])
    assert bench.decoder.frames_decoded == decoded + 2
    assert bench.picture().connection == 7
    assert bench.decoder.freezes.count == freezes


def test_key_frames_that_come_meanwhile_are_decoded_and_what_lies_between_is_no_freeze(
    bench: Bench,
) -> None:
    frames = minimised(bench)
    decoded, freezes = bench.decoder.frames_decoded, bench.decoder.freezes.count
    for _ in range(3):
        bench.decoder.submit(frames[1])
        bench.clock.ahead_s += 10.0
        bench.decode(frames[:1])
    assert bench.decoder.frames_decoded == decoded + 3
    assert bench.decoder.freezes.count == freezes


def test_a_return_with_a_key_frame_requests_none(bench: Bench) -> None:
    frames = minimised(bench)
    bench.set_visible(True)
    decoded = bench.decoder.frames_decoded
    bench.decode(frames[:1])
    assert bench.key_frames_needed == 1
    assert bench.decoder.frames_decoded == decoded + 1


def test_the_first_frame_of_a_connection_is_decoded_though_nobody_sees_it(bench: Bench) -> None:
    frames = encoded(2)
    bench.set_visible(False)
    bench.decoder.start()
    bench.clock.ahead_s += 100.0
    bench.decode(frames)
    assert bench.first.is_set()
    assert bench.decoder.frames_decoded == 2

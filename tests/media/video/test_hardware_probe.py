"""The probe, with a stand-in for hardware: a software decoder that can be made to fail."""

from __future__ import annotations

import subprocess
import sys
from typing import Any, cast

import pytest
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from helpers.moving_pattern import painted
from rejoin.errors import PeerError
from rejoin.media.video.codec_context import open_codec
from rejoin.media.video.hardware_probe import (
    MAX_OPENING_S,
    MAX_PICTURE_S,
    PICTURES,
    SIZES,
    TOLERANCE,
    alike,
    clip,
    main,
    refusal,
)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Device:
    """Opens contexts that decode in software to NV12, with the faults that a test sets."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.openings = 0
        self.packets = 0
        self.opening_s = 0.0
        self.decoding_s = 0.0
        self.brighter = 0
        self.raises: Exception | None = None
        self.raises_at = 0
        self.delays = False
        self.crops = True

    def open(self) -> VideoCodecContext:
        self.openings += 1
        self.clock.now += self.opening_s
        return cast("VideoCodecContext", Context(self))

    def refusal(self) -> str | None:
        return refusal(self.open, self.clock)


class Context:
    def __init__(self, device: Device) -> None:
        self._device = device
        self._context = open_codec()
        self._kept: list[VideoFrame] = []

    def decode(self, packet: Packet[Any]) -> list[VideoFrame]:
        device = self._device
        device.clock.now += device.decoding_s
        device.packets += 1
        if device.raises is not None and device.packets > device.raises_at:
            raise device.raises
        frames = [self._changed(frame) for frame in self._context.decode(packet)]
        if device.delays:
            frames, self._kept = self._kept, frames
        return frames

    def _changed(self, frame: VideoFrame) -> VideoFrame:
        height = frame.height if self._device.crops else (frame.height + 15) // 16 * 16
        pixels = frame.reformat(height=height).to_ndarray(format="nv12")
        pixels[40, 60] += self._device.brighter
        return VideoFrame.from_ndarray(pixels, format="nv12")


@pytest.fixture
def device() -> Device:
    return Device()


def test_the_clip_has_one_key_frame_per_size_and_pictures_that_depend_on_it() -> None:
    codec, sizes, keys = open_codec(), [], []
    for packet in clip():
        [frame] = codec.decode(Packet(packet))
        sizes.append((frame.width, frame.height))
        keys.append(frame.key_frame)
    assert sizes == [size for size in SIZES for _ in range(PICTURES)]
    assert keys == [number == 0 for _ in SIZES for number in range(PICTURES)]


def test_the_clip_shows_the_pattern_that_its_script_paints() -> None:
    codec = open_codec()
    for number, packet in enumerate(clip()):
        [frame] = codec.decode(Packet(packet))
        pattern = painted(frame.width, frame.height, number % PICTURES)
        shown, wanted = (each.to_ndarray().astype(int) for each in (frame, pattern))
        assert abs(shown - wanted).mean() < 6


def test_a_device_that_decodes_as_software_does_is_accepted(device: Device) -> None:
    assert device.refusal() is None
    assert device.packets == PICTURES * len(SIZES)


def test_samples_may_differ_by_the_tolerance_and_no_more(device: Device) -> None:
    device.brighter = TOLERANCE
    assert device.refusal() is None
    device.brighter = TOLERANCE + 1
    assert device.refusal() == "its pictures differ from those decoded in software"


def test_missing_cropping_is_noticed(device: Device) -> None:
    device.crops = False
    assert device.refusal() == "its pictures differ from those decoded in software"


def test_a_device_that_delays_a_picture_is_refused(device: Device) -> None:
    device.delays = True
    assert device.refusal() == "it does not return one picture for each packet"


@pytest.mark.parametrize("at", [0, PICTURES], ids=["at once", "at another size"])
def test_a_device_that_cannot_decode_is_refused(device: Device, at: int) -> None:
    device.raises, device.raises_at = OSError("no"), at
    assert device.refusal() == "it cannot decode (OSError)"
    assert device.packets == at + 1


def test_a_slow_device_is_refused(device: Device) -> None:
    device.decoding_s = MAX_PICTURE_S + 0.001
    assert device.refusal() == "it is slow (9 ms a picture)"


def test_a_device_that_is_slow_to_open_is_refused(device: Device) -> None:
    device.opening_s = MAX_OPENING_S + 0.2
    assert device.refusal() == "it is slow to open (300 ms)"
    assert device.openings == 2
    assert device.packets == 0


def test_a_device_that_cannot_be_opened_is_refused() -> None:
    def absent() -> VideoCodecContext:
        raise PermissionError("no such device")

    def unknown() -> VideoCodecContext:
        raise PeerError("FFmpeg was built without it.")

    assert refusal(absent) == "it cannot be opened (PermissionError)"
    assert refusal(unknown) == "FFmpeg was built without it"


def test_frames_of_different_sizes_are_not_alike() -> None:
    assert not alike(VideoFrame(64, 64, "yuv420p"), VideoFrame(64, 62, "yuv420p"))


def test_as_a_program_it_prints_the_reason_and_exits_with_1(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["no such thing"]) == 1
    sentence = "FFmpeg was built without a decoder for H.264 on no such thing\n"
    assert capsys.readouterr().out == sentence
    program = [sys.executable, "-m", "rejoin.media.video.hardware_probe", "no such thing"]
    done = subprocess.run(program, capture_output=True, text=True, timeout=240, check=False)
    assert (done.returncode, done.stdout) == (1, sentence)


def test_as_a_program_it_prints_nothing_if_the_hardware_can_be_used(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened: list[str] = []

    def no_refusal(open_hardware: Any) -> None:
        open_hardware()

    monkeypatch.setattr("rejoin.media.video.hardware_probe.refusal", no_refusal)
    monkeypatch.setattr("rejoin.media.video.hardware_probe.open_codec", opened.append)
    assert main(["cuda"]) == 0
    assert opened == ["cuda"]
    assert capsys.readouterr().out == ""

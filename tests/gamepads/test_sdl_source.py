"""SDL's own virtual pads: plugged, moved, mapped, shaken, unplugged."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers.virtual_pads import DPAD_DOWN, LEFT_TRIGGER, LEFT_X, LEFT_Y, A, B, VirtualPad
from rejoin.gamepads import sdl_library, sdl_source
from rejoin.gamepads.changes import (
    AxisMoved,
    ButtonChanged,
    Change,
    Plugged,
    Unplugged,
    Vibration,
)
from rejoin.gamepads.pad_kinds import PadKind
from rejoin.gamepads.sdl_library import GamepadsUnavailableError
from rejoin.gamepads.sdl_source import SdlSource


@pytest.fixture
def source() -> Iterator[SdlSource]:
    made = SdlSource()
    yield made
    made.close()


def plugged(changes: list[Change]) -> list[Plugged]:
    """Those of a test: a computer may have pads of its own."""
    return [
        change
        for change in changes
        if isinstance(change, Plugged) and change.name.startswith("Virtual")
    ]


def test_a_pad_is_plugged_in_used_and_unplugged(source: SdlSource) -> None:
    source.poll()
    pad = VirtualPad()
    (found,) = plugged(source.poll())
    assert (found.instance, found.name) == (pad.instance, "Virtual pad")
    assert (found.axes, found.buttons) == ((0,) * 6, frozenset())
    pad.press(A)
    pad.release(A)
    pad.press(DPAD_DOWN)
    pad.move(LEFT_X, -32768)
    pad.move(LEFT_TRIGGER, 32767)
    source.poll()
    pad.press(B)
    assert source.poll() == [ButtonChanged(pad.instance, B, True)]
    pad.unplug()
    assert Unplugged(pad.instance) in source.poll()
    assert source.poll() == []


def test_every_change_is_heard_once(source: SdlSource) -> None:
    source.poll()
    pad = VirtualPad()
    source.poll()
    pad.press(DPAD_DOWN)
    pad.move(LEFT_X, -32768)
    pad.move(LEFT_TRIGGER, 32767)
    heard = source.poll()
    assert set(heard) == {
        ButtonChanged(pad.instance, DPAD_DOWN, True),
        AxisMoved(pad.instance, LEFT_X, -32768),
        AxisMoved(pad.instance, LEFT_TRIGGER, 32767),
    }
    assert source.poll() == []
    pad.unplug()


def test_of_an_axis_counts_where_it_is_at_each_other_change(source: SdlSource) -> None:
    source.poll()
    pad = VirtualPad()
    source.poll()
    for value in (1000, 2000):
        pad.move(LEFT_X, value)
        pad.move(LEFT_Y, -value)
        source._update()
    pad.press(B)
    source._update()
    pad.move(LEFT_X, 3000)
    assert source.poll() == [
        AxisMoved(pad.instance, LEFT_X, 2000),
        AxisMoved(pad.instance, LEFT_Y, -2000),
        ButtonChanged(pad.instance, B, True),
        AxisMoved(pad.instance, LEFT_X, 3000),
    ]
    pad.unplug()


def test_pads_that_are_there_already_are_found() -> None:
    first = SdlSource()
    pad = VirtualPad()
    assert plugged(first.poll())
    pad.press(A)
    first.poll()
    second = SdlSource()
    try:
        (found,) = plugged(list(second._open_new()))
        assert (found.instance, found.buttons) == (pad.instance, frozenset({A}))
    finally:
        pad.unplug()
        second.close()
        first.close()


def test_more_events_than_are_read_at_once(source: SdlSource) -> None:
    source.poll()
    made = [VirtualPad() for _ in range(8)]
    source.poll()
    for pad in made:
        for button in range(15):
            pad.press(button)
    assert len(source.poll()) == 8 * 15
    for pad in made:
        pad.unplug()
    assert len([each for each in source.poll() if isinstance(each, Unplugged)]) == 8


def test_a_pad_that_can_vibrates(source: SdlSource) -> None:
    source.poll()
    pad = VirtualPad()
    (found,) = plugged(source.poll())
    assert found.rumbles
    source.vibrate(pad.instance, Vibration(1.0, 0.5, 1.0))
    assert pad.rumbled[-1] == (65535, 32768)
    source.vibrate(pad.instance, Vibration(0.0, 0.0, 0.0))
    assert pad.rumbled[-1] == (0, 0)
    source.vibrate(9999, Vibration(1.0, 1.0, 1.0))
    pad.unplug()


MAPPING = (
    "{guid},Virtual mapped pad,a:b1,b:b0,x:b2,y:b3,leftx:a0,lefty:a1,rightx:a2,righty:a3,"
    "lefttrigger:a4,righttrigger:a5,platform:{platform},\n"
)
PLATFORM = {"linux": "Linux", "darwin": "Mac OS X", "win32": "Windows"}[sys.platform]


def guid_of(pad: VirtualPad) -> str:
    """As SDL writes it."""
    import ctypes

    class Guid(ctypes.Structure):
        _fields_ = (("data", ctypes.c_uint8 * 16),)

    library = sdl_library.load()
    get = library.SDL_JoystickGetDeviceGUID
    get.restype, get.argtypes = Guid, [ctypes.c_int]
    for device in range(library.SDL_NumJoysticks()):
        if library.SDL_JoystickGetDeviceInstanceID(device) == pad.instance:
            return bytes(get(device).data).hex()
    raise AssertionError("the pad is gone")


@pytest.mark.parametrize(
    ("vendor", "product", "kind"),
    [
        (0, 0, PadKind.XBOX),
        (0x045E, 0x028E, PadKind.XBOX_360),
        (0x045E, 0x0B12, PadKind.XBOX),
        (0x054C, 0x0268, PadKind.PLAYSTATION_3),
        (0x054C, 0x09CC, PadKind.PLAYSTATION_4),
        (0x054C, 0x0CE6, PadKind.PLAYSTATION_5),
        (0x057E, 0x2009, PadKind.SWITCH),
        (0x18D1, 0x9400, PadKind.STADIA),
    ],
)
def test_what_is_printed_on_a_pad_is_known_by_its_maker(
    source: SdlSource, vendor: int, product: int, kind: PadKind
) -> None:
    pad = VirtualPad(vendor=vendor, product=product)
    (found,) = plugged(source.poll())
    assert (found.kind, found.has_misc) == (kind, False)
    pad.unplug()


def test_a_pad_with_one_button_more_says_so(tmp_path: Path) -> None:
    probe = SdlSource()
    pad = VirtualPad(vendor=0x1234, product=0x5679)
    guid = guid_of(pad)
    pad.unplug()
    probe.close()
    file = tmp_path / "gamecontrollerdb.txt"
    mapping = f"{guid},Virtual pad,a:b0,misc1:b5,platform:{PLATFORM},\n"
    file.write_text(mapping, encoding="utf-8")
    source = SdlSource(file)
    try:
        pad = VirtualPad(vendor=0x1234, product=0x5679)
        (found,) = plugged(source.poll())
        assert found.has_misc
        pad.unplug()
    finally:
        source.close()


def test_the_players_own_mappings_are_used(tmp_path: Path) -> None:
    probe = SdlSource()
    pad = VirtualPad(vendor=0x1234, product=0x5678)
    guid = guid_of(pad)
    pad.unplug()
    probe.close()
    file = tmp_path / "gamecontrollerdb.txt"
    file.write_text("# mine\n" + MAPPING.format(guid=guid, platform=PLATFORM), encoding="utf-8")
    source = SdlSource(file)
    try:
        pad = VirtualPad(vendor=0x1234, product=0x5678)
        (found,) = plugged(source.poll())
        assert found.name == "Virtual mapped pad"
        pad.press(A)
        assert source.poll() == [ButtonChanged(pad.instance, B, True)]
        pad.unplug()
    finally:
        source.close()


@pytest.mark.parametrize("content", [b"", b"\x00\xff no mapping\n" * 100, b"a,b\n,,,,\n"])
def test_a_file_of_nonsense_harms_nothing(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "gamecontrollerdb.txt"
    file.write_bytes(content)
    SdlSource(file).close()


def test_a_file_that_cannot_be_used_is_a_line_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    SdlSource(tmp_path / "none.txt").close()
    assert caplog.text == ""
    SdlSource(tmp_path).close()
    monkeypatch.setattr(sdl_source, "MAX_MAPPINGS_BYTES", 3)
    file = tmp_path / "long.txt"
    file.write_bytes(b"long")
    SdlSource(file).close()
    said = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert said == [
        f"{tmp_path.name} cannot be read: Is a directory",
        "long.txt is too long: it is not used",
    ]


def test_where_sdl_does_not_start_there_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sdl_library, "INIT_GAMECONTROLLER", 0x8000_0000)
    library = sdl_library.load()

    class Failing:
        def __getattr__(self, name: str) -> object:
            return (lambda _: -1) if name == "SDL_InitSubSystem" else getattr(library, name)

    monkeypatch.setattr(sdl_library, "load", Failing)
    with pytest.raises(GamepadsUnavailableError, match=r"^Gamepads cannot be read: .*\.$"):
        SdlSource()


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_still_end_a_program_that_reads_pads(number: signal.Signals) -> None:
    """SDL takes both for itself where it is allowed to, and makes an event of them."""
    program = """if True:
        import os, signal, time
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        from rejoin.gamepads.sdl_source import SdlSource
        source = SdlSource()
        print("ready", flush=True)
        while True:
            source.poll()
            time.sleep(0.01)
    """
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, env=os.environ
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(number)
        assert process.wait(60) == -number

"""Waiting for devices: what wakes, what does not, and what cannot be watched.

Devices are pipes here: a thing that can be waited for and is never read. The kernel's own evdev,
with its masks, is in the last test, where the machine has uinput.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers.uinput_pad import ABS_X, BTN_SOUTH, UinputPad, available
from helpers.waiting import wait_until
from rejoin.gamepads import device_watch
from rejoin.gamepads.changes import AxisMoved, ButtonChanged, Change, Plugged
from rejoin.gamepads.device_watch import DeviceWatch
from rejoin.gamepads.sdl_source import SdlSource

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="of Linux alone")

PAUSE_S = 30.0
"""In place of every pause, so that a test that waits for one fails."""


class Devices:
    """One device: a pipe for its openings without and with a mask."""

    def __init__(self) -> None:
        self._pipes = {False: os.pipe(), True: os.pipe()}
        self.opened: list[int] = []

    def open(self, path: str, buttons_alone: bool) -> int:
        if path != "there":
            raise FileNotFoundError
        self.opened.append(os.dup(self._pipes[buttons_alone][0]))
        return self.opened[-1]

    def stick(self) -> None:
        os.write(self._pipes[False][1], b"x")

    def button(self) -> None:
        self.stick()
        os.write(self._pipes[True][1], b"x")

    def close(self) -> None:
        for pair in self._pipes.values():
            for each in pair:
                os.close(each)


@pytest.fixture
def devices() -> Iterator[Devices]:
    made = Devices()
    yield made
    made.close()


@pytest.fixture
def watch(devices: Devices, monkeypatch: pytest.MonkeyPatch) -> Iterator[DeviceWatch]:
    for name in ("QUIET_EVERY_S", "BUSY_EVERY_S"):
        monkeypatch.setattr(device_watch, name, PAUSE_S)
    monkeypatch.setattr(device_watch, "BUSY_S", 0.0)
    made = DeviceWatch(devices.open)
    made.add(1, "there")
    yield made
    made.close()


def woken(watch: DeviceWatch) -> bool:
    """Whether a pause that begins now ends before its time."""
    began = time.monotonic()
    watch.wait()
    return time.monotonic() - began < PAUSE_S / 2


def test_at_rest_whatever_the_device_says_ends_the_pause(
    watch: DeviceWatch, devices: Devices
) -> None:
    devices.stick()
    assert woken(watch)
    devices.button()
    assert woken(watch), "although nothing was read"


def test_sticks_that_move_are_looked_at_from_time_to_time_and_buttons_at_once(
    watch: DeviceWatch, devices: Devices, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device_watch, "BUSY_S", 60.0)
    devices.stick()
    assert woken(watch)
    monkeypatch.setattr(device_watch, "BUSY_EVERY_S", 0.05)
    devices.stick()
    began = time.monotonic()
    watch.wait()
    assert time.monotonic() - began >= 0.045, "a stick ends no pause now"
    monkeypatch.setattr(device_watch, "BUSY_EVERY_S", PAUSE_S)
    devices.button()
    assert woken(watch)


def test_what_moved_while_it_was_not_waited_for_is_not_lost(
    watch: DeviceWatch, devices: Devices
) -> None:
    devices.stick()
    devices.stick()
    assert woken(watch)
    devices.button()
    time.sleep(0.01)
    assert woken(watch)


def test_another_thread_ends_the_pause(watch: DeviceWatch) -> None:
    threading.Timer(0.05, watch.wake).start()
    assert woken(watch)
    watch.wake()
    watch.wake()
    assert woken(watch)


def test_a_watch_that_is_closed_is_not_woken() -> None:
    watch = DeviceWatch()
    watch.close()
    watch.wake()


def test_a_device_that_cannot_be_opened_is_not_watched(
    watch: DeviceWatch, devices: Devices
) -> None:
    assert watch.covers(1)
    watch.add(2, "gone")
    watch.add(3, "")
    assert not watch.covers(3)
    watch.remove(2)
    watch.remove(1)
    assert watch.covers(0)
    for descriptor in devices.opened:
        with pytest.raises(OSError, match="descriptor"):
            os.fstat(descriptor)


def test_what_is_no_device_of_evdev_takes_no_mask(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    os.close(device_watch.open_device(str(fifo), False))
    with pytest.raises(OSError, match="ioctl"):
        device_watch.open_device(str(fifo), True)
    watch = DeviceWatch()
    watch.add(1, str(fifo))
    assert not watch.covers(1)
    watch.close()


# --- the kernel's ---------------------------------------------------------------------------------


@pytest.mark.skipif(not available(), reason="this machine has no uinput")
def test_a_pad_of_the_kernel_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("QUIET_EVERY_S", "BUSY_EVERY_S"):
        monkeypatch.setattr(device_watch, name, PAUSE_S)
    source, pad, watch = SdlSource(), UinputPad(), DeviceWatch()
    changes: list[Change] = []

    def found() -> bool:
        changes.extend(source.poll())
        return any(isinstance(change, Plugged) and change.device for change in changes)

    try:
        wait_until(found)
        plugged = next(each for each in changes if isinstance(each, Plugged) and each.device)
        watch.add(plugged.instance, plugged.device)
        assert watch.covers(1)
        monkeypatch.setattr(device_watch, "BUSY_S", 0.0)
        time.sleep(0.2)
        for turn in range(1, 200):  # more than the kernel keeps for who does not read
            way = 1000 + 100 * turn  # SDL takes less than a hundredth for a tremble, at first
            pad.axis((ABS_X, way), (ABS_X + 1, -way))
            assert woken(watch)
            assert any(isinstance(each, AxisMoved) for each in source.poll())
        monkeypatch.setattr(device_watch, "BUSY_S", 60.0)
        pad.axis((ABS_X, 1000))
        assert woken(watch)
        source.poll()
        for turn in range(1, 200):
            monkeypatch.setattr(device_watch, "BUSY_EVERY_S", 0.005)
            pad.axis((ABS_X, -100 * turn))
            watch.wait()
            monkeypatch.setattr(device_watch, "BUSY_EVERY_S", PAUSE_S)
            source.poll()
            pad.button(BTN_SOUTH, turn % 2 == 1)
            assert woken(watch)
            assert any(isinstance(each, ButtonChanged) for each in source.poll())
    finally:
        pad.close()
        watch.close()
        source.close()

"""Trying the microphone in the settings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication, QHBoxLayout, QWidget

from helpers.fake_microphone import FakeMicrophone, FakeMicrophoneError
from helpers.waiting import wait_until
from rejoin.gui.settings.microphone_test import IDLE, LISTENS, MicrophoneTest
from rejoin.media.audio.microphone import DeviceState
from rejoin.runtime.microphone_states import PROBLEMS


class Row:
    def __init__(self, device: FakeMicrophone) -> None:
        self.test = MicrophoneTest(make=device.make)
        self.changes: list[str] = []
        self.test.changed.connect(lambda: self.changes.append(self.test.text()))
        self.page = QWidget()
        row = QHBoxLayout(self.page)
        row.addWidget(self.test.bar)
        row.addWidget(self.test.button)
        self.page.show()

    def until(self, true: Any) -> None:
        def done() -> bool:
            QApplication.processEvents()
            return bool(true())

        wait_until(done)


@pytest.fixture
def device() -> FakeMicrophone:
    return FakeMicrophone()


@pytest.fixture
def row(application: QApplication, device: FakeMicrophone) -> Iterator[Row]:
    it = Row(device)
    yield it
    it.test.stop()
    it.page.deleteLater()


def test_nothing_is_opened_before_the_player_asks(row: Row, device: FakeMicrophone) -> None:
    row.test.use("Headset")
    assert (row.test.text(), device.opened) == (IDLE, 0)
    row.test.button.click()
    row.until(lambda: row.test.text() == LISTENS)
    row.until(lambda: row.test.bar.share > 0.5)
    assert device.streams[0].arguments["device"] == 3
    assert row.page.grab().toImage().width() > 0
    row.test.button.click()
    assert (row.test.text(), row.test.bar.share) == (IDLE, 0.0)
    row.until(lambda: device.open_now == 0)


def test_it_is_closed_when_the_page_is_left_or_another_one_chosen(
    row: Row, device: FakeMicrophone
) -> None:
    row.test.button.click()
    row.until(lambda: device.open_now == 1)
    row.page.hide()
    assert not row.test.running
    row.until(lambda: device.open_now == 0)
    row.page.show()
    row.test.button.click()
    row.until(lambda: device.open_now == 1)
    row.test.use("Another")
    row.until(lambda: device.open_now == 0)


def test_one_that_cannot_be_opened_is_a_sentence(row: Row, device: FakeMicrophone) -> None:
    device.fails = FakeMicrophoneError("no", -9985)
    row.test.button.click()
    row.until(lambda: row.test.text() == PROBLEMS[DeviceState.REFUSED])
    row.until(lambda: PROBLEMS[DeviceState.REFUSED] in row.changes)

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QEnterEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget

from rejoin.gui.sound_control import SoundControl
from rejoin.media.audio.volume import SoundChoice


class Ground(QWidget):
    """What is behind the control: the game."""

    presses = 0

    def mousePressEvent(self, event: object) -> None:
        self.presses += 1


@pytest.fixture
def ground(application: QApplication) -> Iterator[Ground]:
    ground = Ground()
    QVBoxLayout(ground)
    yield ground
    ground.deleteLater()


def shown(ground: Ground, choice: SoundChoice) -> tuple[SoundControl, list[SoundChoice]]:
    control = SoundControl(choice, ground)
    layout = ground.layout()
    assert layout is not None
    layout.addWidget(control)
    control.show()
    ground.show()
    chosen: list[SoundChoice] = []
    control.chosen.connect(chosen.append)
    return control, chosen


def turn(control: SoundControl, on: QWidget, eighths: int) -> None:
    """The wheel, with the pointer in the middle of `on`."""
    window = control.window()
    at = QPointF(on.mapTo(window, on.rect().center()))
    QTest.wheelEvent(window.windowHandle(), at, QPoint(0, eighths))
    QApplication.processEvents()


def read(control: SoundControl) -> tuple[int, str, str]:
    return control.slider.value(), control.digits.text(), control.switch.accessibleName()


def test_it_shows_the_choice_also_as_text(ground: Ground) -> None:
    control, chosen = shown(ground, SoundChoice(60))
    assert read(control) == (60, "60 %", "Sound: Volume 60 %")
    assert control.slider.accessibleName() == "Volume"
    control.set_choice(SoundChoice(60, muted=True))
    assert read(control) == (0, "Off", "Sound: Sound off")
    assert chosen == [], "showing a choice does not emit one"


def test_the_button_mutes_and_unmutes(ground: Ground) -> None:
    control, chosen = shown(ground, SoundChoice(60))
    loud = control.switch.icon().pixmap(18, 18).toImage()
    QTest.mouseClick(control.switch, Qt.MouseButton.LeftButton)
    assert control.switch.icon().pixmap(18, 18).toImage() != loud
    QTest.mouseClick(control.switch, Qt.MouseButton.LeftButton)
    assert chosen == [SoundChoice(60, muted=True), SoundChoice(60)]
    assert control.switch.icon().pixmap(18, 18).toImage() == loud


def test_the_slider_jumps_to_where_it_is_clicked(ground: Ground) -> None:
    control, chosen = shown(ground, SoundChoice(100))
    slider = control.slider
    QTest.mouseClick(slider, Qt.MouseButton.LeftButton, pos=slider.rect().center())
    assert chosen
    assert abs(chosen[-1].volume - 50) <= 2
    QTest.mouseClick(slider, Qt.MouseButton.LeftButton, pos=QPoint(1, slider.height() // 2))
    assert chosen[-1] == SoundChoice(0)
    assert control.digits.text() == "Off"
    QTest.mouseClick(
        slider, Qt.MouseButton.LeftButton, pos=QPoint(slider.width() - 1, slider.height() // 2)
    )
    assert chosen[-1] == SoundChoice(100)


def test_moving_the_slider_of_a_muted_game_unmutes_it(ground: Ground) -> None:
    control, chosen = shown(ground, SoundChoice(60, muted=True))
    control.slider.setValue(30)
    assert chosen == [SoundChoice(30)]


def test_one_notch_of_the_wheel_is_one_step_anywhere_on_the_control(ground: Ground) -> None:
    control, chosen = shown(ground, SoundChoice(60))
    turn(control, control, 120)
    turn(control, control.slider, -120)
    turn(control, control.switch, -60)
    turn(control, control.switch, -60)
    assert [choice.volume for choice in chosen] == [70, 60, 50]


def test_it_takes_no_focus_and_lets_no_click_through(ground: Ground) -> None:
    control, _ = shown(ground, SoundChoice(60))
    for widget in (control, control.switch, control.slider):
        assert widget.focusPolicy() is Qt.FocusPolicy.NoFocus
    QTest.mouseClick(control, Qt.MouseButton.LeftButton, pos=QPoint(2, 2))
    QTest.mouseClick(control.digits, Qt.MouseButton.LeftButton)
    assert ground.presses == 0


def test_it_is_in_use_while_the_pointer_is_on_it(ground: Ground) -> None:
    control, _ = shown(ground, SoundChoice(60))
    at = QPointF(5, 5)
    held = [control.held]
    QApplication.sendEvent(control, QEnterEvent(at, at, at))
    held.append(control.held)
    QApplication.sendEvent(control, QEvent(QEvent.Type.Leave))
    held.append(control.held)
    QApplication.sendEvent(control, QEnterEvent(at, at, at))
    control.hide()
    held.append(control.held)
    QTest.mousePress(control.slider, Qt.MouseButton.LeftButton)
    held.append(control.held)
    assert held == [False, True, False, False, True]

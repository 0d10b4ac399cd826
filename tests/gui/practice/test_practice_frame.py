"""The frame around the picture: where it is, and that it is no matter of colour alone."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QRect
from PySide6.QtWidgets import QApplication, QWidget

from rejoin.gui.practice.practice_frame import FRAME_PX, PracticeFrame


def test_four_bars_around_and_a_label(application: QApplication) -> None:
    around = QWidget()
    around.resize(640, 360)
    frame = PracticeFrame(around)
    around.show()
    assert not frame.is_shown
    frame.show(on=True, text="Practice fault: cut_3s")
    QCoreApplication.processEvents()
    united = QRect()
    for bar in frame.bars:
        assert bar.isVisible()
        assert min(bar.width(), bar.height()) == FRAME_PX
        united = united.united(bar.geometry())
    assert united == around.rect()
    assert around.rect().contains(frame.label.geometry())
    assert frame.label.isVisible()
    frame.show(on=False, text="")
    assert not frame.is_shown
    assert frame.label.isHidden()
    around.deleteLater()


def test_a_long_label_stays_inside(application: QApplication) -> None:
    around = QWidget()
    around.resize(240, 360)
    frame = PracticeFrame(around)
    around.show()
    frame.show(on=False, text="Practice drop in 3: cut_until_window+1 and more and more words")
    QCoreApplication.processEvents()
    assert frame.label.width() <= around.width()
    around.deleteLater()


def test_the_bars_are_striped(application: QApplication) -> None:
    around = QWidget()
    around.resize(640, 360)
    frame = PracticeFrame(around)
    around.show()
    frame.show(on=True, text="")
    line = frame.bars[0].grab().toImage()
    colours = {line.pixel(x, FRAME_PX // 2) for x in range(line.width())}
    assert len(colours) == 2
    around.deleteLater()

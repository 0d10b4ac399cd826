"""A section is made from the schema, shows what is set, and says what the player picks."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from helpers.window_faces import delete
from rejoin.gui.settings.controls import ChoiceBox, PercentSlider, Switch
from rejoin.gui.settings.rows import State
from rejoin.gui.settings.section_view import SectionView
from rejoin.gui.settings.sections import SECTIONS
from rejoin.runtime.loaded_settings import Loaded
from rejoin.runtime.player_settings import PlayerSettings

pytestmark = pytest.mark.usefixtures("application")

BY_NAME = {section.name: section for section in SECTIONS}


def test_each_kind_of_setting_has_its_control_and_shows_its_value() -> None:
    view = SectionView(BY_NAME["video"], {})
    settings = PlayerSettings(scaling="sharp", sharpness=0.4, vsync=True, screen="DP-7")
    view.show_state(State(Loaded(settings)))
    [box], [slider] = view.rows["video.scaling"].controls, view.rows["video.sharpness"].controls
    [switch], [screen] = view.rows["video.vsync"].controls, view.rows["video.screen"].controls
    assert isinstance(box, ChoiceBox)
    assert box.currentText() == "Sharp"
    assert isinstance(slider, PercentSlider)
    assert slider.slider.value() == 40
    assert isinstance(switch, Switch)
    assert switch.isChecked()
    assert isinstance(screen, ChoiceBox)
    assert screen.currentText() == "DP-7"
    delete(view)


def test_what_is_picked_is_said_with_its_key() -> None:
    view, seen = SectionView(BY_NAME["connection"], {}), list[tuple[str, object]]()
    view.picked.connect(lambda key, value: seen.append((key, value)))
    asked = list[str]()
    view.file_asked.connect(asked.append)
    view.show_state(State())
    view.show()
    choose, none = view.rows["network.turn_file"].controls
    assert not none.isEnabled()
    view.show_state(State(Loaded(PlayerSettings(turn_file="/a/turn.json"))))
    QTest.mouseClick(choose, Qt.MouseButton.LeftButton)
    QTest.mouseClick(none, Qt.MouseButton.LeftButton)
    QTest.mouseClick(view.rows["network.dtls_client"].controls[0], Qt.MouseButton.LeftButton)
    assert asked == ["network.turn_file"]
    assert seen == [("network.turn_file", None), ("network.dtls_client", True)]
    delete(view)


def test_no_width_cuts_a_text_off(application: QApplication) -> None:
    view = SectionView(BY_NAME["video"], {})
    view.show_state(State())
    for width in (320, 640, 1000, 3840):
        view.resize(width, 400)
        view.fit(width)
        view.show()
        application.processEvents()
        ground = view.widget()
        assert ground is not None
        assert ground.width() <= view.viewport().width()
        for row in view.rows.values():
            assert row.geometry().right() <= ground.width()
            for control in row.controls:
                right = control.mapTo(ground, control.rect().topRight()).x()
                assert right <= ground.width(), (width, row.title.text())
            assert row.now.height() >= row.now.heightForWidth(row.now.width())
    delete(view)


def test_the_first_control_is_one_that_can_be_used() -> None:
    view = SectionView(BY_NAME["privacy"], {})
    assert view.first_control() is view.rows["privacy.streamer_mode"].controls[0]
    view.rows["privacy.streamer_mode"].controls[0].setEnabled(False)
    assert view.first_control() is view.rows["privacy.send_reports"].controls[0]
    delete(view)

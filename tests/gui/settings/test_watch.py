"""A change of the settings file is noticed, whoever made it."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from helpers.window_faces import wait_until
from rejoin.gui.settings.watch import SettingsWatch
from rejoin.runtime.loaded_settings import Loaded
from rejoin.runtime.settings_file import change


@pytest.mark.usefixtures("application")
def test_each_change_is_sent_once(tmp_path: Path) -> None:
    path = tmp_path / "not" / "yet" / "settings.toml"
    watch, seen = SettingsWatch(path), list[Loaded]()
    watch.changed.connect(seen.append)
    watch.check()
    assert seen == []
    change(path, "video.scaling", "sharp")
    watch.check()
    watch.check()
    assert [each.settings.scaling for each in seen] == ["sharp"]
    path.write_text("[video")
    watch.check()
    assert seen[-1].damaged
    path.unlink()
    watch.check()
    assert not seen[-1].given
    assert len(seen) == 3


def test_it_looks_by_itself(application: QApplication, tmp_path: Path) -> None:
    from PySide6.QtCore import QObject

    parent = QObject()
    path = tmp_path / "settings.toml"
    watch, seen = SettingsWatch(path, parent), list[Loaded]()
    watch.changed.connect(seen.append)
    change(path, "video.vsync", True)
    assert wait_until(lambda: bool(seen), 30)
    parent.deleteLater()
    application.processEvents()

"""The settings screen: saved at once, true at once, by keyboard alone, in any size."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, Qt, QUrl
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from helpers.fake_port import FakePort
from helpers.settings_page import page_on
from helpers.window_faces import wait_until
from rejoin.gui import roles, theme
from rejoin.gui.settings.controls import ChoiceBox, PercentSlider, Switch
from rejoin.gui.settings.keys_button import KeysButton
from rejoin.gui.settings.page import SettingsPage
from rejoin.gui.settings.rows import Playing
from rejoin.gui.settings.sections import SECTIONS
from rejoin.runtime.player_settings import SETTINGS, PlayerSettings
from rejoin.runtime.settings_file import change, load

pytestmark = pytest.mark.usefixtures("application")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config" / "settings.toml"


def control(page: SettingsPage, key: str) -> QWidget:
    """The control of a setting, whose section is shown."""
    section = next(each for each in SECTIONS if key in each.keys)
    page.show_section(section.name)
    QCoreApplication.processEvents()
    return page.shown.rows[key].controls[0]


def now(page: SettingsPage, key: str) -> str:
    return page.shown.rows[key].now.text()


def test_a_change_is_saved_and_true_at_once(path: Path) -> None:
    with page_on(path) as page:
        switch = control(page, "video.full_screen")
        assert now(page, "video.full_screen").startswith("Off:")
        QTest.mouseClick(switch, Qt.MouseButton.LeftButton)
        assert load(path).settings == PlayerSettings(full_screen=True)
        assert now(page, "video.full_screen").startswith("On:")
        QTest.mouseClick(switch, Qt.MouseButton.LeftButton)
        assert load(path).given == frozenset(), "the default leaves the file"


def test_a_page_that_is_gone_leaves_no_widgets(path: Path) -> None:
    """Each change of theme visits all widgets that there are."""
    before = QApplication.allWidgets()
    with page_on(path):
        pass
    assert [each for each in QApplication.allWidgets() if each not in before] == []


def test_theme_and_text_size_apply_at_once(path: Path) -> None:
    with page_on(path) as page:
        box = control(page, "appearance.theme")
        assert isinstance(box, ChoiceBox)
        box.setFocus()
        QTest.keyClick(box, Qt.Key.Key_Down)
        assert theme.shown_palette() is roles.LIGHT
        size = control(page, "appearance.text_size")
        assert isinstance(size, ChoiceBox)
        QTest.keyClick(size, Qt.Key.Key_End)
        assert theme.scaled(14) == 28
        assert page.shown.heading.fontInfo().pixelSize() == 44
        assert page.choice.isVisible(), "there is no room for the list any more"
        QTest.mouseClick(control(page, "appearance.high_contrast"), Qt.MouseButton.LeftButton)
        assert theme.shown_palette() is roles.HIGH_CONTRAST


@pytest.mark.parametrize("key", SETTINGS)
def test_every_setting_can_be_changed_by_its_control(path: Path, key: str) -> None:
    with page_on(path) as page:
        shown, before = control(page, key), page.state.value(key)
        match shown:
            case Switch():
                QTest.keyClick(shown, Qt.Key.Key_Space)
            case ChoiceBox():
                wanted = Qt.Key.Key_End if shown.currentIndex() == 0 else Qt.Key.Key_Home
                QTest.keyClick(shown, wanted)
                if shown.count() == 1:  # offscreen there is no screen with a name
                    page.change(key, "DP-1")
            case PercentSlider():
                QTest.keyClick(shown.slider, Qt.Key.Key_PageUp)
                assert wait_until(lambda: bool(load(path).given), 30)
            case KeysButton():
                QTest.keyClick(shown, Qt.Key.Key_Space)
                QTest.keyClick(shown, Qt.Key.Key_F9)
            case _:
                page.change(key, "/a/turn.json")
        assert load(path).given == {key}
        assert page.state.value(key) != before


def test_what_somebody_else_changes_is_shown(path: Path) -> None:
    with page_on(path) as page:
        control(page, "video.scaling")
        change(path, "video.scaling", "pixel")
        page.watch.check()
        assert now(page, "video.scaling").startswith("Every pixel")
        path.unlink()
        page.watch.check()
        assert now(page, "video.scaling").startswith("Soft")


def test_a_damaged_file_is_said_and_kept_before_a_change(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_text("[video")
    with page_on(path) as page:
        assert "is damaged" in page.trouble.text()
        assert page.trouble.isVisible()
        page.change("video.vsync", True)
        assert page.trouble.text() == "The damaged file is kept as settings.damaged-1.toml."
        assert path.with_name("settings.damaged-1.toml").read_text() == "[video"
        page.change("video.vsync", False)
        assert not page.trouble.isVisible()


def test_a_bad_value_is_said_in_its_row_and_can_be_mended(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_text("[video]\nrenderer = 'gpu'\nhdr = true\n")
    with page_on(path) as page:
        row = page.shown.rows["video.renderer"]
        assert "cannot be 'gpu'" in row.notice.text()
        assert "gpu" not in page.trouble.text()
        assert "video.hdr" in page.trouble.text()
        page.change("video.renderer", "auto")
        assert row.notice.isHidden()
        assert load(path).bad == {}


def test_what_the_command_line_says_is_named(path: Path) -> None:
    with page_on(path, fixed={"video.scaling": "sharp"}) as page:
        assert "Sharp" in page.shown.rows["video.scaling"].notice.text()


def test_a_full_disk_is_a_sentence_and_the_row_stays_true(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with page_on(path) as page:
        switch = control(page, "video.vsync")
        monkeypatch.setattr("os.fsync", full)
        QTest.mouseClick(switch, Qt.MouseButton.LeftButton)
        assert "No space left on device" in page.trouble.text()
        assert isinstance(switch, Switch)
        assert not switch.isChecked()


def test_a_page_and_everything_is_reset(path: Path) -> None:
    with page_on(path) as page:
        page.change("video.vsync", True)
        page.change("sound.mute_in_background", True)
        control(page, "video.vsync")
        page.shown.reset.click()
        assert load(path).settings == PlayerSettings(mute_in_background=True)
        page.show_section("file")
        [everything] = page.shown.rows["reset"].controls
        QTest.mouseClick(everything, Qt.MouseButton.LeftButton)
        assert load(path).given == {"sound.mute_in_background"}
        QTest.mouseClick(everything, Qt.MouseButton.LeftButton)
        assert load(path).settings == PlayerSettings()


def test_a_file_is_imported(path: Path, tmp_path: Path) -> None:
    source = tmp_path / "source.toml"
    source.write_text("[video]\nscaling = 'pixel'\nrenderer = 'gpu'\n")
    with page_on(path) as page:
        page.import_from(source)
        assert load(path).settings == PlayerSettings(scaling="pixel")
        assert "'gpu'" in page.trouble.text()
        page.import_from(tmp_path / "none.toml")
        assert "There is no file" in page.trouble.text()


def test_folders_are_opened_or_a_sentence_says_why_not(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, works = list[Path](), True

    def open_url(url: QUrl) -> bool:
        opened.append(Path(url.toLocalFile()))
        return works

    monkeypatch.setattr("rejoin.gui.settings.page.QDesktopServices.openUrl", open_url)
    logs = tmp_path / "state" / "log"
    monkeypatch.setattr("rejoin.gui.settings.extras.log_folder", lambda: logs)
    with page_on(path) as page:
        page.show_section("privacy")
        [button] = page.shown.rows["log"].controls
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)
        assert opened == [logs]
        assert logs.is_dir()
        page.show_section("file")
        [button] = page.shown.rows["path"].controls
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)
        assert opened == [logs, path.parent]
        assert page.trouble.text() == ""
        works = False
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)
        assert page.trouble.text() == "This desktop has no program that shows folders."


def test_a_game_that_is_played_hears_the_volume_at_once(path: Path) -> None:
    port = FakePort()
    playing = Playing("the graphics card", "software", (640, 360), (1280, 720))
    with page_on(path, sound=port, playing=playing) as page:
        assert "Now: the graphics card." in now(page, "video.renderer")
        page.show_section("sound")
        [volume] = page.shown.rows["volume"].controls
        assert isinstance(volume, PercentSlider)
        QTest.keyClick(volume.slider, Qt.Key.Key_PageDown)
        assert [choice.volume for choice in port.choices] == [90]


# --- keyboard -------------------------------------------------------------------------------------


def test_arrow_keys_go_through_the_sections_and_right_goes_in(path: Path) -> None:
    with page_on(path) as page:
        assert page.focusWidget() is page.list
        seen = [page.shown.section.name]
        for _ in SECTIONS[1:]:
            QTest.keyClick(page.list, Qt.Key.Key_Down)
            seen.append(page.shown.section.name)
        assert seen == [section.name for section in SECTIONS]
        QTest.keyClick(page.list, Qt.Key.Key_Home)
        QTest.keyClick(page.list, Qt.Key.Key_Right)
        assert page.focusWidget() is page.shown.first_control()


@pytest.mark.parametrize("size", [(1280, 720), (640, 400)])
def test_tab_reaches_every_control_and_scrolls_to_it(path: Path, size: tuple[int, int]) -> None:
    with page_on(path, size) as page:
        for section in SECTIONS:
            page.show_section(section.name)
            QCoreApplication.processEvents()
            first = page.list if page.list.isVisible() else page.choice
            first.setFocus()
            reached: list[QWidget] = []
            for _ in range(60):
                page.focusNextPrevChild(True)
                focused = page.focusWidget()
                assert focused is not None
                if focused is first:
                    break
                reached.append(focused)
            wanted = [
                each.slider if isinstance(each, PercentSlider) else each
                for row in page.shown.rows.values()
                for each in row.controls
                if each.isEnabled()
            ]
            assert [each for each in reached if each in wanted] == wanted, section.name
            last = wanted[-1]
            last.setFocus(Qt.FocusReason.TabFocusReason)
            page.shown.ensureWidgetVisible(last)
            assert last.visibleRegion().boundingRect().height() > 0


def test_escape_and_back_leave(path: Path) -> None:
    with page_on(path) as page:
        left: list[bool] = []
        page.left.connect(lambda: left.append(True))
        QTest.keyClick(page.list, Qt.Key.Key_Escape)
        QTest.keyClick(control(page, "video.vsync"), Qt.Key.Key_Escape)
        page.back.click()
        page.short_back.click()
        assert len(left) == 4


# --- size -----------------------------------------------------------------------------------------


def cut_off(page: SettingsPage) -> list[str]:
    """The rows whose second line has less height than its text needs."""
    rows = page.shown.rows.values()
    return [
        row.title.text()
        for row in rows
        if row.now.height() < row.now.heightForWidth(row.now.width())
    ]


@pytest.mark.parametrize("percent", [100, 200])
@pytest.mark.parametrize("size", [(640, 400), (1024, 600), (1280, 720), (3840, 2160)])
def test_nothing_is_cut_off(path: Path, size: tuple[int, int], percent: int) -> None:
    change(path, "appearance.text_size", percent)
    with page_on(path, size) as page:
        assert page.size().toTuple() == size
        assert page.list.isVisible() is (size[0] >= theme.scaled(780))
        assert page.choice.isVisible() is not page.list.isVisible()
        for section in SECTIONS:
            page.show_section(section.name)
            QCoreApplication.processEvents()
            ground = page.shown.widget()
            assert ground is not None
            assert ground.width() <= page.shown.viewport().width()
            for row in page.shown.rows.values():
                for each in (row.title, row.now, *row.controls):
                    right = each.mapTo(ground, each.rect().topRight()).x()
                    assert right <= ground.width(), (section.name, row.title.text())
            # The devices may come late, and with them a text of more lines.
            wait_until(lambda: cut_off(page) == [], 30.0)
            assert cut_off(page) == [], section.name


def test_the_focus_moves_with_the_list_when_the_window_gets_narrow(path: Path) -> None:
    with page_on(path) as page:
        page.resize(640, 400)
        QCoreApplication.processEvents()
        assert page.focusWidget() is page.choice
        page.choice.setCurrentIndex(2)
        page.choice.activated.emit(2)
        assert page.shown.section.name == "sound"
        page.resize(1280, 720)
        QCoreApplication.processEvents()
        assert page.focusWidget() is page.list
        assert page.list.currentRow() == 2


def test_it_imports_no_codec_no_webrtc_and_no_keyring() -> None:
    script = (
        "import sys, rejoin.gui.settings.page\n"
        "print([m for m in ('av', 'aiortc', 'numpy', 'httpx', 'keyring', 'sounddevice', 'tomlkit')"
        " if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=240
    )
    assert done.stdout.strip() == "[]"

"""`rejoin settings`: list, get, set, reset, export, import and open."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers.command_line import Rejoin
from rejoin.runtime.player_settings import SETTINGS
from rejoin.runtime.settings_file import settings_path


def test_all_are_listed_with_their_values_and_meanings(rejoin: Rejoin) -> None:
    assert rejoin("settings", "set", "video.vsync", "yes") == (0, "", "")
    code, out, err = rejoin("settings", "list")
    assert (code, err) == (0, "")
    assert out.startswith(f"{settings_path()}\n")
    assert "\nvideo.vsync = true\n" in out
    assert "\nnetwork.max_kbps = none (default)\n" in out
    for key in SETTINGS:
        assert f"\n{key} = " in out
    assert "Applies from the next game." in " ".join(out.split())
    assert "Applies at once." in " ".join(out.split())


def test_one_is_set_shown_and_reset(rejoin: Rejoin) -> None:
    assert rejoin("settings", "get", "network.max_kbps") == (0, "none\n", "")
    assert rejoin("settings", "set", "network.max_kbps", "8000") == (0, "", "")
    assert rejoin("settings", "get", "network.max_kbps") == (0, "8000\n", "")
    assert rejoin("settings", "reset", "network.max_kbps") == (0, "", "")
    assert rejoin("settings", "get", "network.max_kbps") == (0, "none\n", "")


def test_all_are_reset(rejoin: Rejoin) -> None:
    rejoin("settings", "set", "video.vsync", "yes")
    rejoin("settings", "set", "video.scaling", "sharp")
    assert rejoin("settings", "reset", "--all") == (0, "", "")
    _, out, _ = rejoin("settings", "list")
    assert out.count("(default)") == len(SETTINGS)


@pytest.mark.parametrize(
    "arguments",
    [
        ("get", "video.hdr"),
        ("get", "reports.send"),
        ("export",),
        ("import", "/no/such/file.toml"),
        ("set", "video.hdr", "yes"),
        ("set", "video.vsync", "maybe"),
        ("reset", "video.hdr"),
        ("reset",),
        ("reset", "video.vsync", "--all"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(rejoin: Rejoin, arguments: tuple[str, ...]) -> None:
    code, out, err = rejoin("settings", *arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert not settings_path().exists()


def test_a_key_of_an_older_version_says_its_new_name(rejoin: Rejoin) -> None:
    _, _, err = rejoin("settings", "set", "reports.send", "yes")
    assert "is now called privacy.send_reports" in err


def test_what_is_exported_can_be_imported(rejoin: Rejoin, tmp_path: Path) -> None:
    rejoin("settings", "set", "video.scaling", "sharp")
    file = tmp_path / "mine.toml"
    assert rejoin("settings", "export", str(file)) == (0, "", "")
    code, out, err = rejoin("settings", "export", str(file))
    assert (code, out, err.count("\n")) == (2, "", 1)
    rejoin("settings", "reset", "--all")
    rejoin("settings", "set", "video.vsync", "yes")
    assert rejoin("settings", "import", str(file)) == (0, "", "")
    assert rejoin("settings", "get", "video.scaling") == (0, "sharp\n", "")
    assert rejoin("settings", "get", "video.vsync") == (0, "false\n", "")
    file.write_text("[video]\nrenderer = 'gpu'\nscaling = 'pixel'\n")
    code, out, err = rejoin("settings", "import", str(file))
    assert (code, out, err.count("\n")) == (0, "", 1)
    assert "video.renderer" in err


def test_the_window_opens_on_the_file(rejoin: Rejoin, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Path] = []

    def run(path: Path) -> int:
        opened.append(path)
        return 0

    monkeypatch.setattr("rejoin.gui.settings.window.run", run)
    assert rejoin("settings", "open") == (0, "", "")
    assert opened == [settings_path()]


def test_without_a_display_the_window_is_one_sentence(
    rejoin: Rejoin, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("QT_QPA_PLATFORM", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    code, out, err = rejoin("settings", "open")
    assert (code, out, err.count("\n")) == (9, "", 1)


def test_a_damaged_file_is_named_and_kept(rejoin: Rejoin) -> None:
    settings_path().parent.mkdir(parents=True)
    settings_path().write_text("[video")
    code, out, err = rejoin("settings", "list")
    assert (code, err.count("\n")) == (0, 1)
    assert "is damaged" in err
    assert out.count("(default)") == len(SETTINGS)
    code, out, err = rejoin("settings", "set", "video.vsync", "yes")
    assert (code, out, err.count("\n")) == (0, "", 1)
    aside = settings_path().with_name("settings.damaged-1.toml")
    assert str(aside) in err
    assert aside.read_text() == "[video"

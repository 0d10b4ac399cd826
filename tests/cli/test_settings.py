"""`rejoin settings`: list, get, set and reset."""

from __future__ import annotations

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
    assert "next start" in " ".join(out.split())


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

"""What a settings file with mistakes in it still says."""

from __future__ import annotations

from typing import Any

import pytest

from rejoin.runtime.loaded_settings import from_tables
from rejoin.runtime.player_settings import PlayerSettings


def test_a_file_that_says_everything() -> None:
    loaded = from_tables(
        {
            "video": {"renderer": "card", "vsync": True, "sharpness": 1},
            "network": {"max_kbps": 8000},
            "privacy": {"send_reports": True},
        }
    )
    assert loaded.problems == ()
    assert loaded.settings == PlayerSettings(
        renderer="card", vsync=True, sharpness=1.0, max_kbps=8000, send_reports=True
    )
    assert "video.vsync" in loaded.given
    assert "video.decoder" not in loaded.given


@pytest.mark.parametrize(
    "wrong", [True, 5, 1.5, None, [], {}, "CANARY" * 100, float("inf"), 10**400]
)
def test_a_bad_value_is_named_and_the_rest_is_used(wrong: Any) -> None:
    tables = {"video": {"renderer": wrong, "scaling": "sharp"}, "network": {"max_kbps": wrong}}
    if wrong is None or wrong == 5:
        tables["network"] = {"max_kbps": "5"}  # TOML has no null
    loaded = from_tables(tables)
    assert loaded.settings == PlayerSettings(scaling="sharp")
    assert len(loaded.problems) == 2
    first, second = loaded.problems
    assert "video.renderer" in first
    assert first.endswith("Its default is used: auto.")
    assert "network.max_kbps" in second
    assert len(first) < 200


def test_unknown_keys_are_named_in_one_sentence() -> None:
    loaded = from_tables(
        {"video": {"hdr": True, "scaling": "pixel"}, "voice": {"on": 1}, "network": 3}
    )
    assert loaded.settings == PlayerSettings(scaling="pixel")
    [sentence] = loaded.problems
    assert sentence.endswith("leaves it as it is: video.hdr, voice, network.")
    many = from_tables({f"key{number}" * 50: 1 for number in range(5000)})
    assert len(many.problems[0]) < 600
    assert many.problems[0].endswith(" and 4992 more.")


def test_a_switch_is_no_number_and_a_number_no_switch() -> None:
    loaded = from_tables({"video": {"vsync": 1, "sharpness": True}, "network": {"max_kbps": True}})
    assert loaded.settings == PlayerSettings()
    assert len(loaded.problems) == 3


def test_keys_that_two_shortcuts_have_are_said_to_be_for_the_first() -> None:
    loaded = from_tables({"shortcuts": {"reconnect": "Ctrl+Alt+M", "louder": "none"}})
    assert loaded.settings == PlayerSettings(keys_reconnect="Ctrl+Alt+M", keys_louder="none")
    [sentence] = loaded.problems
    assert "shortcuts.sound and shortcuts.reconnect both have the keys Ctrl+Alt+M" in sentence


@pytest.mark.parametrize("other", ["menu", "save_picture", "talk", "full_screen"])
def test_keys_of_the_way_out_are_said_to_be_for_that(other: str) -> None:
    loaded = from_tables({"shortcuts": {other: "Ctrl+Alt"}})
    assert loaded.problems == (
        f"The settings shortcuts.free_mouse and shortcuts.{other} both have the keys Ctrl+Alt, "
        "which are for the first.",
    )

"""The player's settings: what each may be."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from rejoin.errors import BadInputError
from rejoin.gui.renderer_choice import Renderer
from rejoin.media.video.scale_filter import ScaleFilter
from rejoin.runtime.player_settings import SETTINGS, PlayerSettings, setting
from rejoin.runtime.setting_kinds import Limit, OneOf


def test_every_default_may_be_chosen_and_every_key_has_a_table_and_a_meaning() -> None:
    assert len(SETTINGS) == len(dataclasses.fields(PlayerSettings))
    for key, each in SETTINGS.items():
        assert each.from_text(each.to_text(each.default)) == each.default
        assert len(key.split(".")) == 2
        assert each.meaning.endswith(".")


def test_the_words_are_those_of_the_code() -> None:
    """`runtime` cannot import what is above it."""
    assert setting("video.renderer").kind == OneOf(tuple(each.value for each in Renderer))
    scalings = setting("video.scaling").kind
    assert isinstance(scalings, OneOf)
    assert set(scalings.words) == {each.value for each in ScaleFilter}


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("video.renderer", "software", "software"),
        ("video.vsync", "Yes", True),
        ("video.vsync", "false", False),
        ("video.sharpness", "1", 1.0),
        ("video.sharpness", "0.25", 0.25),
        ("network.max_kbps", "100", 100),
        ("network.max_kbps", "none", None),
        ("mouse.sensitivity", "2.5", 2.5),
        ("shortcuts.sound", "alt+ctrl+m, F9", "Ctrl+Alt+M, F9"),
        ("shortcuts.sound", "none", "none"),
    ],
)
def test_what_a_person_writes(key: str, text: str, value: object) -> None:
    found = setting(key).from_text(text)
    assert found == value
    assert type(found) is type(value)
    assert setting(key).from_text(setting(key).to_text(found)) == value


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("video.renderer", "gpu"),
        ("video.renderer", ""),
        ("video.vsync", "1"),
        ("video.sharpness", "nan"),
        ("video.sharpness", "-0.1"),
        ("video.sharpness", "much"),
        ("network.max_kbps", "99"),
        ("network.max_kbps", "1e3"),
        ("network.max_height", "4321"),
        ("mouse.sensitivity", "0"),
        ("mouse.sensitivity", "inf"),
        ("shortcuts.sound", "W"),
        ("shortcuts.sound", ""),
        ("shortcuts.free_mouse", "none"),
    ],
)
def test_what_cannot_be_is_one_sentence_with_what_can(key: str, text: str) -> None:
    with pytest.raises(BadInputError) as raised:
        setting(key).from_text(text)
    assert str(raised.value).startswith(f"The setting {key} cannot be ")
    assert str(raised.value).endswith(f"but {setting(key).allowed()}.")


def test_a_key_that_does_not_exist() -> None:
    with pytest.raises(BadInputError, match="no setting video"):
        setting("video")


def test_limits_are_those_of_the_options() -> None:
    assert setting("network.max_kbps").kind == Limit(100, 100_000)


def test_something_reads_every_setting() -> None:
    """A setting without an effect is a defect. What the screen says of it is none."""
    app = Path(__file__).parents[2] / "app" / "rejoin"
    shown = {app / "gui/settings/rows.py", app / "runtime/player_settings.py"}
    sources = [path.read_text(encoding="utf-8") for path in app.rglob("*.py") if path not in shown]
    unread = [
        name
        for name in (each.name for each in SETTINGS.values())
        if not any(
            re.search(rf'saved\("{name}"\)|\b(settings|_now|of_this_run\(\))\.{name}\b', source)
            for source in sources
        )
    ]
    assert unread == []


def test_the_document_has_every_setting_as_it_is() -> None:
    page = (Path(__file__).parents[2] / "docs" / "settings.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.split(" | ")] for line in page.splitlines()]
    documented = {row[0].strip("| `"): row for row in rows if row[0].startswith("| `")}
    assert list(documented) == list(SETTINGS)
    for key, row in documented.items():
        known = SETTINGS[key]
        assert row[1:3] == [known.allowed(), known.to_text(known.default)]
        assert row[4:] == [known.applies.value, f"{known.meaning} |"]

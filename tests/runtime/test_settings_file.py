"""The settings file: read without harm, changed key by key, and never overwritten unread."""

from __future__ import annotations

import os
import stat
import sys
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rejoin.errors import BadInputError
from rejoin.runtime import settings_file
from rejoin.runtime.player_settings import SETTINGS, PlayerSettings
from rejoin.runtime.settings_file import change, clear, load, settings_path

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="modes and links of POSIX")

WRITTEN = """\
# mine
title = "kept"   # too

[video]
scaling = "sharp"  # I like it so
hdr = [1, 2]

[future]
key = 1979-05-27
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "not" / "yet" / "settings.toml"


def test_without_a_file_there_are_the_defaults_and_none_is_made(path: Path) -> None:
    assert load(path).settings == PlayerSettings()
    assert load(path).problems == ()
    assert not path.parent.exists()


def test_what_is_set_is_read_again(path: Path) -> None:
    assert change(path, "video.renderer", "card") is None
    change(path, "network.max_kbps", 8000)
    change(path, "video.vsync", True)
    assert load(path).settings == PlayerSettings(renderer="card", max_kbps=8000, vsync=True)
    change(path, "video.renderer", None)
    assert load(path).settings == PlayerSettings(max_kbps=8000, vsync=True)
    assert load(path).given == {"network.max_kbps", "video.vsync"}


def test_a_change_leaves_all_else_as_it_is(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_text(WRITTEN, encoding="utf-8")
    change(path, "video.scaling", "pixel")
    assert path.read_text(encoding="utf-8") == WRITTEN.replace('"sharp"', '"pixel"')
    change(path, "video.vsync", None)
    clear(path)
    found = tomllib.loads(path.read_text(encoding="utf-8"))
    before = tomllib.loads(WRITTEN)
    del before["video"]["scaling"]
    assert found == before
    assert load(path).settings == PlayerSettings()


@pytest.mark.parametrize(
    "text",
    [
        'video.scaling = "sharp"\n',
        'video = {scaling = "sharp"}\n',
        '[video]\r\nscaling = "sharp"\r\n',
        '[network]\nmax_kbps = 500\n[video.more]\na = 1\n[video2]\n[video]\nscaling = "sharp"\n',
        '"video"."scaling" = "sharp"\n[input]\n',
    ],
)
def test_any_form_of_toml_can_be_changed(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(text.encode())
    if not load(path).problems or "more" in text:
        change(path, "video.scaling", "pixel")
        change(path, "video.vsync", True)
        change(path, "network.max_kbps", 900)
        change(path, "input.module", "off")
        assert load(path).settings == PlayerSettings(
            scaling="pixel", vsync=True, max_kbps=900, input_module="off"
        )


@POSIX
def test_the_file_is_this_users_alone(path: Path) -> None:
    before = os.umask(0)
    try:
        change(path, "video.vsync", True)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o644)
    change(path, "video.vsync", False)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@POSIX
def test_a_link_to_the_file_stays_a_link(path: Path, tmp_path: Path) -> None:
    kept = tmp_path / "dotfiles.toml"
    kept.write_text("")
    path.parent.mkdir(parents=True)
    path.symlink_to(kept)
    change(path, "video.vsync", True)
    assert path.is_symlink()
    assert load(kept).settings == PlayerSettings(vsync=True)


DAMAGED = {
    "no TOML": (b'[video]\nscaling = "sharp\n', "at line 2, column"),
    "no text": (b"\xff\xfe\x00", "not UTF-8"),
    "nested": (b"a = " + b"[" * 60_000, "not TOML"),
    "too long": (b"#" * 70_000, "too long"),
    "zeros": (b"\0" * 100, "at line 1, column 1"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_file_is_one_sentence_and_is_set_aside_before_a_change(
    path: Path, name: str
) -> None:
    content, why = DAMAGED[name]
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    loaded = load(path)
    assert loaded.settings == PlayerSettings()
    [sentence] = loaded.problems
    assert sentence.startswith(f"The settings file {path} is damaged (")
    assert why in sentence
    assert sentence.endswith("): defaults are used.")
    assert path.read_bytes() == content, "reading changes nothing"

    for number in (1, 2):
        path.write_bytes(content)
        aside = change(path, "video.vsync", True)
        assert aside == path.with_name(f"settings.damaged-{number}.toml")
        assert aside.read_bytes() == content
        assert load(path).settings == PlayerSettings(vsync=True)
        assert load(path).problems == ()


def test_a_file_that_cannot_be_read_is_a_sentence(path: Path) -> None:
    path.mkdir(parents=True)
    assert load(path).problems == (f"The settings file {path} cannot be read: defaults are used.",)
    with pytest.raises(BadInputError, match=r"cannot be changed: .*\.$"):
        change(path, "video.vsync", True)


def test_a_full_disk_leaves_the_file_as_it_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    change(path, "video.vsync", True)
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(BadInputError, match="No space left on device"):
        change(path, "video.vsync", False)
    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir()] == ["settings.toml"]


def test_a_value_in_the_place_of_a_table_is_not_lost(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_text("video = 3\n")
    with pytest.raises(BadInputError, match="video is not a table"):
        change(path, "video.vsync", True)
    assert path.read_text() == "video = 3\n"


@pytest.mark.parametrize(("key", "value"), [("video.hdr", True), ("video.vsync", "maybe")])
def test_what_cannot_be_is_not_written(path: Path, key: str, value: object) -> None:
    with pytest.raises(BadInputError):
        change(path, key, value)  # type: ignore[arg-type]
    assert not path.exists()


@given(content=st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)))
def test_no_content_makes_reading_or_changing_fail(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.mktemp("settings") / "settings.toml"
    path.write_bytes(content)
    load(path)
    change(path, "video.vsync", True)
    assert load(path).settings.vsync
    for key in SETTINGS:
        change(path, key, None)


@pytest.mark.skipif(sys.platform != "linux", reason="XDG is Linux's")
def test_where_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert settings_path() == tmp_path / "rejoin" / "settings.toml"
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert settings_path() == tmp_path / ".config" / "rejoin" / "settings.toml"


def test_what_plays_does_not_load_the_writer() -> None:
    """Reading costs a start as little as it can."""
    assert "tomlkit" not in vars(settings_file)
    assert "tomllib" not in vars(settings_file)

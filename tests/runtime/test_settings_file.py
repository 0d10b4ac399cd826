"""The settings file: read without harm, changed key by key, and never overwritten unread."""

from __future__ import annotations

import os
import stat
import sys
import threading
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rejoin.errors import BadInputError
from rejoin.runtime import settings_file
from rejoin.runtime.player_settings import SETTINGS, PlayerSettings
from rejoin.runtime.settings_file import (
    change,
    clear,
    export,
    import_from,
    load,
    settings_path,
)

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="modes and links of POSIX")

WRITTEN = """\
# mine
title = "kept"   # too
version = 3

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


def test_a_file_of_an_older_version_is_migrated_with_the_first_change(path: Path) -> None:
    path.parent.mkdir(parents=True)
    old = "# mine\n[reports]\nsend = true\n"
    path.write_text(old)
    assert load(path).settings == PlayerSettings(send_reports=True)
    assert load(path).problems == ()
    assert path.read_text() == old, "reading changes nothing"
    change(path, "video.vsync", True)
    assert load(path).settings == PlayerSettings(send_reports=True, vsync=True)
    found = tomllib.loads(path.read_text())
    assert found == {
        "version": 3,
        "privacy": {"send_reports": True},
        "video": {"vsync": True},
    }
    assert path.read_text().startswith("# mine\n")


def test_a_file_of_a_newer_version_is_used_as_far_as_it_is_known(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_text("version = 7\n[video]\nvsync = true\n[future]\nkey = 1\n")
    loaded = load(path)
    assert loaded.settings == PlayerSettings(vsync=True)
    assert "version 7" in loaded.problems[0]
    change(path, "video.vsync", False)
    found = tomllib.loads(path.read_text())
    assert found == {"version": 7, "video": {"vsync": False}, "future": {"key": 1}}


def test_some_settings_are_cleared(path: Path) -> None:
    change(path, "video.vsync", True)
    change(path, "video.scaling", "sharp")
    change(path, "network.max_kbps", 500)
    clear(path, ("video.vsync", "network.max_kbps", "pads.enabled"))
    assert load(path).settings == PlayerSettings(scaling="sharp")


def test_what_is_exported_is_imported_elsewhere(path: Path, tmp_path: Path) -> None:
    change(path, "video.scaling", "sharp")
    change(path, "appearance.text_size", 150)
    change(path, "sound.device", "Headset")
    file = tmp_path / "mine.toml"
    export(path, file)
    with pytest.raises(BadInputError, match="exists already"):
        export(path, file)
    other = tmp_path / "other" / "settings.toml"
    change(other, "video.vsync", True)
    assert import_from(other, file) == ((), None)
    assert load(other).settings == load(path).settings
    change(path, "sound.device", None)
    export(path, file, replace=True)
    import_from(other, file)
    assert load(other).settings.sound_device is None


def test_an_import_says_what_it_leaves_out_and_keeps_comments(path: Path, tmp_path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_text("# mine\n[video]\nvsync = true\n[future]\nkey = 1\n")
    source = tmp_path / "source.toml"
    source.write_text("[video]\nscaling = 'pixel'\nrenderer = 'gpu'\n[reports]\nsend = true\n")
    problems, copy = import_from(path, source)
    assert copy is None
    assert len(problems) == 1
    assert "video.renderer" in problems[0]
    assert load(path).settings == PlayerSettings(scaling="pixel", send_reports=True)
    assert path.read_text().startswith("# mine\n")
    assert tomllib.loads(path.read_text())["future"] == {"key": 1}


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "There is no file"),
        (b"[video", "holds no settings"),
        (b"\xff", "holds no settings"),
        (b"title = 'a song'\n", "no settings that can be used"),
        (b"[video]\nvsync = 5\n", "no settings that can be used"),
    ],
)
def test_what_cannot_be_imported_changes_nothing(
    path: Path, tmp_path: Path, content: bytes | None, why: str
) -> None:
    change(path, "video.vsync", True)
    before = path.read_bytes()
    source = tmp_path / "source.toml"
    if content is not None:
        source.write_bytes(content)
    with pytest.raises(BadInputError, match=why):
        import_from(path, source)
    assert path.read_bytes() == before


def test_a_damaged_file_is_not_exported(path: Path, tmp_path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_text("[video")
    with pytest.raises(BadInputError, match="it is not exported"):
        export(path, tmp_path / "mine.toml")
    with pytest.raises(BadInputError, match="cannot be written"):
        export(tmp_path / "none.toml", tmp_path / "no" / "folder" / "mine.toml")


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


def test_a_file_that_cannot_be_read_is_not_exported_as_if_it_were_empty(
    path: Path, tmp_path: Path
) -> None:
    path.mkdir(parents=True)
    loaded = load(path)
    assert (loaded.damaged, loaded.settings) == (True, PlayerSettings())
    assert loaded.problems[0].endswith("cannot be read: defaults are used.")
    with pytest.raises(BadInputError, match="cannot be read: it is not exported"):
        export(path, tmp_path / "mine.toml")
    assert not (tmp_path / "mine.toml").exists()


@pytest.mark.parametrize("replace", [False, True])
def test_a_full_disk_leaves_no_half_of_an_export(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, replace: bool
) -> None:
    change(path, "video.vsync", True)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    folder = tmp_path / "exported"
    folder.mkdir()
    with pytest.raises(BadInputError, match="No space left on device"):
        export(path, folder / "mine.toml", replace=replace)
    assert list(folder.iterdir()) == []
    with pytest.raises(BadInputError, match="No space left on device"):
        change(path, "video.vsync", False)
    assert load(path).settings == PlayerSettings(vsync=True)


@pytest.mark.parametrize("number", ["-1", '"3"', "nan", "1.5", "[]"])
def test_a_version_that_cannot_be_one_is_named(path: Path, number: str) -> None:
    path.parent.mkdir(parents=True)
    path.write_text(f"version = {number}\n[video]\nvsync = true\n")
    loaded = load(path)
    assert loaded.settings.vsync
    assert "no usable version" in loaded.problems[0]
    change(path, "video.vsync", False)
    assert load(path).problems == ()


def test_a_value_too_long_to_show_is_named_by_its_key(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_text(f"[network]\nmax_kbps = 0x{'f' * 5000}\n[video]\nvsync = true\n")
    loaded = load(path)
    assert loaded.settings.vsync
    assert "network.max_kbps cannot be '...'" in loaded.problems[0]


def test_a_key_that_would_turn_the_sentence_round_is_escaped(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_text('"\\u202ekey" = 1\n', encoding="utf-8")
    assert "\\u202ekey" in load(path).problems[0]


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such pipes")
def test_an_export_into_a_pipe_leaves_it_one(path: Path, tmp_path: Path) -> None:
    change(path, "network.max_kbps", 900)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    export(path, pipe, replace=True)
    reader.join()
    assert "max_kbps = 900" in read[0]
    assert pipe.is_fifo()

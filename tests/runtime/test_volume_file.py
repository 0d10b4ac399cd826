"""The volume is saved between two runs, and a failure to save it never costs the game."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from rejoin.media.audio.volume import SoundChoice
from rejoin.runtime import volume_file
from rejoin.runtime.volume_file import SoundFile, sound_path

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


def saved(file: SoundFile, *choices: SoundChoice) -> None:
    for choice in choices:
        file.save(choice)
    file.close()


def test_the_file_is_among_the_users_state_files(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("platformdirs.user_state_path", lambda *_, **__: tmp_path / "rejoin")
    assert sound_path() == tmp_path / "rejoin" / "sound.json"
    assert SoundFile().read() == SoundChoice()


def test_the_next_run_reads_the_newest_choice(tmp_path: Path) -> None:
    path = tmp_path / "not" / "yet" / "sound.json"
    saved(SoundFile(path), *(SoundChoice(volume) for volume in range(100)), SoundChoice(60, True))
    assert SoundFile(path).read() == SoundChoice(60, True)
    assert [each.name for each in path.parent.iterdir()] == ["sound.json"]
    saved(SoundFile(path), SoundChoice(5))
    assert SoundFile(path).read() == SoundChoice(5)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b"7",
        b"null",
        b"{}",
        b'{"volume": 50}',
        b'{"volume": 101, "muted": false}',
        b'{"volume": -1, "muted": false}',
        b'{"volume": 5.5, "muted": false}',
        b'{"volume": true, "muted": false}',
        b'{"volume": 50, "muted": 1}',
        b'{"volume": 1e999, "muted": false}',
        b"[" * 4096,
        b'{"volume": 50, "muted": false, "more": "' + b"x" * 5000 + b'"}',
    ],
)
def test_a_file_that_cannot_be_used_means_full_volume(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "sound.json"
    path.write_bytes(content)
    assert SoundFile(path).read() == SoundChoice()
    saved(SoundFile(path), SoundChoice(20))
    assert SoundFile(path).read() == SoundChoice(20)


def test_a_folder_at_its_path_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "sound.json"
    path.mkdir()
    file = SoundFile(path)
    assert file.read() == SoundChoice()
    saved(file, SoundChoice(20))
    assert [each.name for each in tmp_path.iterdir()] == ["sound.json"]


def test_a_full_disk_does_no_harm_and_leaves_the_old_choice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "sound.json"
    file = SoundFile(path)
    saved(file, SoundChoice(20))

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        saved(file, SoundChoice(30))
    assert file.read() == SoundChoice(20)
    assert [each.name for each in tmp_path.iterdir()] == ["sound.json"]
    saved(file, SoundChoice(40))
    assert file.read() == SoundChoice(40)


def test_a_disk_that_hangs_delays_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "sound.json"
    answers = threading.Event()

    def hang(descriptor: int) -> None:
        answers.wait(60)

    monkeypatch.setattr(os, "fsync", hang)
    monkeypatch.setattr(volume_file, "_CLOSE_WITHIN_S", 0.1)
    file = SoundFile(path)
    saved(file, SoundChoice(30), SoundChoice(31))
    assert not path.exists()
    answers.set()
    monkeypatch.setattr(volume_file, "_CLOSE_WITHIN_S", 60.0)
    file.close()
    assert file.read() == SoundChoice(31)

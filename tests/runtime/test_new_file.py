"""A file that the player asked for: whole, under a free name, or a sentence."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest

from rejoin.errors import RejoinError
from rejoin.runtime import new_file
from rejoin.runtime.new_file import write_new_file


def test_it_makes_the_folder_and_never_replaces_a_file(tmp_path: Path) -> None:
    folder = tmp_path / "Pictures" / "Rejoin"
    files = [write_new_file(folder, "a 06.12.44.png", content) for content in (b"1", b"2", b"3")]
    assert [file.name for file in files] == [
        "a 06.12.44.png",
        "a 06.12.44-2.png",
        "a 06.12.44-3.png",
    ]
    assert [file.read_bytes() for file in files] == [b"1", b"2", b"3"]


def test_a_link_that_leads_elsewhere_is_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "target"
    (tmp_path / "a.png").symlink_to(target)
    assert write_new_file(tmp_path, "a.png", b"1").name == "a-2.png"
    assert not target.exists()


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EACCES, "may not be written"),
        (errno.EIO, "reports an error"),
    ],
)
def test_what_cannot_be_written_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, reason: str
) -> None:
    real_open = Path.open

    def opened(self: Path, *arguments: Any) -> Any:
        file = real_open(self, *arguments)

        class Full:
            def __enter__(self) -> Full:
                return self

            def __exit__(self, *_: object) -> None:
                file.close()

            def write(self, content: bytes) -> int:
                file.write(content[:1])
                raise OSError(number, "no")

        return Full()

    monkeypatch.setattr(Path, "open", opened)
    with pytest.raises(RejoinError, match=reason):
        write_new_file(tmp_path, "a.png", b"123")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RejoinError, match="Nothing was saved"):
        write_new_file(tmp_path / "file", "a.png", b"1")


def test_names_run_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(new_file, "_MOST_NAMES", 3)
    for _ in range(2):
        write_new_file(tmp_path, "a.png", b"1")
    with pytest.raises(RejoinError, match="too many files"):
        write_new_file(tmp_path, "a.png", b"1")

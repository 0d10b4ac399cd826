"""Files of one user alone: modes, folders that are links, and what is no plain file."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from rejoin.runtime.private_files import (
    NotPrivateError,
    NotRegularError,
    make_private_folder,
    read_private,
    read_regular,
    temporary_file,
    write_new,
)

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="modes of files")


def test_a_folder_is_closed_to_others_and_a_symbolic_link_is_not_followed(tmp_path: Path) -> None:
    folder = tmp_path / "open"
    folder.mkdir(mode=0o777)
    folder.chmod(0o777)
    make_private_folder(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    linked = tmp_path / "linked"
    linked.symlink_to(folder)
    with pytest.raises(OSError, match="not a folder of this user"):
        make_private_folder(linked)


def test_a_file_is_written_once_for_this_user_and_read_up_to_a_limit(tmp_path: Path) -> None:
    file = tmp_path / "x"
    write_new(file, b"content")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert read_private(file, 4) == b"cont"
    with pytest.raises(FileExistsError):
        write_new(file, b"")


def test_a_temporary_file_is_gone_at_the_end_unless_it_was_renamed(tmp_path: Path) -> None:
    fresh, kept = tmp_path / "fresh", tmp_path / "kept"
    with temporary_file(fresh, b"content"):
        assert stat.S_IMODE(fresh.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == []
    with temporary_file(fresh, b"content"):
        fresh.replace(kept)
    assert list(tmp_path.iterdir()) == [kept]
    with pytest.raises(ValueError, match="late"), temporary_file(fresh, b""):
        raise ValueError("too late")
    assert list(tmp_path.iterdir()) == [kept]


def test_what_others_can_read_and_what_is_no_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "x"
    write_new(file, b"content")
    file.chmod(0o644)
    with pytest.raises(NotPrivateError):
        read_private(file, 100)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe, 0o600)
    with pytest.raises(NotRegularError):
        read_private(pipe, 100)
    linked = tmp_path / "linked"
    linked.symlink_to(file)
    with pytest.raises(OSError, match="symbolic"):
        read_private(linked, 100)


def test_a_regular_file_is_read_up_to_a_limit_where_its_link_leads(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"abc")
    file.chmod(0o644)
    link = tmp_path / "link"
    link.symlink_to(file)
    assert read_regular(link, 2) == b"ab"
    with pytest.raises(OSError, match="directory"):
        read_regular(tmp_path, 2)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(NotRegularError, match="not a regular file"):
        read_regular(tmp_path / "pipe", 2)

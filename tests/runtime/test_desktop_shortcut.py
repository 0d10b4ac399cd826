"""A shortcut for one game: what is in the file, and that none is overwritten."""

from __future__ import annotations

import plistlib
import subprocess
import sys
from pathlib import Path

import pytest

from rejoin.core.ticket import BackendAddress
from rejoin.errors import BadInputError
from rejoin.runtime.deep_link import link_of
from rejoin.runtime.desktop_shortcut import (
    desktop_entry,
    desktop_folder,
    file_name,
    home_command,
    make_shortcut,
)

LINK = link_of(BackendAddress("https://play.example/a%20b", "ours")) or ""


@pytest.mark.skipif(sys.platform == "win32", reason="modes of POSIX")
def test_a_desktop_entry_is_executable_and_overwrites_nothing(tmp_path: Path) -> None:
    first = make_shortcut("Lantern: Wood/..", LINK, tmp_path, system="linux")
    second = make_shortcut("Lantern: Wood/..", LINK, tmp_path, system="linux")
    assert [first.name, second.name] == ["Lantern Wood.desktop", "Lantern Wood 2.desktop"]
    assert first.stat().st_mode & 0o111
    assert first.read_text().startswith(
        "[Desktop Entry]\nType=Application\nName=Lantern: Wood/..\n"
    )


def test_arguments_are_quoted_as_desktops_read_them(tmp_path: Path) -> None:
    entry = desktop_entry("x", LINK, ("/opt/my $dir/re`join", 'a"b\\c'))
    [run] = [line for line in entry.splitlines() if line.startswith("Exec=")]
    assert "%" not in run.replace("%%", "")
    # Undone as the specification says: first the string's escapes, then the quotes of Exec.
    shell = run.removeprefix("Exec=").replace("\\\\", "\\").replace("%%", "%")
    done = subprocess.run(
        ["sh", "-c", f"printf '%s\\n' {shell}"], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["/opt/my $dir/re`join", 'a"b\\c', LINK]


def test_the_files_of_other_systems_hold_the_link(tmp_path: Path) -> None:
    windows = make_shortcut("x", LINK, tmp_path, system="win32")
    assert windows.read_bytes() == f"[InternetShortcut]\r\nURL={LINK}\r\n".encode()
    mac = make_shortcut("x", LINK, tmp_path, system="darwin")
    assert plistlib.loads(mac.read_bytes()) == {"URL": LINK}


@pytest.mark.parametrize(
    ("name", "kept"),
    [("...", "Rejoin game"), ("a" * 200, "a" * 60), ("Tide (test)", "Tide (test)")],
)
def test_a_files_name_has_what_every_system_takes(name: str, kept: str) -> None:
    assert file_name(name) == kept


def test_what_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"cannot be written: .*\."):
        make_shortcut("x", LINK, tmp_path / "nothing")


def test_the_command_is_the_installed_one_or_this_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    assert home_command() == ("/usr/bin/rejoin-home",)
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert home_command() == (sys.executable, "-P", "-m", "rejoin", "home")


def test_without_a_desktop_there_is_no_shortcut(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("platformdirs.user_desktop_path", lambda: tmp_path)
    assert desktop_folder() == tmp_path

    def fail() -> Path:
        raise RuntimeError

    monkeypatch.setattr("platformdirs.user_desktop_path", fail)
    with pytest.raises(BadInputError, match="no desktop folder"):
        desktop_folder()

"""Tickets on disk: written atomically, private to the player, refused with a sentence if not."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from rejoin.core.model import AttemptNumber, SessionId
from rejoin.core.ticket import BackendAddress, Now, RejoinState, Ticket, to_text
from rejoin.errors import BadInputError
from rejoin.runtime.ticket_folder import MAX_PICTURE_BYTES, TicketFolder, key_of, tickets_folder

URL = "http://127.0.0.1:8470"
KEY = key_of(URL, SessionId("s-1"))


def test_what_is_no_text_has_a_key_too() -> None:
    assert len(key_of("http://\udcff", SessionId(""))) == 16, "a byte of the command line"


def ticket(
    attempt: int = 1,
    *,
    session: str = "s-1",
    written_unix_s: float | None = None,
    keeps_last_picture: bool = False,
) -> Ticket:
    return Ticket(
        RejoinState(SessionId(session), AttemptNumber(attempt), 120.0, 50.0),
        BackendAddress(URL, "ours", "loopback", keeps_last_picture=keeps_last_picture),
        "boot",
        0.0,
        time.time() if written_unix_s is None else written_unix_s,
    )


@pytest.fixture
def folder(tmp_path: Path) -> TicketFolder:
    return TicketFolder(tmp_path / "state" / "tickets")


def only_file(folder: TicketFolder) -> Path:
    (file,) = folder.folder.iterdir()
    return file


def test_a_written_ticket_is_found_and_only_the_player_can_read_it(folder: TicketFolder) -> None:
    before = os.umask(0)
    try:
        folder.write(ticket(3))
    finally:
        os.umask(before)
    found = folder.newest()
    assert found is not None
    assert found.rejoin_state == ticket(3).rejoin_state
    assert stat.S_IMODE(only_file(folder).stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.folder.stat().st_mode) == 0o700
    assert "s-1" not in only_file(folder).name


def test_each_session_has_one_ticket_and_the_newest_is_read(folder: TicketFolder) -> None:
    assert folder.newest() is None
    folder.write(ticket(1, session="s-1", written_unix_s=2000.0))
    folder.write(ticket(2, session="s-2", written_unix_s=3000.0))
    folder.write(ticket(5, session="s-1", written_unix_s=2500.0))
    newest = folder.newest()
    assert newest is not None
    assert newest.rejoin_state.session_id == "s-2"
    folder.remove(key_of(URL, SessionId("s-2")))
    folder.remove(key_of(URL, SessionId("s-2")))
    newest = folder.newest()
    assert newest is not None
    assert newest.rejoin_state.attempt == 5


def test_a_write_that_fails_leaves_the_previous_ticket(
    folder: TicketFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.write(ticket(1))

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("rejoin.runtime.ticket_folder.os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        folder.write(ticket(2))
    monkeypatch.undo()
    found = folder.newest()
    assert found is not None
    assert found.rejoin_state.attempt == 1
    only_file(folder)  # and no other file


KILLED = """
import os, pathlib, sys
from rejoin.core.model import AttemptNumber, SessionId
from rejoin.core.ticket import BackendAddress, RejoinState, Ticket
from rejoin.runtime.ticket_folder import TicketFolder

folder = TicketFolder(pathlib.Path(sys.argv[1]))
number = 0
while True:
    number += 1
    state = RejoinState(SessionId("s-1"), AttemptNumber(number))
    backend = BackendAddress("http://127.0.0.1:8470", "ours")
    folder.write(Ticket(state, backend, "boot", 0.0, float(number)))
    print(number, flush=True)
"""


def test_a_process_killed_while_it_writes_leaves_a_whole_ticket(folder: TicketFolder) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(folder.folder)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for _ in range(20):
            printed = int(process.stdout.readline())
        process.kill()
        rest = process.stdout.read().split()
    last = int(rest[-1]) if rest else printed
    found = folder.newest()
    assert found is not None
    assert found.rejoin_state.attempt in (last, last + 1), (
        "the last one that the process printed, or the next"
    )


def test_of_two_writes_the_newer_one_wins(folder: TicketFolder) -> None:
    older = folder.next_sequence()
    folder.write(ticket(2))
    folder.write(ticket(1), older)
    found = folder.newest()
    assert found is not None
    assert found.rejoin_state.attempt == 2
    older = folder.next_sequence()
    folder.remove(KEY)
    folder.write(ticket(3), older)
    assert folder.newest() is None, "a removed ticket stays removed"
    assert list(folder.folder.iterdir()) == []


def test_writes_from_many_threads_leave_one_whole_ticket(folder: TicketFolder) -> None:
    threads = [
        threading.Thread(target=folder.write, args=(ticket(number),)) for number in range(1, 30)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert folder.newest() is not None
    only_file(folder)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "damaged"),
        (b"\xff\xfe", "damaged"),
        (to_text(ticket()).encode()[:200], "damaged"),
        (b"{}", "not written by Rejoin"),
        (b"x" * 1_000_000, "too long"),
    ],
)
def test_a_damaged_ticket_is_refused(folder: TicketFolder, content: bytes, why: str) -> None:
    folder.write(ticket())
    only_file(folder).write_bytes(content)
    with pytest.raises(BadInputError, match=why):
        folder.newest()
    folder.write(ticket(2, session="s-2"))
    found = folder.newest()
    assert found is not None, "a usable one is read nevertheless"
    assert found.rejoin_state.session_id == "s-2"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_ticket_that_others_can_access_is_refused(folder: TicketFolder, mode: int) -> None:
    folder.write(ticket())
    only_file(folder).chmod(mode)
    with pytest.raises(BadInputError, match="other users"):
        folder.newest()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_ticket_of_another_user_is_refused(folder: TicketFolder) -> None:
    folder.write(ticket())
    os.chown(only_file(folder), 65534, 65534)
    with pytest.raises(BadInputError, match="other users"):
        folder.newest()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_user_is_not_written_to(folder: TicketFolder) -> None:
    folder.folder.mkdir(parents=True)
    os.chown(folder.folder, 65534, 65534)
    with pytest.raises(PermissionError):
        folder.write(ticket())


@pytest.mark.parametrize("kind", ["link", "fifo", "folder"])
def test_anything_but_a_regular_file_is_refused(
    folder: TicketFolder, tmp_path: Path, kind: str
) -> None:
    folder.write(ticket())
    file = only_file(folder)
    written = tmp_path / "elsewhere"
    file.rename(written)
    if kind == "link":
        file.symlink_to(written)
    elif kind == "fifo":
        os.mkfifo(file, 0o600)
    else:
        file.mkdir(mode=0o700)
    with pytest.raises(BadInputError):
        folder.newest()


def test_what_is_older_than_a_day_is_removed(folder: TicketFolder) -> None:
    folder.write(ticket(1, session="s-old", written_unix_s=time.time() - 90_000))
    folder.write(ticket(1, session="s-damaged"))
    old = folder.folder / f"{key_of(URL, SessionId('s-damaged'))}.ticket"
    old.write_text("{")
    leftover = folder.folder / ".leftover-1-1.tmp"
    leftover.write_text("")
    for file in (old, leftover):
        os.utime(file, (time.time() - 90_000, time.time() - 90_000))
    folder.write(ticket(1, session="s-new"))
    folder.sweep()
    assert {file.name for file in folder.folder.iterdir()} == {
        f"{key_of(URL, SessionId('s-new'))}.ticket"
    }


def test_sweeping_without_a_folder(folder: TicketFolder) -> None:
    folder.sweep()
    assert not folder.folder.exists()


def test_tickets_are_among_the_users_state_files(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    if sys.platform.startswith("linux"):
        assert tickets_folder() == tmp_path / "rejoin" / "tickets"


@pytest.mark.parametrize("jump_s", [90_000.0, 1e9, -90_000.0, -1e9])
def test_within_one_boot_a_wall_clock_that_jumps_loses_no_ticket(
    tmp_path: Path, jump_s: float
) -> None:
    """It jumps while a game is played, and back again: the newest ticket stays the newest."""
    now = Now("boot", 1000.0, 1_800_000_000.0)
    folder = TicketFolder(tmp_path / "tickets", lambda: now)

    def write(session: str) -> None:
        written = replace(
            ticket(session=session),
            boot_id=now.boot_id,
            written_at=now.at,
            written_unix_s=now.unix_s,
        )
        folder.write(written)
        file = folder.folder / f"{key_of(URL, SessionId(session))}.ticket"
        os.utime(file, (now.unix_s, now.unix_s))

    def newest() -> str:
        folder.sweep()
        found = folder.newest()
        assert found is not None
        assert not found.expired(now)
        return found.rejoin_state.session_id

    write("first")
    now = Now("boot", 1010.0, 1_800_000_010.0 + jump_s)
    assert newest() == "first"
    write("second")
    assert newest() == "second"
    now = Now("boot", 1020.0, 1_800_000_020.0)
    assert newest() == "second"
    write("third")
    assert newest() == "third"
    now = Now("boot", 1000.0 + 86_500.0, 1_800_000_020.0)
    folder.sweep()
    assert folder.newest() is None, "boot time says that a day has passed"


# --- the last picture -----------------------------------------------------------------------------

OTHER_KEY = key_of(URL, SessionId("s-2"))


def keeping(session: str = "s-1", **more: float) -> Ticket:
    return ticket(session=session, keeps_last_picture=True, **more)  # type: ignore[arg-type]


def names(folder: TicketFolder) -> set[str]:
    return {file.name for file in folder.folder.iterdir()}


def test_a_picture_is_kept_beside_its_ticket_for_the_player_alone(folder: TicketFolder) -> None:
    before = os.umask(0)
    try:
        folder.write(keeping())
        folder.write_picture(KEY, b"one")
        folder.write_picture(KEY, b"two")
    finally:
        os.umask(before)
    assert folder.read_picture(keeping()) == b"two"
    assert names(folder) == {f"{KEY}.ticket", f"{KEY}.png"}
    assert stat.S_IMODE((folder.folder / f"{KEY}.png").stat().st_mode) == 0o600
    folder.write(keeping())
    assert folder.read_picture(keeping()) == b"two", "the same game goes on"


def test_no_picture_is_kept_without_a_ticket_that_allows_it(folder: TicketFolder) -> None:
    folder.write_picture(KEY, b"one")
    assert not folder.folder.exists()
    folder.write(ticket())
    folder.write_picture(KEY, b"one")
    assert names(folder) == {f"{KEY}.ticket"}
    folder.write(keeping())
    folder.write_picture(KEY, bytes(MAX_PICTURE_BYTES + 1))
    assert names(folder) == {f"{KEY}.ticket"}
    folder.write_picture(KEY, b"one")
    folder.write(ticket())
    assert names(folder) == {f"{KEY}.ticket"}, "it is not allowed any more"


def test_a_picture_goes_with_its_ticket(folder: TicketFolder) -> None:
    folder.write(keeping())
    folder.write_picture(KEY, b"one")
    (folder.folder / f".{KEY}-1-1.png.tmp").write_bytes(b"half")  # of a process that was killed
    folder.remove(KEY)
    assert names(folder) == set()


def test_a_picture_goes_when_another_game_has_a_ticket(folder: TicketFolder) -> None:
    folder.write(keeping())
    folder.write_picture(KEY, b"one")
    folder.write(ticket(session="s-2"))
    assert names(folder) == {f"{KEY}.ticket", f"{OTHER_KEY}.ticket"}


def test_a_sweep_removes_pictures_of_games_that_are_over_and_those_without_a_ticket(
    folder: TicketFolder,
) -> None:
    folder.write(keeping(written_unix_s=time.time() - 90_000))
    folder.write_picture(KEY, b"one")
    (folder.folder / f"{OTHER_KEY}.png").write_bytes(b"alone")
    (folder.folder / f".{OTHER_KEY}-1-1.png.tmp").write_bytes(b"half")
    folder.sweep()
    assert names(folder) == set()
    folder.write(keeping())
    folder.write_picture(KEY, b"one")
    folder.sweep()
    assert folder.read_picture(keeping()) == b"one"
    (folder.folder / f"{KEY}.ticket").write_text("{")
    folder.sweep()
    assert names(folder) == {f"{KEY}.ticket"}


def test_a_ticket_that_goes_while_its_picture_is_written_leaves_none(
    folder: TicketFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.write(keeping())
    rename = os.replace

    def late(source: Path, target: Path) -> None:
        folder.remove(KEY)
        folder.folder.joinpath(source).write_bytes(b"one")  # remove() has seen it, too
        rename(source, target)

    monkeypatch.setattr("rejoin.runtime.ticket_folder.os.replace", late)
    folder.write_picture(KEY, b"one")
    assert names(folder) == set()


def test_a_picture_that_cannot_be_written_leaves_the_old_one_and_no_rest(
    folder: TicketFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.write(keeping())
    folder.write_picture(KEY, b"one")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("rejoin.runtime.private_files.os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        folder.write_picture(KEY, b"two")
    assert folder.read_picture(keeping()) == b"one"
    assert names(folder) == {f"{KEY}.ticket", f"{KEY}.png"}


@pytest.mark.skipif(sys.platform == "win32", reason="modes of POSIX")
def test_a_picture_that_others_can_read_or_that_is_too_large_is_none(folder: TicketFolder) -> None:
    folder.write(keeping())
    folder.write_picture(KEY, b"one")
    assert folder.read_picture(ticket()) is None
    file = folder.folder / f"{KEY}.png"
    file.chmod(0o644)
    assert folder.read_picture(keeping()) is None
    file.chmod(0o600)
    file.write_bytes(bytes(MAX_PICTURE_BYTES + 1))
    assert folder.read_picture(keeping()) is None

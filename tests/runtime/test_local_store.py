"""What outlives a player is kept, and nothing that refuses to keep it costs the game."""

from __future__ import annotations

import asyncio
import errno
import logging
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from rejoin import tasks
from rejoin.clock import boot_id
from rejoin.core.model import AttemptNumber, SessionId
from rejoin.core.ticket import RejoinState, Ticket
from rejoin.runtime.instance import Instance, hand_over, is_taken
from rejoin.runtime.local_store import LocalStore
from rejoin.runtime.studio_profile import StudioProfile
from rejoin.runtime.ticket_folder import TicketFolder, key_of
from rejoin.runtime.tokens import TokenStore
from rejoin.signaling.aws_samples import StreamChoice
from rejoin.signaling.dialects import AWS_BUNDLE

pytestmark = pytest.mark.usefixtures("nothing_left_behind")

SESSION = SessionId("CANARY-session")
URL = "https://studio.example"
KEY = key_of(URL, SESSION)


class MemoryKeyring:
    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}
        self.asked = threading.Event()

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password
        self.asked.set()

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))


class Bench:
    """A desk in folders of its own."""

    def __init__(self, folder: Path) -> None:
        self.tickets = TicketFolder(folder / "tickets")
        self.keyring = MemoryKeyring()
        self.doors = folder / "doors"
        self.knocks: list[str | None] = []

    def desk(
        self, token: str | None = "CANARY-token", instance: Instance | None = None
    ) -> LocalStore:
        return LocalStore(
            StudioProfile(URL, token),
            tickets=self.tickets,
            tokens=TokenStore(self.keyring),
            doors=self.doors,
            instance=instance,
            on_knock=self.knocks.append,
        )

    def bundle_desk(self, tokens: TokenStore) -> LocalStore:
        """One for a backend whose session ids open the game to whoever knows them."""
        return LocalStore(
            StudioProfile(URL, None, dialect=AWS_BUNDLE, choice=StreamChoice("sg-1")),
            tickets=self.tickets,
            tokens=tokens,
            doors=self.doors,
            on_knock=self.knocks.append,
        )

    async def knock(self) -> bool:
        return await asyncio.to_thread(hand_over, KEY, None, self.doors, within_s=30.0)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def seat(attempt: int) -> RejoinState:
    return RejoinState(SESSION, AttemptNumber(attempt), 120.0, 50.0)


def work(desk: LocalStore, script: Callable[[LocalStore], Awaitable[None]]) -> None:
    async def main() -> None:
        await desk.open()
        try:
            await script(desk)
        finally:
            await desk.close()

    asyncio.run(main())
    assert tasks.alive() == frozenset()


def found(bench: Bench) -> Ticket:
    ticket = bench.tickets.newest()
    assert ticket is not None
    return ticket


def test_the_first_ticket_brings_the_token_and_the_lock_with_it(bench: Bench) -> None:
    async def script(desk: LocalStore) -> None:
        assert bench.keyring.kept == {}
        await desk.keep(seat(1))
        assert await asyncio.to_thread(is_taken, KEY, bench.doors)
        assert await bench.knock()
        await asyncio.to_thread(bench.keyring.asked.wait, 60)
        await desk.keep(seat(2))

    work(bench.desk(), script)
    assert bench.knocks == [None]
    ticket = found(bench)
    assert (ticket.state, ticket.boot_id) == (seat(2), boot_id())
    assert ticket.address.backend_url == URL
    assert set(bench.keyring.kept.values()) == {"CANARY-token"}
    assert not is_taken(KEY, bench.doors), "it ended with the desk"
    for file in bench.tickets.folder.iterdir():
        assert "CANARY-token" not in file.read_text()


def test_a_session_that_is_a_secret_is_in_the_keyring_and_not_on_the_disk(bench: Bench) -> None:
    async def script(desk: LocalStore) -> None:
        await desk.keep(seat(1))
        await desk.keep(seat(2))
        assert desk.problem is None

    work(bench.bundle_desk(TokenStore(bench.keyring)), script)
    assert list(bench.keyring.kept.values()) == [SESSION]
    ticket = found(bench)
    assert ticket.state.attempt == 2
    assert key_of(URL, ticket.state.session_id) == KEY
    for file in bench.tickets.folder.iterdir():
        assert SESSION not in file.read_text()

    async def over(desk: LocalStore) -> None:
        await desk.drop(SESSION)

    work(bench.bundle_desk(TokenStore(bench.keyring)), over)
    assert bench.tickets.newest() is None


def test_without_a_keyring_a_secret_session_leaves_no_ticket_and_that_is_said(
    bench: Bench,
) -> None:
    async def script(desk: LocalStore) -> None:
        await desk.keep(seat(1))
        await desk.keep(seat(2))
        assert await bench.knock(), "the rest is as ever"

    desk = bench.bundle_desk(TokenStore())
    work(desk, script)
    assert bench.tickets.newest() is None
    assert desk.problem == "No way back after a crash: this computer has no keyring to use."


def test_who_comes_back_answers_the_door_from_the_start(bench: Bench) -> None:
    claimed = Instance.claim(KEY, bench.doors)
    assert claimed is not None

    async def script(desk: LocalStore) -> None:
        assert await bench.knock()
        await desk.keep(seat(5))

    work(bench.desk(instance=claimed), script)
    assert bench.knocks == [None]


def test_a_game_that_is_over_leaves_no_ticket(bench: Bench) -> None:
    async def script(desk: LocalStore) -> None:
        await desk.keep(seat(1))
        await desk.drop(SESSION)

    work(bench.desk(token=None), script)
    assert bench.tickets.newest() is None
    assert bench.keyring.kept == {}


@pytest.mark.parametrize(
    ("number", "why"),
    [
        (errno.ENOSPC, "no space is left"),
        (errno.EROFS, "the disk cannot be written to"),
        (errno.EACCES, "its folder cannot be written to"),
        (errno.EIO, "the disk refused it"),
    ],
)
def test_a_disk_that_refuses_is_a_sentence_until_it_takes_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, number: int, why: str
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, "no")

    async def script(desk: LocalStore) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(bench.tickets, "write", refuse)
            patch.setattr(bench.tickets, "remove", refuse)
            await desk.keep(seat(1))
            assert desk.problem is not None
            assert desk.problem.startswith("No way back after a crash: ")
            assert why in desk.problem
            await desk.drop(SESSION)
        await desk.keep(seat(2))

    desk = bench.desk()
    work(desk, script)
    assert desk.problem is None
    assert found(bench).state.attempt == 2


def test_a_disk_that_hangs_is_a_sentence_too(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    free = threading.Event()
    monkeypatch.setattr("rejoin.runtime.local_store._DISK_PATIENCE_S", 0.01)
    monkeypatch.setattr(bench.tickets, "write", lambda *_: free.wait(60))
    desk = bench.desk()

    async def script(desk: LocalStore) -> None:
        await desk.keep(seat(1))

    try:
        work(desk, script)
    finally:
        free.set()
    assert desk.problem == "No way back after a crash: the disk does not answer."


def test_a_lock_or_a_door_that_cannot_be_had_costs_nothing_else(
    bench: Bench, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO)
    bench.doors.write_text("a file where the folder goes")

    async def script(desk: LocalStore) -> None:
        await desk.keep(seat(1))

    work(bench.desk(), script)
    assert "no lock could be taken" in caplog.text
    bench.doors.unlink()

    async def refuse(*_: object) -> None:
        raise OSError(errno.ENAMETOOLONG, "no")

    monkeypatch.setattr(Instance, "serve", refuse)
    work(bench.desk(), script)
    assert "nobody can knock" in caplog.text
    assert found(bench).state.attempt == 1
    assert not is_taken(KEY, bench.doors)

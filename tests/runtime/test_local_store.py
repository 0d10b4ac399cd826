"""What outlives a player is saved, and a failure to save it never costs the game."""

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
from rejoin.errors import RejoinError
from rejoin.runtime.instance import Instance, activate, is_taken
from rejoin.runtime.instance_server import Activation
from rejoin.runtime.local_store import LocalStore
from rejoin.runtime.studio_profile import StudioProfile
from rejoin.runtime.ticket_folder import TicketFolder, key_of
from rejoin.runtime.tokens import TokenStore, is_token_of
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

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


class Bench:
    """Local stores in folders of their own."""

    def __init__(self, folder: Path) -> None:
        self.tickets = TicketFolder(folder / "tickets")
        self.keyring = MemoryKeyring()
        self.locks_folder = folder / "locks"
        self.activations: list[Activation] = []

    def store(
        self,
        token: str | None = "CANARY-token",
        instance: Instance | None = None,
        open_here: Instance | None = None,
        *,
        keeps_last_picture: bool = False,
    ) -> LocalStore:
        return LocalStore(
            StudioProfile(URL, token, keeps_last_picture=keeps_last_picture),
            tickets=self.tickets,
            tokens=TokenStore(self.keyring),
            locks_folder=self.locks_folder,
            instance=instance,
            open_here=open_here,
            on_activate=self.activations.append,
        )

    def bundle_store(self, tokens: TokenStore) -> LocalStore:
        """For a backend whose session ids open the game to anybody who knows them."""
        return LocalStore(
            StudioProfile(URL, None, dialect=AWS_BUNDLE, choice=StreamChoice("sg-1")),
            tickets=self.tickets,
            tokens=tokens,
            locks_folder=self.locks_folder,
            on_activate=self.activations.append,
        )

    async def activate(self) -> bool:
        return await asyncio.to_thread(activate, KEY, None, self.locks_folder, within_s=30.0)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def state(attempt: int) -> RejoinState:
    return RejoinState(SESSION, AttemptNumber(attempt), 120.0, 50.0)


def work(store: LocalStore, script: Callable[[LocalStore], Awaitable[None]]) -> None:
    async def main() -> None:
        await store.open()
        try:
            await script(store)
        finally:
            await store.close()

    asyncio.run(main())
    assert tasks.alive() == frozenset()


def found(bench: Bench) -> Ticket:
    ticket = bench.tickets.newest()
    assert ticket is not None
    return ticket


def test_the_first_ticket_also_saves_the_token_and_claims_the_instance(bench: Bench) -> None:
    async def script(store: LocalStore) -> None:
        assert bench.keyring.kept == {}
        await store.save(state(1))
        assert await asyncio.to_thread(is_taken, KEY, bench.locks_folder)
        assert await bench.activate()
        await asyncio.to_thread(bench.keyring.asked.wait, 60)
        await store.save(state(2))

    work(bench.store(), script)
    assert bench.activations == [Activation()]
    ticket = found(bench)
    assert (ticket.rejoin_state, ticket.boot_id) == (state(2), boot_id())
    assert ticket.backend.backend_url == URL
    assert set(bench.keyring.kept.values()) == {"CANARY-token"}
    assert not is_taken(KEY, bench.locks_folder), "it was released with the store"
    for file in bench.tickets.folder.iterdir():
        assert "CANARY-token" not in file.read_text()


@pytest.mark.parametrize("token", ["CANARY-token", None])
def test_a_ticket_recognises_the_token_that_its_backend_has_had(
    bench: Bench, token: str | None
) -> None:
    async def script(store: LocalStore) -> None:
        await store.save(state(1))
        first = found(bench).token_digest
        await store.save(state(2))
        assert found(bench).token_digest == first

    work(bench.store(token), script)
    digest = found(bench).token_digest
    assert is_token_of(digest, "CANARY-token") is (token is not None)
    assert not is_token_of(digest, "CANARY-other")
    assert "CANARY" not in digest


def test_a_secret_session_id_is_in_the_keyring_and_not_on_the_disk(bench: Bench) -> None:
    async def script(store: LocalStore) -> None:
        await store.save(state(1))
        await store.save(state(2))
        assert store.problem is None

    work(bench.bundle_store(TokenStore(bench.keyring)), script)
    assert list(bench.keyring.kept.values()) == [SESSION]
    ticket = found(bench)
    assert ticket.rejoin_state.attempt == 2
    assert key_of(URL, ticket.rejoin_state.session_id) == KEY
    for file in bench.tickets.folder.iterdir():
        assert SESSION not in file.read_text()

    async def over(store: LocalStore) -> None:
        await store.delete(SESSION)

    work(bench.bundle_store(TokenStore(bench.keyring)), over)
    assert bench.tickets.newest() is None


def test_without_a_keyring_a_secret_session_id_leaves_no_ticket_and_this_is_reported(
    bench: Bench,
) -> None:
    async def script(store: LocalStore) -> None:
        await store.save(state(1))
        await store.save(state(2))
        assert await bench.activate(), "second instances are answered all the same"

    store = bench.bundle_store(TokenStore())
    work(store, script)
    assert bench.tickets.newest() is None
    assert store.problem == "No way back after a crash: this computer has no usable keyring."


def test_a_rejoining_player_answers_second_instances_from_the_start(bench: Bench) -> None:
    claimed = Instance.claim(KEY, bench.locks_folder)
    assert claimed is not None

    async def script(store: LocalStore) -> None:
        assert await bench.activate()
        await store.save(state(5))

    work(bench.store(instance=claimed), script)
    assert bench.activations == [Activation()]


def test_a_game_that_is_open_here_answers_second_instances_before_it_has_a_session(
    bench: Bench,
) -> None:
    claimed = Instance.claim("the-game", bench.locks_folder)
    assert claimed is not None
    answered: list[bool] = []

    async def script(store: LocalStore) -> None:
        def from_another_process() -> None:
            answered.append(activate("the-game", folder=bench.locks_folder))

        await asyncio.to_thread(from_another_process)

    work(bench.store(open_here=claimed), script)
    assert (answered, bench.activations) == ([True], [Activation()])
    assert not is_taken("the-game", bench.locks_folder)


def test_a_game_that_is_over_leaves_no_ticket(bench: Bench) -> None:
    async def script(store: LocalStore) -> None:
        await store.save(state(1))
        await store.delete(SESSION)

    work(bench.store(token=None), script)
    assert bench.tickets.newest() is None
    assert bench.keyring.kept == {}


@pytest.mark.parametrize(
    ("number", "why"),
    [
        (errno.ENOSPC, "no space is left"),
        (errno.EROFS, "the disk is read-only"),
        (errno.EACCES, "its folder cannot be written to"),
        (errno.EIO, "the disk reports an error"),
    ],
)
def test_a_disk_error_is_reported_until_a_write_succeeds(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, number: int, why: str
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, "no")

    async def script(store: LocalStore) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(bench.tickets, "write", refuse)
            patch.setattr(bench.tickets, "remove", refuse)
            await store.save(state(1))
            assert store.problem is not None
            assert store.problem.startswith("No way back after a crash: ")
            assert why in store.problem
            await store.delete(SESSION)
        await store.save(state(2))

    store = bench.store()
    work(store, script)
    assert store.problem is None
    assert found(bench).rejoin_state.attempt == 2


def test_a_disk_that_hangs_is_reported_too(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    free = threading.Event()
    monkeypatch.setattr("rejoin.runtime.local_store._DISK_TIMEOUT_S", 0.01)
    monkeypatch.setattr(bench.tickets, "write", lambda *_: free.wait(60))
    store = bench.store()

    async def script(store: LocalStore) -> None:
        await store.save(state(1))

    try:
        work(store, script)
    finally:
        free.set()
    assert store.problem == "No way back after a crash: the disk does not respond."


def test_a_lock_or_an_address_that_fails_costs_nothing_else(
    bench: Bench, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO)
    bench.locks_folder.write_text("a file where the folder goes")

    async def script(store: LocalStore) -> None:
        await store.save(state(1))

    work(bench.store(), script)
    assert "the instance lock could not be acquired" in caplog.text
    bench.locks_folder.unlink()

    async def refuse(*_: object) -> None:
        raise OSError(errno.ENAMETOOLONG, "no")

    monkeypatch.setattr(Instance, "serve", refuse)
    work(bench.store(), script)
    assert "second instances cannot be answered" in caplog.text
    assert found(bench).rejoin_state.attempt == 1
    assert not is_taken(KEY, bench.locks_folder)


# --- the last picture -----------------------------------------------------------------------------


def test_the_last_picture_is_on_the_disk_when_the_store_is_closed(bench: Bench) -> None:
    threads: list[bool] = []

    def content() -> bytes:
        threads.append(threading.current_thread() is threading.main_thread())
        return b"png"

    async def script(store: LocalStore) -> None:
        store.keep_picture(content)  # there is no game yet
        await store.save(state(1))
        store.keep_picture(content)

    work(bench.store(keeps_last_picture=True), script)
    assert bench.tickets.read_picture(found(bench)) == b"png"
    assert threads == [False]


def test_no_picture_is_made_where_the_profile_does_not_allow_it_or_the_game_is_over(
    bench: Bench,
) -> None:
    made: list[int] = []

    def content() -> bytes:
        made.append(1)
        return b"png"

    async def off(store: LocalStore) -> None:
        await store.save(state(1))
        store.keep_picture(content)

    async def over(store: LocalStore) -> None:
        await store.save(state(1))
        await store.delete(SESSION)
        store.keep_picture(content)

    work(bench.store(), off)
    work(bench.store(keeps_last_picture=True), over)
    assert made == []
    assert list(bench.tickets.folder.iterdir()) == []


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "full"), RejoinError("No.")])
def test_a_picture_that_cannot_be_kept_is_no_problem(bench: Bench, error: Exception) -> None:
    def content() -> bytes:
        raise error

    async def script(store: LocalStore) -> None:
        await store.save(state(1))
        store.keep_picture(content)
        assert store.problem is None

    work(bench.store(keeps_last_picture=True), script)
    assert bench.tickets.read_picture(found(bench)) is None

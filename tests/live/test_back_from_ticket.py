"""Rejoining from a ticket after a crash, and two clients of one player, over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from helpers.programs import PATIENCE_S, started
from rejoin import tasks
from rejoin.core import events
from rejoin.core.model import Ending, EndingKind, Snapshot, Stage
from rejoin.core.ticket import Ticket
from rejoin.core.trace import Record
from rejoin.emulator.service.control import EmulatorControl
from rejoin.emulator.service.faults import Fault, FaultKind
from rejoin.emulator.service.settings import EmulatorSettings
from rejoin.media.audio.output import NullOutput
from rejoin.rtc.candidates import NetworkRules
from rejoin.runtime.local_store import LocalStore
from rejoin.runtime.player import Player, PlayerOptions
from rejoin.runtime.studio_profile import StudioProfile
from rejoin.runtime.ticket_folder import TicketFolder
from rejoin.studio.address import Studio
from rejoin.studio.serve import studio

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left_behind")]

NOTICE_S = 2.0


class Scene:
    """A studio, and clients that are started and stopped."""

    def __init__(self, there: Studio, control: EmulatorControl, folder: Path) -> None:
        self.there = there
        self.control = control
        self.folder = folder
        self.tickets = TicketFolder(folder / "rejoin" / "tickets")
        self._running: list[tuple[Player, asyncio.Task[Ending]]] = []

    @property
    def profile(self) -> StudioProfile:
        return StudioProfile(
            self.there.backend_url, self.there.player_token, NetworkRules(loopback_only=True)
        )

    def environment(self) -> dict[str, str | None]:
        """The environment of a program whose saved state the test can read."""
        return {
            "XDG_STATE_HOME": str(self.folder),
            "XDG_RUNTIME_DIR": str(self.folder),
            "REJOIN_TOKEN": self.there.player_token,
        }

    def player(
        self, ticket: Ticket | None = None, store: LocalStore | None = None
    ) -> tuple[Player, list[Record]]:
        """Start a client in this process."""
        records: list[Record] = []
        player = Player(
            self.profile,
            PlayerOptions(
                audio=NullOutput(), local_store=store, ticket=ticket, on_record=records.append
            ),
        )
        self._running.append((player, tasks.spawn(player.run(), name="player")))
        return player, records

    def ticket(self) -> Ticket:
        found = self.tickets.newest()
        assert found is not None
        return found

    async def session(self) -> dict[str, Any]:
        (session,) = (await self.control.state())["sessions"]
        assert isinstance(session, dict)
        return session

    async def game(self) -> dict[str, Any]:
        game = (await self.session())["game_state"]
        assert isinstance(game, dict)
        return game

    async def until(self, true: Callable[[], bool], what: str) -> None:
        """Wait; only a hang takes as long as the timeout, even on a slow machine."""
        deadline = time.monotonic() + PATIENCE_S
        while not true():
            assert time.monotonic() < deadline, f"timed out waiting for: {what}"
            await asyncio.sleep(0.01)

    async def status(self, status: str, attempt: int) -> None:
        """Wait until the session has this status and the ticket this attempt number."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            session = (await self.control.state())["sessions"]
            with contextlib.suppress(AssertionError):
                if session and session[0]["status"] == status:
                    assert self.ticket().rejoin_state.attempt == attempt
                    return
            assert time.monotonic() < deadline, f"never {status} with attempt {attempt}"
            await asyncio.sleep(0.05)

    async def stage(self, player: Player, stage: Stage) -> Snapshot:
        await self.until(lambda: player.snapshot.stage is stage, stage.value)
        return player.snapshot

    async def frames(self, number: int) -> None:
        """Wait until the game has advanced by this many steps."""
        until = (await self.game())["counter"] + number
        deadline = time.monotonic() + PATIENCE_S
        while (await self.game())["counter"] < until:
            assert time.monotonic() < deadline, "the game does not advance"
            await asyncio.sleep(0.02)

    async def close(self) -> None:
        for player, running in self._running:
            player.post(events.CloseForNowRequested())
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait_for(running, 60)


@asynccontextmanager
async def scene(folder: Path) -> AsyncIterator[Scene]:
    settings = EmulatorSettings(
        notice_silent_client_s=NOTICE_S,
        connection_timeout_s=120,
        width=640,
        height=360,
        fps=30,
        bitrate_bps=2_000_000,
        relay_ports=(0, 0),
    )
    async with (
        studio(settings) as there,
        EmulatorControl(there.control_url, there.control_token) as control,
    ):
        it = Scene(there, control, folder)
        try:
            yield it
        finally:
            await it.close()


async def test_rejoin_back_after_a_kill_continues_the_same_game(tmp_path: Path) -> None:
    """Two processes, as a person runs them: the first is killed, the second is `rejoin back`."""

    def check_files(token: str) -> None:
        files = [file for file in tmp_path.rglob("*") if file.is_file()]
        assert files
        for file in files:
            assert token not in file.read_text()

    def run_back_again(environment: dict[str, str | None]):  # type: ignore[no-untyped-def]
        with started("back", environment=environment) as program:
            return program.done()

    async with scene(tmp_path) as it:
        play = ("play", "--network", "loopback", it.there.backend_url)
        with started(*play, environment=it.environment()) as program:
            await it.status("CONNECTED", 1)
            before, session_id = await it.game(), it.ticket().rejoin_state.session_id
            program.send(signal.SIGKILL)
            await asyncio.to_thread(program.wait_until_gone)
        with started("back", environment=it.environment()) as program:
            await it.status("CONNECTED", 2)
            await it.frames(30)
            after = await it.game()
            assert after["started_at"] == before["started_at"], "the same game"
            assert after["counter"] > before["counter"], "which went on"
            assert it.ticket().rejoin_state.session_id == session_id
            second = await asyncio.to_thread(run_back_again, it.environment())
            assert second.code == 0
            assert "brought to the front" in second.out
            program.send(signal.SIGINT)
            done = await asyncio.to_thread(program.done)
            assert done.code == 130
            done.assert_no_secrets()
        assert it.ticket().rejoin_state.attempt == 2, (
            "closed for now: the game can still be rejoined"
        )
        await asyncio.to_thread(check_files, it.there.player_token)


CRASHING_CLIENT = """
import asyncio, os, pathlib, sys
from rejoin.core.ticket import RejoinState
from rejoin.media.audio.output import NullOutput
from rejoin.rtc.candidates import NetworkRules
from rejoin.runtime.local_store import LocalStore
from rejoin.runtime.player import Player, PlayerOptions
from rejoin.runtime.studio_profile import StudioProfile
from rejoin.runtime.ticket_folder import TicketFolder

folder = pathlib.Path(sys.argv[2])

class CrashingStore(LocalStore):
    async def save(self, rejoin_state: RejoinState) -> None:
        await super().save(rejoin_state)
        if rejoin_state.attempt == 2:
            os._exit(9)

profile = StudioProfile(sys.argv[1], os.environ["TOKEN"], NetworkRules(loopback_only=True))
tickets = TicketFolder(folder / "rejoin" / "tickets")
store = CrashingStore(profile, tickets=tickets, locks_folder=folder)
options = PlayerOptions(audio=NullOutput(), local_store=store)
asyncio.run(Player(profile, options).run())
"""


async def test_a_crash_between_saving_the_ticket_and_the_call_skips_one_attempt_number(
    tmp_path: Path,
) -> None:
    async with scene(tmp_path) as it:
        crashing = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-c", CRASHING_CLIENT, it.there.backend_url, str(tmp_path)),
            env={"TOKEN": it.there.player_token, "PATH": "", **without_keyring()},
        )
        try:
            await it.status("CONNECTED", 1)
            before = await it.game()
            await it.control.inject(Fault(FaultKind.GRACEFUL_CLOSE))
            assert await asyncio.wait_for(crashing.wait(), PATIENCE_S) == 9
        finally:
            if crashing.returncode is None:
                crashing.kill()
                await crashing.wait()
        ticket = it.ticket()
        assert ticket.rejoin_state.attempt == 2
        player, records = it.player(ticket)
        back = await it.stage(player, Stage.LIVE)
        assert back.back_at is not None
        attempts = [r.data["attempt"] for r in records if r.name == "Reconnect"]
        assert attempts[0] == 3, "an attempt number that may have been used is not reused"
        await it.frames(30)
        after = await it.game()
        assert after["started_at"] == before["started_at"]
        assert after["counter"] > before["counter"]


def without_keyring() -> dict[str, str]:
    return {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}


async def test_a_game_that_ended_meanwhile_is_reported_and_its_ticket_deleted(
    tmp_path: Path,
) -> None:
    async with scene(tmp_path) as it:
        store = LocalStore(it.profile, tickets=it.tickets, locks_folder=tmp_path)
        first, _ = it.player(store=store)
        await it.stage(first, Stage.LIVE)
        first.post(events.CloseForNowRequested())
        await it.stage(first, Stage.ENDED)
        ticket = it.ticket()
        await it.control.end_session("applicationExit")
        second, _ = it.player(
            ticket, LocalStore(it.profile, tickets=it.tickets, locks_folder=tmp_path)
        )
        ended = await it.stage(second, Stage.ENDED)
        assert ended.ending is not None
        assert (ended.ending.kind, ended.ending.reason) == (
            EndingKind.GAME_ENDED,
            "applicationExit",
        )
        await it.until(lambda: it.tickets.newest() is None, "the ticket is gone")


class HeldBackend:
    """A backend whose calls wait until the gate is open."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.gate = asyncio.Event()
        self.gate.set()

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._client, name)

        async def held(*arguments: Any, **more: Any) -> Any:
            await self.gate.wait()
            return await call(*arguments, **more)

        return held


async def test_a_client_that_was_taken_over_reports_continued_elsewhere_and_stops(
    tmp_path: Path,
) -> None:
    """Two devices of one player. The first is cut off until the second has connected. Then it
    learns of the second and leaves the game to it."""

    async with scene(tmp_path) as it:
        store = LocalStore(it.profile, tickets=it.tickets, locks_folder=tmp_path)
        first, _ = it.player(store=store)
        held = HeldBackend(first._client)
        first._engine._backend_calls._backend = held
        await it.stage(first, Stage.LIVE)
        before = await it.game()
        second, records = it.player(it.ticket())
        await it.until(
            lambda: second.snapshot.status == "CONNECTED", "the second waits for the service"
        )
        held.gate.clear()
        await it.control.inject(Fault(FaultKind.SILENCE, scope="existing"))
        await it.stage(second, Stage.LIVE)
        held.gate.set()
        ended = await it.stage(first, Stage.ENDED)
        assert ended.ending is not None
        assert ended.ending.kind is EndingKind.CONTINUED_ELSEWHERE
        await it.frames(60)
        assert second.snapshot.stage is Stage.LIVE, "the first did not take it back"
        assert second.snapshot.episode == 1
        after = await it.game()
        assert after["started_at"] == before["started_at"]
        assert [r.data["attempt"] for r in records if r.name == "Reconnect"] == [2]
        assert it.ticket().rejoin_state.session_id, "the first may still rejoin"


async def test_when_two_clients_race_for_a_dropped_game_one_plays_and_one_stops(
    tmp_path: Path,
) -> None:
    async with scene(tmp_path) as it:
        store = LocalStore(it.profile, tickets=it.tickets, locks_folder=tmp_path)
        first, _ = it.player(store=store)
        await it.stage(first, Stage.LIVE)
        second, _ = it.player(it.ticket())
        await it.until(
            lambda: second.snapshot.status == "CONNECTED", "the second waits for the service"
        )
        await it.control.inject(Fault(FaultKind.SILENCE, scope="existing"))

        def settled() -> bool:
            stages = {first.snapshot.stage, second.snapshot.stage}
            return stages == {Stage.LIVE, Stage.ENDED}

        await it.until(settled, "one plays and one stops")
        loser, winner = (first, second) if first.snapshot.stage is Stage.ENDED else (second, first)
        assert loser.snapshot.ending is not None
        assert loser.snapshot.ending.kind is EndingKind.CONTINUED_ELSEWHERE
        await it.frames(60)
        assert winner.snapshot.stage is Stage.LIVE

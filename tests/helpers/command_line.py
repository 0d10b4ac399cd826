"""The command line in this process: a fake player and window, tickets on the disk."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, ClassVar

from rejoin.core.events import Event
from rejoin.core.model import AttemptNumber, Ending, EndingKind, SessionId, Snapshot, Stage
from rejoin.core.ticket import BackendAddress, RejoinState, Ticket
from rejoin.input_events.wishes import AnyWish
from rejoin.language import Message
from rejoin.runtime.microphone import no_microphone
from rejoin.runtime.player import PlayerOptions
from rejoin.runtime.ticket_folder import TicketFolder, key_of
from rejoin.runtime.tokens import digest_of

Rejoin = Callable[..., tuple[int, str, str]]
"""Runs `rejoin` with these arguments and `token` in the environment: exit code, standard output,
standard error."""

PLAY = ("play", "http://127.0.0.1:9")
LINK = "rejoin://play?backend=https%3A%2F%2Fgames.example%2Frejoin"
URL = "http://127.0.0.1:9"
KEY = key_of(URL, SessionId("s-1"))


def failing(error: BaseException) -> Callable[..., int]:
    """A function that raises `error`, whatever it is called with."""

    def run(*_: object, **__: object) -> int:
        raise error

    return run


class FakeWindow:
    """What a window shows, and how often it was closed and brought to the front."""

    def __init__(self, stage: Stage) -> None:
        self.snapshot = Snapshot(stage)
        self.closed = 0
        self.came_to_front = 0

    def come_to_front(self, token: str | None = None) -> None:
        self.came_to_front += 1

    def close(self) -> None:
        self.closed += 1


class FakePlayer:
    """A game that ends at once with `ending`; None: it fails."""

    ending: Ending | None = Ending(EndingKind.CLOSED_FOR_NOW)
    sentence: str | None = None
    """What is wrong with it."""

    made: ClassVar[list[FakePlayer]] = []

    def __init__(
        self,
        profile: Any,
        options: PlayerOptions,
    ) -> None:
        self.profile = profile
        self.dtls_client = options.dtls_client
        self.sound_device = options.sound_device
        self.microphone, self.microphone_choices = no_microphone(), options.microphone
        self.input = (options.input_module, options.max_kbps, options.max_height)
        assert options.hardware is not None
        self.hardware = options.hardware
        assert options.local_store is not None
        self.store = options.local_store
        self.ticket = options.ticket
        self.statistics_file = options.statistics_file
        self.reports = options.reports
        self.tokens = (options.token_source, options.token_lasts_s)
        self.hooks, self.slot = options.hooks, options.slot
        assert options.sound_file is not None
        self.sound_file = options.sound_file
        self.wish_listeners: list[Callable[[AnyWish], None]] = []
        self.made.append(self)
        self.snapshot = Snapshot(Stage.LIVE)

    def report_facts(self) -> dict[str, str]:
        return {"Input module": "of this player"}

    def problems(self) -> tuple[Message, ...]:
        return () if self.sentence is None else tuple(map(Message, self.sentence.splitlines()))

    def subscribe_wishes(self, listener: Callable[[AnyWish], None]) -> Callable[[], None]:
        self.wish_listeners.append(listener)
        return lambda: None

    def subscribe(self, listener: Callable[[Snapshot], None]) -> Callable[[], None]:
        return lambda: None

    def post(self, event: Event) -> None:
        """Nothing listens."""

    async def run(self) -> Ending:
        if self.ending is None:
            raise ZeroDivisionError
        self.snapshot = Snapshot(Stage.ENDED)
        return self.ending


def saved_ticket(
    *,
    wall_s: float | None = None,
    dialect: str = "ours",
    session_id: SessionId = SessionId("s-1"),  # noqa: B008
    token: str = "",
    ice_servers_file: str | None = None,
    allow_444: bool = False,
    takes_reports: bool = False,
) -> Ticket:
    """Write a ticket to the disk and return it. `wall_s`: when it was written, now by default.

    `token`: the one that its backend has had.
    """
    ticket = Ticket(
        RejoinState(session_id, AttemptNumber(3), 120.0),
        BackendAddress(
            URL,
            dialect,
            "loopback",
            "sg-1",
            ice_servers_file=ice_servers_file,
            allow_444=allow_444,
            takes_reports=takes_reports,
        ),
        "boot",
        written_at=0.0,
        written_unix_s=time.time() if wall_s is None else wall_s,
        token_digest=digest_of(token) if token else "",
    )
    TicketFolder().write(ticket)
    return ticket

"""The studio of a test: an emulator in a process of its own, or a studio's own backend."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from rejoin.emulator.service.control import BlockingEmulatorControl
from rejoin.errors import BadInputError
from rejoin.qa.ledger import default_folder
from rejoin.qa.session_guard import Guarded, SessionGuard
from rejoin.rtc.candidates import NetworkRules
from rejoin.runtime.studio_profile import StudioProfile
from rejoin.signaling.aws_samples import StreamChoice
from rejoin.signaling.dialects import DIALECTS
from rejoin.studio.process import studio_process
from rejoin.testing.own_backend import profile_of
from rejoin.testing.problems import NothingSaidError

NOTICE_SILENT_CLIENT_S: Final = 5.0
CONNECTION_TIMEOUT_S: Final = 120
SETTINGS: Final[Mapping[str, object]] = {"width": 640, "height": 360, "fps": 30}
"""Of an emulator, unless a test says otherwise: small pictures, since one machine encodes and
decodes all of them."""


@dataclass(frozen=True, slots=True)
class TestedStudio:
    """A studio that a test plays at. `control`: of the emulator; None at an own backend."""

    __test__ = False  # pytest takes a class of this name for a test

    profile: StudioProfile = field(repr=False)
    control: BlockingEmulatorControl | None = None
    guard: SessionGuard | None = field(default=None, repr=False)

    def __repr__(self) -> str:
        kind = "own backend" if self.control is None else "emulator"
        return f"<studio {self.backend_url}, {kind}>"

    @property
    def backend_url(self) -> str:
        return self.profile.backend_url

    @property
    def token(self) -> str | None:
        """The sign-in token of the player."""
        return self.profile.token

    def settings(self, **changes: object) -> None:
        """Change settings of the emulated service by their names in `EmulatorSettings`, until the
        end of the test. Raises BadInputError; NothingSaidError at an own backend."""
        if self.control is None:
            raise NothingSaidError(
                "This test changes the emulated service, and is skipped at another backend."
            )
        self.control.change_settings(**changes)

    def game_state(self, session: str | None) -> tuple[str, dict[str, Any]] | None:
        """The counters of an emulated session's game (None: the newest session's). Returns None at
        another backend, and after the game is over."""
        if self.control is None:
            return None
        for each in self.control.state()["sessions"]:
            if session in (None, each["session"]):
                game = each["game_state"]
                return None if game is None else (str(each["session"]), dict(game))
        return None

    def begin_session(self, case: str) -> Guarded | None:
        """To be called before a session is started; None where nothing has to be guarded."""
        return None if self.guard is None else self.guard.begin(case)


class Studios:
    """Starts each kind of studio that tests ask for once, and keeps it until `close`."""

    def __init__(self, own: Mapping[str, str], token: str | None) -> None:
        """`own`: the options of an own backend (`own_backend.profile_of`); without `backend` an
        emulator is started."""
        self._own = own
        self._token = token
        self._stack = contextlib.ExitStack()
        self._started: dict[tuple[str, int], TestedStudio] = {}
        self._backend: TestedStudio | None = None

    @contextlib.contextmanager
    def studio(self, **options: object) -> Iterator[TestedStudio]:
        """The studio for one test. `options`: `dialect`, and settings of the emulated service.

        Raises RejoinError; NothingSaidError for options at an own backend.
        """
        if self._own.get("backend", "").strip():
            if options:
                raise NothingSaidError(
                    f"This test sets the emulated service ({', '.join(sorted(options))}), "
                    "and is skipped at another backend."
                )
            yield self._own_backend()
            return
        changes = {**SETTINGS, **options}
        dialect, timeout_s = (
            changes.pop("dialect", "ours"),
            changes.pop("connection_timeout_s", CONNECTION_TIMEOUT_S),
        )
        if not isinstance(dialect, str) or dialect not in DIALECTS:
            raise BadInputError(f"dialect is one of {', '.join(sorted(DIALECTS))}.")
        if not isinstance(timeout_s, int) or not 1 <= timeout_s <= 3600:
            raise BadInputError("connection_timeout_s is a whole number from 1 to 3600.")
        there = self._emulator(dialect, timeout_s)
        assert there.control is not None
        before = there.control.state()["settings"]
        there.control.change_settings(**changes)
        try:
            yield there
        finally:
            now = there.control.state()["settings"]
            there.control.change_settings(
                **{name: value for name, value in before.items() if now[name] != value}
            )

    def close(self) -> None:
        """Stop the emulators, and end what is left at an own backend."""
        self._started.clear()
        self._stack.close()

    def _own_backend(self) -> TestedStudio:
        if self._backend is None:
            profile = profile_of(self._own, self._token)
            guard = SessionGuard(profile, default_folder())
            self._stack.callback(guard.close)
            self._backend = TestedStudio(profile, guard=guard)
        return self._backend

    def _emulator(self, dialect: str, timeout_s: int) -> TestedStudio:
        found = self._started.get((dialect, timeout_s))
        if found is None:
            there = self._stack.enter_context(
                studio_process(
                    notice_silent_client_s=NOTICE_SILENT_CLIENT_S,
                    connection_timeout_s=timeout_s,
                    dialect=dialect,
                )
            )
            control = BlockingEmulatorControl(there.control_url, there.control_token)
            settings = control.state()["settings"]
            choice = StreamChoice(settings["stream_group_ids"][0], settings["application_ids"][0])
            profile = StudioProfile(
                there.backend_url,
                there.player_token,
                NetworkRules(loopback_only=True),
                dialect=DIALECTS[dialect],
                choice=choice if DIALECTS[dialect].needs_stream_group else None,
                connection_timeout_s=timeout_s,
            )
            found = self._started[dialect, timeout_s] = TestedStudio(profile, control)
        return found

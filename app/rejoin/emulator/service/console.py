"""The terminal view of a running studio: what it does, live, and commands typed below it.

`view` turns the control API's state document into lines of a table; everything that is shown comes
from there. Without a terminal there are plain lines, one for each thing that changed.
"""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TextIO, assert_never

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from rejoin.emulator.service.control import EmulatorControl
from rejoin.emulator.service.settings import (
    ApiFault,
    ApiFaultKind,
    BackendFault,
    BackendFaultKind,
    Fault,
    FaultKind,
)
from rejoin.errors import BadInputError, RejoinError
from rejoin.netem.network_profile import NETWORK_PROFILES
from rejoin.tasks import cancel, spawn

HELP: Final = (
    "silence [S] | freeze [S] | no_media [S] | slow_start [S] | graceful | dtls_close | kill | "
    "profile NAME | lift | api FAULT [OPERATION] [N] | backend FAULT [N] | backend down S | "
    "notice S | set NAME VALUE | quit   (S: seconds, N: times, once if not given; "
    "FAULT none lifts those)"
)
_REFRESH_S: Final = 0.5
_SLOW_S: Final = 3.0
"""How late the answer of a slow call comes that was typed here."""
_SESSIONS_SHOWN: Final = 12
_STATUS_STYLES: Final = {
    "CONNECTED": "green",
    "ACTIVE": "cyan",
    "PENDING_CLIENT_RECONNECTION": "yellow",
    "RECONNECTING": "yellow",
    "ERROR": "red",
}

State = Mapping[str, Any]
"""What `EmulatorControl.state` returns."""


# --- commands -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class InjectFault:
    """Put a fault into the newest session, or lift what lasts."""

    fault: Fault


@dataclass(frozen=True, slots=True)
class ArmApi:
    """Arm a fault of the emulated API, or lift those."""

    fault: ApiFault


@dataclass(frozen=True, slots=True)
class ArmBackend:
    """Arm a fault in front of the backend, or lift those."""

    fault: BackendFault


@dataclass(frozen=True, slots=True)
class ChangeSetting:
    """From now on one of `EmulatorSettings` has this value."""

    name: str
    value: bool | int | float | str


@dataclass(frozen=True, slots=True)
class TakeBackendDown:
    """The studio's backend is away for so many seconds."""

    down_s: float


@dataclass(frozen=True, slots=True)
class Quit:
    """End the studio."""


Command = InjectFault | ArmApi | ArmBackend | ChangeSetting | TakeBackendDown | Quit

_FAULTS: Final = {
    "silence": FaultKind.SILENCE,
    "freeze": FaultKind.FREEZE,
    "no_media": FaultKind.NO_MEDIA,
    "slow_start": FaultKind.SLOW_START,
    "dtls_close": FaultKind.DTLS_CLOSE,
    "graceful": FaultKind.GRACEFUL_CLOSE,
    "kill": FaultKind.KILL,
    "lift": FaultKind.NONE,
}


def parse(line: str) -> Command | None:
    """A typed line; None for an empty one. Raises `BadInputError` with what could be typed."""
    verb, *words = line.split() or [""]
    match verb.lower(), words:
        case "", []:
            return None
        case (("quit" | "q" | "exit"), []):
            return Quit()
        case fault, [] if fault in _FAULTS:
            return InjectFault(Fault(_FAULTS[fault]))
        case ("silence" | "freeze" | "no_media" | "slow_start") as fault, [duration]:
            return InjectFault(Fault(_FAULTS[fault], _seconds(duration)))
        case "profile", [name]:
            return InjectFault(Fault(FaultKind.PROFILE, profile=_one_of(name, NETWORK_PROFILES)))
        case "notice", [notice]:
            return ChangeSetting("notice_silent_client_s", _seconds(notice))
        case "set", [name, value]:
            return ChangeSetting(name, _value(value))
        case "api", [kind, *rest] if len(rest) <= 2:
            return ArmApi(_api_fault(kind, rest))
        case "backend", ["down", down]:
            return TakeBackendDown(_seconds(down))
        case "backend", [kind, *rest] if len(rest) <= 1:
            known = BackendFaultKind(_one_of(kind, list(BackendFaultKind)))
            return ArmBackend(BackendFault(known, _times(rest[0]) if rest else 1))
        case _:
            raise BadInputError(f"That is no command. There are: {HELP}")


def _api_fault(kind: str, rest: list[str]) -> ApiFault:
    known = ApiFaultKind(_one_of(kind, list(ApiFaultKind)))
    times = _times(rest.pop()) if rest and rest[-1].isdecimal() else 1
    if len(rest) > 1:
        raise BadInputError(f"That is no command. There are: {HELP}")
    delay_s = _SLOW_S if known is ApiFaultKind.SLOW else 0.0
    return ApiFault(known, rest[0] if rest else None, times, delay_s)


def _one_of(word: str, known: Sequence[str]) -> str:
    if word.lower() not in known:
        raise BadInputError(f"{word!r} is none of: {', '.join(known)}.")
    return word.lower()


def _times(word: str) -> int:
    if not word.isdecimal() or not 1 <= int(word[:9]) <= 1_000_000:
        raise BadInputError("How often is 1 to 1000000 times.")
    return int(word[:9])


def _value(word: str) -> bool | int | float | str:
    """As it would stand in a TOML file, but for the quotes: true, 5, 0.5, conflict."""
    if word in ("true", "false"):
        return word == "true"
    for number in (int, float):
        with contextlib.suppress(ValueError):
            return number(word)
    return word


def _seconds(word: str) -> float:
    try:
        seconds = float(word)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 86400:
        raise BadInputError("A time is 0 to 86400 seconds.")
    return seconds


async def carry_out(command: Command, control: EmulatorControl) -> str | None:
    """Do it; what to tell the person, or None to end. Raises what the control API says."""
    match command:
        case InjectFault(fault):
            await control.inject(fault)
            lasts = "" if fault.duration_s is None else f" for {fault.duration_s:g} s"
            return f"{fault.profile or fault.kind.value.replace('_', ' ')}{lasts}"
        case ArmApi(api_fault):
            await control.arm(api_fault)
            return f"API: {api_fault.kind.value} {api_fault.operation or 'of any call'}"
        case ArmBackend(backend_fault):
            await control.arm_backend(backend_fault)
            return f"in front of the backend: {backend_fault.kind.value}"
        case ChangeSetting(name, value):
            changed = await control.change_settings(**{name: value})
            return f"{name} is {changed[name]}"
        case TakeBackendDown(down_s):
            await control.backend_down(down_s)
            return f"the backend is down for {down_s:g} s"
        case Quit():
            return None
        case _:
            assert_never(command)


# --- what is shown --------------------------------------------------------------------------------


def view(state: State, message: str = "", typing: str = "") -> RenderableType:
    """The whole picture of one state document, with the newest message and what is being typed."""
    table = Table(expand=True, pad_edge=False)
    for heading in ("Session", "Status", "For", "Window", "Connection", "Game", "Network"):
        table.add_column(heading, no_wrap=True)
    sessions: list[State] = list(state["sessions"])
    for session in sessions[:_SESSIONS_SHOWN]:
        status = str(session["status"])
        reason = f" {session['reason']}" if session["reason"] else ""
        table.add_row(
            str(session["session"]),
            Text(status + reason, style=_STATUS_STYLES.get(status, "dim")),
            _duration(state["now"] - session["entered_at"]),
            _window(state, session),
            str(session["connection"]),
            _game(session["game_state"]),
            _traffic(session["game_state"]),
        )
    if not sessions:
        table.add_row(Text("nobody plays", style="dim"))
    more = len(sessions) - _SESSIONS_SHOWN
    lines = [Text(f"and {more} more", style="dim")] if more > 0 else []
    lines += [Text(line) for line in _notes(state)]
    lines += [Text(HELP, style="dim"), Text(message, style="bold"), Text(f"> {typing}_")]
    return Group(table, *lines)


def plain(before: State | None, after: State) -> list[str]:
    """What changed between two state documents, as lines for a log."""
    known = {one["session"]: one for one in before["sessions"]} if before is not None else {}
    lines = []
    for session in reversed(after["sessions"]):
        former = known.get(session["session"])
        history = session["history"][0 if former is None else len(former["history"]) :]
        for entry in history:
            reason = f" ({entry['reason']})" if entry["reason"] else ""
            lines.append(f"{entry['at']:.3f} {session['session']} {entry['status']}{reason}")
    earlier = set() if before is None else set(_notes(before, counts=False))
    return lines + [line for line in _notes(after, counts=False) if line not in earlier]


def _notes(state: State, *, counts: bool = True) -> Iterator[str]:
    """Lines about everything that is not one session's."""
    for session in state["sessions"]:
        faults = _faults(session["game_state"])
        if faults:
            yield f"Fault in {session['session']}: {faults}"
    for fault in state.get("api_faults", ()):
        times = "until lifted" if fault["times"] is None else f"{fault['times']} more"
        yield f"API fault: {fault['kind']} of {fault['operation'] or 'any operation'}, {times}"
    for fault in state.get("backend_faults", ()):
        times = "until lifted" if fault["times"] is None else f"{fault['times']} more"
        yield f"Backend fault: {fault['kind']}, {times}"
    calls: Mapping[str, int] = state.get("api_calls", {})
    if counts and calls:
        yield "Calls: " + ", ".join(f"{name} {count}" for name, count in calls.items())


def _duration(seconds: float) -> str:
    minutes, rest_s = divmod(int(max(0.0, seconds)), 60)
    return f"{minutes}:{rest_s:02}"


def _window(state: State, session: State) -> str:
    ends_at = session["window_ends_at"]
    return "" if ends_at is None else f"{max(0.0, ends_at - state['now']):.0f} s left"


def _game(game: State | None) -> str:
    if game is None or not game.get("running", True):
        return ""
    return f"frame {game.get('counter', '?')}, score {game.get('score', '?')}"


def _faults(game: State | None) -> str:
    """The faults that the host says are on."""
    told = {} if game is None else game
    return " ".join(str(told[name]) for name in ("fault", "profile") if told.get(name))


def _traffic(game: State | None) -> str:
    """Datagrams through the relay, as the host tells them."""
    relay = None if game is None else game.get("relay")
    if not isinstance(relay, Mapping):
        return ""
    names = ("up", "down", "dropped")
    return ", ".join(f"{name} {relay.get(f'packets_{name}', 0)}" for name in names)


# --- the terminal ---------------------------------------------------------------------------------


class Keyboard:
    """Lines typed at a terminal or piped in, read by a thread: a terminal cannot be awaited
    everywhere. The thread is a daemon, because nothing can take a blocked read back.

    At a terminal, key by key and without its own echo, which would run into the picture.
    """

    def __init__(self, source: TextIO) -> None:
        self._source = source
        self._lines: asyncio.Queue[str | None] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()
        self._restore: Callable[[], None] = lambda: None
        self.typing = ""
        self.changed: Callable[[], None] = lambda: None
        """Called when `typing` has changed."""

    def __enter__(self) -> Keyboard:
        if self._source.isatty():
            self._take_terminal()
        threading.Thread(target=self._read, name="rejoin-typed", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._restore()

    async def next(self) -> str | None:
        """The next line; None when there will be no more."""
        return await self._lines.get()

    def key(self, key: str) -> None:
        """One key, on the event loop."""
        if key in ("\r", "\n"):
            self._lines.put_nowait(self.typing)
            self.typing = ""
        elif key in ("\x7f", "\b"):
            self.typing = self.typing[:-1]
        elif key.isprintable() and len(self.typing) < 80:
            self.typing += key
        self.changed()

    def _take_terminal(self) -> None:
        if sys.platform != "win32":
            import termios
            import tty

            number = self._source.fileno()
            before = termios.tcgetattr(number)
            self._restore = lambda: termios.tcsetattr(number, termios.TCSADRAIN, before)
            tty.setcbreak(number, termios.TCSADRAIN)  # Ctrl+C stays Ctrl+C.

    def _read(self) -> None:
        for text in self._texts():
            for key in text:
                self._post(self.key, key)
        self._post(self._lines.put_nowait, None)

    def _texts(self) -> Iterator[str]:
        if sys.platform == "win32" and self._source.isatty():
            import msvcrt

            while True:
                yield msvcrt.getwch()
        try:
            number = self._source.fileno()
        except OSError:
            yield self._source.read()
            return
        # Past the source's own buffer, whose lock a blocked read would hold until the very end.
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        with contextlib.suppress(OSError):
            while data := os.read(number, 1024):
                yield decoder.decode(data)

    def _post(self, act: Callable[..., None], value: str | None) -> None:
        with contextlib.suppress(RuntimeError):  # The event loop is gone: nobody listens any more.
            self._loop.call_soon_threadsafe(act, value)


async def run(
    control: EmulatorControl,
    *,
    source: TextIO | None = None,
    console: Console | None = None,
    refresh_s: float = _REFRESH_S,
) -> None:
    """Show and obey until `quit` is typed. The end of the input alone does not end it.

    Raises ServiceError when the control API is gone.
    """
    console = console or Console()
    with Keyboard(source or sys.stdin) as keyboard:
        if console.is_terminal:
            await _run_live(control, console, keyboard, refresh_s)
        else:
            await _run_plain(control, console, keyboard, refresh_s)


async def _run_live(
    control: EmulatorControl, console: Console, keyboard: Keyboard, refresh_s: float
) -> None:
    shown: State | None = None
    message = ""
    with Live(console=console, auto_refresh=False) as live:

        def draw() -> None:
            if shown is not None:
                live.update(view(shown, message, keyboard.typing), refresh=True)

        def show(_before: State | None, state: State) -> None:
            nonlocal shown
            shown = state
            draw()

        def tell(sentence: str) -> None:
            nonlocal message
            message = sentence
            draw()

        keyboard.changed = draw
        try:
            await _run(control, keyboard, refresh_s, show, tell)
        finally:
            keyboard.changed = lambda: None


async def _run_plain(
    control: EmulatorControl, console: Console, keyboard: Keyboard, refresh_s: float
) -> None:
    def tell(sentence: str) -> None:
        if sentence:
            console.print(sentence, markup=False, highlight=False, soft_wrap=True)

    def show(before: State | None, state: State) -> None:
        for line in plain(before, state):
            tell(line)

    await _run(control, keyboard, refresh_s, show, tell)


async def _run(
    control: EmulatorControl,
    keyboard: Keyboard,
    refresh_s: float,
    show: Callable[[State | None, State], None],
    tell: Callable[[str], None],
) -> None:
    before: State | None = None
    over = asyncio.Event()

    async def obey() -> None:
        while (line := await keyboard.next()) is not None:
            try:
                command = parse(line)
                sentence = "" if command is None else await carry_out(command, control)
            except RejoinError as error:
                sentence = str(error)
            if sentence is None:
                over.set()
                return
            tell(sentence)

    obeying = spawn(obey(), name="console:obey")
    try:
        while not over.is_set():
            state = await control.state()
            show(before, state)
            before = state
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(refresh_s):
                    await over.wait()
    finally:
        await cancel(obeying)

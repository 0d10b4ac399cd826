"""The terminal view: a state document of the control API as a table, or as lines for a log."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from rejoin.emulator.service.console_commands import HELP

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


def view(
    state: State, message: str = "", typing: str = "", charts: Iterable[str] = ()
) -> RenderableType:
    """One state document as a table, with charts, the newest message and the line being typed."""
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
        table.add_row(Text("no sessions", style="dim"))
    more = len(sessions) - _SESSIONS_SHOWN
    lines = [Text(f"and {more} more", style="dim")] if more > 0 else []
    lines += [Text(line, no_wrap=True, overflow="crop") for line in charts]
    lines += [Text(line) for line in _notes(state)]
    lines += [Text(HELP, style="dim"), Text(message, style="bold"), Text(f"> {typing}_")]
    return Group(table, *lines)


def changes(before: State | None, after: State) -> list[str]:
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
    """Lines about faults and calls. `counts`: with the number of calls, which always changes."""
    for session in state["sessions"]:
        faults = _faults(session["game_state"])
        if faults:
            yield f"Fault in {session['session']}: {faults}"
    for fault in state.get("api_faults", ()):
        times = "until cleared" if fault["times"] is None else f"{fault['times']} more"
        yield f"API fault: {fault['kind']}, {fault['operation'] or 'any operation'}, {times}"
    for fault in state.get("backend_faults", ()):
        times = "until cleared" if fault["times"] is None else f"{fault['times']} more"
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
    """The fault that is active in the host."""
    state = {} if game is None else game
    return " ".join(str(state[name]) for name in ("fault", "profile") if state.get(name))


def _traffic(game: State | None) -> str:
    """How many datagrams passed the relay."""
    relay = None if game is None else game.get("relay")
    if not isinstance(relay, Mapping):
        return ""
    names = ("up", "down", "dropped")
    return ", ".join(f"{name} {relay.get(f'packets_{name}', 0)}" for name in names)

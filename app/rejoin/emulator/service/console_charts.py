"""Charts of the last minute in the terminal view: a host's bitrate and frames, and their loss."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from rejoin.terminal_charts import History, Sample, span

_SHOWN: Final = 3
"""How many sessions have charts: the newest ones that are connected."""


class Charts:
    """Collects state documents of the control API; `lines` draws the newest connected sessions."""

    def __init__(self) -> None:
        self._sessions: dict[str, History] = {}

    def add(self, state: Mapping[str, Any]) -> None:
        """Take one state document."""
        now = float(state["now"])
        present = set()
        for session in state["sessions"]:
            name = str(session["session"])
            present.add(name)
            sample = _sample(session["game_state"], now)
            if sample is not None:
                self._sessions.setdefault(name, History()).add(sample)
        for gone in self._sessions.keys() - present:
            del self._sessions[gone]

    def lines(self, state: Mapping[str, Any], width: int, *, blocks: bool = True) -> Iterator[str]:
        """A heading and a chart for each figure, of the sessions that are connected now. Arguments
        as of `History.lines`."""
        now, shown = float(state["now"]), 0
        for session in state["sessions"]:
            history = self._sessions.get(str(session["session"]))
            connected = session["status"] in ("CONNECTED", "PENDING_CLIENT_RECONNECTION")
            if history is None or not connected or shown == _SHOWN:
                continue
            shown += 1
            yield f"{session['session']}, {span(width)}"
            yield from history.lines(now, width, blocks=blocks)


def _sample(game: Any, now: float) -> Sample | None:
    media = game.get("media") if isinstance(game, Mapping) else None
    if not isinstance(media, Mapping) or not game.get("connected"):
        return None
    return Sample(
        now,
        int(media["connection"]),
        int(media["bytes"]),
        int(media["frames"]),
        media.get("loss"),
        media.get("rtt_s"),
    )

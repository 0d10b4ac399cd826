"""Progress of live games: the bar, and below it charts of the last minute of those that play now.

The charts are for a person at a terminal that can move its cursor; elsewhere there is the bar, or
lines, as of any other work (`progress`).
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from rejoin.cli.progress import Progress
from rejoin.clock import boot_s
from rejoin.printable import printable
from rejoin.terminal_charts import History, span

if TYPE_CHECKING:
    from rejoin.qa.messages import Playing

_SHOWN: Final = 3
"""How many games have charts: those that began first."""


@dataclass(slots=True)
class _Game:
    stage: str = ""
    history: History = field(default_factory=History)


class ChartedProgress(Progress):
    """As `Progress`, with charts. `playing` and `over` may be called on any thread."""

    def __enter__(self) -> ChartedProgress:
        self._games: dict[str, _Game] = {}
        self._console = Console(file=sys.stderr, force_terminal=True, no_color=True)
        self._live: Live | None = None
        super().__enter__()
        return self

    def playing(self, name: str, now: Playing) -> None:
        """How the game of this name goes."""
        with self._lock:
            game = self._games.setdefault(name, _Game())
            game.stage = now.stage.value
            game.history.add(now.sample)

    def over(self, name: str) -> None:
        """The game of this name has no charts any more."""
        with self._lock:
            self._games.pop(name, None)

    def _draw(self) -> None:
        if self._console.is_dumb_terminal:
            super()._draw()
            return
        if self._live is None:
            self._live = Live(
                console=self._console,
                auto_refresh=False,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._live.start()
        blocks = not self._console.options.ascii_only
        lines = self._lines(self._console.width, blocks=blocks)
        picture = [Text(printable(line), no_wrap=True, overflow="crop") for line in lines]
        self._live.update(Group(*picture), refresh=True)

    def _lines(self, width: int, *, blocks: bool) -> list[str]:
        lines, now = [self._bar_line(width)], boot_s()
        for name, game in list(self._games.items())[:_SHOWN]:
            lines.append(f"{name}: {game.stage}, {span(width)}")
            lines += game.history.lines(now, width, blocks=blocks)
        return lines

    def _clear(self) -> None:
        super()._clear()
        if self._live is not None:
            self._live.stop()
            self._live = None

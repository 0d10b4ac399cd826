"""A game and a WebRTC host that others wrote: is it seen that a game goes on, or began anew?

A program by itself: `python tests/bench/foreign_game.py FOLDER [GAME ...]`. A free game of Debian's
runs under Xvfb and is played by random keys (`footage.py`). GStreamer's webrtcbin sends the display
of that game, and `rejoin qa run --backend` plays it, drops it and rejoins. Both stand at the
emulated service. What is left in FOLDER: results, reports and pictures before and after each drop.
It needs what `footage.py` needs, and GStreamer as tests/live/test_foreign_hosts.py does.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import patch

from bench.footage import GAMES, Game, Hands, Scene, program_of, running, screen
from helpers.foreign_host import GSTREAMER, ForeignHost
from rejoin import tasks
from rejoin.emulator.service.settings import EmulatorSettings
from rejoin.emulator.service.stream_host import HostListener
from rejoin.qa import results
from rejoin.studio import serve
from rejoin.studio.address import Studio

CHOSEN = ("ltris", "chromium-bsu", "supertux-1")
NOTICE_S, TIMEOUT_S = 1.0, 60
PRESS_EVERY_S = 0.5


@dataclass(frozen=True, slots=True)
class Case:
    """A drop. `restarts`: the game is killed and started again when its host misses the client."""

    name: str
    profile: str
    restarts: bool
    duration_s: float
    expected: str


CASES = (
    Case("a new address", "ip_change", False, 10.0, "same scene"),
    Case("fifteen seconds without a network", "away", False, 30.0, "same scene"),
    Case("the same, and the game began anew", "away", True, 30.0, "different or black"),
)
PROFILES = """
[profiles.away]
description = "Nothing passes for fifteen seconds: time enough for a game to start again."
cut = { after_s = 0, duration_s = 15 }
"""


class _Played:
    """A game that is running and is played, on a display."""

    def __init__(self, name: str, display: str) -> None:
        self._name, self._display = name, display
        self._stack = contextlib.ExitStack()
        self._game: Game = GAMES[name]
        self._scene: Scene = self._game.scenes[-1]
        self._hands = Hands(display)
        self._plays = False
        self._playing: asyncio.Task[None] | None = None
        self._restarting: asyncio.Task[None] | None = None
        self.starts = 0

    async def start(self) -> None:
        """Start it, enter its last scene as a player would, and play on."""
        self._begin()
        await asyncio.sleep(self._game.start_s)
        for scene in self._game.scenes:
            await asyncio.to_thread(self._hands.do, *scene.enter)
        self._plays = True
        self._playing = tasks.spawn(self._play(), name="playing")

    def restart(self) -> None:
        """Kill it and start it again; nobody plays the new one."""
        self._plays = False
        self._restarting = tasks.spawn(self._restart(), name="restarting")

    async def _restart(self) -> None:
        if self._playing is not None:
            await self._playing  # so that no key is still pressed
        self._stack.close()
        self._begin()

    async def stop(self) -> None:
        self._plays = False
        for job in (self._playing, self._restarting):
            if job is not None:
                await job  # not cancelled: a key would stay pressed
        self._stack.close()

    def _begin(self) -> None:
        """With a new home: it knows nothing of the game before."""
        self.starts += 1
        home = self._stack.enter_context(tempfile.TemporaryDirectory())
        self._stack.enter_context(running(self._name, self._display, Path(home)))

    async def _play(self) -> None:
        while self._plays:
            await asyncio.to_thread(self._hands.play, self._scene)
            await asyncio.sleep(PRESS_EVERY_S)
        await asyncio.to_thread(self._hands.release)


@dataclass(slots=True)
class _Hosts:
    """The hosts that were made, and what happens when one of them misses its client."""

    made: list[ForeignHost] = field(default_factory=list)
    on_gone: Callable[[], None] = lambda: None

    def gone(self) -> None:
        """A host misses its client."""
        self.on_gone()


@contextmanager
def _hosts(display: str, game: Game) -> Iterator[_Hosts]:
    """The hosts of studios that are made meanwhile: GStreamer, and the display as its picture."""
    shown = " ".join([display, *map(str, game.area)])
    stack = dataclasses.replace(
        GSTREAMER, command=lambda clip: ["env", f"SCREEN={shown}", *GSTREAMER.command(clip)]
    )
    hosts = _Hosts()

    def make(
        listener: HostListener, settings: EmulatorSettings, *, protocol_url: str, listen_on: str
    ) -> ForeignHost:
        del listen_on
        host = ForeignHost(stack, listener, settings, protocol_url)
        host.notices_silence = True
        host.on_gone = hosts.gone
        hosts.made.append(host)
        return host

    with patch("rejoin.studio.serve.GameHost", make):
        yield hosts


@contextlib.asynccontextmanager
async def _played(name: str, display: str) -> AsyncIterator[_Played]:
    game = _Played(name, display)
    try:
        await game.start()
        yield game
    finally:
        await game.stop()


async def _run(there: Studio, case: Case, folder: Path) -> int:
    """`rejoin qa run` at this studio."""
    folder.mkdir(parents=True, exist_ok=True)
    scenario = folder / "scenario.toml"
    scenario.write_text(
        f'description = "A foreign game."\n'
        f"[service]\nconnection_timeout_s = {TIMEOUT_S}\nnotice_silent_client_s = {NOTICE_S}\n"
        f'[[cases]]\nname = "{case.name}"\nduration_s = {case.duration_s}\n'
        f'drops = [{{ profile = "{case.profile}", at_s = 3 }}]\n{PROFILES}',
        encoding="utf-8",
    )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "rejoin", "qa", "run", str(scenario)),
        *("--backend", there.backend_url, "--network", "loopback", "--results", str(folder)),
        *("--pictures", "--html", str(folder / "report.html")),
        env=os.environ | {"REJOIN_TOKEN": there.player_token, "XDG_STATE_HOME": str(folder)},
        stdout=asyncio.subprocess.DEVNULL,
    )
    return await process.wait()


async def _try(name: str, folder: Path) -> None:
    settings = EmulatorSettings(
        notice_silent_client_s=NOTICE_S, connection_timeout_s=TIMEOUT_S, relay_ports=(0, 0)
    )
    with (
        tempfile.TemporaryDirectory() as temporary,
        screen(Path(temporary)) as (display, _),
        _hosts(display, GAMES[name]) as hosts,
    ):
        async with serve.studio(settings) as there:
            for number, case in enumerate(CASES, 1):
                async with _played(name, display) as game:
                    hosts.on_gone = game.restart if case.restarts else lambda: None
                    out = folder / name / str(number)
                    code = await _run(there, case, out)
                _say(name, case, out, code, hosts.made[-1].connections, game.starts)


def _say(name: str, case: Case, folder: Path, code: int, connections: int, starts: int) -> None:
    """A row: what the proof of the drop rests on, and what it says."""
    cells = [name, case.name, case.expected]
    for record in results.read(folder / results.FILE):
        episodes = () if record.played is None else record.played.episodes
        proofs = [each.proof for each in episodes if each.proof is not None]
        found = "; ".join(
            f"{each.says.value} ({each.rests_on.value}, {each.similarity})" for each in proofs
        )
        cells += [found or "no proof", record.verdict.value, " ".join(record.sentences)]
    print(f"| {' | '.join(cells)} | {code} | {connections} | {starts} |", flush=True)


def main(arguments: list[str]) -> int:
    missing = GSTREAMER.missing()
    if missing is not None:
        raise SystemExit(missing)
    names = arguments[1:] or list(CHOSEN)
    for name in names:
        program_of(name)
    print("| Game | Drop | Expected | Proof | Verdict | Why | Exit code | Connections | Starts |")
    print("|---|---|---|---|---|---|---|---|---|", flush=True)
    for name in names:
        asyncio.run(_try(name, Path(arguments[0]).resolve()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

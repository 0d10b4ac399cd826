"""Records free games of Debian's under Xvfb with scripted input, as small grey pictures.

A program by itself: `python tests/bench/footage.py FOLDER [GAME ...]`. It needs Xvfb, xdotool and
the games (`GAMES` has their packages); dev.py installs none of them. Footage stays on the machine;
`scene_rates.py` computes error rates from it.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from rejoin.core.model import ConnectionNumber
from rejoin.media.video.picture import Picture
from rejoin.media.video.png import png_of
from rejoin.media.video.scene import GreyScaler

WIDTH, HEIGHT = 1280, 720
EVERY_S = 0.5
_SEED = 7


@dataclass(frozen=True, slots=True)
class Scene:
    """`enter`: keys, clicks ("click:x,y") and waits ("wait:2") that lead to it. `plays`: what is
    pressed at random while it is recorded for `lasts_s`; empty: nothing."""

    name: str
    enter: tuple[str, ...]
    lasts_s: float
    plays: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Game:
    """`package`: of Debian 12. `start_s`: until its title is there. `area`: of its window on the
    screen: left, top, width, height."""

    package: str
    command: tuple[str, ...]
    start_s: float
    scenes: tuple[Scene, ...]
    area: tuple[int, int, int, int] = (0, 0, WIDTH, HEIGHT)


_WALKS = ("Right", "Right", "Right+space", "Right+space", "Right", "Left", "space")
_SUPERTUX = "supertux2", "--window", "--geometry", "1280x720", "--renderer", "sdl"
_LEVELS = "/usr/share/games/supertux2/levels/world1"
_SMALL = 0, 0, 640, 480


def _level(name: str) -> Game:
    return Game(
        "supertux",
        (*_SUPERTUX, "--disable-sound", f"{_LEVELS}/{name}.stl"),
        15.0,
        (Scene("level", ("Return", "wait:3"), 40.0, _WALKS),),
    )


GAMES: dict[str, Game] = {
    "supertux": Game(
        "supertux",
        (*_SUPERTUX, "--disable-sound"),
        15.0,
        (Scene("title", (), 12.0), Scene("menu", ("Return",), 8.0)),
    ),
    "supertux-1": _level("welcome_antarctica"),
    "supertux-2": _level("crystal_mine"),
    "supertux-3": _level("into_stars"),
    "chromium-bsu": Game(
        "chromium-bsu",
        ("chromium-bsu", "-w", "--vidmode", "4", "--noaudio"),
        8.0,
        (
            Scene("title", (), 12.0),
            Scene("game", ("Return", "wait:3"), 40.0, ("Left", "Right", "Up", "Down", "space")),
        ),
    ),
    "ltris": Game(
        "ltris",
        ("ltris",),
        12.0,
        (
            Scene("title", (), 8.0),
            Scene(
                "game",
                ("click:160,264", "wait:2", "click:170,224", "wait:3"),
                30.0,
                ("Left", "Right", "Up", "Down"),
            ),
        ),
        _SMALL,
    ),
    "frozen-bubble": Game(
        "frozen-bubble",
        ("frozen-bubble", "-ns", "-nf"),
        10.0,
        (
            Scene("title", (), 8.0),
            Scene(
                "game",
                ("Return", "wait:2", "Return", "wait:5", "Return"),
                18.0,
                ("Left", "Right", "Up"),
            ),
        ),
        _SMALL,
    ),
    "neverball": Game(
        "neverball",
        ("neverball",),
        12.0,
        (
            Scene("title", (), 12.0),
            Scene("name", ("click:640,297", "wait:2"), 6.0),
            Scene("sets", ("click:652,397", "click:762,527", "wait:3"), 6.0),
            Scene("levels", ("click:480,200", "wait:3"), 6.0),
            Scene(
                "game",
                ("click:320,160", "wait:3", "Return", "wait:3"),
                40.0,
                ("move:600,300", "move:680,300", "move:640,250", "move:640,330", "move:640,280"),
            ),
        ),
        (240, 60, 800, 600),
    ),
}
"""Five games; of one of them three levels by themselves."""


@contextmanager
def screen(folder: Path) -> Iterator[tuple[str, Path]]:
    """A display, and the file in which its pixels are."""
    read, write = os.pipe()
    server = subprocess.Popen(
        [
            *("Xvfb", "-displayfd", str(write), "-nolisten", "tcp"),
            *("-screen", "0", f"{WIDTH}x{HEIGHT}x24", "-fbdir", str(folder)),
        ],
        pass_fds=(write,),
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    try:
        with os.fdopen(read) as said:
            yield f":{said.readline().strip()}", folder / "Xvfb_screen0"
    finally:
        server.terminate()
        server.wait()


def pixels(screen: Path) -> npt.NDArray[np.uint8]:
    """What is on the screen now: height x width x 4 (BGRX), read from the XWD file of Xvfb."""
    data = np.fromfile(screen, np.uint8)
    header = data[:100].view(">u4")
    first = int(header[0]) + int(header[19]) * 12
    rows = data[first : first + HEIGHT * int(header[12])].reshape(HEIGHT, int(header[12]))
    return rows[:, : WIDTH * 4].reshape(HEIGHT, WIDTH, 4)


class Hands:
    """Types and clicks on a display, in the words of `Scene`."""

    def __init__(self, display: str) -> None:
        self._display = display
        self._random = random.Random(_SEED)
        self._held = ""

    def do(self, *what: str) -> None:
        for each in what:
            verb, _, rest = each.partition(":")
            if verb == "wait":
                time.sleep(float(rest))
            elif verb == "click":
                x, y = rest.split(",")
                self._xdotool("mousemove", x, y, "mousedown", "1")
                time.sleep(0.15)
                self._xdotool("mouseup", "1")
                time.sleep(0.35)
            elif verb == "move":
                self._xdotool("mousemove", *rest.split(","))
            else:
                self._xdotool("keydown", each)
                time.sleep(0.12)
                self._xdotool("keyup", each)
                time.sleep(0.35)

    def play(self, scene: Scene) -> None:
        """Hold something else of what the scene is played with."""
        self.release()
        held = self._random.choice(scene.plays) if scene.plays else ""
        if held.startswith("move:"):
            self.do(held)
        elif held:
            self._xdotool("keydown", *held.split("+"))
            self._held = held

    def release(self) -> None:
        """Hold nothing."""
        held, self._held = self._held, ""
        if held:
            self._xdotool("keyup", *held.split("+"))

    def _xdotool(self, *arguments: str) -> None:
        environment = os.environ | {"DISPLAY": self._display}
        subprocess.run(["xdotool", *arguments], env=environment, check=True, timeout=20)


class _Recorder:
    def __init__(self, display: str, file: Path, game: Game, keep: Path | None) -> None:
        self._file, self._keep = file, keep
        self._hands = Hands(display)
        left, top, width, height = game.area
        self._area = slice(top, top + height), slice(left, left + width), slice(0, 3)
        self._scaler = GreyScaler()

    def record(self, scene: Scene) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float64]]:
        """Small pictures, and when each was taken."""
        self._hands.do(*scene.enter)
        found, times = [], []
        began = time.monotonic()
        while (now := time.monotonic()) - began < scene.lasts_s:
            picture = np.ascontiguousarray(pixels(self._file)[self._area])
            frame = av.VideoFrame.from_ndarray(picture, "bgr24")
            small = self._scaler.grey(frame)
            assert small is not None
            found.append(small)
            times.append(now - began)
            if self._keep is not None and len(found) % 6 == 1:
                shown = png_of(Picture(ConnectionNumber(1), frame, 0.0, 0, 0.0), 480)
                (self._keep / f"{scene.name}-{len(found):03}.png").write_bytes(shown)
            self._hands.play(scene)
            time.sleep(max(0.0, EVERY_S - (time.monotonic() - now)))
        self._hands.release()
        return np.stack(found), np.array(times)


def program_of(name: str) -> str:
    """Its file. Raises SystemExit if the game is not installed."""
    game = GAMES[name]
    program = shutil.which(game.command[0], path=f"{os.environ['PATH']}:/usr/games")
    if program is None:
        raise SystemExit(f"{name} is not installed: apt-get install {game.package}")
    return program


@contextmanager
def running(name: str, display: str, home: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The game on this display; `home`: for what it stores. It is killed at the end."""
    environment = os.environ | {
        "DISPLAY": display,
        "HOME": str(home),
        "XDG_CONFIG_HOME": f"{home}/config",
        "XDG_DATA_HOME": f"{home}/data",
        "SDL_AUDIODRIVER": "dummy",
        "LIBGL_ALWAYS_SOFTWARE": "1",
    }
    played = subprocess.Popen(
        [program_of(name), *GAMES[name].command[1:]],
        env=environment,
        cwd=home,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield played
    finally:
        with suppress(ProcessLookupError):
            os.killpg(played.pid, signal.SIGKILL)
        played.wait()


def record(name: str, folder: Path, keep: Path | None = None) -> Path:
    """Play a game, and write its pictures to a file there. `keep`: larger ones, to be looked at."""
    game = GAMES[name]
    program_of(name)
    with (
        tempfile.TemporaryDirectory() as temporary,
        screen(Path(temporary)) as (display, pixels_of),
        running(name, display, Path(temporary)) as played,
    ):
        time.sleep(game.start_s)
        recorder = _Recorder(display, pixels_of, game, keep)
        recorded: dict[str, npt.NDArray[np.generic]] = {}
        for scene in game.scenes:
            pictures, times = recorder.record(scene)
            recorded[f"{scene.name}.pictures"] = pictures
            recorded[f"{scene.name}.times"] = times
        if played.poll() is not None:
            raise SystemExit(f"{name} ended too soon.")
    file = folder / f"{name}.npz"
    np.savez_compressed(file, **recorded)  # type: ignore[arg-type]
    return file


def main(arguments: list[str]) -> int:
    folder = Path(arguments[0])
    keep = os.environ.get("KEEP_PICTURES")
    for name in arguments[1:] or list(GAMES):
        kept = None if keep is None else Path(keep) / name
        if kept is not None:
            kept.mkdir(parents=True, exist_ok=True)
        print(record(name, folder, kept))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

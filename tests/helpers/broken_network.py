"""A studio and a player's window in network namespaces, and what the window has shown so far."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

from helpers.namespaces import STUDIO, Namespaces, namespaces
from helpers.programs import PATIENCE_S
from rejoin.clock import boot_s

Line = dict[str, Any]


class Window:
    """The lines that `helpers.window_elsewhere` printed, and those to come."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[Line] = []
        self._new = threading.Condition()
        assert process.stdout is not None
        self._reader = threading.Thread(target=self._read, args=(process.stdout,), daemon=True)
        self._reader.start()

    def join(self) -> None:
        """Wait until everything is read; its program has ended."""
        self._reader.join()

    def _read(self, output: IO[str]) -> None:
        for text in output:
            with self._new:
                self.lines.append(json.loads(text))
                self._new.notify_all()

    def until(
        self, condition: Callable[[Line], bool], *, since_at: float = 0.0, kind: str = "shown"
    ) -> Line:
        """The first line of this kind for which the condition holds, at `since_at` or later."""
        began_at = boot_s()
        checked = 0
        with self._new:
            while True:
                for line in self.lines[checked:]:
                    if line["kind"] == kind and line["at"] >= since_at and condition(line):
                        return line
                checked = len(self.lines)
                left_s = began_at + PATIENCE_S - boot_s()
                assert left_s > 0, f"not seen; the window shows {self.last_shown()}"
                assert self.process.poll() is None, "the player's program ended"
                self._new.wait(min(left_s, 1.0))

    def until_live(self, *, episode: int = 0, since_at: float = 0.0) -> Line:
        return self.until(
            lambda shown: shown["stage"] == "live" and shown["episode"] >= episode,
            since_at=since_at,
        )

    def last_shown(self) -> Line | None:
        return next((line for line in reversed(self.lines) if line["kind"] == "shown"), None)

    def all(self, kind: str, *, since_at: float = 0.0) -> list[Line]:
        with self._new:
            return [each for each in self.lines if each["kind"] == kind and each["at"] >= since_at]

    def times_of(self, name: str, *, since_at: float = 0.0) -> list[float]:
        """The boot times of the trace's records with this name."""
        return [
            each["at"] for each in self.all("record", since_at=since_at) if each["name"] == name
        ]


class BrokenNetwork:
    """The namespaces, the player's window, and the emulator's state."""

    def __init__(self, net: Namespaces, window: Window, studio: subprocess.Popen[str]) -> None:
        self.net = net
        self.window = window
        self._studio = studio

    def session(self) -> dict[str, Any]:
        """The emulator's stream session: status, history and game state."""
        assert self._studio.stdin is not None
        assert self._studio.stdout is not None
        self._studio.stdin.write("state\n")
        self._studio.stdin.flush()
        session: dict[str, Any] = json.loads(self._studio.stdout.readline())["sessions"][0]
        return session


@contextmanager
def broken_network(*, name: str = STUDIO, **settings: object) -> Iterator[BrokenNetwork]:
    """A live game in a window, over a network that is still whole.

    `name`: how the player's client calls the backend's machine. `settings`: the emulator's.
    """
    with ExitStack() as stack:
        net = stack.enter_context(namespaces())
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="rejoin-net-"))
        studio = stack.enter_context(
            _started(
                net.in_studio(sys.executable, "-m", "helpers.studio_elsewhere", STUDIO),
                json.dumps({"notice_silent_client_s": 60.0, **settings}),
                folder,
            )
        )
        assert studio.stdout is not None
        where = json.loads(studio.stdout.readline())
        url = where["backend_url"].replace(STUDIO, name)
        program = stack.enter_context(
            _started(
                net.in_player(
                    sys.executable, "-m", "helpers.window_elsewhere", resolver=name != STUDIO
                ),
                json.dumps({"url": url, "token": where["player_token"]}),
                folder,
            )
        )
        window = Window(program)
        stack.callback(window.join)
        stack.callback(program.kill)
        window.until(lambda shown: shown["stage"] == "live" and shown["input_open"])
        yield BrokenNetwork(net, window, studio)
        _end(program)
        _end(studio)


@contextmanager
def _started(command: list[str], argument: str, folder: str) -> Iterator[subprocess.Popen[str]]:
    """A program that is killed at the end, if it still runs."""
    with subprocess.Popen(
        [*command, argument],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).resolve().parents[1],
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen", "XDG_STATE_HOME": folder},
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _end(process: subprocess.Popen[str]) -> None:
    """It ends by itself, and well, once its standard input has ended."""
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(PATIENCE_S) == 0

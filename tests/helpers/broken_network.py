"""A studio and a player's window in network namespaces, and what the window has shown so far."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

from helpers.namespaces import OTHER_ORIGIN, STUDIO, Namespaces, namespaces
from helpers.other_origin import ORIGIN_PORT
from helpers.programs import PATIENCE_S
from helpers.tinyproxy import TinyProxy, tinyproxy
from rejoin.clock import boot_s
from rejoin.gui.announcer import MOST, WITHIN_S

Line = dict[str, Any]

MOST_CHANGES = 4
"""How often a button may change within `WITHIN_S` in any fault."""
NOTED_LATE_S = 5.0
"""A busy program notes an announcement so much later than it counted it, at most."""


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

    def act(self, line: str) -> None:
        """What the player does: `hold KEY`, `release KEY` or `click BUTTON`."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    # --- what it has shown ------------------------------------------------------------------------

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

    def until_text(self, text: str, *, since_at: float = 0.0) -> Line:
        """The first time that one of the texts that are shown has this in it."""
        return self.until(
            lambda shown: any(text in each for each in shown["texts"]), since_at=since_at
        )

    @property
    def stage(self) -> str | None:
        """The stage that is shown now."""
        shown = self.last_shown()
        return None if shown is None else str(shown["stage"])

    @property
    def now_shown(self) -> Line:
        """What is shown now; something must have been."""
        shown = self.last_shown()
        assert shown is not None
        return shown

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

    # --- what is true of every fault --------------------------------------------------------------

    def check_calm(self) -> None:
        """Announcements and the changes of a button are few, and no words flash by."""
        shown = self.all("shown")
        announced_at = [each["at"] for each in self.all("announced")]
        _check_few("announcements", announced_at, MOST, WITHIN_S - NOTED_LATE_S)
        for button in {name for each in shown for name in each["buttons"]}:
            _check_few(f"changes of {button}", _changes(shown, button), MOST_CHANGES, WITHIN_S)
        for each in shown:
            assert "Ready to play" not in each["texts"], "the start is automatic"


def _changes(shown: list[Line], button: str) -> list[float]:
    """When this button was enabled or disabled while it was shown."""
    return [
        after["at"]
        for before, after in itertools.pairwise(shown)
        if button in before["buttons"]
        and button in after["buttons"]
        and before["buttons"][button] is not after["buttons"][button]
    ]


def _check_few(what: str, at: list[float], most: int, within_s: float) -> None:
    for begin_at in at:
        many = sum(begin_at <= each < begin_at + within_s for each in at)
        assert many <= most, f"{many} {what} in {within_s:g} s"


class BrokenNetwork:
    """The namespaces, the player's window, and the emulator's state."""

    def __init__(
        self, net: Namespaces, window: Window, studio: _Studio, proxy: TinyProxy | None
    ) -> None:
        self.net = net
        self.window = window
        self._studio = studio
        self._proxy = proxy

    @property
    def proxy(self) -> TinyProxy:
        """The proxy between the player and the studio's backend."""
        assert self._proxy is not None
        return self._proxy

    def session(self) -> dict[str, Any]:
        """The emulator's stream session: status, history and game state."""
        return self._studio.say("state")

    def inject(self, fault: str) -> None:
        """Let the host do what this fault of the emulator says."""
        self._studio.say(fault)

    @contextmanager
    def another_window(self, *, attempt: int) -> Iterator[Window]:
        """A second window on the player's computer, with a ticket of the game that this attempt
        began."""
        [session, *_] = [
            each["session"] for each in self.window.all("record") if each["session"] is not None
        ]
        with self._studio.window(self.net, session=session, attempt=attempt) as window:
            yield window


class _Studio:
    """The studio's program."""

    def __init__(self, process: subprocess.Popen[str], name: str, folder: str) -> None:
        assert process.stdout is not None
        self.process = process
        self._name = name
        self._folder = folder
        where = json.loads(process.stdout.readline())
        url = where["backend_url"].replace(STUDIO, name)
        self._where = {"url": url, "token": where["player_token"]}
        self.probe_url: str | None = None
        self.environment: dict[str, str] = {}
        """Of the player's program."""

    def say(self, line: str) -> dict[str, Any]:
        """Pass it a line; returns the newest session."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        sessions: list[dict[str, Any]] = json.loads(self.process.stdout.readline())["sessions"]
        return sessions[0] if sessions else {}

    @contextmanager
    def window(self, net: Namespaces, **ticket: object) -> Iterator[Window]:
        """A window that starts or rejoins a game. At the end it closes well, and was calm."""
        command = (sys.executable, "-m", "helpers.window_elsewhere")
        with _started(
            net.in_player(*command, resolver=self._name != STUDIO),
            json.dumps({**self._where, "probe_url": self.probe_url, **ticket}),
            self._folder,
            self.environment,
        ) as process:
            window = Window(process)
            try:
                yield window
                _end(process)
            finally:
                process.kill()
                window.join()
            window.check_calm()


@contextmanager
def broken_network(
    *,
    name: str = STUDIO,
    before: Callable[[Namespaces], None] | None = None,
    other_origin: bool = False,
    proxied: bool = False,
    environment: Mapping[str, str] | None = None,
    **settings: object,
) -> Iterator[BrokenNetwork]:
    """A live game in a window, over a network that is still whole.

    `name`: how the player's client calls the backend's machine. `before`: what happens to the
    network before the window is there; the game is not waited for then.
    `other_origin`: the profile names one, which is there. `proxied`: HTTP goes through a proxy.
    `environment`: of the player's program. `settings`: the emulator's.
    """
    with ExitStack() as stack:
        net = stack.enter_context(namespaces())
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="rejoin-net-"))
        process = stack.enter_context(
            _started(
                net.in_studio(sys.executable, "-m", "helpers.studio_elsewhere", STUDIO),
                json.dumps({"notice_silent_client_s": 60.0, **settings}),
                folder,
            )
        )
        studio = _Studio(process, name, folder)
        studio.environment |= environment or {}
        proxy: TinyProxy | None = None
        if proxied:
            proxy = stack.enter_context(tinyproxy(net.in_studio(), OTHER_ORIGIN, folder))
            studio.environment["http_proxy"] = proxy.url
        if other_origin:
            origin = stack.enter_context(
                _started(
                    net.in_studio(sys.executable, "-m", "helpers.other_origin"),
                    OTHER_ORIGIN,
                    folder,
                )
            )
            assert origin.stdout is not None
            assert origin.stdout.readline()
            studio.probe_url = f"http://{OTHER_ORIGIN}:{ORIGIN_PORT}/"
        if before is not None:
            before(net)
        with studio.window(net) as window:
            if before is None:
                window.until(lambda shown: shown["stage"] == "live" and shown["input_open"])
            yield BrokenNetwork(net, window, studio, proxy)
        _end(process)


@contextmanager
def _started(
    command: list[str], argument: str, folder: str, environment: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[str]]:
    """A program that is killed at the end, if it still runs."""
    with subprocess.Popen(
        [*command, argument],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).resolve().parents[1],
        env={
            **os.environ,
            "QT_QPA_PLATFORM": "offscreen",
            "XDG_STATE_HOME": folder,
            **(environment or {}),
        },
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

"""A screen reader of the tests: a D-Bus of its own, AT-SPI on it, and pyatspi in Debian's Python.

It hears announcements and changes of the focus, reads the tree of what is shown, and presses by the
actions of what it finds. It knows nothing of Qt.
"""

from __future__ import annotations

import functools
import json
import os
import queue
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from helpers.desktop_services import AVAILABLE as HAS_BUS
from helpers.desktop_services import session_bus

PATIENCE_S: Final = 90.0
_PYTHON: Final = "/usr/bin/python3"
"""Debian's: pyatspi is made for this one."""
_PROGRAM: Final = Path(__file__).resolve().parents[1] / "data" / "screen_reader" / "reader.py"
_SERVICE: Final = Path("/usr/share/dbus-1/services/org.a11y.Bus.service")


@functools.cache
def missing() -> str:
    """Why there is no screen reader here; "" if there is one."""
    if not HAS_BUS or not _SERVICE.exists():
        return "there is no D-Bus with AT-SPI (Debian: dbus, at-spi2-core)"
    command = [_PYTHON, "-c", "import pyatspi"]
    try:
        done = subprocess.run(command, check=False, capture_output=True)
    except OSError:
        return "there is no /usr/bin/python3"
    return "" if done.returncode == 0 else "pyatspi is not installed (Debian: python3-pyatspi)"


@dataclass(frozen=True)
class Seen:
    """One accessible, as AT-SPI describes it. `path`: where it is below the program's."""

    path: tuple[int, ...]
    role: str
    name: str
    description: str
    actions: tuple[str, ...]
    value: tuple[float, float, float] | None
    """Least, now and most."""
    text: str | None
    labelled_by: tuple[str, ...]
    states: frozenset[str]
    children: tuple[Seen, ...]

    @property
    def shown(self) -> bool:
        return "showing" in self.states

    @property
    def enabled(self) -> bool:
        return "sensitive" in self.states

    @property
    def focusable(self) -> bool:
        return "focusable" in self.states

    def all(self) -> Iterator[Seen]:
        """This one and everything in it that is shown."""
        yield self
        for child in self.children:
            if child.shown:
                yield from child.all()

    def find(self, role: str, name: str) -> Seen | None:
        """What is shown with this role, and with this name at the beginning of its own."""
        return next((e for e in self.all() if e.role == role and e.name.startswith(name)), None)

    def read(self) -> str:
        """Everything that is shown, a line each, for a person who looks at a failed test."""
        return "\n".join(
            f"{'  ' * len(e.path)}{e.role} {e.name!r} {e.description!r} {e.value or ''}"
            for e in self.all()
        )


@dataclass(frozen=True)
class Heard:
    """`what`: "announcement", "focus" or "window"."""

    what: str
    text: str
    role: str = ""
    politeness: int = 0
    at: float = 0.0
    """Monotonic seconds."""


class ScreenReader:
    """What `reader.py` sees and hears. Everything waits for outcomes, `PATIENCE_S` at most."""

    def __init__(self, process: subprocess.Popen[str], environment: dict[str, str]) -> None:
        self.environment = environment
        """Changes to the environment of the program that is to be read."""
        self.heard: list[Heard] = []
        self._process = process
        self._answers: queue.Queue[dict[str, Any]] = queue.Queue()
        self._changed = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()
        assert self._answers.get(timeout=PATIENCE_S) == {"ready": True}

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            said = json.loads(line)
            if "heard" not in said:
                self._answers.put(said)
                continue
            heard = Heard(
                said["heard"],
                said["text"] or "",
                said.get("role", ""),
                said.get("politeness", 0),
                time.monotonic(),
            )
            with self._changed:
                self.heard.append(heard)
                self._changed.notify_all()

    def _ask(self, **command: object) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = self._answers.get(timeout=PATIENCE_S)["answer"]
        return answer

    # --- what is shown --------------------------------------------------------------------------

    def tree(self) -> Seen | None:
        """Everything that the program shows now; None while it shows nothing."""
        found = self._ask(do="tree").get("tree")
        return None if found is None else _seen(found)

    def wait_for(self, wanted: Callable[[Seen], Seen | None]) -> Seen:
        """What `wanted` finds in the tree, as soon as it does."""
        deadline = time.monotonic() + PATIENCE_S
        tree: Seen | None = None
        while time.monotonic() < deadline:
            tree = self.tree() or tree
            found = None if tree is None else wanted(tree)
            if found is not None:
                return found
            time.sleep(0.1)
        raise AssertionError("not found in:\n" + ("nothing" if tree is None else tree.read()))

    def find(self, role: str, name: str) -> None:
        """Wait until something of this role, and with a name that begins so, can be used."""
        self._until_done(True, do="find", role=role, name=name)

    def find_no(self, role: str, name: str) -> None:
        """Wait until there is no such thing, or it cannot be used."""
        self._until_done(False, do="find", role=role, name=name)

    # --- what is done ---------------------------------------------------------------------------

    def press(self, role: str, name: str) -> None:
        """Press it, as soon as it is there."""
        self._until_done(True, do="press", role=role, name=name)

    def set_value(self, role: str, name: str, to: float) -> None:
        self._until_done(True, do="value", role=role, name=name, to=to)

    def write(self, role: str, name: str, text: str) -> None:
        """Put a text into this field in place of what stands there."""
        self._until_done(True, do="text", role=role, name=name, to=text)

    def _until_done(self, wanted: bool, **command: object) -> None:
        """Ask until the answer is this one."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            answer = self._ask(**command)
            if answer.get("done") is wanted:
                return
            time.sleep(0.1)
        tree = self.tree()
        shown = "nothing" if tree is None else tree.read()
        raise AssertionError(f"{command} has the answer {answer} in:\n{shown}")

    # --- what is heard --------------------------------------------------------------------------

    def announcements(self, since: int = 0) -> list[str]:
        """The announced texts."""
        return [each.text for each in self.heard[since:] if each.what == "announcement"]

    def wait_to_hear(self, text: str, since: int = 0, what: str = "announcement") -> Heard:
        """The first announcement with this text in it, of those after the first `since` events."""

        def found() -> Heard | None:
            after = self.heard[since:]
            return next((each for each in after if each.what == what and text in each.text), None)

        with self._changed:
            self._changed.wait_for(lambda: found() is not None, PATIENCE_S)
            heard = found()
        assert heard is not None, f"{text!r} is not among {self.heard[since:]}"
        return heard


def _seen(found: dict[str, Any]) -> Seen:
    value = found["value"]
    return Seen(
        path=tuple(found["path"]),
        role=found["role"],
        name=found["name"],
        description=found["description"],
        actions=tuple(found["actions"]),
        value=None if value is None else (value[0], value[1], value[2]),
        text=found["text"],
        labelled_by=tuple(found["labelled_by"]),
        states=frozenset(found["states"]),
        children=tuple(_seen(child) for child in found["children"]),
    )


@contextmanager
def screen_reader(folder: Path) -> Iterator[ScreenReader]:
    """A running one. `folder`: private, for sockets, with a short path.

    Neither the bus nor the reader knows a display: on X the bus would leave its address there, for
    those who come later.
    """
    plain = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
    plain["XDG_RUNTIME_DIR"] = str(folder)
    with session_bus(plain) as address:
        plain["DBUS_SESSION_BUS_ADDRESS"] = address
        reads = {"DBUS_SESSION_BUS_ADDRESS": address, "QT_LINUX_ACCESSIBILITY_ALWAYS_ON": "1"}
        with subprocess.Popen(
            [_PYTHON, str(_PROGRAM)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=plain,
        ) as process:
            try:
                yield ScreenReader(process, reads)
            finally:
                assert process.stdin is not None
                process.stdin.close()
                process.wait(PATIENCE_S)

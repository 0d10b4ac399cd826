"""How Rejoin starts a program of its own in a child process, also where it is frozen into one file.

A frozen application has no `python -m`: there `sys.executable` is Rejoin itself, which runs the
program when its first argument is CHILD.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import subprocess

CHILD: Final = "--child-program"

PROGRAMS: Final = {
    "card-probe": "rejoin.gui.surface_probe",
    "display-probe": "rejoin.gui.display_probe",
    "hardware-probe": "rejoin.media.video.hardware_probe",
    "input-sandbox": "rejoin.input_module.sandbox_process",
    "qa-batch": "rejoin.qa.fleet.batch_process",
    "qa-case": "rejoin.qa.case_process",
    "qa-guardian": "rejoin.qa.guardian_process",
}
"""Programs by name; each module has `main(arguments) -> int`."""


def program_command() -> tuple[str, ...]:
    """The command line that runs Rejoin itself."""
    if getattr(sys, "frozen", False):
        return (sys.executable,)
    return (sys.executable, "-P", "-m", "rejoin")


def child_command(name: str, *arguments: str) -> tuple[str, ...]:
    """The command line that runs the program `name` of PROGRAMS."""
    if getattr(sys, "frozen", False):
        return (sys.executable, CHILD, name, *arguments)
    # -P: not whatever is called rejoin in the current folder.
    return (sys.executable, "-P", "-m", PROGRAMS[name], *arguments)


def end_child(process: subprocess.Popen[bytes], within_s: float) -> None:
    """Close its standard input, by which it knows that it shall end; kill it if it does not."""
    from subprocess import TimeoutExpired  # not on the way to the first window

    if process.stdin is not None:
        with contextlib.suppress(OSError, ValueError):
            process.stdin.close()
    try:
        process.wait(within_s)
    except TimeoutExpired:
        process.kill()
        process.wait()


def run_as_child(arguments: Sequence[str]) -> int | None:
    """What the program returned that `arguments` ask for; None if they ask for none."""
    if len(arguments) < 2 or arguments[0] != CHILD or arguments[1] not in PROGRAMS:
        return None
    program = importlib.import_module(PROGRAMS[arguments[1]])
    result: int = program.main(list(arguments[2:]))
    return result

"""xdotool, on the display of the environment."""

from __future__ import annotations

import subprocess
import time

from helpers.programs import PATIENCE_S


def xdotool(*arguments: str) -> str:
    """What it prints; empty where it fails."""
    done = subprocess.run(["xdotool", *arguments], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def find_window(name: str = "Rejoin") -> str:
    """The number of the newest window that can be seen and has this in its name, once there is
    one."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        found = xdotool("search", "--onlyvisible", "--name", name).split()
        if found:
            return found[-1]
        time.sleep(0.1)
    raise AssertionError("no window appeared")

"""A Wayland compositor without a screen, for one program: sway, on pixman."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_NOBODY = 65534
START_WITHIN_S = 60.0
AVAILABLE = shutil.which("sway") is not None


@contextmanager
def sway(
    folder: Path,
    *,
    resolution: str = "1280x800",
    second_scale: int | None = None,
    more: str = "xwayland disable",
) -> Iterator[dict[str, str]]:
    """Run sway until the end of the block. Yields the environment of a program on it.

    `second_scale`: of another screen beside the first, HEADLESS-2; None: there is none. `more`: of
    sway's configuration.

    `folder`: private to this, for its sockets; its path must be short. Raises RuntimeError if it
    does not start.
    """
    folder.chmod(0o700)
    configuration = folder / "config"
    configuration.write_text(
        f"output HEADLESS-1 resolution {resolution}\n"
        'for_window [title=".*"] floating enable\n'
        f"seat seat0 fallback true\n{more}\n"
        + (f"output HEADLESS-2 scale {second_scale}\n" if second_scale else "")
    )
    environment = {
        **{name: value for name, value in os.environ.items() if name != "DISPLAY"},
        "XDG_RUNTIME_DIR": str(folder),
        "WLR_BACKENDS": "headless",
        "WLR_LIBINPUT_NO_DEVICES": "1",
        "WLR_HEADLESS_OUTPUTS": "2" if second_scale else "1",
        "WLR_RENDERER": "pixman",
        "XDG_SESSION_TYPE": "wayland",
    }
    user = None
    if os.geteuid() == 0:  # sway refuses root
        user = _NOBODY
        os.chown(folder, _NOBODY, _NOBODY)
    with (folder / "sway.log").open("wb") as log:
        compositor = subprocess.Popen(
            ["sway", "-c", str(configuration)],
            env={**environment, "HOME": str(folder)},
            stdout=log,
            stderr=log,
            user=user,
            group=user,
            extra_groups=None if user is None else [],
        )
        try:
            until = time.monotonic() + START_WITHIN_S
            while not (displays := [each for each in folder.glob("wayland-?") if each.is_socket()]):
                if compositor.poll() is not None or time.monotonic() > until:
                    raise RuntimeError((folder / "sway.log").read_text(errors="replace")[-2000:])
                time.sleep(0.05)
            yield {
                **environment,
                "WAYLAND_DISPLAY": displays[0].name,
                "QT_QPA_PLATFORM": "wayland",
            }
        finally:
            compositor.terminate()
            compositor.wait(60)

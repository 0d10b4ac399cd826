"""Which hardware decodes H.264 here: found out by processes that try it, given up when it fails.

One object for a player's whole life. Until something is found, and after the first failure, the
answer is software (ADR 0019).
"""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence

from rejoin.media.video.codec_context import hardware_built_in

SOFTWARE = "software"

_log = logging.getLogger("rejoin.hardware")

_ORDER = {
    "linux": ("vaapi", "cuda"),
    "win32": ("d3d11va", "dxva2"),
    "darwin": ("videotoolbox",),
}
"""What is tried on which system, by FFmpeg's names, the system's own interface first."""

PATIENCE_S = 5.0
"""A probe may take so long; one that hangs is ended."""

_END_WITHIN_S = 1.0


def candidates(platform: str = sys.platform) -> tuple[str, ...]:
    """What is worth a probe on this system with this build of FFmpeg."""
    built_in = hardware_built_in()
    return tuple(name for name in _ORDER.get(platform, ()) if name in built_in)


def chosen(decoder: str) -> Hardware:
    """What a player's setting asks for: "auto" tries hardware, "software" never does."""
    return Hardware(candidates() if decoder == "auto" else ())


def _probe(name: str) -> Sequence[str]:
    return (sys.executable, "-m", "rejoin.media.video.hardware_probe", name)


class Hardware:
    """Software, unless one of `names` is found to work after `begin`. Any thread may ask."""

    def __init__(
        self,
        names: Sequence[str] = (),
        *,
        probe: Callable[[str], Sequence[str]] = _probe,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self.names = tuple(names)
        self._probe = probe
        self._patience_s = patience_s
        self._lock = threading.Lock()
        self._found: str | None = None
        self._given_up = False
        self._closed = False
        self._child: subprocess.Popen[str] | None = None
        self._why = "there is none that could be tried"
        self._thread: threading.Thread | None = None

    @property
    def name(self) -> str | None:
        """What to decode with; None is software."""
        with self._lock:
            return None if self._given_up else self._found

    @property
    def sentence(self) -> str:
        """What decodes, and why not hardware, for a log or a tester."""
        with self._lock:
            if self._found is not None and not self._given_up:
                return f"Video is decoded in hardware ({self._found})."
            return f"Video is decoded in software: {self._why}."

    def begin(self) -> None:
        """Try one after the other, beside whatever else goes on; once."""
        if self.names and self._thread is None:
            self._why = "the hardware is still being tried"
            self._thread = threading.Thread(target=self._try, name="rejoin-hardware", daemon=True)
            self._thread.start()

    def give_up(self, why: str) -> None:
        """It failed while somebody played: never again in this process."""
        with self._lock:
            if self._given_up:
                return
            self._given_up, self._why = True, why
        _log.warning("the hardware decoder failed, software goes on: %s", why)

    def close(self) -> None:
        """End a probe that goes on; waits for its end, a second at most."""
        with self._lock:
            self._closed = True
            if self._child is not None:
                self._child.kill()
        if self._thread is not None:
            self._thread.join(_END_WITHIN_S)

    def _try(self) -> None:
        refusals = []
        for name in self.names:
            why = self._refusal(name)
            with self._lock:
                if self._closed:
                    return
                if why is None:
                    self._found = name
                    break
                refusals.append(f"{name}: {why}")
                self._why = ", ".join(refusals)
        _log.info("%s", self.sentence)

    def _refusal(self, name: str) -> str | None:
        """What the probe of this one says; None when it can be used."""
        with self._lock:
            if self._closed:
                return "closed"
            try:
                child = self._child = subprocess.Popen(
                    self._probe(name),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    encoding="utf-8",
                    errors="replace",
                    creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
                )
            except OSError as error:
                return f"it could not be tried ({error.strerror})"
        try:
            said, _ = child.communicate(timeout=self._patience_s)
        except subprocess.TimeoutExpired:
            child.kill()
            child.communicate()
            return f"it hangs, or is not done in {self._patience_s:g} s"
        finally:
            with self._lock:
                self._child = None
        if child.returncode == 0:
            return None
        return said.strip() or f"trying it crashed ({child.returncode})"

"""Which hardware decodes H.264 on this machine: probed in child processes, dropped if it fails.

One object for the lifetime of a player. Until a probe succeeds, and after the first failure, the
answer is software (ADR 0019).
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import assert_never

from rejoin.child_program import child_command
from rejoin.media.video.codec_context import hardware_built_in
from rejoin.media.video.probing import ProbeError, Probing

SOFTWARE = "software"

_log = logging.getLogger("rejoin.hardware")

_CANDIDATES = {
    "linux": ("vaapi", "cuda"),
    "win32": ("d3d11va", "dxva2"),
    "darwin": ("videotoolbox",),
}
"""The hardware to probe on each system, by FFmpeg's names; the system's own interface first."""

PROBE_TIMEOUT_S = 5.0


def candidates(platform: str = sys.platform) -> tuple[str, ...]:
    """The hardware that can be probed on this system with this build of FFmpeg."""
    built_in = hardware_built_in()
    return tuple(name for name in _CANDIDATES.get(platform, ()) if name in built_in)


def chosen(decoder: str) -> Hardware:
    """The hardware for a player's setting: "auto" probes, "software" does not."""
    return Hardware(candidates() if decoder == "auto" else ())


def _probe(name: str) -> Sequence[str]:
    return child_command("hardware-probe", name)


@dataclass(frozen=True, slots=True)
class InSoftware:
    """`why`: the reason why no hardware is used, in a few words."""

    why: str


@dataclass(frozen=True, slots=True)
class OnHardware:
    name: str


class Hardware:
    """Software, until the probe of one of `names` succeeds after `begin`. For any thread."""

    def __init__(
        self,
        names: Sequence[str] = (),
        *,
        probe: Callable[[str], Sequence[str]] = _probe,
        timeout_s: float = PROBE_TIMEOUT_S,
    ) -> None:
        self.names = tuple(names)
        self._probe = probe
        self._probing = Probing("rejoin-hardware", self._probe_all, timeout_s)
        self._lock = threading.Lock()
        self._state: InSoftware | OnHardware = InSoftware("there is no hardware to try")

    @property
    def name(self) -> str | None:
        """The hardware to decode with; None is software."""
        with self._lock:
            return self._state.name if isinstance(self._state, OnHardware) else None

    @property
    def sentence(self) -> str:
        """The decoder in use, and why it is not hardware; for the log and for testers."""
        with self._lock:
            match self._state:
                case OnHardware(name):
                    return f"Video is decoded in hardware ({name})."
                case InSoftware(why):
                    return f"Video is decoded in software: {why}."
                case _:
                    assert_never(self._state)

    def begin(self) -> None:
        """Start probing in the background, one name after another; only the first call counts."""
        if self.names and not self._probing.begun:
            with self._lock:
                self._state = InSoftware("the hardware is still being probed")
            self._probing.begin()

    def wait(self) -> None:
        """Wait for the probes that `begin` started; each ends within its time."""
        if self._probing.begun:
            self._probing.join()

    def give_up(self, why: str) -> None:
        """It failed during play: do not use it again in this process."""
        with self._lock:
            if isinstance(self._state, InSoftware):
                return
            self._state = InSoftware(why)
        _log.warning("hardware decoding failed, continuing in software: %s", why)

    def close(self) -> None:
        """Kill a running probe and wait for its end, for a second at most."""
        self._probing.close()

    def _probe_all(self) -> None:
        refusals = []
        for name in self.names:
            why = self._refusal(name)
            if self._probing.closed:
                return
            with self._lock:
                if why is None:
                    self._state = OnHardware(name)
                    break
                refusals.append(f"{name}: {why}")
                self._state = InSoftware(", ".join(refusals))
        _log.info("%s", self.sentence)

    def _refusal(self, name: str) -> str | None:
        """Why the probe refuses this hardware; None if it can be used."""
        try:
            code, said = self._probing.answer(self._probe(name))
        except ProbeError as error:
            return str(error)
        return None if code == 0 else said.strip() or f"the probe crashed ({code})"

"""Which surface draws: decided before the window shows, from what earlier runs have found out.

Without a verdict the processor draws, and the card is probed beside the game, in a process of its
own, for the next start (ADR 0046).
"""

from __future__ import annotations

import enum
import logging
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from PySide6.QtCore import qVersion
from PySide6.QtGui import QGuiApplication, QSurfaceFormat
from PySide6.QtWidgets import QWidget

from rejoin.child_program import child_command
from rejoin.gui.card_api import CardApi, default_api
from rejoin.gui.card_identity import CardIdentity
from rejoin.gui.raster_surface import RasterSurface
from rejoin.gui.video_surface import Drawing, SurfaceEvents, VideoSurface
from rejoin.media.video.probing import ProbeError, Probing
from rejoin.runtime.renderer_memory import RendererMemory, Verdict

_log = logging.getLogger("rejoin.surface")

PROBE_TIMEOUT_S = 10.0

MOST_CRASHES = 2
"""After so many the card is not used until its driver, the card or Qt is another one."""

_WITHOUT_CARD = ("offscreen", "minimal", "linuxfb", "vnc")
"""Qt's platforms on which there is no QRhi for widgets."""


class Renderer(enum.Enum):
    """What the player wants. CARD: without a verdict, and also where software stands in for it; but
    not in the start after a crash while it drew, for a setting would crash one start after the
    other."""

    AUTO = "auto"
    CARD = "card"
    SOFTWARE = "software"


@dataclass(frozen=True, slots=True)
class PictureOptions:
    """How pictures are drawn. `vsync`: wait for the screen before a picture is shown, where the
    system allows to choose."""

    renderer: Renderer = Renderer.SOFTWARE
    drawing: Drawing = Drawing()  # noqa: RUF009 frozen
    vsync: bool = False


@dataclass(frozen=True, slots=True)
class OnCard:
    """`expected`: the card of the verdict; None: any."""

    api: CardApi
    expected: CardIdentity | None = None


@dataclass(frozen=True, slots=True)
class OnProcessor:
    """`why`: in a few words. `probe`: whether the card is worth a probe for the next start."""

    why: str
    probe: bool = False


Choice = OnCard | OnProcessor


def chosen(renderer: Renderer, platform: str, verdict: Verdict | None, *, crashed: bool) -> Choice:
    """What draws. `platform`: Qt's name of it. `crashed`: the last run, while the card drew."""
    if renderer is Renderer.SOFTWARE:
        return OnProcessor("it was asked for")
    if platform in _WITHOUT_CARD:
        return OnProcessor(f"there is no graphics card on {platform}")
    if crashed:
        return OnProcessor("the last run crashed while the graphics card drew")
    if renderer is Renderer.CARD:
        return OnCard(default_api())
    if verdict is None or verdict.qt != qVersion():
        return OnProcessor("the graphics card was not probed yet", probe=True)
    if verdict.refused is not None:
        return OnProcessor(f"{verdict.device or verdict.backend}: {verdict.refused}", probe=True)
    if verdict.crashes >= MOST_CRASHES:
        return OnProcessor(f"it crashed {verdict.crashes} times", probe=True)
    identity = CardIdentity(verdict.backend, verdict.device, verdict.driver, software=False)
    return OnCard(_api_of(verdict.backend), identity)


def _api_of(backend: str) -> CardApi:
    """By the name that a QRhi has for itself, which is not always that of the interface."""
    names = {api.value.lower(): api for api in CardApi}
    return names.get(backend.lower().replace(" ", ""), default_api())


def candidates(system: str = sys.platform) -> tuple[CardApi, ...]:
    """What is probed on this system, in this order."""
    first = default_api(system)
    return (first, CardApi.VULKAN) if system.startswith("linux") else (first,)


class CardProbe:
    """Probes one interface after another on a thread, each in a process of its own."""

    def __init__(
        self,
        memory: RendererMemory,
        apis: Sequence[CardApi],
        *,
        command: Callable[[CardApi], Sequence[str]] | None = None,
        timeout_s: float = PROBE_TIMEOUT_S,
    ) -> None:
        self._memory = memory
        self._apis = apis
        self._command = command or probe_command
        self._probing = Probing("rejoin-card-probe", self._run, timeout_s)

    def begin(self) -> None:
        """To be called once."""
        self._probing.begin()

    def close(self) -> None:
        """Kill a running probe and wait for its end, for a second at most."""
        self._probing.close()

    def join(self) -> None:
        """Wait until everything was probed."""
        self._probing.join()

    def _run(self) -> None:
        first: Verdict | None = None
        for api in self._apis:
            verdict = self._probe(api)
            if self._probing.closed:
                return
            first = first or verdict
            if verdict.refused is None:
                self._keep(verdict)
                return
        if first is not None:
            self._keep(first)

    def _keep(self, verdict: Verdict) -> None:
        self._memory.keep(verdict)
        what = "passed, for the next start" if verdict.refused is None else verdict.refused
        _log.info("graphics card %s (%s): %s", verdict.device or "?", verdict.backend, what)

    def _probe(self, api: CardApi) -> Verdict:
        nothing = Verdict(api.value, "", "", qVersion())
        try:
            code, said = self._probing.answer(self._command(api))
        except ProbeError as error:
            return replace(nothing, refused=str(error))
        if code != 0:
            return replace(nothing, refused=f"the probe crashed ({code})")
        try:
            return Verdict.from_json(said)
        except ValueError:
            return replace(nothing, refused="the probe said nothing")


def probe_command(api: CardApi) -> Sequence[str]:
    """The program of the probe."""
    return child_command("card-probe", api.value)


class SurfaceUse:
    """What draws in one run of the window: the choice, its mark, and the probe for the next."""

    def __init__(
        self,
        options: PictureOptions,
        memory: RendererMemory,
        *,
        make_probe: Callable[[RendererMemory, Sequence[CardApi]], CardProbe] = CardProbe,
    ) -> None:
        """After the QApplication was made, before the window."""
        self._options = options
        self._memory = memory
        self._make_probe = make_probe
        self._probe: CardProbe | None = None
        crashed = options.renderer is not Renderer.SOFTWARE and memory.has_crashed()
        platform = QGuiApplication.platformName()
        self.choice: Choice = chosen(options.renderer, platform, memory.verdict(), crashed=crashed)
        match self.choice:
            case OnCard():
                wanted = QSurfaceFormat.defaultFormat()
                wanted.setSwapInterval(1 if options.vsync else 0)
                QSurfaceFormat.setDefaultFormat(wanted)
                memory.begin_drawing()
            case OnProcessor(why):
                _log.info("the processor draws: %s", why)
            case _:
                assert_never(self.choice)

    def make_surface(self, view: QWidget, events: SurfaceEvents) -> VideoSurface:
        """The surface that was chosen."""
        choice, options = self.choice, self._options
        if isinstance(choice, OnProcessor):
            return RasterSurface(view, events, options.drawing)
        from rejoin.gui.rhi_surface import CardOptions, RhiSurface  # not where it is not used

        card = CardOptions(choice.api, options.drawing, choice.expected)
        return RhiSurface(view, events, card)

    def begin(self) -> None:
        """The window is shown: probe the card for the next start, where that is worth it."""
        if isinstance(self.choice, OnProcessor) and self.choice.probe:
            self._start_probe()

    def fall_back(self, why: str) -> None:
        """The card cannot draw any more: from now on the processor does."""
        _log.warning("the graphics card cannot draw, the processor does from now on: %s", why)
        was_probed = isinstance(self.choice, OnCard) and self.choice.expected is not None
        self.choice = OnProcessor(why)
        self._memory.end_drawing()
        if was_probed and self._probe is None:
            self._memory.forget()
            self._start_probe()

    def close(self) -> None:
        """The window is gone, and without a crash."""
        self._memory.end_drawing()
        if self._probe is not None:
            self._probe.close()

    def _start_probe(self) -> None:
        self._probe = self._make_probe(self._memory, candidates())
        self._probe.begin()

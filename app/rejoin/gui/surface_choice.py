"""Which surface draws: decided before the window shows, from what earlier runs have found out.

Without a verdict the processor draws, and the card is probed beside the game, in a process of its
own, for the next start (ADR 0046).
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from PySide6.QtCore import qVersion
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from rejoin.child_program import child_command
from rejoin.gui.card_api import CardApi, default_api
from rejoin.gui.raster_surface import RasterSurface
from rejoin.gui.renderer_choice import Choice, OnCard, OnProcessor, Renderer, begin_on_card, chosen
from rejoin.gui.video_surface import Drawing, SurfaceEvents, VideoSurface
from rejoin.media.video.probing import ProbeError, Probing
from rejoin.runtime.renderer_memory import RendererMemory, Verdict

_log = logging.getLogger("rejoin.surface")

PROBE_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class PictureOptions:
    """How pictures are drawn. `vsync`: wait for the screen before a picture is shown, where the
    system allows to choose."""

    renderer: Renderer = Renderer.SOFTWARE
    drawing: Drawing = Drawing()  # noqa: RUF009 frozen
    vsync: bool = False


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
        choice: Choice | None = None,
    ) -> None:
        """After the QApplication was made, before the window. `choice`: what the window was made
        for, if it is there already."""
        self._options = options
        self._memory = memory
        self._make_probe = make_probe
        self._probe: CardProbe | None = None
        if choice is None:
            crashed = options.renderer is not Renderer.SOFTWARE and memory.has_crashed()
            platform = QGuiApplication.platformName()
            choice = chosen(options.renderer, platform, memory.verdict(), crashed=crashed)
        self.choice: Choice = choice
        match self.choice:
            case OnCard():
                begin_on_card(memory, vsync=options.vsync)
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

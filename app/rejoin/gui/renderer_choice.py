"""Whether the card or the processor draws: decided before the window shows, from earlier runs.

Apart from what draws and what probes, so that a window that shows no game yet can be made for the
card without loading either (ADR 0060).
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import qVersion

from rejoin.gui.card_api import CardApi, default_api
from rejoin.runtime.renderer_memory import RendererMemory, Verdict

if TYPE_CHECKING:
    from rejoin.gui.card_identity import CardIdentity

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
    from rejoin.gui.card_identity import CardIdentity

    identity = CardIdentity(verdict.backend, verdict.device, verdict.driver, software=False)
    return OnCard(_api_of(verdict.backend), identity)


def _api_of(backend: str) -> CardApi:
    """By the name that a QRhi has for itself, which is not always that of the interface."""
    names = {api.value.lower(): api for api in CardApi}
    return names.get(backend.lower().replace(" ", ""), default_api())


def begin_on_card(memory: RendererMemory, *, vsync: bool) -> None:
    """Before the window is made: the card draws for this process from now on. `vsync`: wait for the
    screen, where the system allows to choose."""
    from PySide6.QtGui import QSurfaceFormat

    wanted = QSurfaceFormat.defaultFormat()
    wanted.setSwapInterval(1 if vsync else 0)
    QSurfaceFormat.setDefaultFormat(wanted)
    memory.begin_drawing()

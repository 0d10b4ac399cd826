"""Whether the card or the processor draws is decided by what earlier runs have found out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import qVersion
from PySide6.QtGui import QSurfaceFormat

from rejoin.gui.card_api import CardApi, default_api
from rejoin.gui.card_identity import CardIdentity
from rejoin.gui.renderer_choice import (
    MOST_CRASHES,
    OnCard,
    OnProcessor,
    Renderer,
    begin_on_card,
    chosen,
)
from rejoin.runtime.renderer_memory import RendererMemory, Verdict

PASSED = Verdict("OpenGL", "a card", "1.0", qVersion())
CARD = CardIdentity("OpenGL", "a card", "1.0", software=False)


def choice(verdict: Verdict | None = None, *, crashed: bool = False) -> OnCard | OnProcessor:
    return chosen(Renderer.AUTO, "xcb", verdict, crashed=crashed)


def test_a_card_that_passed_draws_and_must_be_the_same_one() -> None:
    assert choice(PASSED) == OnCard(CardApi.OPENGL, CARD)
    assert choice(replace(PASSED, backend="Vulkan")) == OnCard(
        CardApi.VULKAN, replace(CARD, backend="Vulkan")
    )


@pytest.mark.parametrize(
    "verdict",
    [
        None,
        replace(PASSED, qt="6.0.0"),
        replace(PASSED, refused="its colours are wrong"),
        replace(PASSED, crashes=MOST_CRASHES),
    ],
)
def test_without_a_good_verdict_the_processor_draws_and_the_card_is_probed(
    verdict: Verdict | None,
) -> None:
    found = choice(verdict)
    assert isinstance(found, OnProcessor)
    assert found.probe


@pytest.mark.parametrize("renderer", [Renderer.AUTO, Renderer.CARD])
def test_after_a_crash_the_processor_draws_once(renderer: Renderer) -> None:
    found = chosen(renderer, "xcb", PASSED, crashed=True)
    assert isinstance(found, OnProcessor)
    assert "crashed" in found.why
    assert choice(replace(PASSED, crashes=MOST_CRASHES - 1)) == OnCard(CardApi.OPENGL, CARD)


def test_who_asks_for_one_gets_it() -> None:
    assert chosen(Renderer.CARD, "xcb", None, crashed=False) == OnCard(default_api())
    software = chosen(Renderer.SOFTWARE, "xcb", PASSED, crashed=False)
    assert software == OnProcessor("it was asked for")


@pytest.mark.parametrize("renderer", [Renderer.AUTO, Renderer.CARD])
def test_without_a_display_nothing_is_probed(renderer: Renderer) -> None:
    found = chosen(renderer, "offscreen", PASSED, crashed=False)
    assert isinstance(found, OnProcessor)
    assert not found.probe


def test_the_card_draws_with_a_mark_and_the_swap_that_was_wished(tmp_path: Path) -> None:
    before = QSurfaceFormat.defaultFormat()
    memory = RendererMemory(tmp_path)
    try:
        begin_on_card(memory, vsync=True)
        assert QSurfaceFormat.defaultFormat().swapInterval() == 1
        assert len(list(tmp_path.glob("drawing-*.lock"))) == 1
    finally:
        memory.end_drawing()
        QSurfaceFormat.setDefaultFormat(before)

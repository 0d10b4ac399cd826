"""What draws is decided by what earlier runs have found out."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from PySide6.QtCore import qVersion
from PySide6.QtWidgets import QApplication, QWidget

from conftest import LogRecords
from helpers.fake_port import FakeClock
from rejoin.child_program import child_command
from rejoin.gui.card_api import CardApi
from rejoin.gui.card_identity import CardIdentity
from rejoin.gui.raster_surface import RasterSurface
from rejoin.gui.renderer_choice import OnCard, OnProcessor, Renderer
from rejoin.gui.surface_choice import (
    CardProbe,
    PictureOptions,
    SurfaceUse,
    candidates,
    probe_command,
)
from rejoin.gui.video_surface import Drawing, SurfaceEvents
from rejoin.media.video.scale_filter import ScaleFilter
from rejoin.runtime.renderer_memory import RendererMemory, Verdict

PASSED = Verdict("OpenGL", "a card", "1.0", qVersion())
CARD = CardIdentity("OpenGL", "a card", "1.0", software=False)


def test_each_system_has_its_candidates() -> None:
    assert candidates("linux") == (CardApi.OPENGL, CardApi.VULKAN)
    assert candidates("win32") == (CardApi.DIRECT3D11,)
    assert candidates("darwin") == (CardApi.METAL,)


def test_the_probe_is_a_program_of_ours() -> None:
    assert tuple(probe_command(CardApi.VULKAN)) == child_command("card-probe", "Vulkan")


# --- the probe's process --------------------------------------------------------------------------


@pytest.fixture
def memory(tmp_path: Path) -> RendererMemory:
    return RendererMemory(tmp_path / "renderer")


def saying(*programs: str) -> dict[CardApi, Sequence[str]]:
    """A program for each interface, in the order of Linux."""
    return {
        api: (sys.executable, "-c", program)
        for api, program in zip(candidates("linux"), programs, strict=False)
    }


def printing(verdict: Verdict) -> str:
    return f"print({json.dumps(json.dumps(asdict(verdict)))})"


def probe(memory: RendererMemory, *programs: str, timeout_s: float = 60.0) -> Verdict | None:
    commands = saying(*programs)
    made = CardProbe(memory, list(commands), command=commands.__getitem__, timeout_s=timeout_s)
    made.begin()
    made.join()
    made.close()
    return memory.verdict()


def test_what_the_probe_says_is_kept(memory: RendererMemory) -> None:
    assert probe(memory, printing(PASSED)) == PASSED


def test_vulkan_is_tried_where_opengl_is_refused(memory: RendererMemory) -> None:
    refused = replace(PASSED, refused="its colours are wrong")
    vulkan = replace(PASSED, backend="Vulkan")
    assert probe(memory, printing(refused), printing(vulkan)) == vulkan
    both = (printing(refused), printing(replace(vulkan, refused="there is no device")))
    assert probe(memory, *both) == refused


@pytest.mark.parametrize(
    ("program", "why"),
    [
        ("import os; os.abort()", "crashed"),
        ("raise SystemExit(3)", "crashed (3)"),
        ("", "said nothing"),
        ("print('{}')", "said nothing"),
        ("print('[1]')", "said nothing"),
        (f"print({json.dumps(json.dumps({**asdict(PASSED), 'crashes': 'no'}))})", "said nothing"),
    ],
)
def test_a_probe_that_fails_refuses_the_card(
    memory: RendererMemory, program: str, why: str
) -> None:
    verdict = probe(memory, program)
    assert verdict is not None
    assert verdict.refused is not None
    assert why in verdict.refused
    assert verdict.backend == "OpenGL"


def test_a_probe_that_hangs_is_killed(memory: RendererMemory) -> None:
    verdict = probe(memory, "import time; time.sleep(600)", timeout_s=0.2)
    assert verdict is not None
    assert verdict.refused == "the probe did not end within 0.2 s"


def test_a_program_that_is_not_there_refuses_the_card(memory: RendererMemory) -> None:
    made = CardProbe(memory, [CardApi.OPENGL], command=lambda api: ("/nowhere/at-all",))
    made.begin()
    made.join()
    verdict = memory.verdict()
    assert verdict is not None
    assert "could not be probed" in str(verdict.refused)


@pytest.mark.usefixtures("nothing_left_behind")
def test_closing_ends_a_running_probe(memory: RendererMemory) -> None:
    made = CardProbe(
        memory, [CardApi.OPENGL], command=lambda api: (sys.executable, "-c", "input()" * 9)
    )
    made.close()  # before it has begun
    made = CardProbe(
        memory,
        [CardApi.OPENGL],
        command=lambda api: (sys.executable, "-c", "import time; time.sleep(600)"),
    )
    made.begin()
    made.close()
    made.join()
    assert memory.verdict() is None


# --- one run --------------------------------------------------------------------------------------


class Probes:
    """Stands in for `CardProbe` and counts."""

    def __init__(self) -> None:
        self.begun = self.closed = 0

    def __call__(self, memory: RendererMemory, apis: Sequence[CardApi]) -> CardProbe:
        return self  # type: ignore[return-value]

    def begin(self) -> None:
        self.begun += 1

    def close(self) -> None:
        self.closed += 1


def on_card(use: SurfaceUse) -> bool:
    return isinstance(use.choice, OnCard)


def on_x(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rejoin.gui.surface_choice.QGuiApplication.platformName", lambda: "xcb")


def test_a_run_without_a_verdict_probes_once_the_window_is_shown(
    application: QApplication, memory: RendererMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_x(monkeypatch)
    probes = Probes()
    use = SurfaceUse(PictureOptions(Renderer.AUTO), memory, make_probe=probes)
    assert isinstance(use.choice, OnProcessor)
    assert probes.begun == 0
    use.begin()
    assert probes.begun == 1
    use.close()
    assert probes.closed == 1


def test_the_processors_surface_has_the_filter(
    application: QApplication, memory: RendererMemory
) -> None:
    use = SurfaceUse(PictureOptions(drawing=Drawing(ScaleFilter.PIXEL)), memory)
    view = QWidget()
    events = SurfaceEvents(FakeClock(), lambda picture, at, took_s: None)
    surface = use.make_surface(view, events)
    assert isinstance(surface, RasterSurface)
    assert surface.drawing.scale_filter is ScaleFilter.PIXEL
    use.begin()
    use.close()


def test_while_the_card_draws_a_mark_is_kept_and_a_failure_removes_it(
    application: QApplication,
    memory: RendererMemory,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    expected_logs: LogRecords,
) -> None:
    on_x(monkeypatch)
    memory.keep(PASSED)
    probes = Probes()
    use = SurfaceUse(PictureOptions(Renderer.AUTO), memory, make_probe=probes)
    assert on_card(use)
    marks = list((tmp_path / "renderer").glob("drawing-*"))
    assert len(marks) == 1
    use.fall_back("it has drawn nothing for 2 s")
    assert not on_card(use)
    assert list((tmp_path / "renderer").glob("drawing-*")) == []
    assert memory.verdict() is None, "it is probed again"
    assert probes.begun == 1
    assert "drawn nothing" in expected_logs.lines[0]
    use.close()


@pytest.mark.parametrize("renderer", [Renderer.AUTO, Renderer.CARD])
def test_a_run_after_a_crash_is_the_processors_and_the_next_one_the_cards(
    application: QApplication,
    memory: RendererMemory,
    monkeypatch: pytest.MonkeyPatch,
    renderer: Renderer,
) -> None:
    on_x(monkeypatch)
    memory.keep(PASSED)
    crashes = iter([True, False])
    monkeypatch.setattr(RendererMemory, "has_crashed", lambda memory: next(crashes))
    first = SurfaceUse(PictureOptions(renderer), memory)
    second = SurfaceUse(PictureOptions(renderer), memory)
    assert isinstance(first.choice, OnProcessor)
    assert isinstance(second.choice, OnCard)
    second.close()

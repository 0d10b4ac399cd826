"""What is looked at on this computer; each test breaks one thing."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from packaging.utils import canonicalize_name

from helpers.parts import requirements
from rejoin.gamepads import sdl_source
from rejoin.gamepads.sdl_library import GamepadsUnavailableError
from rejoin.media.audio import default_output, sample_tone
from rejoin.media.audio.output import NullOutput
from rejoin.media.video import hardware
from rejoin.media.video.hardware import Hardware
from rejoin.runtime import tokens
from rejoin.runtime.doctor import machine
from rejoin.runtime.doctor.findings import Finding, Outcome
from rejoin.runtime.doctor.machine import MachineOptions, machine_checks, run_child

pytestmark = pytest.mark.usefixtures("nothing_left_behind")

OK, WARNING, FAILED, NOT_KNOWN = Outcome.OK, Outcome.WARNING, Outcome.FAILED, Outcome.NOT_KNOWN


def program(text: str) -> tuple[str, ...]:
    return (sys.executable, "-c", text)


def test_the_modules_are_those_of_the_part_player() -> None:
    of_package = metadata.packages_distributions()
    named = {
        canonicalize_name(package)
        for name in machine.PLAYER_MODULES
        for package in of_package[name]
    }
    wanted = {canonicalize_name(each.name) for each in requirements()["player"]} - {"uvloop"}
    assert wanted <= named


def test_no_check_needs_the_name_of_another() -> None:
    names = [check.name for check in machine_checks(MachineOptions("OpenGL"))]
    assert len(set(names)) == len(names)


def test_what_is_installed_is_named() -> None:
    found = machine.versions()
    assert found.outcome is OK
    assert f"av {metadata.version('av')}" in found.found
    assert machine.version_of("no-such-package") == ""


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert machine.parts().outcome is OK
    monkeypatch.setattr(machine, "PLAYER_MODULES", ("av", "no_such_package"))
    found = machine.parts()
    assert found.outcome is FAILED
    assert found.found.startswith("The Python package no_such_package is missing.")
    assert found.advice.startswith("Install Rejoin's wheel with its `player` part")


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (ImportError("libGL.so.1: cannot open shared object file"), "The system library libGL"),
        (ImportError("CANARY"), "av cannot be loaded."),
        (OSError("CANARY"), "av cannot be loaded (OSError)."),
    ],
)
def test_a_module_that_cannot_be_loaded_is_a_sentence(
    error: Exception, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert machine.load_problem("json") is None

    def fail(name: str) -> None:
        raise error

    monkeypatch.setattr("importlib.import_module", fail)
    found = machine.load_problem("av")
    assert found is not None
    assert found.startswith(sentence)
    assert "CANARY" not in found


def test_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "not" / "there"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert machine.folders().outcome is OK
    assert not list(tmp_path.iterdir()), "nothing is made by looking"
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    found = machine.folders()
    assert found.outcome is FAILED
    assert found.found.startswith("The folder for state")


def test_a_settings_file_that_is_damaged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert machine.settings().outcome is OK
    (tmp_path / "rejoin").mkdir()
    (tmp_path / "rejoin" / "settings.toml").write_text("nonsense =")
    assert machine.settings().outcome is WARNING


def test_codecs(monkeypatch: pytest.MonkeyPatch) -> None:
    assert machine.codecs().outcome is OK
    monkeypatch.setattr(sample_tone, "why_wrong", lambda: "its pitch is wrong")
    assert machine.codecs().outcome is FAILED


def test_the_decoder_waits_for_its_probes(monkeypatch: pytest.MonkeyPatch) -> None:
    def chosen(decoder: str) -> Hardware:
        text = "print('it is slow'); raise SystemExit(1)"
        return Hardware(("card",), probe=lambda name: program(text), timeout_s=60)

    monkeypatch.setattr(hardware, "chosen", chosen)
    assert machine.decoder().found == "Video is decoded in software: card: it is slow."


def test_sound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(default_output, "open_output", NullOutput)
    assert machine.sound().outcome is OK
    monkeypatch.setattr(default_output, "open_output", lambda: NullOutput("No sound: none."))
    assert machine.sound().outcome is WARNING


async def test_a_child_that_hangs_is_killed() -> None:
    found = await run_child(program("import time; time.sleep(600)"), 0.2)
    assert found.code is None
    done = await run_child(program("import sys; print('x'); sys.stderr.write('y'); exit(3)"), 60)
    assert (done.code, done.said.strip(), done.complained) == (3, "x", "y")


async def test_a_display(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    assert (await machine.display()).outcome is OK
    assert (await machine.card("OpenGL")).outcome is NOT_KNOWN
    monkeypatch.setenv("QT_QPA_PLATFORM", "canary")
    assert (await machine.display()).outcome is FAILED


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a display may be missing")
async def test_without_a_display(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    assert (await machine.display()).outcome is WARNING
    assert (await machine.card("OpenGL")).outcome is NOT_KNOWN


async def test_the_card_is_judged_by_its_own_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "xcb")
    asked: list[Sequence[str]] = []

    def command(*names: str) -> Sequence[str]:
        asked.append(names)
        return program("raise SystemExit(1)")

    monkeypatch.setattr(machine, "child_command", command)
    assert (await machine.card("OpenGL")).outcome is WARNING
    assert asked == [("card-probe", "OpenGL")]
    assert (await machine.card("")).outcome is NOT_KNOWN


def test_gamepads(monkeypatch: pytest.MonkeyPatch) -> None:
    assert machine.gamepads().outcome is OK

    def fail(*_: Any) -> None:
        raise GamepadsUnavailableError("Gamepads cannot be read: x.")

    monkeypatch.setattr(sdl_source, "SdlSource", fail)
    assert machine.gamepads().outcome is WARNING


async def test_the_keyring_is_that_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (await machine.keyring()).outcome is WARNING

    async def works(self: tokens.TokenStore) -> None:
        return

    monkeypatch.setattr(tokens.TokenStore, "problem", works)
    assert (await machine.keyring()).outcome is OK


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="xdg-mime")
@pytest.mark.parametrize(
    ("script", "outcome"),
    [
        ("echo rejoin.desktop", OK),
        ("echo other.desktop", WARNING),
        ("exit 0", WARNING),
        ("exit 1", NOT_KNOWN),
        (None, NOT_KNOWN),
    ],
)
async def test_who_opens_links(
    script: str | None, outcome: Outcome, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if script is not None:
        file = tmp_path / "xdg-mime"
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert (await machine.link_scheme()).outcome is outcome


async def test_the_sandbox_and_the_network_have_findings() -> None:
    found: list[Finding] = [await machine.sandbox(), await machine.network()]
    assert found[0].outcome is OK
    assert [each.check for each in found] == ["input sandbox", "network"]


def test_nearest() -> None:
    assert machine.nearest(Path(os.sep, "no", "such", "folder")) == Path(os.sep)

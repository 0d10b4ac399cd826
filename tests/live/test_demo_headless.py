"""`rejoin demo --headless` as a program: screenshots, report, timeline, and how it ends."""

from __future__ import annotations

import json
import re
import signal
import struct
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PySide6.QtGui import QImage

from helpers.programs import PATIENCE_S, SECRETS, Done, Program, run, started
from rejoin.core.events import HardEvidenceSeen
from rejoin.core.phases import Lost
from rejoin.core.trace import Record, from_line, timelines
from rejoin.core.trace_names import EVENTS, STATES
from rejoin.emulator.host.game import Game
from rejoin.emulator.host.strip import STRIP_BITS, STRIP_ROW_PX
from rejoin.emulator.service.settings import EmulatorSettings

pytestmark = pytest.mark.live

Picture = npt.NDArray[np.uint8]
IN_PROC = pytest.mark.skipif(
    not Path("/proc/self/environ").exists(), reason="processes are found in /proc"
)
QUICK = ("demo", "--headless", "--drop-after", "0.5")
UNDER_TAB = slice(14, 18)
"""Blocks of the strip that the menu's tab covers in the first seconds of a game."""


def picture(file: Path) -> Picture:
    """A screenshot as BGRA."""
    image = QImage(str(file)).convertToFormat(QImage.Format.Format_RGB32)
    assert (image.width(), image.height()) == (1280, 720), file
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(720, image.bytesPerLine())
    return rows[:, : 1280 * 4].reshape(720, 1280, 4).copy()  # the image's memory goes with it


def brightness(shown: Picture) -> float:
    """Of the lower edge, where the game has its darkest hills and no card covers it."""
    return float(shown[600:, 320:, :3].mean())


def counter_in(shown: Picture) -> int:
    """The game's counter; the game's own hash chain must agree with it.

    `read_strip` reads a decoded picture; in a window the corner's notes cover the end of the
    strip, which is its check sum, and the menu's tab the middle of its upper edge. The rest says
    which tick it is, and what the chain was then.
    """
    light = shown[: 2 * STRIP_ROW_PX, :, :3].mean(axis=2)
    darkest, lightest = light.min(), light.max()
    assert lightest > darkest + 40, "no strip"
    block_px = 1280 // STRIP_BITS
    bits = [
        [
            int(
                light[row * STRIP_ROW_PX + 4 : row * STRIP_ROW_PX + 12][
                    :, column * block_px + 10 : column * block_px + 30
                ].mean()
                > (darkest + lightest) / 2
            )
            for column in range(columns)
        ]
        for row, columns in ((0, STRIP_BITS), (1, STRIP_BITS // 2))
    ]
    bits[0][UNDER_TAB] = [0] * len(bits[0][UNDER_TAB])  # of a counter that cannot be that large
    (counter,) = struct.unpack("!I", np.packbits(bits[0]).tobytes())
    assert counter < 60 * PATIENCE_S, "a larger counter than can have been reached"
    game = Game(0.0, EmulatorSettings().seed)
    game.advance(counter / 60 + 1e-3)
    chain = np.unpackbits(np.frombuffer(game.chain[:2], np.uint8)).tolist()
    seen = UNDER_TAB.start
    assert (game.counter, chain[:seen]) == (counter, bits[1][:seen])
    return int(counter)


def artefacts(out: Path) -> tuple[dict[str, Any], list[Record]]:
    """The report and the trace; no file contains a secret."""
    for file in out.iterdir():
        content = file.read_bytes()
        for secret in SECRETS:
            assert secret.encode() not in content, f"{secret} in {file.name}"
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    lines = (out / "trace.jsonl").read_text(encoding="utf-8").splitlines()
    return report, [from_line(line) for line in lines]


def steps(done: Done) -> dict[str, float]:
    """The printed timeline of the injected drop: milliseconds since its beginning."""
    line = re.compile(r"^ +(-?[\d.]+) ms +[+-][\d.]+ +(\w[\w ]+)$", re.MULTILINE)
    for episode in done.out.split("Drop ")[1:]:
        found = {name: float(since_ms) for since_ms, name in line.findall(episode)}
        if "fault" in found:
            return found
    raise AssertionError(done.out)


def test_after_a_silent_drop_the_same_game_is_live_again(tmp_path: Path) -> None:
    done = run(*QUICK, "--out", str(tmp_path), "--notice-silent-client", "0")
    assert (done.code, done.err) == (0, "")
    assert "state continued: yes" in done.out

    live, lost, back = (picture(tmp_path / f"{name}.png") for name in ("live", "lost", "back"))
    assert brightness(lost) < 0.8 * brightness(live), "the last picture is dimmed"
    assert brightness(back) > 0.9 * brightness(live), "and bright again"
    assert counter_in(live) < counter_in(back), "the game went on"
    assert counter_in(live) <= counter_in(lost) < counter_in(back), "the last picture stays"

    printed = steps(done)
    for earlier, later in (
        ("fault", "lost"),
        ("lost", "offer made"),
        ("offer made", "request sent"),
        ("request sent", "answer received"),
        ("answer received", "connected"),
        ("connected", "first frame"),
        ("first frame", "live again"),
    ):
        assert printed[earlier] <= printed[later], (earlier, later)
    report, records = artefacts(tmp_path)
    assert report["failure"] is None
    (episode,) = (one for one in report["episodes"] if "fault" in one["steps_ms"])
    assert episode["outcome"] == "live"
    assert episode["steps_ms"] == printed
    assert all(one["continued"] and one["missing_ticks"] > 0 for one in report["continuity"])
    (timeline,) = (one for one in timelines(records) if one.at("fault") is not None)
    assert [step.name for step in timeline.steps] == list(printed)


def test_a_graceful_close(tmp_path: Path) -> None:
    done = run(*QUICK, "--out", str(tmp_path), "--fault", "graceful_close")
    assert (done.code, done.err) == (0, "")
    assert "state continued: yes" in done.out
    assert "lost" in steps(done)
    report, records = artefacts(tmp_path)
    assert report["fault"] == "graceful_close"
    since = records[[record.kind for record in records].index("fault") :]
    until_lost = since[: [record.name for record in since].index(STATES[Lost])]
    heard = [record.name for record in until_lost if record.kind == "event"]
    assert heard[-1:] == [EVENTS[HardEvidenceSeen]], "lost as it says so, not by silence"
    assert counter_in(picture(tmp_path / "live.png")) < counter_in(picture(tmp_path / "back.png"))


def test_a_killed_game_ends_with_the_reason_of_the_service(tmp_path: Path) -> None:
    done = run(*QUICK, "--out", str(tmp_path), "--fault", "kill")
    assert (done.code, done.err) == (0, ""), "--fault kill asks for this end"
    assert "Ended: game_ended (applicationExit)" in done.out
    report, _ = artefacts(tmp_path)
    assert report["ending"] == {"kind": "game_ended", "reason": "applicationExit"}
    assert not (tmp_path / "back.png").exists()
    ended, live = picture(tmp_path / "ended.png"), picture(tmp_path / "live.png")
    assert brightness(ended) < 0.8 * brightness(live)
    middle = ended[240:480, 345:935]
    assert middle[..., :3].max() > 220, "a card with words on it"
    assert np.median(middle[..., :3]) < 60, "on dark ground"


def until_exists(file: Path, program: Program) -> None:
    deadline_at = time.monotonic() + PATIENCE_S
    while not file.exists():
        assert time.monotonic() < deadline_at, f"no {file.name}"
        assert program.process.poll() is None, "it ended early"
        time.sleep(0.05)


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_sigterm_in_the_middle_ends_it_and_everything_that_it_started(tmp_path: Path) -> None:
    with started(*QUICK, "--out", str(tmp_path), "--drops", "1000") as program:
        until_exists(tmp_path / "live.png", program)
        program.send(signal.SIGTERM)
        done = program.done()
    done.assert_no_secrets()
    assert (done.code, done.err.strip()) == (130, "")
    assert "Ended: closed_for_now" in done.out
    assert not (tmp_path / "ended.png").exists(), "the game has not ended"
    artefacts(tmp_path)


def until_its_studio_runs(program: Program) -> None:
    deadline_at = time.monotonic() + PATIENCE_S
    while len(program.running()) < 2:
        assert time.monotonic() < deadline_at, "no studio"
        time.sleep(0.02)


@IN_PROC
def test_ctrl_c_while_it_starts_ends_it_and_its_studio(tmp_path: Path) -> None:
    with started(*QUICK, "--out", str(tmp_path)) as program:
        until_its_studio_runs(program)
        program.send(signal.SIGINT)
        done = program.done()
    done.assert_no_secrets()
    assert (done.code, done.err.strip()) == (130, "")


@IN_PROC
def test_the_studio_does_not_outlive_a_demo_that_was_killed(tmp_path: Path) -> None:
    with started(*QUICK, "--out", str(tmp_path)) as program:
        until_its_studio_runs(program)
        program.send(signal.SIGKILL)
        program.wait_until_gone()


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell's ulimit")
def test_a_full_disk_is_reported_and_fails(tmp_path: Path) -> None:
    """No file may grow beyond 16 blocks: pictures fail as on a full disk."""
    limited = ("sh", "-c", 'ulimit -f 16; exec "$@"', "limited")
    done = run(*QUICK, "--out", str(tmp_path), "--drops", "0", before=limited)
    assert done.code == 1
    assert done.error_line == "The screenshot live.png could not be written."

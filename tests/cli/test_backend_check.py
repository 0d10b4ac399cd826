"""`rejoin backend check`: consent, the report, exit codes."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import click
import pytest

from helpers.command_line import Rejoin
from helpers.studio_backend import QUICK, SECOND_TOKEN, TOKEN, Bug, StudioBackend, studio_backend
from rejoin.backend.check import probe

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


class Served:
    """A studio's backend on a thread of its own, as the verb has a loop of its own."""

    def __init__(self, *bugs: Bug) -> None:
        self.ready = threading.Event()
        self.url = ""
        self.backend: StudioBackend
        self._loop = asyncio.new_event_loop()
        self._end = asyncio.Event()
        self._thread = threading.Thread(target=self._run, args=bugs)

    def _run(self, *bugs: Bug) -> None:
        async def serve() -> None:
            async with studio_backend(*bugs) as (self.url, self.backend):
                self.ready.set()
                await self._end.wait()

        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(serve())

    def __enter__(self) -> Served:
        self._thread.start()
        assert self.ready.wait(30)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "PATIENCE", QUICK)


@pytest.fixture
def tokens(tmp_path: Path) -> tuple[str, ...]:
    (tmp_path / "token").write_text(TOKEN + "\n")
    (tmp_path / "second").write_text(SECOND_TOKEN + "\n")
    return (
        *("--token-file", str(tmp_path / "token")),
        *("--second-token-file", str(tmp_path / "second")),
    )


def test_with_consent_every_point_is_checked(rejoin: Rejoin, tokens: tuple[str, ...]) -> None:
    with Served() as there:
        code, out, err = rejoin("backend", "check", there.url, *tokens, "--yes")
    assert (code, err) == (0, "")
    assert out.endswith("35 of 36 points hold, 0 are broken, 1 were not checked; 0 have advice.\n")
    assert "another-player" in out
    assert "CANARY" not in out


def test_a_broken_point_is_exit_code_1_and_in_the_json(
    rejoin: Rejoin, tokens: tuple[str, ...]
) -> None:
    with Served(Bug.NO_FENCE) as there:
        code, out, err = rejoin("backend", "check", there.url, *tokens, "--yes", "--json")
    assert (code, err) == (1, "")
    report = json.loads(out)
    broken = {
        point["name"]: point["detail"] for point in report["points"] if point["outcome"] == "broken"
    }
    # Without a fence the older of two attempts at the same time may win as well.
    assert {"older-attempt"} <= set(broken) <= {"older-attempt", "same-time"}
    assert "200 in place of 409 STALE_ATTEMPT" in broken["older-attempt"]


def test_nothing_is_started_where_nobody_can_be_asked(
    rejoin: Rejoin, tokens: tuple[str, ...]
) -> None:
    with Served() as there:
        code, out, err = rejoin("backend", "check", there.url, *tokens)
        assert there.backend.sessions == {}
    assert code == 0
    assert "--yes allows it" in err
    assert "it would start a stream session, which costs money" in out


@pytest.mark.parametrize("agrees", [True, False])
def test_at_a_terminal_it_asks_before_it_starts_anything(
    rejoin: Rejoin, tokens: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, agrees: bool
) -> None:
    asked: list[str] = []

    def confirm(question: str, *, err: bool) -> bool:
        asked.append(question)
        return agrees

    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr(click, "confirm", confirm)
    with Served() as there:
        code, _, _ = rejoin("backend", "check", there.url, *tokens)
        assert len(there.backend.sessions) == int(agrees)
    assert code == 0
    assert asked == ["Start a stream session, which costs money, and end it afterwards?"]


def test_no_backend_is_exit_code_3(rejoin: Rejoin) -> None:
    code, out, err = rejoin("backend", "check", "http://127.0.0.1:9")
    assert (code, out) == (3, "")
    assert err.startswith("rejoin: The backend cannot be reached: ")

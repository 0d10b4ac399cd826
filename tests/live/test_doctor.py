"""`rejoin doctor --play` as a person runs it: a real session, which is ended however it goes."""

from __future__ import annotations

import json
import signal
import sys
import time

import pytest

from helpers.programs import PATIENCE_S, TOKEN, run, started
from rejoin.emulator.service.control import BlockingEmulatorControl
from rejoin.studio.process import studio_process

pytestmark = pytest.mark.live

ENDED = frozenset({"TERMINATING", "TERMINATED"})


def statuses(control: BlockingEmulatorControl) -> list[str]:
    return [session["status"] for session in control.state()["sessions"]]


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl+C is a signal")
def test_a_game_is_ended_after_ctrl_c_and_none_is_started_without_a_sign_in() -> None:
    with studio_process(notice_silent_client_s=5, connection_timeout_s=60) as there:
        control = BlockingEmulatorControl(there.control_url, there.control_token)
        arguments = ("doctor", "--backend", there.backend_url, "--network", "loopback", "--play")
        done = run(*arguments, "--json")
        assert done.code == 1
        found = {each["check"]: each for each in json.loads(done.out)["checks"]}
        assert found["sign-in"]["outcome"] == "failed"
        assert found["game"]["outcome"] == "not_known"
        assert TOKEN not in done.out
        assert statuses(control) == []
        token = {"REJOIN_TOKEN": there.player_token}
        with started(*arguments, environment=token) as program:
            deadline_at = time.monotonic() + PATIENCE_S
            while "CONNECTED" not in statuses(control):
                assert time.monotonic() < deadline_at
                time.sleep(0.1)
            program.send(signal.SIGINT)
            done = program.done()
        assert (done.code, done.err.strip()) == (130, "")
        assert there.player_token not in done.out
        assert len(statuses(control)) == 1
        assert ENDED.issuperset(statuses(control))

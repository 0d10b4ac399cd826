"""A studio in a process: it reports its address, and stops when the block is left."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from rejoin.emulator.service.control import BlockingEmulatorControl
from rejoin.errors import BadInputError, ServiceError
from rejoin.studio import process


def first_line(say: Callable[[], str]) -> str:
    class Out:
        def readline(self) -> str:
            return say()

    return process._first_line(Out())  # type: ignore[arg-type]


def test_a_studio_that_reports_nothing_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    assert first_line(lambda: "here\n") == "here\n"
    with pytest.raises(ServiceError, match="could not start"):
        first_line(lambda: "")
    monkeypatch.setattr(process, "START_TIMEOUT_S", 0.05)
    release = threading.Event()

    def wait() -> str:
        release.wait(30)
        return ""

    try:
        with pytest.raises(ServiceError, match="in time"):
            first_line(wait)
    finally:
        release.set()


def test_a_studio_runs_as_long_as_the_block(tmp_path: Path) -> None:
    ca_file = tmp_path / "ca.pem"
    with process.studio_process(
        detection_delay_s=1.5, connection_timeout_s=20, ca_file=ca_file
    ) as there:
        control = BlockingEmulatorControl(there.control_url, there.control_token)
        settings = control.state()["settings"]
        assert (settings["notice_silent_client_s"], settings["connection_timeout_s"]) == (1.5, 20)
        assert there.backend_url.startswith("https://")
        assert ca_file.read_text().startswith("-----BEGIN CERTIFICATE-----")
    with pytest.raises((ServiceError, BadInputError)):
        control.state()

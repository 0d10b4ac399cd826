"""A studio beside us: it says where it is, and is gone when the block is left."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from rejoin.emulator.service.control import BlockingEmulatorControl
from rejoin.errors import BadInputError, ServiceError
from rejoin.studio import process as studio_process


def first_line(say: Callable[[], str]) -> str:
    class Out:
        def readline(self) -> str:
            return say()

    return studio_process._first_line(Out())  # type: ignore[arg-type]


def test_a_studio_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    assert first_line(lambda: "here\n") == "here\n"
    with pytest.raises(ServiceError, match="could not start"):
        first_line(lambda: "")
    monkeypatch.setattr(studio_process, "START_PATIENCE_S", 0.05)
    release = threading.Event()

    def wait() -> str:
        release.wait(30)
        return ""

    try:
        with pytest.raises(ServiceError, match="in time"):
            first_line(wait)
    finally:
        release.set()


def test_a_studio_lives_as_long_as_the_block(tmp_path: Path) -> None:
    authority = tmp_path / "authority.pem"
    with studio_process.studio_process(
        notice_s=1.5, connection_timeout_s=20, authority=authority
    ) as there:
        control = BlockingEmulatorControl(there.control_url, there.control_token)
        settings = control.state()["settings"]
        assert (settings["notice_silent_client_s"], settings["connection_timeout_s"]) == (1.5, 20)
        assert there.backend_url.startswith("https://")
        assert authority.read_text().startswith("-----BEGIN CERTIFICATE-----")
    with pytest.raises((ServiceError, BadInputError)):
        control.state()

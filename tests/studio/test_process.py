"""A studio in a process: it reports its address, and stops when the block is left."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from rejoin.emulator.service.control import BlockingEmulatorControl
from rejoin.errors import BadInputError, MissingPartError, RejoinError, ServiceError
from rejoin.studio import process


def first_line(say: Callable[[], str], on_wait: process.OnWait = lambda waited_s: None) -> str:
    class Out:
        def readline(self) -> str:
            return say()

    return process.first_line(Out(), on_wait)  # type: ignore[arg-type]


def start() -> None:
    with process.studio_process(notice_silent_client_s=5, connection_timeout_s=20):
        raise AssertionError("the studio has started")


@pytest.mark.parametrize(
    ("preparation", "error"),
    [
        ("import sys; sys.modules['boto3'] = None", MissingPartError),
        ("import os; os._exit(3)", ServiceError),
    ],
)
def test_a_studio_that_does_not_start_is_an_error(
    preparation: str, error: type[RejoinError], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text(preparation)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(error, match="could not start"):
        start()


def test_a_studio_that_ends_without_an_address_but_does_not_exit_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(process, "END_TIMEOUT_S", 0.05)
    program = "import os; os.close(1); input()"
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, text=True
    ) as child:
        assert type(process._start_failure(child)) is ServiceError
        child.kill()


def test_a_studio_that_still_loads_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "PROGRESS_EVERY_S", 0.02)
    waited: list[float] = []
    enough = threading.Event()

    def note(waited_s: float) -> None:
        waited.append(waited_s)
        if len(waited) == 3:
            enough.set()

    def loads() -> str:
        enough.wait(60)
        return "here\n"

    assert first_line(loads, note) == "here\n"
    assert len(waited) >= 3
    assert waited == sorted(waited)


def test_one_that_is_stopped_while_it_loads_ends_at_once() -> None:
    program = "import sys, time; print(file=sys.stderr, flush=True); time.sleep(600)"
    loading = process.StudioProcess([sys.executable, "-c", program])
    errors: list[Exception] = []

    def start() -> None:
        try:
            loading.start()
        except ServiceError as error:
            errors.append(error)

    thread = threading.Thread(target=start)
    thread.start()
    while loading._process is None:
        assert thread.is_alive()
    loading.stop()
    thread.join(60)
    loading.close()
    assert [str(error) for error in errors] == ["The studio was stopped before it had started."]


def test_one_that_was_stopped_does_not_start() -> None:
    stopped = process.StudioProcess([sys.executable, "-c", "raise SystemExit"])
    stopped.stop()
    with pytest.raises(ServiceError, match="stopped"):
        stopped.start()
    stopped.close()


def test_a_frozen_application_starts_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    def command() -> list[str]:
        return process.studio_command(notice_silent_client_s=5, connection_timeout_s=20)

    assert command()[1:5] == ["-P", "-m", "rejoin", "studio"]
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert command()[1:3] == ["studio", "--announce"]


def test_a_studio_that_reports_nothing_in_time_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    assert first_line(lambda: "here\n") == "here\n"
    assert first_line(lambda: "") == ""
    monkeypatch.setattr(process, "START_TIMEOUT_S", 0.05)
    release = threading.Event()

    def wait() -> str:
        release.wait(30)
        return ""

    try:
        with pytest.raises(ServiceError, match="did not start within"):
            first_line(wait)
    finally:
        release.set()


def test_a_studio_runs_as_long_as_the_block(tmp_path: Path) -> None:
    ca_file = tmp_path / "ca.pem"
    with process.studio_process(
        notice_silent_client_s=1.5, connection_timeout_s=20, ca_file=ca_file
    ) as there:
        control = BlockingEmulatorControl(there.control_url, there.control_token)
        settings = control.state()["settings"]
        assert (settings["notice_silent_client_s"], settings["connection_timeout_s"]) == (1.5, 20)
        assert there.backend_url.startswith("https://")
        assert ca_file.read_text().startswith("-----BEGIN CERTIFICATE-----")
    with pytest.raises((ServiceError, BadInputError)):
        control.state()

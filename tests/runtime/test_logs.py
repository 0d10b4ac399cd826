"""Log lines are redacted, whichever module writes them."""

from __future__ import annotations

import io
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rejoin.runtime import log_file, logs
from rejoin.runtime.log_file import LogFile


@pytest.fixture
def logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    before = (root.level, list(root.handlers), logging.getLogger("rejoin").level)
    yield
    for handler in set(root.handlers) - set(before[1]):
        handler.close()
    root.setLevel(before[0])
    root.handlers[:] = before[1]
    logging.getLogger("rejoin").setLevel(before[2])


@pytest.mark.usefixtures("logging_as_before", "expected_logs")
def test_secrets_are_not_in_the_log() -> None:
    out = io.StringIO()
    logs.configure(verbose=True, stream=out)
    logging.getLogger("rejoin.x").warning("Bearer abcdefghijklmnop to 203.0.113.77 a=ice-pwd:hush")
    logging.getLogger("aioice.ice").info("candidate 203.0.113.77")
    assert "rejoin.x" in out.getvalue()
    for secret in ("abcdefghijklmnop", "203.0.113.77", "hush", "candidate"):
        assert secret not in out.getvalue()


@pytest.mark.usefixtures("logging_as_before", "expected_logs")
def test_a_log_line_does_not_control_the_terminal() -> None:
    out = io.StringIO()
    logs.configure(stream=out)
    try:
        raise ValueError("\x1b]0;owned\x07")
    except ValueError:
        logging.getLogger("rejoin.x").exception("from \x9b2J\u202e")
    assert "from \\x9b2J\\u202e\nTraceback" in out.getvalue()
    assert "ValueError: \\x1b]0;owned\\x07" in out.getvalue()
    assert not set("\x1b\x07\x9b\u202e") & set(out.getvalue())


@pytest.mark.usefixtures("logging_as_before")
def test_only_warnings_unless_verbose() -> None:
    out = io.StringIO()
    logs.configure(stream=out)
    logging.getLogger("rejoin.x").info("nothing of note")
    assert out.getvalue() == ""


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(log_file, "log_folder", lambda: tmp_path)
    monkeypatch.setattr(sys, "excepthook", lambda *_: None)
    return tmp_path / "rejoin.log"


def flushed() -> None:
    for handler in logging.getLogger().handlers:
        handler.flush()


@pytest.mark.usefixtures("logging_as_before", "expected_logs")
def test_the_file_has_more_than_the_terminal(log: Path) -> None:
    out = io.StringIO()
    logs.configure(open_file=LogFile, stream=out)
    assert not log.exists(), "without a record there is no file"
    logging.getLogger("rejoin.x").info("of some note")
    logging.getLogger("rejoin.x").warning("ice-pwd:hush1234567890123456789012")
    logging.getLogger("rejoin.x").debug("of none")
    logging.getLogger("another").info("of no concern")
    flushed()
    written = log.read_text()
    assert f" {os.getpid()} INFO rejoin.x: of some note" in written
    assert "WARNING rejoin.x" in written
    assert "hush1234" not in written
    assert "of no" not in written
    assert "of some note" not in out.getvalue()
    assert "WARNING rejoin.x" in out.getvalue()


@pytest.mark.usefixtures("logging_as_before")
def test_what_nobody_expected_is_in_the_file_with_its_traceback(log: Path) -> None:
    out = io.StringIO()
    logs.configure(open_file=LogFile, stream=out)
    try:
        raise ValueError("in a handler")
    except ValueError as error:
        sys.excepthook(type(error), error, error.__traceback__)
        logs.keep_error(error)
    sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)
    flushed()
    written = log.read_text()
    assert written.count("ValueError: in a handler") == 2
    assert "Traceback" in written
    assert "KeyboardInterrupt" not in written
    assert out.getvalue() == "", "there it is said in its own words"


@pytest.mark.usefixtures("logging_as_before")
def test_without_a_file_an_error_is_kept_nowhere(log: Path) -> None:
    logs.configure(stream=io.StringIO())
    logs.keep_error(ValueError("x"))
    assert not log.exists()


@pytest.mark.usefixtures("logging_as_before", "expected_logs")
def test_a_part_that_is_not_installed_costs_the_file_alone() -> None:
    def missing() -> LogFile:
        raise ModuleNotFoundError("No module named 'platformdirs'", name="platformdirs")

    out = io.StringIO()
    logs.configure(open_file=missing, stream=out)
    logging.getLogger("rejoin.x").warning("said")
    assert out.getvalue() == "WARNING rejoin.x: said\n"

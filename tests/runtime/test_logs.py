"""Log lines are redacted, whichever module writes them."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import pytest

from rejoin.runtime import logs


@pytest.fixture
def logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    before = (root.level, list(root.handlers), logging.getLogger("rejoin").level)
    yield
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

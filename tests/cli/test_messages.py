"""Messages: one line on standard error, after the program's name."""

from __future__ import annotations

import pytest

from rejoin.cli.messages import warn


def test_a_warning_is_one_line_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    warn("The disk is full.")
    assert capsys.readouterr() == ("", "rejoin: The disk is full.\n")

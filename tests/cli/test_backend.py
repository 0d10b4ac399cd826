"""`rejoin backend`: where its settings come from."""

from __future__ import annotations

from pathlib import Path

from helpers.command_line import Rejoin


def test_settings_come_from_the_environment_or_from_a_file(rejoin: Rejoin, tmp_path: Path) -> None:
    assert rejoin("backend") == (
        2,
        "",
        "rejoin: The backend needs REJOIN_BACKEND_REGION, which is not set.\n",
    )
    file = tmp_path / "backend.toml"
    file.write_text('region = "us-west-2"\n')
    code, out, err = rejoin("backend", "--settings", str(file))
    assert (code, out) == (2, "")
    assert err == "rejoin: The backend needs stream_group, which is not set.\n"

"""The settings of the backend: from a file or from the environment."""

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


def test_a_file_that_others_can_read_is_warned_of(rejoin: Rejoin, tmp_path: Path) -> None:
    file = tmp_path / "backend.toml"
    file.write_text(
        'region = "us-west-2"\nstream_group = "sg-1"\napplication = "a-1"\n'
        f'tokens = "{"x" * 40}"\nhost = "not an address"\n'
    )
    file.chmod(0o644)
    warned = "rejoin: Other users of this machine can read the settings file and its tokens.\n"
    assert rejoin("backend", "--settings", str(file))[2].startswith(warned)
    file.chmod(0o600)
    assert warned not in rejoin("backend", "--settings", str(file))[2]

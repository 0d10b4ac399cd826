"""The settings of the studio's backend: `--settings`, or else the environment."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rejoin.cli import options, sign_in
from rejoin.cli.messages import warn

if TYPE_CHECKING:
    from rejoin.backend.configuration import BackendSettings


def _own_or_of_the_group(
    context: click.Context, _option: click.Parameter, file: Path | None
) -> Path | None:
    """`rejoin backend --settings FILE report` is `rejoin backend report --settings FILE`."""
    if file is None and context.parent is not None:
        of_group: Path | None = context.parent.params.get("settings_file")
        return of_group
    return file


settings_file = click.option(
    "--settings",
    "settings_file",
    type=options.FILE,
    callback=_own_or_of_the_group,
    help="TOML file with the settings. Default: the REJOIN_BACKEND_* variables (docs/backend.md).",
)


def settings_of(file: Path | None) -> BackendSettings:
    """The settings in this file, or in the environment. Raises BadInputError."""
    from rejoin.backend.configuration import BackendSettings, readable_by_others

    if file is None:
        return BackendSettings.from_env({**os.environ, **sign_in.taken()})
    settings = BackendSettings.from_toml(file)
    if readable_by_others(file):
        warn("Other users of this machine can read the settings file and its tokens.")
    return settings

"""A verb is imported when it is asked for."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest

from rejoin.cli.command_line import rejoin
from rejoin.cli.verbs import VERBS


@pytest.mark.parametrize("name", VERBS)
def test_each_verb_has_its_name_and_a_line_of_help(name: str) -> None:
    command = rejoin.get_command(click.Context(rejoin), name)
    assert command is not None
    assert command.name == name
    assert command.get_short_help_str()


def test_a_verb_that_is_none() -> None:
    assert rejoin.get_command(click.Context(rejoin), "nonsense") is None


def test_a_verb_imports_no_other_one() -> None:
    program = """if True:
        import sys
        from rejoin.cli.command_line import rejoin
        rejoin.main(["play", "--help"], standalone_mode=False)
        print(*(name for name in sys.modules if name.startswith("rejoin.cli.")))
    """
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=240, check=True
    )
    imported = {name.rpartition(".")[2] for name in done.stdout.splitlines()[-1].split()}
    assert imported & set(VERBS) == {"play"}

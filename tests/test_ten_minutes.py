"""The first section of docs/testing.md can be walked; `ten_minutes.py` walks it in a fresh root.

Here only what needs no system: its steps, files and commands.
"""

from __future__ import annotations

import os
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import ten_minutes
from rejoin.cli.qa import qa
from rejoin.cli.studio import studio
from rejoin.emulator.service import settings_file
from rejoin.qa import budget, runner
from ten_minutes import Failed, Part, Restart, Run, Save, Shell


@pytest.fixture
def parts() -> list[Part]:
    steps = ten_minutes.steps_of(ten_minutes.section(ten_minutes.PAGE.read_text(encoding="utf-8")))
    assert [step.title[:2] for step in steps] == [f"{number}." for number in range(1, 9)]
    assert all(step.parts for step in steps)
    return [part for step in steps for part in step.parts]


def files(parts: list[Part]) -> dict[str, str]:
    return {part.name: part.content for part in parts if isinstance(part, Save)}


def test_its_files_are_what_the_commands_take(parts: list[Part], tmp_path: Path) -> None:
    found = files(parts)
    assert set(found) == {
        *("drops.toml", "budget.toml", "build.toml", "test_reconnection.py", ".gitlab-ci.yml")
    }
    for name, content in found.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    assert len(runner.load(str(tmp_path / "drops.toml")).cases) == 2
    assert budget.load(tmp_path / "budget.toml").limits
    assert settings_file.read(tmp_path / "build.toml") == tomllib.loads(found["build.toml"])
    compile(found["test_reconnection.py"], "test_reconnection.py", "exec")


def test_its_commands_have_only_options_that_exist(
    parts: list[Part], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = files(parts)
    for name, content in found.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    for folder in ("before", "after", "out"):
        (tmp_path / folder).mkdir()
    texts = [ten_minutes.script_of(found[".gitlab-ci.yml"])]
    for part in parts:
        if isinstance(part, Run):
            texts.append(part.commands)
        elif isinstance(part, Restart):
            texts.append(part.command)
    commands = [
        shlex.split(re.sub(r" >.*", "", line).replace("$", ""), comments=True)
        for text in texts
        for line in text.splitlines()
        if line.startswith("rejoin ")
    ]
    seen = set()
    for words in commands:
        group, arguments = words[1], words[2:]
        if group == "studio":
            studio.make_context("studio", arguments, obj={})
            seen.add("studio")
            continue
        assert group == "qa"
        command = qa.get_command(click.Context(qa), arguments[0])
        assert command is not None
        command.make_context(arguments[0], arguments[1:], obj={})
        seen.add(arguments[0])
    assert seen == {"run", "compare", "studio"}


@pytest.fixture
def shell() -> Iterator[Shell]:
    shell = Shell(["env", "--default-signal=INT", "bash"])
    yield shell
    shell.close()


def test_a_shell_says_how_its_commands_ended(shell: Shell) -> None:
    assert shell.run("echo one; echo two >&2; (exit 3)") == (3, ["one", "two"])
    shell.type("exit")
    with pytest.raises(Failed, match="ended without saying"):
        shell.until("more")


def test_a_command_that_says_nothing_has_a_limit_and_is_ended(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.type("trap '' INT; echo $$; sleep 600")
    (number,) = shell.until("")
    monkeypatch.setattr(ten_minutes, "WITHIN_S", 0.1)
    with pytest.raises(Failed, match=r"did not say 'more' within 0\.1 s"):
        shell.until("more")
    shell.close()
    with pytest.raises(ProcessLookupError):
        os.kill(int(number), 0)


def test_an_interrupt_ends_what_runs_and_not_the_shell(shell: Shell) -> None:
    shell.type("sh -c 'echo ready; exec sleep 600'; echo interrupted")
    shell.until("ready")
    shell.interrupt()
    shell.until("interrupted")

"""Shared options, and arguments as one value: names and fields agree for every verb."""

from __future__ import annotations

import dataclasses
import inspect
import typing
from collections.abc import Iterator

import click
import pytest

from helpers.command_line import Rejoin
from rejoin.cli import command_line, options
from rejoin.signaling.dialects import DIALECTS


def test_the_dialect_choices_are_those_that_exist() -> None:
    assert tuple(DIALECTS) == options.DIALECT_NAMES


def commands(group: click.Group = command_line.rejoin) -> Iterator[click.Command]:
    """Every verb, those of `rejoin qa` included."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command)
        if not isinstance(command, click.Group) or command.invoke_without_command:
            yield command


@pytest.mark.parametrize("command", list(commands()), ids=lambda command: str(command.name))
def test_a_verb_takes_one_frozen_value_with_a_field_for_each_parameter(
    command: click.Command,
) -> None:
    assert command.callback is not None
    verb = inspect.unwrap(command.callback)
    [parameter] = inspect.signature(verb).parameters
    kind = typing.get_type_hints(verb)[parameter]
    fields = {field.name for field in dataclasses.fields(kind)}
    assert fields == {parameter.name for parameter in command.params}
    assert kind.__dataclass_params__.frozen


def test_arguments_are_passed_as_one_value() -> None:
    @dataclasses.dataclass(frozen=True)
    class Values:
        number: int
        flag: bool

    received = []

    @options.as_values(Values)
    def verb(values: Values) -> int:
        """Its help."""
        received.append(values)
        return 3

    assert verb(number=2, flag=True) == 3
    assert received == [Values(2, flag=True)]
    assert verb.__doc__ == "Its help."


@pytest.mark.parametrize(
    "arguments",
    [
        ("play", "--connection-timeout", "nan", "http://127.0.0.1:9"),
        ("play", "--sharpness", "NaN", "http://127.0.0.1:9"),
        ("demo", "--notice-silent-client", "nan"),
    ],
)
def test_what_is_not_a_number_is_within_no_range(
    rejoin: Rejoin, arguments: tuple[str, ...]
) -> None:
    code, out, err = rejoin(*arguments)
    assert (code, out) == (2, "")
    assert "nan is not a number" in err.lower()


def test_every_option_with_a_range_refuses_what_is_no_number() -> None:
    types = {type(parameter.type) for command in commands() for parameter in command.params}
    assert options.NumberRange in types
    assert types.isdisjoint({click.FloatRange, type(click.FLOAT)})

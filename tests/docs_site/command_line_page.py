"""Makes the reference of the command line from the commands themselves."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

import click

from docs_site.markdown import code, paragraphs, table, text
from rejoin.cli.command_line import rejoin

_OPTION = re.compile(r"(?<![\w-])(--[a-z][a-z0-9-]*)")
_HEAD = """\
# Command line

Made from the commands of this version: what `rejoin COMMAND --help` says. How they end is in
[the table of exit codes](../README.md#how-programs-end). An option whose default is a saved
setting is in [Settings](settings.md)."""


def page(root: click.Command = rejoin) -> str:
    context = click.Context(root, info_name="rejoin")
    return _HEAD + "\n" + "\n".join(_command(root, context, level=2))


def _command(command: click.Command, context: click.Context, *, level: int) -> Iterator[str]:
    if level == 2 and isinstance(command, click.Group) and context.parent is None:
        yield _usage(command, context)
        yield _body(command, context)
    else:
        yield f"{'#' * min(level, 4)} {context.command_path}\n"
        yield _usage(command, context)
        yield _body(command, context)
        level += 1
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            if below is not None and not below.hidden:
                yield from _command(
                    below, click.Context(below, info_name=name, parent=context), level=level
                )


def _usage(command: click.Command, context: click.Context) -> str:
    pieces = " ".join(command.collect_usage_pieces(context))
    return f"```text\n{context.command_path} {pieces}\n```\n"


def _body(command: click.Command, context: click.Context) -> str:
    told = inspect.cleandoc(command.help or "").partition("\f")[0]
    rows = []
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None and "--help" not in parameter.opts:
            rows.append([code(record[0]), text(_marked(record[1]))])
    options = table(["Option", "Meaning"], rows) if rows else ""
    return f"{_told(told)}\n\n{options}"


def _told(told: str) -> str:
    """Its paragraphs; one that click leaves as it is (after \\b) is shown as it is."""
    shown = []
    for part in told.split("\n\n"):
        kept = part.removeprefix("\b\n")
        shown.append(paragraphs(_marked(part)) if kept == part else f"```text\n{kept}\n```")
    return "\n\n".join(shown)


def _marked(told: str) -> str:
    """Options in the text as code, unless they are in code already."""
    parts = told.split("`")
    parts[::2] = [_OPTION.sub(r"`\1`", part) for part in parts[::2]]
    return "`".join(parts)

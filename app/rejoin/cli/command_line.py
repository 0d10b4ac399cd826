"""The command line: its arguments, read by click, and a sentence about wrong ones."""

from __future__ import annotations

from typing import Final

import click

from rejoin.cli import exit_codes
from rejoin.cli.messages import warn
from rejoin.cli.player_log import player_log
from rejoin.cli.sign_in import NO_TOKEN_AS_ARGUMENT
from rejoin.cli.verbs import Verbs
from rejoin.version import VERSION

_FOR_PLAYERS: Final = (None, "home", "play", "back")
"""Verbs that open a window, perhaps where nobody sees standard error: they log to a file, too."""


@click.group(
    cls=Verbs,
    context_settings={"help_option_names": ["-h", "--help"]},
    invoke_without_command=True,
    no_args_is_help=False,
)
@click.version_option(VERSION)
@click.option("-v", "--verbose", is_flag=True, help="Log to standard error what Rejoin does.")
@click.pass_context
def rejoin(context: click.Context, verbose: bool) -> int:
    """Play games streamed by Amazon GameLift Streams, and get back in when the connection drops.

    Without a command the home window opens, where there is a display.
    """
    from rejoin.runtime import logs

    for_players = context.invoked_subcommand in _FOR_PLAYERS
    logs.configure(verbose=verbose, open_file=player_log if for_players else None)
    if context.invoked_subcommand is not None:
        return exit_codes.SUCCESS
    from rejoin.cli import home

    if not home.can_be_shown():
        raise click.exceptions.NoArgsIsHelpError(context)
    return home.show_home()


def run(secrets: dict[str, str]) -> int:
    """The exit code of the verb that the arguments name; prints what is wrong with them.

    `secrets`: what was taken from the environment. Raises what the verb raises.
    """
    try:
        code = rejoin.main(prog_name="rejoin", standalone_mode=False, obj=secrets)
    except click.exceptions.Abort:
        return exit_codes.INTERRUPTED
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.ClickException as error:
        warn(_usage_sentence(error))
        return error.exit_code
    return code if isinstance(code, int) else exit_codes.SUCCESS


def _usage_sentence(error: click.ClickException) -> str:
    """What is wrong with the arguments, and where the right ones are listed."""
    if isinstance(error, click.NoSuchOption) and error.option_name == "--token":
        return NO_TOKEN_AS_ARGUMENT
    sentence = error.format_message().rstrip(".") + "."
    context = error.ctx if isinstance(error, click.UsageError) else None
    if context is None:
        return sentence
    return f"{sentence} See `{context.command_path} --help`."

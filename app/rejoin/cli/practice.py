"""`rejoin practice`: play a game in the window, with faults that a tester puts in from its menu."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rejoin.cli import backend_profile, bearer, options, window
from rejoin.cli.game_options import GameOptions, game_options
from rejoin.cli.messages import warn
from rejoin.cli.no_collections import no_collections
from rejoin.cli.saved_settings import saved
from rejoin.parts import needs

if TYPE_CHECKING:
    from rejoin.core.trace import Record
    from rejoin.input_events.chords import Chord


def _keys(
    _context: click.Context, _option: click.Parameter, value: str | None
) -> tuple[Chord, ...]:
    """Keys of a shortcut, such as Ctrl+Alt+B."""
    from rejoin.input_events import chords

    if value is None:
        return ()
    try:
        return chords.parse(value)
    except chords.ChordError as error:
        raise click.BadParameter(f"{error}.") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class PracticeVerbOptions(GameOptions, backend_profile.ProfileOptions):
    """The arguments of `rejoin practice`."""

    backend_url: str
    stats: Path | None
    trace: Path | None
    drop_keys: tuple[Chord, ...]
    marker_keys: tuple[Chord, ...]
    no_pictures: bool


@click.command(short_help="Play a game with faults to put in from its menu, for testers.")
@click.argument("backend_url")
@partial(backend_profile.profile_options, network=saved("scope"))
@options.stats
@click.option("--trace", type=options.FILE, help="Write the trace to this file.")
@click.option(
    "--drop-keys",
    metavar="KEYS",
    callback=_keys,
    help="Keys that begin the chosen drop, or lift it, such as Ctrl+Alt+F. Default: none.",
)
@click.option(
    "--marker-keys",
    metavar="KEYS",
    callback=_keys,
    help="Keys that set a marker, such as Ctrl+Alt+B. Default: none.",
)
@click.option("--no-pictures", is_flag=True, help="Markers keep no picture of the game.")
@options.agreement("Start a second game, without asking.")
@game_options()
@options.as_values(PracticeVerbOptions)
@needs("player", "qa")
@no_collections()
def practice(chosen: PracticeVerbOptions) -> int:
    """Play a game through the studio's backend at BACKEND_URL, as `rejoin play` does, and put
    faults into this client from the menu over the game: *Practice drop*.

    BACKEND_URL cannot be a rejoin:// link, so that no link from a studio leads a player here.
    """
    from rejoin.gui.practice.practice_options import PracticeOptions
    from rejoin.qa import traces
    from rejoin.qa.practice import Practice
    from rejoin.runtime.deep_link import is_link
    from rejoin.runtime.launch import GameToPlay
    from rejoin.signaling.dialects import OURS

    if is_link(chosen.backend_url):
        raise click.UsageError("A link cannot be used here. Give the backend's URL.")
    _check_keys(chosen)
    backend_profile.check_stream_group(chosen)
    window.check_display()
    profile = backend_profile.profile_of(chosen.backend_url, chosen.token, chosen)
    profile = replace(profile, takes_reports=chosen.send_reports, allows_microphone=True)
    profile, signed_in = bearer.given(profile, chosen)
    if signed_in is None:
        profile, signed_in = bearer.signed_in(profile, chosen)
    before = window.Before(profile, has_scope=True)
    writer = None if chosen.trace is None else traces.TraceWriter(chosen.trace)
    hides = profile.dialect.session_is_secret

    def keep(record: Record) -> None:
        if writer is not None:
            writer.write(traces.without_session(record) if hides else record)

    made = Practice(
        keep,
        ours=profile.dialect is OURS,
        timeout_s=profile.connection_timeout_s,
        keeps_pictures=not chosen.no_pictures,
    )
    game = GameToPlay(window.with_game_options(profile, chosen), signed_in=signed_in)
    tools = window.Tools(made, PracticeOptions(made, chosen.drop_keys, chosen.marker_keys))
    try:
        return window.play_new_game(
            game, chosen, before, stats=chosen.stats, second=chosen.yes, tools=tools
        )
    finally:
        if writer is not None:
            writer.close()
            if not writer.is_whole:
                warn(f"{chosen.trace} is not whole: it could not be written.")


def _check_keys(chosen: PracticeVerbOptions) -> None:
    """Raises UsageError where keys are those of something else."""
    from rejoin.cli.saved_settings import of_this_run
    from rejoin.gui.settings.chosen_controls import controls_of
    from rejoin.input_events import chords

    keys = {each.value: keys for each, keys in controls_of(of_this_run()).shortcuts.keys.items()}
    mine = {"--drop-keys": chosen.drop_keys, "--marker-keys": chosen.marker_keys}
    for first, second, chord in chords.clashes({**keys, **mine}):
        if second in mine:
            raise click.UsageError(f"{second}: {chord} is already used by {first}.")

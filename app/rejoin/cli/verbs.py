"""The verbs of `rejoin`, each imported when it is asked for: `play` need not know `qa`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import click


def _back() -> click.Command:
    from rejoin.cli.back import back

    return back


def _backend() -> click.Command:
    from rejoin.cli.backend import backend

    return backend


def _demo() -> click.Command:
    from rejoin.cli.demo import demo

    return demo


def _doctor() -> click.Command:
    from rejoin.cli.doctor import doctor

    return doctor


def _home() -> click.Command:
    from rejoin.cli.home_verb import home

    return home


def _licences() -> click.Command:
    from rejoin.cli.licences import licences

    return licences


def _play() -> click.Command:
    from rejoin.cli.play import play

    return play


def _practice() -> click.Command:
    from rejoin.cli.practice import practice

    return practice


def _qa() -> click.Command:
    from rejoin.cli.qa import qa

    return qa


def _settings() -> click.Command:
    from rejoin.cli.settings import settings

    return settings


def _sign_in() -> click.Command:
    from rejoin.cli.sign_in_verbs import sign_in

    return sign_in


def _sign_out() -> click.Command:
    from rejoin.cli.sign_in_verbs import sign_out

    return sign_out


def _studio() -> click.Command:
    from rejoin.cli.studio import studio

    return studio


VERBS: Final[Mapping[str, Callable[[], click.Command]]] = {
    "back": _back,
    "backend": _backend,
    "demo": _demo,
    "doctor": _doctor,
    "home": _home,
    "licences": _licences,
    "play": _play,
    "practice": _practice,
    "qa": _qa,
    "settings": _settings,
    "sign-in": _sign_in,
    "sign-out": _sign_out,
    "studio": _studio,
}
"""Imports that stand in functions, so that a frozen build finds them."""


class Verbs(click.Group):
    """A group whose commands are `VERBS`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        verb = VERBS.get(cmd_name)
        return None if verb is None else verb()

"""The table of what other parts bring into the home window, each behind a button of its own.

A part that is not there has no button. One is imported when its button is pressed, never before the
first paint. To add one, write its row here and nothing else.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Final, Protocol

from PySide6.QtWidgets import QWidget

from rejoin.core.ticket import BackendAddress
from rejoin.errors import BadInputError
from rejoin.language import Message, in_english, mark

if TYPE_CHECKING:
    from rejoin.core.model import Ending
    from rejoin.runtime.player_settings import PlayerSettings


class HomeActions(Protocol):
    """What a part may do with the home window."""

    def show_page(self, page: QWidget) -> None:
        """Show a page until its signal `left`, which every page has."""

    def try_here(self) -> None:
        """Play a game of the emulator on this computer."""

    def last_address(self) -> BackendAddress | None:
        """Of the game that was played last, or of the first in the list."""

    def token_for(self, address: BackendAddress) -> str | None:
        """What the player has given in this run for the game there."""

    def settings(self) -> PlayerSettings:
        """The player's, now."""


@dataclass(frozen=True, slots=True)
class Extra:
    """`text`: marked, of its button. `module`: where it is. `open`: what its button
    does, with that module."""

    name: str
    text: str
    module: str
    at_top: bool
    open: Callable[[ModuleType, HomeActions], None]


def _open_settings(module: ModuleType, home: HomeActions) -> None:
    from rejoin.runtime.settings_file import settings_path

    home.show_page(module.SettingsPage(settings_path()))


def _explained(ending: Ending) -> str:
    """What a test says of an end: English for its report, and the window can translate it."""
    from rejoin.gui.ending_texts import ending_text

    with in_english():
        return Message(ending_text(ending).title)


def open_connection_test(home: HomeActions, address: BackendAddress | None) -> None:
    """Of the backend at this address; without one the page says so."""
    from rejoin.gui.connection_test import ConnectionTestPage
    from rejoin.runtime.doctor.connection_test import ConnectionTest
    from rejoin.runtime.studio_profile import StudioProfile

    def make_test(play: bool) -> ConnectionTest:
        def profile() -> StudioProfile:
            if address is None:
                raise BadInputError(Message("There is no studio to test the way to."))
            return StudioProfile.from_address(address, home.token_for(address))

        return ConnectionTest(profile, _explained, play=play)

    url = None if address is None else address.backend_url
    hides_hosts = home.settings().streamer_mode
    home.show_page(ConnectionTestPage(url, make_test, hides_hosts=hides_hosts))


EXTRAS: Final[Sequence[Extra]] = (
    Extra("settings", mark("Settings"), "rejoin.gui.settings.page", True, _open_settings),
    Extra(
        "connection_test",
        mark("Test my connection"),
        "rejoin.gui.connection_test",
        False,
        lambda module, home: open_connection_test(home, home.last_address()),
    ),
    Extra(
        "try_here",
        mark("Try it here"),
        "rejoin.studio.try_here",
        False,
        lambda module, home: home.try_here(),
    ),
)


def exists(extra: Extra) -> bool:
    """Whether its module is part of this Rejoin. Imports at most the package that it is in."""
    package, _, _ = extra.module.rpartition(".")
    # A parent that is missing would be an error, which costs 10 ms.
    return all(importlib.util.find_spec(name) is not None for name in (package, extra.module))


def open_extra(extra: Extra, home: HomeActions) -> None:
    """What its button does."""
    extra.open(importlib.import_module(extra.module), home)

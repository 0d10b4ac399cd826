"""The table of other parts: their buttons exist where they do."""

from __future__ import annotations

from types import ModuleType

from rejoin.core.ticket import BackendAddress
from rejoin.gui.home.extra_pages import EXTRAS, Extra, exists, open_extra
from rejoin.runtime.player_settings import PlayerSettings


def extra(module: str) -> Extra:
    return Extra("x", "X", module, False, lambda module, home: None)


def test_a_part_exists_if_its_module_does() -> None:
    assert exists(extra("rejoin.gui.theme"))
    assert not exists(extra("rejoin.gui.no_such_module"))
    assert not exists(extra("rejoin.gui.no_such_package.page"))
    assert len({each.name for each in EXTRAS}) == len(EXTRAS)


def test_its_module_is_given_to_it() -> None:
    opened: list[tuple[ModuleType, object]] = []

    class Home:
        def show_page(self, page: object) -> None: ...
        def try_here(self) -> None: ...
        def last_address(self) -> BackendAddress | None:
            return None

        def token_for(self, address: BackendAddress) -> str | None:
            return None

        def settings(self) -> PlayerSettings:
            return PlayerSettings()

    home = Home()
    part = Extra("x", "X", "email.message", True, lambda *given: opened.append(given))
    open_extra(part, home)
    assert [(module.__name__, given is home) for module, given in opened] == [
        ("email.message", True)
    ]

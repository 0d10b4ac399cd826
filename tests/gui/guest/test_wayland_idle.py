"""On another platform than Wayland nothing is held; `live/test_guest.py` has a compositor."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from PySide6.QtWidgets import QApplication

from rejoin.gui.guest import wayland_idle
from rejoin.gui.guest.wayland_idle import inhibitor_of


def on_wayland() -> Any:
    return cast(Any, SimpleNamespace(platformName=lambda: "wayland"))


def test_there_is_none_on_another_platform(application: QApplication) -> None:
    assert inhibitor_of(application) is None


@pytest.mark.parametrize("error", [OSError, AttributeError, ValueError])
def test_what_cannot_be_used_costs_nothing(
    monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def broken(application: object) -> None:
        raise error("not here")

    monkeypatch.setattr(wayland_idle, "IdleInhibitor", broken)
    assert inhibitor_of(on_wayland()) is None

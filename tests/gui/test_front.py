"""A window comes to the front, with the token that a Wayland compositor wants to see."""

from __future__ import annotations

import os

import pytest
from PySide6.QtWidgets import QApplication, QWidget

from rejoin.gui.front import bring_to_front
from rejoin.runtime.instance import TOKEN_VARIABLE


class Window(QWidget):
    def __init__(self) -> None:
        super().__init__()
        self.tokens: list[str | None] = []

    def activateWindow(self) -> None:
        self.tokens.append(os.environ.get(TOKEN_VARIABLE))
        super().activateWindow()


@pytest.mark.parametrize("token", [None, "a-token"])
def test_the_token_is_there_for_that_call_alone(
    application: QApplication, monkeypatch: pytest.MonkeyPatch, token: str | None
) -> None:
    monkeypatch.delenv(TOKEN_VARIABLE, raising=False)
    window = Window()
    window.showMinimized()
    bring_to_front(window, token)
    assert window.isVisible()
    assert not window.isMinimized()
    assert window.tokens == [token]
    assert TOKEN_VARIABLE not in os.environ

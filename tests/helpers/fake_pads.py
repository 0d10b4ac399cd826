"""Gamepads that write down what the window says to them."""

from __future__ import annotations

from collections.abc import Callable

from rejoin.gamepads.choices import PadChoices
from rejoin.gamepads.in_hand import PadNews
from rejoin.input_events.events import PadState


class FakePads:
    """Implements `gui.input.PlayerPads`."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.send: Callable[[PadState], None] | None = None
        self.heard: Callable[[PadNews], None] | None = None
        self.choices: PadChoices | None = None

    def connect(self, send: Callable[[PadState], None]) -> None:
        self.send = send

    def open(self) -> None:
        self.said.append("open")

    def close(self) -> None:
        self.said.append("close")

    def focus(self, active: bool) -> None:
        self.said.append(f"focus {active}")

    def released(self) -> None:
        self.said.append("released")

    def listen(self, heard: Callable[[PadNews], None] | None) -> None:
        self.heard = heard

    def choose(self, choices: PadChoices) -> None:
        self.choices = choices

    def stop(self) -> None:
        self.said.append("stop")

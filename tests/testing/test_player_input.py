"""What a test's player does, as events for the input module."""

from __future__ import annotations

from typing import Any, cast

from rejoin.input_events.events import (
    Button,
    InputEvent,
    KeyEvent,
    PadState,
    PointerButton,
    PointerMove,
)
from rejoin.runtime.player import Player
from rejoin.testing.player_input import PlayerInput


class FakePlayer:
    def __init__(self) -> None:
        self.events: list[Any] = []

    def send_input(self, event: InputEvent) -> None:
        self.events.append(event)

    def send_application_message(self, data: bytes) -> None:
        self.events.append(data)

    def input_facts(self) -> str:
        return "facts"


def test_keys_pointer_pad_and_messages() -> None:
    fake = FakePlayer()
    made = PlayerInput(lambda: cast(Player, fake))
    made.tap("KeyW")
    made.press("Digit3")
    made.release("Enter")
    made.press("Space")
    made.press("KeyY", key="z")
    keys = [event for event in fake.events if isinstance(event, KeyEvent)]
    assert [(key.code, key.key, key.pressed) for key in keys] == [
        ("KeyW", "w", True),
        ("KeyW", "w", False),
        ("Digit3", "3", True),
        ("Enter", "Enter", False),
        ("Space", " ", True),
        ("KeyY", "z", True),
    ]
    assert all(key.at > 0 for key in keys)
    fake.events.clear()
    made.move(10, 20)
    made.move(15, 18)
    made.click("right")
    moved, again, down, up = fake.events
    assert isinstance(moved, PointerMove)
    assert (again.dx, again.dy, again.x, again.y) == (5, -2, 15, 18)
    assert isinstance(down, PointerButton)
    assert (down.button, down.pressed, down.buttons, down.x) == (Button.RIGHT, True, 2, 15)
    assert (up.pressed, up.buttons) == (False, 0)
    fake.events.clear()
    made.pad(0, 12, axes=(1.0, 0.0, 0.0, 0.0))
    made.message(b"hello")
    pad, message = fake.events
    assert isinstance(pad, PadState)
    assert [number for number, value in enumerate(pad.buttons) if value] == [0, 12]
    assert message == b"hello"
    assert cast(str, made.facts) == "facts"

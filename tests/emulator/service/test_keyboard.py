"""Lines typed key by key."""

from __future__ import annotations

import io

from rejoin.emulator.service.keyboard import Keyboard


async def test_keys_become_lines_and_can_be_corrected() -> None:
    keyboard = Keyboard(io.StringIO())
    seen: list[str] = []
    keyboard.changed = lambda: seen.append(keyboard.typing)
    for key in "kilk\x7fl\x07":
        keyboard.key(key)
    assert keyboard.typing == "kill"
    assert seen == ["k", "ki", "kil", "kilk", "kil", "kill", "kill"]
    keyboard.key("\r")
    assert keyboard.typing == ""
    assert await keyboard.next() == "kill"
    for _ in range(500):
        keyboard.key("x")
    assert len(keyboard.typing) == 80


async def test_a_piped_text_is_lines_and_then_none() -> None:
    with Keyboard(io.StringIO("silence 2\nquit\nnot finished")) as keyboard:
        assert [await keyboard.next() for _ in range(3)] == ["silence 2", "quit", None]

"""Icons of games: what a backend says is checked, and what is kept is this user's alone."""

from __future__ import annotations

import base64
import stat
from pathlib import Path

import pytest

from rejoin.runtime import game_icons
from rejoin.runtime.game_icons import icon_from, keep_icon, read_icon, remove_icon
from rejoin.signaling.game_icon import MAX_BYTES

PNG = b"\x89PNG\r\n\x1a\n" + b"rest"
KEY = "0123456789abcdef"


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(game_icons, "state_folder", lambda: tmp_path)


def test_a_png_in_base64_is_an_icon() -> None:
    assert icon_from(base64.b64encode(PNG).decode()) == PNG


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "no base64!",
        "\u00e9",
        base64.b64encode(b"GIF89a").decode(),
        base64.b64encode(PNG + b"x" * MAX_BYTES).decode(),
        "A" * 10 * MAX_BYTES,
    ],
)
def test_anything_else_is_none(text: str | None) -> None:
    assert icon_from(text) == b""


def test_it_is_kept_for_this_user_alone_until_the_game_is_removed(tmp_path: Path) -> None:
    assert read_icon(KEY) == b""
    keep_icon(KEY, PNG)
    keep_icon(KEY, PNG + b"newer")
    assert read_icon(KEY) == PNG + b"newer"
    (file,) = (tmp_path / "icons").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    remove_icon(KEY)
    remove_icon(KEY)
    assert list((tmp_path / "icons").iterdir()) == []


def test_what_somebody_else_put_there_is_no_icon(tmp_path: Path) -> None:
    keep_icon(KEY, PNG)
    file = tmp_path / "icons" / f"{KEY}.png"
    file.write_bytes(PNG + b"x" * MAX_BYTES)
    assert read_icon(KEY) == b""
    file.write_bytes(b"<svg>")
    assert read_icon(KEY) == b""

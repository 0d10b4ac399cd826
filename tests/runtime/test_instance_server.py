"""What a second instance passes on (that it is answered at all is tested with `instance`)."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from rejoin.runtime.instance import MAX_TOKEN, TOKEN_VARIABLE, Instance, activate
from rejoin.runtime.instance_server import Activation

KEY = "0123456789abcdef"


@pytest.mark.parametrize(
    ("given", "passed"),
    [("a-token", "a-token"), ("", None), ("x" * (MAX_TOKEN + 1), None), ("a\x1bb", None)],
)
@pytest.mark.usefixtures("nothing_left_behind")
async def test_the_activation_token_is_passed_on_if_it_can_be_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str, passed: str | None
) -> None:
    monkeypatch.setenv(TOKEN_VARIABLE, given)
    heard: list[Activation] = []
    first = Instance.claim(KEY, tmp_path)
    assert first is not None
    await first.serve(heard.append)
    assert await asyncio.to_thread(activate, KEY, "rejoin://x", tmp_path, within_s=30.0)
    await first.close()
    assert heard == [Activation("rejoin://x", passed)]

"""What holds for every live test."""

from __future__ import annotations

import pytest

from rejoin.input_protocol import controls


@pytest.fixture(autouse=True)
def _held_keys_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """The emulated host, where it runs in the test's own process, releases no key by itself: after
    half a second in which the machine stood still, the client's next message would press the key
    anew, and it would count twice. `tests/emulator` has the test of that release."""
    monkeypatch.setattr(controls, "RELEASE_AFTER_S", 600.0)

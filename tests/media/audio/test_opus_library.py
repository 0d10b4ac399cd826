from __future__ import annotations

import ctypes
from typing import Any

import pytest

from rejoin.media.audio import opus_library


def test_the_library_of_pyav_is_found_once() -> None:
    found = opus_library.libopus()
    assert found is not None
    assert opus_library.libopus() is found


def test_a_library_without_what_is_needed_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    opus_library.libopus.cache_clear()
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    try:
        assert opus_library.libopus() is None
    finally:
        opus_library.libopus.cache_clear()


def test_a_library_that_does_not_load_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(name: str) -> Any:
        raise OSError(name)

    opus_library.libopus.cache_clear()
    monkeypatch.setattr(ctypes, "CDLL", fail)
    try:
        assert opus_library.libopus() is None
    finally:
        opus_library.libopus.cache_clear()

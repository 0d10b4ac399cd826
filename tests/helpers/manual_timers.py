"""Timers whose time moves only when told: the emulator's own, under the name that tests use."""

from __future__ import annotations

from rejoin.emulator.service.timers import ManualTimers

__all__ = ["ManualTimers"]

"""Reads the file of a learned service, for simulated worlds and scenarios."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

from rejoin.emulator.service import settings_file
from rejoin.emulator.service.settings import EmulatorSettings
from rejoin.service_model.lifecycle import RefusalKind
from rejoin.verify.scenario import KnownService, Scenario

_SECONDS: Final = (
    "connection_timeout_s",
    "notice_silent_client_s",
    "notice_graceful_close_s",
    "create_latency_s",
)


def read(file: Path) -> KnownService:
    """The file's settings that a modelled service has; the emulator's other settings are ignored.

    Raises BadInputError.
    """
    values = settings_file.read(file)
    settings = EmulatorSettings().changed(values)
    known = {name: float(getattr(settings, name)) for name in _SECONDS if name in values}
    wrong_status = None
    if "wrong_status_error" in values:
        wrong_status = RefusalKind(settings.wrong_status_error)
    return KnownService(**known, wrong_status=wrong_status)


def applied(scenario: Scenario, known: KnownService) -> Scenario:
    """The scenario with the known values in place of its own assumptions about the service."""
    cases = (replace(case, service=known.in_place_of(case.service)) for case in scenario.cases)
    return replace(scenario, cases=tuple(cases))

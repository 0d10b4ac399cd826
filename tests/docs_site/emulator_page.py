"""Makes the reference of the emulator from the code: operations, faults, networks, settings."""

from __future__ import annotations

import enum

from docs_site.attribute_docs import attribute_docs
from docs_site.markdown import code, table, text, words
from docs_site.settings_pages import emulator_table
from docs_site.sources import ROOT
from rejoin.emulator.service.api.operations import EMULATED_OPERATIONS
from rejoin.emulator.service.faults import (
    ApiFaultKind,
    BackendFaultKind,
    FaultKind,
    ScriptFaultKind,
)
from rejoin.emulator.service.refusals import ErrorType
from rejoin.netem.network_profile import NETWORK_PROFILES, PLACES, Place, parse_profile
from rejoin.service_model.status import REASONS, STATUSES

_HEAD = """\
# Emulator

Made from the code of this version: the names that scenarios, the control API and settings files
take. How to use it, what each thing does, what is documented by AWS and what is assumed is in
[The emulator](../docs/emulator.md).

"""
_FAULTS: tuple[tuple[str, type[enum.StrEnum]], ...] = (
    ("Of a running stream", FaultKind),
    ("Of calls of the service's API", ApiFaultKind),
    ("In front of the studio's backend", BackendFaultKind),
    ("Of the input module's script", ScriptFaultKind),
)


def page() -> str:
    parts = [_HEAD, "## Operations\n\n" + words(EMULATED_OPERATIONS) + ".\n"]
    parts.append(f"## Statuses, reasons, errors\n\nStatuses: {words(STATUSES)}.\n")
    parts.append(f"Reasons: {words(REASONS)}.\n")
    parts.append(f"Errors: {words(error.value for error in ErrorType)}.\n")
    parts.append("## Faults\n")
    for title, kinds in _FAULTS:
        docs = attribute_docs(kinds)
        rows = [[code(kind.value), text(docs[kind.name])] for kind in kinds]
        parts.append(f"### {title}\n\n" + table(["Fault", "What happens"], rows))
    parts.append("## Networks\n\nOf the fault `profile`, and of scenarios.\n")
    parts.append(table(["Profile", "What it is"], [_profile(name) for name in NETWORK_PROFILES]))
    others = [name for name, place in PLACES.items() if place is not Place.NETWORK]
    parts.append(f"Scenarios also take {words(others)}, which are no networks.\n")
    parts.append("## Settings\n\n" + emulator_table())
    return "\n".join(parts)


def _profile(name: str) -> list[str]:
    file = ROOT / "resources" / "profiles" / f"{name}.toml"
    profile = parse_profile(name, file.read_text(encoding="utf-8"))
    return [code(name), text(profile.description)]

"""The lines about the input module in a problem report, without any content."""

from __future__ import annotations

import re
from typing import Final

from rejoin.input_module.port import ModuleFacts

SILENT_EVENTS: Final = 10
"""This many events in a row without one byte are worth a line."""
_MOST_NAMES: Final = 40
_NAME: Final = re.compile(r"[A-Za-z_$][\w$.]{0,63}", re.ASCII)


def report_lines(facts: ModuleFacts) -> dict[str, str]:
    """Title and text of each line; none if no module was started."""
    if facts.starts == 0:
        return {}
    lines = {
        "Input module": f"starts: {facts.starts}, {facts.events} events, "
        f"{facts.events_with_bytes} of them with bytes, {facts.bytes_sent} bytes sent, "
        f"{facts.errors} errors"
    }
    if facts.events_without_bytes_in_a_row >= SILENT_EVENTS:
        count = facts.events_without_bytes_in_a_row
        lines["Input without effect"] = f"the last {count} events produced no bytes"
    # The module's own words: only names are shown.
    names = [name for name in facts.missing if _NAME.fullmatch(name)]
    if names:
        more = "" if len(names) <= _MOST_NAMES else f" and {len(names) - _MOST_NAMES} more"
        lines["Asked for and missing"] = ", ".join(sorted(names)[:_MOST_NAMES]) + more
    return lines

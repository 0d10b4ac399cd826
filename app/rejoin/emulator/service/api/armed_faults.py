"""The API faults that are armed, and how often each operation was called."""

from __future__ import annotations

import dataclasses
from collections import Counter

from rejoin.emulator.service.api.operations import EMULATED_OPERATIONS
from rejoin.emulator.service.faults import ApiFault, ApiFaultKind, take_oldest
from rejoin.errors import BadInputError


class ApiFaults:
    """The armed faults, oldest first."""

    def __init__(self) -> None:
        self._armed: list[ApiFault] = []
        self._calls: Counter[str] = Counter()

    def arm(self, fault: ApiFault) -> None:
        """Arm one more fault; `NONE` clears all. Raises `BadInputError` for an operation that is
        not emulated."""
        if fault.operation not in (None, *EMULATED_OPERATIONS):
            raise BadInputError("The emulator has no such operation to arm a fault for.")
        if fault.kind is ApiFaultKind.NONE:
            self._armed.clear()
        else:
            self._armed.append(fault)

    def take(self, operation: str) -> ApiFault | None:
        """Count a call of this operation; the fault that applies to it."""
        self._calls[operation] += 1
        return take_oldest(self._armed, lambda fault: fault.operation in (None, operation))

    def describe(self) -> dict[str, object]:
        """Armed faults and counts of calls, as JSON values for the control API."""
        return {
            "api_faults": [dataclasses.asdict(fault) for fault in self._armed],
            "api_calls": dict(sorted(self._calls.items())),
        }

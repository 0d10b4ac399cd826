"""Faults of the script that browsers and clients load as the service's input module."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Final

from starlette.responses import Response, StreamingResponse

from rejoin.emulator.service.faults import ScriptFault, ScriptFaultKind, take_oldest

SLOW_S: Final = 3.0
"""How late `script_slow` answers."""
HUGE_BYTES: Final = 64 * 1024 * 1024
_SCRIPTS: Final = {
    ScriptFaultKind.SCRIPT_HANG: "for (;;) {}",
    ScriptFaultKind.SCRIPT_THROWS: 'throw new Error("a fault that was injected");',
}


class ScriptFaults:
    """The armed faults, oldest first."""

    def __init__(self) -> None:
        self._armed: list[ScriptFault] = []

    def arm(self, fault: ScriptFault) -> None:
        """Arm one more fault; `NONE` clears all."""
        if fault.kind is ScriptFaultKind.NONE:
            self._armed.clear()
        else:
            self._armed.append(fault)

    def describe(self) -> list[dict[str, object]]:
        """What is armed, as JSON values for the control API."""
        return [asdict(fault) for fault in self._armed]

    async def response(self) -> Response | None:
        """The response of the fault that applies to this request; None: that of the script."""
        fault = take_oldest(self._armed, lambda fault: True)
        match None if fault is None else fault.kind:
            case ScriptFaultKind.SCRIPT_404:
                return Response("There is no script.", 404, media_type="text/plain")
            case ScriptFaultKind.SCRIPT_SLOW:
                await asyncio.sleep(SLOW_S)
                return None
            case ScriptFaultKind.SCRIPT_UNANSWERED:
                await asyncio.Event().wait()
                return None
            case (ScriptFaultKind.SCRIPT_HANG | ScriptFaultKind.SCRIPT_THROWS) as kind:
                return Response(_SCRIPTS[kind], media_type="text/javascript")
            case ScriptFaultKind.SCRIPT_HUGE:
                return StreamingResponse(_huge(), media_type="text/javascript")
            case None | ScriptFaultKind.NONE:
                return None


async def _huge() -> AsyncIterator[bytes]:
    part = b"// so much\n".ljust(65536, b" ")
    for _ in range(HUGE_BYTES // len(part)):
        yield part
        await asyncio.sleep(0)  # Let the rest of the studio run.

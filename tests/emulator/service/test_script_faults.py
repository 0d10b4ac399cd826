"""What can be wrong with the script of the input module, met over a real socket."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from starlette.applications import Starlette

from rejoin.backend.serving import serving
from rejoin.emulator.service import script_faults
from rejoin.emulator.service.faults import ScriptFault, ScriptFaultKind
from rejoin.emulator.service.protocol_script import PATH, protocol_script, route
from rejoin.emulator.service.script_faults import HUGE_BYTES, ScriptFaults
from rejoin.errors import BadInputError


async def test_every_fault_of_the_script_is_served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(script_faults, "SLOW_S", 0.3)
    faults = ScriptFaults()
    app = Starlette(routes=[route(faults)])
    async with (
        serving(app, "127.0.0.1", 0, close_patience_s=0) as port,
        httpx.AsyncClient(trust_env=False, base_url=f"http://127.0.0.1:{port}", timeout=60) as http,
    ):
        assert (await http.get(PATH)).text == protocol_script()
        faults.arm(ScriptFault(ScriptFaultKind.SCRIPT_404))
        faults.arm(ScriptFault(ScriptFaultKind.SCRIPT_HANG))
        faults.arm(ScriptFault(ScriptFaultKind.SCRIPT_THROWS))
        missing = await http.get(PATH)
        assert missing.status_code == 404
        assert missing.headers["access-control-allow-origin"] == "*"
        assert (await http.get(PATH)).text == "for (;;) {}"
        assert (await http.get(PATH)).text.startswith("throw ")
        assert (await http.get(PATH)).text == protocol_script()

        faults.arm(ScriptFault(ScriptFaultKind.SCRIPT_SLOW))
        loop = asyncio.get_running_loop()
        began_at = loop.time()
        assert (await http.get(PATH)).text == protocol_script()
        assert loop.time() - began_at >= 0.3

        faults.arm(ScriptFault(ScriptFaultKind.SCRIPT_HUGE))
        read = 0
        async with http.stream("GET", PATH, timeout=60) as huge:
            assert huge.headers["content-type"].startswith("text/javascript")
            async for part in huge.aiter_bytes():
                read += len(part)
        assert read >= HUGE_BYTES

        faults.arm(ScriptFault(ScriptFaultKind.SCRIPT_UNANSWERED))
        with pytest.raises(httpx.ReadTimeout):
            await http.get(PATH, timeout=0.3)


async def test_faults_are_counted_and_cleared() -> None:
    faults = ScriptFaults()
    faults.arm(ScriptFault(ScriptFaultKind.SCRIPT_404, times=None))
    for _ in range(3):
        assert await faults.response() is not None
    assert faults.describe() == [{"kind": "script_404", "times": None}]
    faults.arm(ScriptFault(ScriptFaultKind.NONE))
    assert await faults.response() is None
    with pytest.raises(BadInputError):
        ScriptFault(ScriptFaultKind.SCRIPT_404, times=0)

"""The host's own load: numbers that follow what the process does."""

from __future__ import annotations

import json
import sys
import time

from rejoin.emulator.host.performance import LoadMeter


def test_a_busy_process_differs_from_an_idle_one() -> None:
    meter = LoadMeter()
    started_s = time.process_time()
    while time.process_time() - started_s < 0.05:
        pass
    busy = json.loads(meter.read())
    time.sleep(0.3)
    idle = json.loads(meter.read())
    assert set(busy) == {"application", "system"}
    assert 0 < busy["application"]["cpuNormalized"] <= 100
    assert 0 <= idle["application"]["cpuNormalized"] <= 100
    assert idle["application"]["cpuNormalized"] < busy["application"]["cpuNormalized"] or (
        # a machine too busy to give this process its turn
        busy["application"]["cpuNormalized"] < 10
    )
    if sys.platform == "linux":
        assert busy["application"]["memoryMB"] > 5

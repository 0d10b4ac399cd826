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
    assert 0 < busy["application"]["cpuUtilizationNormalized"] <= 1
    assert 0 <= idle["application"]["cpuUtilizationNormalized"] <= 1
    assert (
        idle["application"]["cpuUtilizationNormalized"]
        < busy["application"]["cpuUtilizationNormalized"]
    ) or (
        # a machine too busy to give this process its turn
        busy["application"]["cpuUtilizationNormalized"] < 0.1
    )


def test_the_members_are_those_of_the_typings() -> None:
    shared = json.loads(LoadMeter().read())
    assert set(shared) == {"timestamp", "application", "system"}
    assert abs(shared["timestamp"] / 1000 - time.time()) < 60
    assert set(shared["application"]) == {
        "cpuUtilizationNormalized",
        "memoryUtilizationNormalized",
        "memoryUtilizationMb",
    }
    assert set(shared["system"]) == {
        "cpuUtilization",
        "memoryUtilization",
        "memoryUtilizationMb",
        "gpuUtilization",
        "vramUtilization",
        "vramUtilizationMb",
    }
    if sys.platform == "linux":
        application, system = shared["application"], shared["system"]
        assert 5 < application["memoryUtilizationMb"] <= system["memoryUtilizationMb"]
        assert 0 < application["memoryUtilizationNormalized"] <= system["memoryUtilization"] <= 1

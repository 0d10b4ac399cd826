from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence

import pytest

from conftest import LogRecords
from rejoin.media.video.codec_context import hardware_built_in
from rejoin.media.video.hardware import Hardware, candidates, chosen

WORKS = "pass"
REFUSES = "print('it is slow (9 ms a picture)'); raise SystemExit(1)"
CRASHES = "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"
HANGS = "import time; time.sleep(600)"


@pytest.fixture
def probed() -> list[str]:
    return []


@pytest.fixture
def make(probed: list[str]) -> Iterator[Callable[..., Hardware]]:
    """Hardware whose probes are these Python programs, by name."""
    made: list[Hardware] = []

    def make(programs: dict[str, str], timeout_s: float = 60.0) -> Hardware:
        def probe(name: str) -> Sequence[str]:
            probed.append(name)
            return (sys.executable, "-c", programs[name])

        hardware = Hardware(tuple(programs), probe=probe, timeout_s=timeout_s)
        made.append(hardware)
        return hardware

    yield make
    for hardware in made:
        hardware.close()


def done(hardware: Hardware) -> None:
    end = time.monotonic() + 60
    while "still being probed" in hardware.sentence:
        assert time.monotonic() < end, "the probes did not end"
        time.sleep(0.01)
    hardware._probing.join()


def test_without_anything_to_probe_software_decodes() -> None:
    hardware = Hardware()
    hardware.begin()
    assert hardware.name is None
    assert hardware.sentence == ("Video is decoded in software: there is no hardware to try.")
    hardware.close()


@pytest.mark.usefixtures("nothing_left_behind")
def test_the_first_that_works_is_used(make: Callable[..., Hardware], probed: list[str]) -> None:
    hardware = make({"vaapi": REFUSES, "cuda": WORKS, "qsv": WORKS})
    names = [hardware.name]
    hardware.begin()
    done(hardware)
    names.append(hardware.name)
    assert names == [None, "cuda"]
    assert hardware.sentence == "Video is decoded in hardware (cuda)."
    assert probed == ["vaapi", "cuda"]


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals")
def test_a_driver_that_crashes_ends_only_its_probe(
    make: Callable[..., Hardware],
) -> None:
    hardware = make({"vaapi": CRASHES, "cuda": REFUSES})
    hardware.begin()
    done(hardware)
    assert hardware.name is None
    assert hardware.sentence == (
        "Video is decoded in software: vaapi: the probe crashed (-11),"
        " cuda: it is slow (9 ms a picture)."
    )


@pytest.mark.usefixtures("nothing_left_behind")
def test_a_probe_that_hangs_is_killed(make: Callable[..., Hardware]) -> None:
    hardware = make({"vaapi": HANGS}, timeout_s=0.2)
    hardware.begin()
    done(hardware)
    assert hardware.name is None
    assert "the probe did not end within 0.2 s" in hardware.sentence


@pytest.mark.usefixtures("nothing_left_behind")
def test_closing_kills_a_running_probe(make: Callable[..., Hardware], probed: list[str]) -> None:
    hardware = make({"vaapi": HANGS, "cuda": WORKS})
    hardware.begin()
    end = time.monotonic() + 60
    while hardware._probing._child is None:
        assert time.monotonic() < end
        time.sleep(0.005)
    child = hardware._probing._child
    hardware.close()
    assert child.wait(60) != 0
    hardware._probing.join()
    assert probed == ["vaapi"]
    assert hardware.name is None


def test_a_probe_that_cannot_be_started_is_a_refusal() -> None:
    hardware = Hardware(("cuda",), probe=lambda name: ("/no/such/program",))
    hardware.begin()
    done(hardware)
    assert hardware.name is None
    assert "it could not be probed" in hardware.sentence


def test_hardware_that_failed_during_play_is_given_up_for_good(
    make: Callable[..., Hardware], expected_logs: LogRecords
) -> None:
    hardware = make({"cuda": WORKS})
    hardware.begin()
    done(hardware)
    hardware.give_up("it hangs")
    hardware.give_up("it cannot decode")
    hardware.begin()
    assert hardware.name is None
    assert hardware.sentence == "Video is decoded in software: it hangs."
    assert expected_logs.lines == [
        "WARNING rejoin.hardware: hardware decoding failed, continuing in software: it hangs"
    ]


@pytest.mark.parametrize(
    ("platform", "possible"),
    [
        ("linux", ("vaapi", "cuda")),
        ("win32", ("d3d11va", "dxva2")),
        ("darwin", ("videotoolbox",)),
        ("aix", ()),
    ],
)
def test_each_system_probes_its_own_interfaces_that_ffmpeg_was_built_with(
    monkeypatch: pytest.MonkeyPatch, platform: str, possible: tuple[str, ...]
) -> None:
    everything = frozenset({"cuda", "vaapi", "d3d11va", "dxva2", "videotoolbox", "d3d12va"})
    monkeypatch.setattr("rejoin.media.video.hardware.hardware_built_in", lambda: everything)
    assert candidates(platform) == possible
    monkeypatch.setattr(
        "rejoin.media.video.hardware.hardware_built_in", lambda: frozenset({"cuda"})
    )
    assert candidates(platform) == tuple(name for name in possible if name == "cuda")


def test_the_setting_decides_whether_anything_is_probed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rejoin.media.video.hardware.candidates", lambda: ("vaapi", "cuda"))
    assert chosen("auto").names == ("vaapi", "cuda")
    assert chosen("software").names == ()


@pytest.mark.usefixtures("nothing_left_behind")
def test_the_real_probe_ends_here_with_a_reason() -> None:
    """On any machine each candidate was probed, and what is not used has a reason."""
    hardware = Hardware(candidates())
    hardware.begin()
    if candidates():
        done(hardware)
    hardware.close()
    if hardware.name is not None:
        assert hardware.name in hardware_built_in()
        return
    assert hardware.sentence.startswith("Video is decoded in software: ")
    for name in candidates():
        assert f"{name}: it" in hardware.sentence


def test_one_can_wait_for_the_probes(make: Callable[..., Hardware]) -> None:
    hardware = make({"card": REFUSES})
    hardware.wait()  # nothing has begun
    hardware.begin()
    hardware.wait()
    assert hardware.sentence == ("Video is decoded in software: card: it is slow (9 ms a picture).")

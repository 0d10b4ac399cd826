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
def tried() -> list[str]:
    return []


@pytest.fixture
def make(tried: list[str]) -> Iterator[Callable[..., Hardware]]:
    """Hardware whose probes are these Python programs, by name."""
    made: list[Hardware] = []

    def make(programs: dict[str, str], patience_s: float = 60.0) -> Hardware:
        def probe(name: str) -> Sequence[str]:
            tried.append(name)
            return (sys.executable, "-c", programs[name])

        hardware = Hardware(tuple(programs), probe=probe, patience_s=patience_s)
        made.append(hardware)
        return hardware

    yield make
    for hardware in made:
        hardware.close()


def done(hardware: Hardware) -> None:
    end = time.monotonic() + 60
    while "still being tried" in hardware.sentence:
        assert time.monotonic() < end, "it does not come to an end"
        time.sleep(0.01)
    assert hardware._thread is not None
    hardware._thread.join(60)


def test_what_is_not_looked_for_is_not_there() -> None:
    hardware = Hardware()
    hardware.begin()
    assert hardware.name is None
    assert hardware.sentence == ("Video is decoded in software: there is none that could be tried.")
    hardware.close()


@pytest.mark.usefixtures("nothing_left_behind")
def test_the_first_that_works_is_taken(make: Callable[..., Hardware], tried: list[str]) -> None:
    hardware = make({"vaapi": REFUSES, "cuda": WORKS, "qsv": WORKS})
    told = [hardware.name]
    hardware.begin()
    done(hardware)
    told.append(hardware.name)
    assert told == [None, "cuda"]
    assert hardware.sentence == "Video is decoded in hardware (cuda)."
    assert tried == ["vaapi", "cuda"]


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals")
def test_a_driver_that_crashes_takes_its_probe_with_it_and_nothing_else(
    make: Callable[..., Hardware],
) -> None:
    hardware = make({"vaapi": CRASHES, "cuda": REFUSES})
    hardware.begin()
    done(hardware)
    assert hardware.name is None
    assert hardware.sentence == (
        "Video is decoded in software: vaapi: trying it crashed (-11),"
        " cuda: it is slow (9 ms a picture)."
    )


@pytest.mark.usefixtures("nothing_left_behind")
def test_a_driver_that_hangs_is_ended(make: Callable[..., Hardware]) -> None:
    hardware = make({"vaapi": HANGS}, patience_s=0.2)
    hardware.begin()
    done(hardware)
    assert hardware.name is None
    assert "it hangs, or is not done in 0.2 s" in hardware.sentence


@pytest.mark.usefixtures("nothing_left_behind")
def test_closing_ends_a_probe_that_goes_on(make: Callable[..., Hardware], tried: list[str]) -> None:
    hardware = make({"vaapi": HANGS, "cuda": WORKS})
    hardware.begin()
    end = time.monotonic() + 20
    while hardware._child is None:
        assert time.monotonic() < end
        time.sleep(0.005)
    child = hardware._child
    hardware.close()
    assert child.wait(20) != 0
    assert hardware._thread is not None
    hardware._thread.join(20)
    assert tried == ["vaapi"]
    assert hardware.name is None


def test_a_probe_that_cannot_be_started_is_a_refusal() -> None:
    hardware = Hardware(("cuda",), probe=lambda name: ("/no/such/program",))
    hardware.begin()
    done(hardware)
    assert hardware.name is None
    assert "it could not be tried" in hardware.sentence


def test_what_failed_while_somebody_played_is_given_up_for_good(
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
        "WARNING rejoin.hardware: the hardware decoder failed, software goes on: it hangs"
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
def test_each_system_tries_its_own_and_what_ffmpeg_was_built_with(
    monkeypatch: pytest.MonkeyPatch, platform: str, possible: tuple[str, ...]
) -> None:
    everything = frozenset({"cuda", "vaapi", "d3d11va", "dxva2", "videotoolbox", "d3d12va"})
    monkeypatch.setattr("rejoin.media.video.hardware.hardware_built_in", lambda: everything)
    assert candidates(platform) == possible
    monkeypatch.setattr(
        "rejoin.media.video.hardware.hardware_built_in", lambda: frozenset({"cuda"})
    )
    assert candidates(platform) == tuple(name for name in possible if name == "cuda")


def test_a_setting_says_whether_anything_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rejoin.media.video.hardware.candidates", lambda: ("vaapi", "cuda"))
    assert chosen("auto").names == ("vaapi", "cuda")
    assert chosen("software").names == ()


@pytest.mark.usefixtures("nothing_left_behind")
def test_the_real_probe_comes_to_an_end_here_and_says_why() -> None:
    """Whatever this machine has: what was built in was tried, and what is not used has a reason."""
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

"""What was seen of a computer, and the sentence for it."""

from __future__ import annotations

import pytest

from rejoin.core.verdict import LinkState
from rejoin.runtime.doctor import machine_judging as judge
from rejoin.runtime.doctor.findings import Finding, Outcome
from rejoin.runtime.doctor.machine_judging import ProbeRun
from rejoin.runtime.renderer_memory import Verdict

OK, WARNING, FAILED, NOT_KNOWN = Outcome.OK, Outcome.WARNING, Outcome.FAILED, Outcome.NOT_KNOWN
NO_LIBGL = "ImportError: libGL.so.1: cannot open shared object file: No such file or directory"
NO_QT = "ModuleNotFoundError: No module named 'PySide6'"
CARD = Verdict("OpenGL", "A Card", "1", "6.11")


@pytest.mark.parametrize(
    ("finding", "outcome", "words"),
    [
        (
            judge.versions("1", "3.11", "Linux", ["av 18"]),
            OK,
            "Rejoin 1, Python 3.11, Linux; av 18.",
        ),
        (judge.parts([]), OK, "installed"),
        (judge.parts(["The Python package av is missing. Install it."]), FAILED, "av is missing"),
        (judge.codecs(None, None), OK, "decoded right"),
        (judge.codecs("its colours are wrong", None), FAILED, "test picture: its colours"),
        (judge.codecs(None, "its pitch is wrong"), FAILED, "test sound: its pitch"),
        (judge.decoder("Video is decoded in software: x."), OK, "software"),
        (judge.sound(None), OK, "default device"),
        (judge.sound("No sound: no audio output device was found."), WARNING, "no audio output"),
        (judge.display(ProbeRun(0), named=True), OK, "screen"),
        (judge.display(ProbeRun(-6), named=False), WARNING, "no display"),
        (judge.display(ProbeRun(-6), named=True), FAILED, "cannot use it"),
        (judge.display(ProbeRun(None), named=True), FAILED, "did not start in time"),
        (judge.display(ProbeRun(1, complained=NO_LIBGL), named=False), FAILED, "libGL.so.1"),
        (judge.display(ProbeRun(1, complained=NO_QT), named=True), FAILED, "PySide6 is missing"),
        (judge.card(ProbeRun(0, CARD.to_json())), OK, "A Card draws"),
        (judge.card(ProbeRun(0, "nonsense")), WARNING, "crashed"),
        (judge.card(ProbeRun(None)), WARNING, "did not end in time"),
        (judge.gamepads((), None), OK, "none is plugged in"),
        (judge.gamepads(("A pad",), None), OK, "A pad"),
        (judge.gamepads((), "Gamepads cannot be read: x."), WARNING, "cannot be read"),
        (judge.keyring(None), OK, "keeps"),
        (judge.keyring("This computer has no keyring."), WARNING, "no keyring"),
        (judge.link_scheme("rejoin.desktop", known=True), OK, "Rejoin opens"),
        (judge.link_scheme("other.desktop", known=True), WARNING, "Another program"),
        (judge.link_scheme("", known=True), WARNING, "Nothing opens"),
        (judge.link_scheme(None, known=False), NOT_KNOWN, "cannot be found out"),
        (judge.folders([], 10**9), OK, "can be saved"),
        (judge.folders([], None), OK, "can be saved"),
        (judge.folders([], 1000), WARNING, "nearly full"),
        (judge.folders(["It cannot be written to."], 10**9), FAILED, "cannot be written"),
        (judge.settings([]), OK, "can be read"),
        (judge.settings(["A line is wrong."]), WARNING, "A line is wrong"),
        (judge.sandbox(None), OK, "closed in"),
        (judge.sandbox("cannot start"), FAILED, "cannot start"),
        (judge.loopback(None), OK, "SRTP"),
        (judge.loopback("SRTP packets did not arrive."), FAILED, "did not arrive"),
    ],
)
def test_each_fact_has_its_finding(finding: Finding, outcome: Outcome, words: str) -> None:
    assert finding.outcome is outcome
    assert words in finding.found
    assert bool(finding.advice) is (outcome in (WARNING, FAILED))


def test_a_missing_library_says_which_package_to_install() -> None:
    found = judge.display(ProbeRun(1, complained=NO_LIBGL), named=False)
    assert found.advice == "On Debian or Ubuntu install it with: apt-get install libgl1"
    portaudio = judge.sound("No sound: install PortAudio (on Debian or Ubuntu: libportaudio2).")
    assert portaudio.advice == "Install PortAudio (on Debian or Ubuntu: libportaudio2)."


def test_a_card_that_is_refused_is_no_fault() -> None:
    refused = Verdict("OpenGL", "llvmpipe", "1", "6.11", "it is a rasteriser in software")
    found = judge.card(ProbeRun(0, refused.to_json()))
    assert found.outcome is OK
    assert "llvmpipe: it is a rasteriser in software" in found.found


@pytest.mark.parametrize(
    ("link", "local", "page", "outcome"),
    [
        (LinkState.UP, False, False, OK),
        (LinkState.GONE, False, False, FAILED),
        (LinkState.GONE, True, False, OK),
        (LinkState.UP, False, True, FAILED),
        (LinkState.UNKNOWN, False, False, NOT_KNOWN),
    ],
)
def test_the_network(link: LinkState, local: bool, page: bool, outcome: Outcome) -> None:
    assert judge.network(link, only_this_machine=local, sign_in_page=page).outcome is outcome

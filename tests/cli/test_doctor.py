"""`rejoin doctor`: what is run, what is printed, exit codes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

import pytest

from helpers.command_line import LINK, Rejoin
from rejoin.runtime.doctor import connection, machine, play, run, selftest
from rejoin.runtime.doctor.findings import Finding, OnUpdate, failed, ok, warning
from rejoin.runtime.doctor.rating import PlayNumbers
from rejoin.runtime.doctor.run import Check
from rejoin.runtime.studio_profile import StudioProfile

pytestmark = pytest.mark.usefixtures("nothing_left_behind")

GOOD = ok("codecs", "H.264 and Opus are decoded right.")
SLOW = warning("clock", "The clock is off.", "Set it.")
DEAD = failed("dns", "There is no host.", "Check the address.")


def check_of(finding: Finding) -> Check:
    async def work() -> Finding:
        return finding

    return Check(finding.check, 30.0, work)


@pytest.fixture
def machine_finds(monkeypatch: pytest.MonkeyPatch) -> list[Finding]:
    """What the checks of this computer find; the real ones have tests of their own."""
    found = [GOOD]
    monkeypatch.setattr(
        machine, "machine_checks", lambda options: tuple(check_of(each) for each in found)
    )
    monkeypatch.setattr(machine, "network_check", lambda: check_of(ok("network", "There is one.")))
    return found


class FakeWay:
    """In place of `ConnectionChecks`."""

    profiles: Sequence[StudioProfile] = ()
    finds: Finding = DEAD

    def __init__(self, profile: StudioProfile) -> None:
        type(self).profiles = (*self.profiles, profile)

    def checks(self) -> tuple[Check, ...]:
        return (check_of(self.finds),)

    def profile_to_play(self) -> None:
        return None

    async def aclose(self) -> None:
        pass


@pytest.fixture
def way(monkeypatch: pytest.MonkeyPatch) -> type[FakeWay]:
    class Way(FakeWay):
        pass

    monkeypatch.setattr(connection, "ConnectionChecks", Way)
    return Way


def test_without_a_backend_this_computer_is_checked(
    rejoin: Rejoin, machine_finds: list[Finding]
) -> None:
    code, out, err = rejoin("doctor")
    assert (code, err) == (0, "")
    assert "Codecs         ok       H.264 and Opus" in out
    assert "Network        ok" in out
    assert out.endswith("\nAll is well.\n")


def test_a_warning_is_no_failure(rejoin: Rejoin, machine_finds: list[Finding]) -> None:
    machine_finds.append(SLOW)
    code, out, _ = rejoin("doctor")
    assert code == 0
    assert out.endswith("You can play, but something could be better. Set it.\n")


def test_a_failure_is_exit_code_1(
    rejoin: Rejoin, machine_finds: list[Finding], way: type[FakeWay]
) -> None:
    code, out, _ = rejoin("doctor", "--backend", "https://x.example", token="CANARY")
    assert code == 1
    assert out.endswith("Something does not work. Check the address.\n")
    [profile] = way.profiles
    assert (profile.backend_url, profile.token) == ("https://x.example", "CANARY")
    assert "CANARY" not in out


def test_a_link_gets_no_token_that_is_given(
    rejoin: Rejoin, machine_finds: list[Finding], way: type[FakeWay]
) -> None:
    assert rejoin("doctor", "--backend", LINK, token="CANARY")[0] == 1
    [profile] = way.profiles
    assert (profile.backend_url, profile.token) == ("https://games.example/rejoin", None)
    assert profile.public_only
    code, _, err = rejoin("doctor", "--backend", "rejoin://play?x=1")
    assert (code, err[:31]) == (2, "rejoin: This link cannot be use")


def test_json_is_all_that_is_printed(
    rejoin: Rejoin, machine_finds: list[Finding], way: type[FakeWay]
) -> None:
    code, out, err = rejoin("doctor", "--json", "--backend", "https://x.example")
    found = json.loads(out)
    assert (code, err, found["outcome"]) == (1, "", "failed")
    assert [each["check"] for each in found["checks"]] == ["codecs", "dns"]


def test_a_game_is_played_after_the_way_to_it(
    rejoin: Rejoin,
    machine_finds: list[Finding],
    way: type[FakeWay],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Game:
        numbers = PlayNumbers(loss=0.25)

        def __init__(self, profile: object, explain: object) -> None:
            assert callable(profile)
            assert callable(explain)

        def checks(self) -> tuple[Check, ...]:
            return (check_of(ok("game", "It plays.")),)

    monkeypatch.setattr(play, "PlayChecks", Game)
    way.finds = ok("backend", "The studio's backend answers.")
    code, out, _ = rejoin("doctor", "--json", "--backend", "https://x.example", "--play")
    found = json.loads(out)
    assert (code, found["play"]["loss"]) == (0, 0.25)
    assert [each["check"] for each in found["checks"]] == ["codecs", "backend", "game"]


def test_the_selftest_runs_its_own_checks(rejoin: Rejoin, monkeypatch: pytest.MonkeyPatch) -> None:
    apis: list[str] = []

    def checks(*, card_api: str) -> tuple[Check, ...]:
        apis.append(card_api)
        return (check_of(failed("files", "One is missing.", "Install Rejoin again.")),)

    monkeypatch.setattr(selftest, "selftest_checks", checks)
    code, out, _ = rejoin("doctor", "--selftest")
    assert code == 1
    assert out.startswith("Files          FAILED   One is missing.")
    assert apis[0] in ("OpenGL", "Direct3D11", "Metal")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--play",), "--play needs --backend URL."),
        (("--selftest", "--backend", "https://x.example"), "--selftest uses no backend."),
        (("--backend", "https://x.example", "--dialect", "aws-react"), "needs --stream-group."),
    ],
)
def test_what_cannot_be_asked_for(
    rejoin: Rejoin, machine_finds: list[Finding], arguments: tuple[str, ...], words: str
) -> None:
    code, _, err = rejoin("doctor", *arguments)
    assert code == 2
    assert words in err


def test_without_a_package_that_the_way_needs_the_rest_is_still_said(
    rejoin: Rejoin, machine_finds: list[Finding], monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = "The Python package httpx is missing. Install it."
    machine_finds.append(failed("parts", missing, "Install it."))

    class Way:
        def __init__(self, profile: object) -> None:
            raise ModuleNotFoundError("No module named 'httpx'", name="httpx")

    monkeypatch.setattr(connection, "ConnectionChecks", Way)
    code, out, err = rejoin("doctor", "--backend", "https://x.example")
    assert (code, err) == (1, "")
    assert out.endswith("Something does not work. Install it.\n")


def test_ctrl_c_is_130(
    rejoin: Rejoin, machine_finds: list[Finding], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def interrupted(checks: Sequence[Check], on_update: OnUpdate) -> tuple[Finding, ...]:
        await asyncio.sleep(0)
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "run_checks", interrupted)
    assert rejoin("doctor")[0] == 130

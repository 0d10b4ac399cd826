"""The test of a connection on a thread: updates, cancelling, and an address that is none."""

from __future__ import annotations

import threading

import pytest

from rejoin.errors import BadInputError
from rejoin.rtc.candidates import NetworkRules
from rejoin.runtime.doctor import connection_test
from rejoin.runtime.doctor.connection_test import ConnectionTest
from rejoin.runtime.doctor.findings import Began, Finding, Outcome, Report, Update, ok
from rejoin.runtime.doctor.run import Check
from rejoin.runtime.studio_profile import StudioProfile

pytestmark = pytest.mark.usefixtures("nothing_left_behind")

PROFILE = StudioProfile("http://127.0.0.1:9", None, NetworkRules(loopback_only=True))


class Result:
    """A test on a thread, and what came of it."""

    def __init__(self, test: ConnectionTest) -> None:
        self.updates: list[Update] = []
        self.report: Report | None = None
        self._test = test
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        self.report = self._test.run(self.updates.append)

    def join(self) -> Report:
        self._thread.join(60)
        assert self.report is not None
        return self.report


@pytest.mark.parametrize("play", [False, True])
def test_a_backend_that_is_not_there(play: bool) -> None:
    result = Result(ConnectionTest(lambda: PROFILE, str, play=play))
    report = result.join()
    assert report.outcome is Outcome.FAILED
    assert report.cause is not None
    assert report.cause.check == "backend"
    assert [each.check for each in report.findings][-1] == ("quality" if play else "sign-in")
    assert [each for each in result.updates if isinstance(each, Finding)] == list(report.findings)
    assert report.play is None


def test_an_address_that_is_none_is_a_finding() -> None:
    def profile() -> StudioProfile:
        raise BadInputError("The ticket cannot be used.")

    result = Result(ConnectionTest(profile, str, play=True))
    assert result.join().advice == "Check the address."
    assert len(result.updates) == 1


def test_cancelling_waits_for_nothing_but_the_end_of_the_game(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    began, ended = threading.Event(), threading.Event()

    class Game:
        numbers = None

        def __init__(self, *_: object, **__: object) -> None:
            pass

        def checks(self) -> tuple[Check, ...]:
            return (Check("game", 600.0, self.work),)

        async def work(self) -> Finding:
            import asyncio

            began.set()
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()
            return ok("game", "never")

    class Way:
        profile_to_play = staticmethod(lambda: PROFILE)

        def __init__(self, profile: StudioProfile, *, how_to_sign_in: object) -> None:
            pass

        def checks(self) -> tuple[Check, ...]:
            async def good() -> Finding:
                return ok("proxy", "No proxy.")

            return (Check("proxy", 60.0, good),)

        async def aclose(self) -> None:
            pass

    monkeypatch.setattr(connection_test, "PlayChecks", Game)
    monkeypatch.setattr(connection_test, "ConnectionChecks", Way)
    test = ConnectionTest(lambda: PROFILE, str, play=True)
    result = Result(test)
    assert began.wait(30)
    test.cancel()
    report = result.join()
    assert ended.is_set()
    assert report.cancelled
    assert [each.check for each in report.findings] == ["proxy"]
    assert result.updates[-1] == Began("game", 0.2)
    test.cancel()  # there is nothing left to cancel


def test_one_that_is_cancelled_before_it_runs_does_nothing() -> None:
    test = ConnectionTest(lambda: PROFILE, str, play=True)
    test.cancel()
    assert Result(test).join().cancelled

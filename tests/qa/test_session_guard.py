"""Sessions of tests at an own backend are in the ledger, and the guardian knows them."""

from __future__ import annotations

from pathlib import Path

import pytest

from rejoin.qa import session_guard
from rejoin.qa.ledger import Ledger
from rejoin.qa.messages import Charge
from rejoin.qa.session_guard import SessionGuard
from rejoin.runtime.studio_profile import StudioProfile
from rejoin.signaling.dialects import DIALECTS

URL = "https://studio.example"


class FakeGuardian:
    def __init__(self, charge: Charge) -> None:
        self.heard: list[tuple[str, ...]] = []
        made.append(self)

    def session_began(self, key: str, session_id: str) -> None:
        self.heard.append((key, session_id))

    def session_over(self, key: str) -> None:
        self.heard.append((key,))

    def close(self) -> None:
        self.heard.append(())


made: list[FakeGuardian] = []


@pytest.fixture(autouse=True)
def _fake(monkeypatch: pytest.MonkeyPatch) -> None:
    made.clear()
    monkeypatch.setattr(session_guard, "Guardian", FakeGuardian)


def test_a_session_is_in_the_ledger_until_it_is_over(tmp_path: Path) -> None:
    guard = SessionGuard(StudioProfile(URL, "token"), tmp_path)
    ledger = Ledger(tmp_path)
    first, second = guard.begin("test_a"), guard.begin("test_b")
    first.known("s-1")
    entries = ledger.entries()
    assert [(entry.case, entry.session_id) for entry in entries] == [
        ("test_a", "s-1"),
        ("test_b", None),
    ]
    assert ledger.left_over() == ()
    first.over()
    assert [entry.case for entry in ledger.entries()] == ["test_b"]
    guard.close()
    assert [entry.case for entry in ledger.left_over()] == ["test_b"]
    key = entries[0].key
    assert made[0].heard == [(key, "s-1"), (key,), ()]
    second.over()
    assert ledger.entries() == ()


def test_an_id_that_is_a_secret_is_not_written(tmp_path: Path) -> None:
    dialect = next(each for each in DIALECTS.values() if each.session_is_secret)
    guard = SessionGuard(StudioProfile(URL, "token", dialect=dialect), tmp_path)
    guard.begin("test").known("secret-id")
    guard.close()
    assert made[0].heard[0][1] == "secret-id"
    assert all("secret-id" not in file.read_text() for file in tmp_path.glob("*.json"))

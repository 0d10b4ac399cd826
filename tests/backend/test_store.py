"""What the backend remembers: fences, owners, and what survives a restart."""

from __future__ import annotations

import os
import sqlite3
import threading
from pathlib import Path

import pytest

from rejoin.backend.service import StreamId
from rejoin.backend.store import KEPT_S, SessionForgottenError, Store, secret_hash
from rejoin.errors import ServiceError
from rejoin.service_model.fence import Claim

MINE = secret_hash("owner", "me")
THEIRS = secret_hash("owner", "them")


def started(store: Store, *, token: str = "start-token", sha: str = "sha-1") -> str:
    claim, row = store.begin_start(owner_hash=MINE, token=token, attempt=1, request_sha256=sha)
    assert claim is Claim.NEW
    assert row.stream is None
    store.started(row.id, StreamId("sg", "session"))
    return row.id


def claim(store: Store, session_id: str, attempt: int, token: str, sha: str) -> Claim:
    return store.claim(session_id, attempt=attempt, token=token, request_sha256=sha)[0]


def test_attempts_rise_and_only_an_identical_one_may_be_repeated() -> None:
    store = Store()
    session_id = started(store)
    assert claim(store, session_id, 1, "start-token", "sha-1") is Claim.STALE
    assert claim(store, session_id, 3, "t3", "sha-3") is Claim.NEW
    assert claim(store, session_id, 2, "t2", "sha-2") is Claim.STALE
    assert claim(store, session_id, 3, "t3", "sha-3") is Claim.REPEATED
    assert claim(store, session_id, 3, "other", "sha-3") is Claim.STALE
    assert claim(store, session_id, 3, "t3", "sha-x") is Claim.STALE
    assert claim(store, session_id, 4, "t4", "sha-3") is Claim.REUSED
    assert claim(store, session_id, 4, "t4", "sha-1") is Claim.REUSED
    assert claim(store, session_id, 4, "t4", "sha-4") is Claim.NEW
    store.close()


def test_an_answer_of_an_older_attempt_does_not_overwrite() -> None:
    store = Store()
    session_id = started(store)
    claim(store, session_id, 2, "t2", "sha-2")
    claim(store, session_id, 3, "t3", "sha-3")
    row = store.answered(session_id, attempt=2, request_sha256="sha-2", answer="old")
    assert row.answer is None
    row = store.answered(session_id, attempt=3, request_sha256="sha-3", answer="new")
    assert row.answer == "new"
    claim(store, session_id, 4, "t4", "sha-4")
    after = store.find(session_id, MINE)
    assert after is not None
    assert after.answer is None
    assert after.older_answer_hash == secret_hash("answer", "new")
    store.close()


def test_a_session_is_found_by_its_owner_only() -> None:
    store = Store()
    session_id = started(store)
    assert store.find(session_id, MINE) is not None
    assert store.find(session_id, THEIRS) is None
    assert store.find("nothing", MINE) is None
    store.close()


def test_the_age_of_a_session_counts_from_its_start() -> None:
    now = 1000.0
    store = Store(wall=lambda: now)
    session_id = started(store)
    now = 1600.5
    assert store.age_s(session_id) == 600.5
    now = 0.0  # the clock was set back
    assert store.age_s(session_id) == 0.0
    assert store.age_s("unknown") == float("inf")
    store.close()


def test_the_same_start_is_one_session_and_another_body_is_refused() -> None:
    store = Store()
    session_id = started(store)

    def again(attempt: int, sha: str) -> tuple[Claim, str]:
        verdict, row = store.begin_start(
            owner_hash=MINE, token="start-token", attempt=attempt, request_sha256=sha
        )
        return verdict, row.id

    assert again(1, "sha-1") == (Claim.REPEATED, session_id)
    assert again(1, "sha-x") == (Claim.REUSED, session_id)
    assert again(9, "sha-1") == (Claim.REUSED, session_id)
    verdict, row = store.begin_start(
        owner_hash=THEIRS, token="start-token", attempt=1, request_sha256="sha-1"
    )
    assert (verdict, row.id != session_id) == (Claim.NEW, True)
    store.forget(session_id)
    assert store.find(session_id, MINE) is None
    assert again(1, "sha-1")[0] is Claim.NEW
    store.close()


def test_a_restart_keeps_sessions_and_fences_and_no_secret_is_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "backend.sqlite3"
    store = Store(str(path))
    session_id = started(store, token="canary-token-1")
    claim(store, session_id, 5, "canary-token-5", "sha-5")
    store.answered(session_id, attempt=5, request_sha256="sha-5", answer="canary-answer")
    store.close()
    if os.name == "posix":
        assert path.stat().st_mode & 0o077 == 0

    store = Store(str(path))
    row = store.find(session_id, MINE)
    assert row is not None
    assert (row.attempt, row.answer, row.stream) == (5, "canary-answer", StreamId("sg", "session"))
    assert claim(store, session_id, 4, "t4", "sha-4") is Claim.STALE
    assert claim(store, session_id, 5, "canary-token-5", "sha-5") is Claim.REPEATED
    row = store.ended(session_id, "TERMINATED", "applicationExit")
    assert (row.answer, row.ended_status, row.ended_reason) == (
        None,
        "TERMINATED",
        "applicationExit",
    )
    store.close()

    with sqlite3.connect(path) as database:
        dump = "\n".join(database.iterdump())
    database.close()
    assert "canary" not in dump


def test_rows_are_deleted_once_no_session_can_be_that_old() -> None:
    now = [1000.0]
    store = Store(wall=lambda: now[0])
    session_id = started(store)
    now[0] += KEPT_S - 1
    started(store, token="another")
    assert store.find(session_id, MINE) is not None
    now[0] += 2
    started(store, token="a third")
    assert store.find(session_id, MINE) is None
    with pytest.raises(SessionForgottenError):
        claim(store, session_id, 2, "t2", "sha-2")
    store.close()


def test_of_many_threads_that_claim_one_attempt_one_wins() -> None:
    store = Store()
    session_id = started(store)
    verdicts: list[Claim] = []

    def race(number: int) -> None:
        verdicts.append(claim(store, session_id, 2, f"token-{number}", f"sha-{number}"))

    threads = [threading.Thread(target=race, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(verdict.value for verdict in verdicts) == ["new"] + ["stale"] * 7
    store.close()


@pytest.mark.parametrize("kind", ["no folder", "not a database"])
def test_a_bad_file_is_one_sentence(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "missing" / "x.sqlite3"
    if kind == "not a database":
        path = tmp_path / "x.sqlite3"
        path.write_bytes(b"this is a text file and not a database" * 100)
    with pytest.raises(ServiceError) as caught:
        Store(str(path))
    assert str(caught.value).endswith(".")

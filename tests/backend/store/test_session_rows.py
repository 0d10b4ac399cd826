"""What the rows of a session say, read as one value."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection

from helpers.stores import newest_is, opened, running_session
from rejoin.backend.store.schema import secret_hash
from rejoin.backend.store.session_rows import (
    SessionForgottenError,
    find_row,
    get_row,
    offered_by,
)

SOON_S = 60.0


async def test_the_newest_attempt_is_the_session_and_earlier_answers_are_hashes() -> None:
    async with opened() as store:
        row = await running_session(store)
        await store.attempts.answered(
            row.id, attempt=1, request_sha256="sha-1", answer="answer 1", within_s=SOON_S
        )
        await newest_is(store, row.id, "me", 2)

        def work(connection: Connection) -> None:
            found = get_row(connection, row.id)
            assert (found.attempt, found.request_sha256, found.answer) == (2, "sha-2", None)
            assert found.earlier_answers == {secret_hash("answer", "answer 1")}
            offered = offered_by(connection, row.id, "sha-1")
            assert offered is not None
            assert offered.number == 1
            assert offered_by(connection, row.id, "sha-3") is None

        await store.database.run(work, within_s=SOON_S)


async def test_a_row_that_is_gone_is_none_or_an_error_of_ours() -> None:
    async with opened() as store:

        def work(connection: Connection) -> None:
            assert find_row(connection, "nobody") is None
            with pytest.raises(SessionForgottenError):
                get_row(connection, "nobody")

        await store.database.run(work, within_s=SOON_S)

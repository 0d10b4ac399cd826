"""What AWS calls a call's requests: noted where the call is, in its tasks and threads too."""

from __future__ import annotations

import asyncio
from contextvars import copy_context
from typing import Any

import pytest

from rejoin.backend.aws_requests import MOST, note, noted_in


def answer(name: object) -> dict[str, Any]:
    return {"ResponseMetadata": {"RequestId": name}}


async def test_a_call_has_the_ids_of_its_own_tasks_and_threads() -> None:
    async def call(name: str) -> list[str]:
        ids: list[str] = []
        with noted_in(ids):
            note(answer(f"{name}-0"), model=None)
            await asyncio.create_task(in_a_task(f"{name}-1"))
            context = copy_context()
            await asyncio.get_running_loop().run_in_executor(
                None, context.run, note, answer(f"{name}-2")
            )
        note(answer(f"{name}-3"))
        return ids

    async def in_a_task(name: str) -> None:
        await asyncio.sleep(0)
        note(answer(name))

    found = await asyncio.gather(call("a"), call("b"))
    assert list(found) == [["a-0", "a-1", "a-2"], ["b-0", "b-1", "b-2"]]


@pytest.mark.parametrize("parsed", [{}, {"ResponseMetadata": "x"}, answer(None), answer("a b\r\n")])
def test_what_is_no_id_is_not_noted(parsed: dict[str, Any]) -> None:
    ids: list[str] = []
    with noted_in(ids):
        note(parsed)
    assert ids == []


def test_not_more_than_a_few_are_kept() -> None:
    ids: list[str] = []
    with noted_in(ids):
        for number in range(2 * MOST):
            note(answer(str(number)))
    assert ids == [str(number) for number in range(MOST)]

"""The Host header: our own names in every spelling, and nobody else's."""

from __future__ import annotations

import pytest

from helpers.backend_caller import in_process, problem_of
from helpers.fake_stream_service import GOOD_TOKEN, FakeStreamService
from helpers.stores import opened
from rejoin.backend.routes import AppRules, build_app
from rejoin.signaling.wire import ProblemCode


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("127.0.0.1:8080", True),
        ("LOCALHOST", True),
        ("localhost.", True),
        ("[::1]:8080", True),
        ("rebound.example", False),
        ("127.0.0.1.example", False),
        ("", False),
        ("localhost:", True),
        ("127.0.0.1:8080@rebound.example", False),
        ("localhost:rebound.example", False),
        ("[::1]rebound.example", False),
        ("[::1", False),
        ("localhost/", False),
    ],
)
async def test_only_a_name_of_ours_is_answered(host: str, allowed: bool) -> None:
    async with opened() as store:
        app = build_app(
            FakeStreamService(),
            store,
            [GOOD_TOKEN],
            rules=AppRules(hosts=("localhost", "127.0.0.1", "::1")),
        )
        async with in_process(app) as http:
            answer = await http.get("/v1/health", headers={"Host": host})
    if allowed:
        assert answer.status_code == 200
    else:
        problem_of(answer, ProblemCode.INVALID_REQUEST, 421)

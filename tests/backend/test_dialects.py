"""The settings choose the dialect."""

from __future__ import annotations

import base64
from pathlib import Path

import httpx
import pytest

from helpers.backend_caller import in_process
from helpers.fake_stream_service import GOOD_TOKEN, OTHER_TOKEN, FakeStreamService, new_offer
from helpers.stores import opened
from rejoin.backend.budgets import START as START_CALL
from rejoin.backend.call_rate import Quota
from rejoin.backend.configuration import BackendSettings
from rejoin.backend.dialects import build_backend
from rejoin.backend.store.budgets import BudgetStore
from rejoin.errors import BadInputError
from rejoin.signaling.dialects import DIALECTS

PNG = b"\x89PNG\r\n\x1a\n" + b"rest"
START = {
    "ours": ("/v1/sessions", {"signal_request": new_offer(), "attempt": 1}, 201),
    "aws-bundle": (
        "/api/CreateStreamSession",
        {"StreamGroupId": "sg-1", "SignalRequest": new_offer()},
        200,
    ),
    "aws-react": ("/", {"SGIdentifier": "sg-1", "SignalRequest": new_offer()}, 200),
}


@pytest.mark.parametrize("name", list(DIALECTS))
async def test_each_dialect_answers_its_own_start_and_no_other(name: str) -> None:
    settings = BackendSettings("us-west-2", "sg-1", "a-1", (GOOD_TOKEN,), dialect=name)

    async with opened() as store:
        app = build_backend(FakeStreamService(), store, settings)
        async with in_process(app, "http://127.0.0.1") as http:
            for dialect, (path, body, status) in START.items():
                answer = await http.post(
                    path,
                    json=body,
                    headers={
                        "Authorization": f"Bearer {GOOD_TOKEN}",
                        "Idempotency-Key": "k" * 32,
                    },
                )
                if dialect == name:
                    assert answer.status_code == status
                else:
                    assert answer.status_code in (403, 404, 405)


@pytest.mark.parametrize("name", list(DIALECTS))
async def test_the_bearer_token_is_checked_where_the_dialect_needs_one(name: str) -> None:
    settings = BackendSettings("us-west-2", "sg-1", "a-1", (GOOD_TOKEN,), dialect=name)

    async with opened() as store:
        app = build_backend(FakeStreamService(), store, settings, (OTHER_TOKEN,))
        async with in_process(app, "http://127.0.0.1") as http:
            path, body, _ = START[name]
            answer = await http.post(
                path, json=body, headers={"Authorization": f"Bearer {GOOD_TOKEN}"}
            )
            assert (answer.status_code == 401) is DIALECTS[name].needs_token


@pytest.mark.parametrize("name", list(DIALECTS))
async def test_no_dialect_answers_to_a_name_that_is_not_its_own(name: str) -> None:
    settings = BackendSettings("us-west-2", "sg-1", "a-1", (GOOD_TOKEN,), dialect=name)

    service = FakeStreamService()
    async with opened() as store:
        app = build_backend(service, store, settings)
        async with in_process(app, "http://rebound.example") as http:
            path, body, _ = START[name]
            headers = {"Authorization": f"Bearer {GOOD_TOKEN}", "Idempotency-Key": "k" * 32}
            assert (await http.post(path, json=body, headers=headers)).status_code == 421
    assert service.calls == []


def stands_still() -> float:
    """Time for no turn to come back."""
    return 1000.0


async def test_the_quota_and_its_shard_are_those_of_the_settings() -> None:
    settings = BackendSettings(
        "us-west-2", "sg-1", "a-1", (GOOD_TOKEN,), calls_per_s=7, calls_burst=3
    )
    async with opened() as store:
        app = build_backend(FakeStreamService(), store, settings, clock=stands_still)
        async with in_process(app, "http://127.0.0.1") as http:
            path, body, _ = START["ours"]
            headers = {"Authorization": f"Bearer {GOOD_TOKEN}", "Idempotency-Key": "k" * 32}
            assert (await http.post(path, json=body, headers=headers)).status_code == 201
        quota = Quota(7.0, 3)
        budgets = BudgetStore(store.database, "us-west-2", quota, stands_still)
        turns, _ = await budgets.take(START_CALL, 9, ahead_s=0.0, spare=0, within_s=60.0)
        assert len(turns.delays_s) < quota.burst


@pytest.mark.parametrize("way", ["openid", "introspection"])
async def test_about_says_what_to_sign_in_with_whichever_way_tokens_are_checked(way: str) -> None:
    names = {
        "region": "us-west-2",
        "stream_group": "sg-1",
        "application": "a-1",
        "openid_issuer": "https://issuer.example",
        "openid_audience": "https://play.example.org",
        "openid_client_id": "game",
        "openid_scopes": "openid play",
    }
    if way == "introspection":
        names |= {
            "introspection_url": "https://issuer.example/introspect",
            "introspection_client_id": "backend",
            "introspection_client_secret": "secret",
        }
    settings = BackendSettings.from_env(
        {f"REJOIN_BACKEND_{name.upper()}": value for name, value in names.items()}
    )
    async with opened() as store:
        app = build_backend(FakeStreamService(), store, settings)
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://127.0.0.1"
        ) as http:
            about = (await http.get("/v1/about")).json()
    assert about["sign_in"] == [
        {
            "kind": "openid",
            "issuer": "https://issuer.example",
            "client_id": "game",
            "scopes": "openid play",
            "audience": "https://play.example.org",
        }
    ]


async def test_about_has_the_icon_of_the_settings(tmp_path: Path) -> None:
    file = tmp_path / "icon.png"
    file.write_bytes(PNG)
    settings = BackendSettings("us-west-2", "sg-1", "a-1", (GOOD_TOKEN,), icon_file=str(file))
    async with opened() as store:
        app = build_backend(FakeStreamService(), store, settings)
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://127.0.0.1"
        ) as http:
            about = (await http.get("/v1/about")).json()
    assert base64.b64decode(about["icon"]) == PNG


@pytest.mark.parametrize(
    ("content", "why"),
    [(None, "cannot be read"), (b"GIF89a", "must be a PNG"), (PNG + b"x" * 16384, "16 KiB")],
)
async def test_an_icon_that_cannot_be_used_ends_the_start(
    content: bytes | None, why: str, tmp_path: Path
) -> None:
    file = tmp_path / "icon.png"
    if content is not None:
        file.write_bytes(content)
    settings = BackendSettings("us-west-2", "sg-1", "a-1", (GOOD_TOKEN,), icon_file=str(file))
    async with opened() as store:
        with pytest.raises(BadInputError, match=why):
            build_backend(FakeStreamService(), store, settings)

"""The committed contract is the one that the routes generate, and one that older clients know."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest

from helpers.backend_caller import caller
from helpers.fake_stream_service import FakeStreamService, new_offer, new_token
from rejoin.backend.openapi import DOCUMENT, main
from rejoin.backend.requests import NO_CLIENT_CONNECTION
from rejoin.signaling.wire import ProblemCode

CONTRACT_1_0 = Path(__file__).parent.parent / "data" / "contract_1_0.json"
"""The document of the last commit before contract 1.1."""


def test_the_committed_document_is_current() -> None:
    assert main(["--check"]) == 0


def test_a_document_that_differs_is_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "docs" / "contract.json"
    assert main(["--check", str(path)]) == 1
    assert main([str(path)]) == 0
    assert main(["--check", str(path)]) == 0
    path.write_text(path.read_text().replace("/v1/sessions", "/v2/sessions"))
    assert main(["--check", str(path)]) == 1
    assert str(path) in capsys.readouterr().out


def test_a_missing_package_is_named_with_the_part_to_install() -> None:
    program = (
        "import runpy, sys; sys.modules['fastapi'] = None; "
        "runpy.run_module('rejoin.backend.openapi', run_name='__main__')"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout) == (11, "")
    assert ended.stderr.startswith("The Python package fastapi is missing.")
    assert ended.stderr.count("\n") == 1


def test_it_names_every_call_and_every_reference_leads_somewhere() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    document = json.loads(text)
    calls = {(method, path) for path, methods in document["paths"].items() for method in methods}
    assert calls == {
        ("get", "/v1/health"),
        ("get", "/v1/about"),
        ("get", "/v1/ready"),
        ("post", "/v1/sessions"),
        ("get", "/v1/sessions/{session_id}"),
        ("delete", "/v1/sessions/{session_id}"),
        ("get", "/v1/sessions/{session_id}/answer"),
        ("post", "/v1/sessions/{session_id}/connections"),
        ("post", "/v1/reports"),
    }
    schemas = document["components"]["schemas"]
    for piece in text.split('"#/components/schemas/')[1:]:
        assert piece.partition('"')[0] in schemas
    for path, methods in document["paths"].items():
        for call in methods.values():
            assert ("security" in call) == (path not in ("/v1/health", "/v1/about", "/v1/ready"))
            assert "application/problem+json" in call["responses"]["default"]["content"]
            assert "422" not in call["responses"]
    words = schemas["ProblemBody"]["properties"]["code"]["examples"]
    assert words == [str(code) for code in ProblemCode]


# --- clients of contract 1.0 ----------------------------------------------------------------------


def of_1_0() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(CONTRACT_1_0.read_text(encoding="utf-8"))
    return document


def resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """Without the reference that it may be."""
    name = schema.get("$ref", "").rpartition("/")[2]
    found: dict[str, Any] = document["components"]["schemas"][name] if name else schema
    return found


def calls_of(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, call in methods.items():
            yield path, method, call


def test_every_call_of_contract_1_0_is_still_there_and_wants_nothing_more() -> None:
    old, new = of_1_0(), json.loads(DOCUMENT.read_text(encoding="utf-8"))
    for path, method, before in calls_of(old):
        now = new["paths"][path][method]
        known = {(each["in"], each["name"]): each for each in before.get("parameters", [])}
        for each in now.get("parameters", []):
            sent = known.pop((each["in"], each["name"]), None)
            assert sent is not None or not each["required"], each["name"]
            if sent is not None:
                assert each["schema"] == sent["schema"]
                assert each["required"] <= sent["required"]
        assert not known, "a parameter that a client of 1.0 sends is gone"
        assert set(before["responses"]) <= set(now["responses"])
        if "requestBody" not in before:
            assert "requestBody" not in now
            continue
        sends, takes = (
            resolved(each, of["requestBody"]["content"]["application/json"]["schema"])
            for each, of in ((old, before), (new, now))
        )
        assert set(takes["required"]) <= set(sends["required"])
        for name, schema in sends["properties"].items():
            assert takes["properties"][name]["type" if "type" in schema else "anyOf"] == (
                schema["type"] if "type" in schema else schema["anyOf"]
            )


def test_every_answer_has_what_contract_1_0_says_it_has() -> None:
    old, new = of_1_0(), json.loads(DOCUMENT.read_text(encoding="utf-8"))
    for name, before in old["components"]["schemas"].items():
        if "properties" not in before:
            continue
        now = new["components"]["schemas"][name]
        assert set(before.get("required", ())) <= set(now.get("required", ())), name
        assert set(before["properties"]) <= set(now["properties"]), name
        assert before.get("additionalProperties") == now.get("additionalProperties"), name


async def test_a_client_of_contract_1_0_plays() -> None:
    """It sends what 1.0 has and nothing else, and reads every answer by the schemas of 1.0."""
    old = of_1_0()
    checked: list[str] = []

    def check(answer: httpx.Response, path: str, method: str, status: str) -> dict[str, Any]:
        content = old["paths"][path][method]["responses"][status]["content"]
        ((kind, found),) = content.items()
        assert answer.headers["Content-Type"].partition(";")[0] == kind
        schema = {**old, **found["schema"]}  # references begin at the document
        jsonschema.Draft202012Validator(schema).validate(answer.json())
        checked.append(f"{method} {path} {status}")
        body: dict[str, Any] = answer.json()
        return body

    service = FakeStreamService()
    sessions = "/v1/sessions"
    one, answers, connections = (
        sessions + each
        for each in ("/{session_id}", "/{session_id}/answer", "/{session_id}/connections")
    )
    async with caller(service) as call:
        http = call.http
        health = check(await http.get("/v1/health"), "/v1/health", "get", "200")
        assert health["contract"] == 1
        assert type(health["contract"]) is int
        started = await call.start()
        assert started.status_code == 201
        session_id = check(started, sessions, "post", "201")["session_id"]
        refused = await call.start(offer=NO_CLIENT_CONNECTION)
        check(refused, sessions, "post", "default")
        service.place()
        path = f"{sessions}/{session_id}"
        view = check(await http.get(path), one, "get", "200")
        assert view["status"] == "ACTIVE"
        check(await http.get(f"{path}/answer"), answers, "get", "200")
        service.status = "PENDING_CLIENT_RECONNECTION"
        polled = await http.get(path, params={"known": "ACTIVE", "wait_s": "20"})
        assert check(polled, one, "get", "200")["status"] == service.status
        back = await http.post(
            f"{path}/connections",
            headers={"Idempotency-Key": new_token(), "Rejoin-Budget-Ms": "9000"},
            json={"signal_request": new_offer(), "attempt": 2},
        )
        assert check(back, connections, "post", "200")["attempt"] == 2
        stale = await call.reconnect(session_id, 1)
        assert check(stale, connections, "post", "default")["code"] == ProblemCode.STALE_ATTEMPT
        assert (await http.delete(path)).status_code == 204
    assert len(checked) == 8

"""The committed contract is the one that the routes generate."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from rejoin.backend.openapi import DOCUMENT, main
from rejoin.signaling.wire import ProblemCode


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

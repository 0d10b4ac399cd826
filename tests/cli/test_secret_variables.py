"""Secrets leave the environment first of all."""

from __future__ import annotations

from rejoin.cli import secret_variables


def test_secrets_leave_the_environment() -> None:
    environment = {
        "REJOIN_TOKEN": "CANARY-1",
        "REJOIN_BACKEND_TOKENS": "CANARY-2",
        "REJOIN_BACKEND_ACCESS_KEY_ID": "CANARY-3",
        "REJOIN_BACKEND_SECRET_ACCESS_KEY": "CANARY-4",
        "REJOIN_BACKEND_SESSION_TOKEN": "",
        "REJOIN_BACKEND_DATABASE": "postgresql://rejoin:CANARY-5@127.0.0.1/rejoin",
        "REJOIN_BACKEND_INTROSPECTION_CLIENT_SECRET": "CANARY-6",
        "REJOIN_BACKEND_REGION": "us-west-2",
        "PATH": "/bin",
    }
    before = {name: value for name, value in environment.items() if value}
    taken = secret_variables.taken_from(environment)
    assert environment == {"REJOIN_BACKEND_REGION": "us-west-2", "PATH": "/bin"}
    assert {**environment, **taken} == before

"""The backend's configuration: from the emulator to AWS by values alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from rejoin.backend.configuration import BackendSettings
from rejoin.errors import BadInputError

GOOD = {
    "REJOIN_BACKEND_REGION": "us-west-2",
    "REJOIN_BACKEND_STREAM_GROUP": "sg-1AB2C3De4",
    "REJOIN_BACKEND_APPLICATION": "a-9ZY8X7Wv6",
    "REJOIN_BACKEND_TOKENS": "canary-token-number-one, canary-token-number-two",
}


def test_the_least_settings_mean_aws_with_the_credentials_of_boto3() -> None:
    settings = BackendSettings.from_env({**GOOD, "PATH": "/bin", "REJOIN_BACKEND_PROFILE": ""})
    assert settings.endpoint_url is None
    assert settings.access_key_id is None
    assert settings.profile is None
    assert settings.database == ":memory:"
    assert settings.tokens == ("canary-token-number-one", "canary-token-number-two")
    assert "canary" not in repr(settings)


def test_everything_can_be_set() -> None:
    settings = BackendSettings.from_env(
        {
            **GOOD,
            "REJOIN_BACKEND_STREAM_GROUP": (
                "arn:aws:gameliftstreams:us-west-2:111122223333:streamgroup/sg-1AB2C3De4"
            ),
            "REJOIN_BACKEND_APPLICATIONS": "demo=a-1, tour=a-2",
            "REJOIN_BACKEND_ENDPOINT_URL": "http://127.0.0.1:4001",
            "REJOIN_BACKEND_ACCESS_KEY_ID": "AKIACANARY",
            "REJOIN_BACKEND_SECRET_ACCESS_KEY": "canary-secret",
            "REJOIN_BACKEND_CONNECTION_TIMEOUT_S": "10",
            "REJOIN_BACKEND_SESSION_LENGTH_S": "3600",
            "REJOIN_BACKEND_DATABASE": "/tmp/x.sqlite3",
            "REJOIN_BACKEND_PORT": "0",
        }
    )
    assert settings.applications == {"demo": "a-1", "tour": "a-2"}
    assert (settings.connection_timeout_s, settings.session_length_s) == (10, 3600)
    assert settings.port == 0
    assert "CANARY" not in repr(settings)
    assert "canary" not in repr(settings)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REGION", ""),
        ("REGION", "us west canary"),
        ("STREAM_GROUP", "sg/../canary"),
        ("APPLICATION", "arn:aws:s3:canary"),
        ("APPLICATIONS", "canary"),
        ("TOKENS", "canary"),
        ("TOKENS", ", ,"),
        ("TOKENS", "canary canary canary canary"),
        ("ENDPOINT_URL", "canary:4001"),
        ("ENDPOINT_URL", "http://[canary"),
        ("ENDPOINT_URL", "http://127.0.0.1:canary"),
        ("ACCESS_KEY_ID", "AKIAcanary"),
        ("SESSION_TOKEN", "canary"),
        ("CONNECTION_TIMEOUT_S", "3601"),
        ("CONNECTION_TIMEOUT_S", "0"),
        ("SESSION_LENGTH_S", "canary"),
        ("PORT", "65536"),
        ("PORT", "-1"),
        ("DIALECT", "canary"),
    ],
)
def test_a_bad_value_is_one_sentence_naming_the_variable(name: str, value: str) -> None:
    with pytest.raises(BadInputError) as caught:
        BackendSettings.from_env({**GOOD, f"REJOIN_BACKEND_{name}": value})
    said = str(caught.value)
    assert said.endswith(".")
    assert "canary" not in said
    assert "REJOIN_BACKEND_" in said


def test_the_dialect_is_ours_by_default() -> None:
    assert BackendSettings.from_env(GOOD).dialect == "ours"
    for name in ("ours", "aws-bundle", "aws-react"):
        settings = BackendSettings.from_env({**GOOD, "REJOIN_BACKEND_DIALECT": name})
        assert settings.dialect == name


def test_a_toml_file_sets_the_same(tmp_path: Path) -> None:
    path = tmp_path / "backend.toml"
    path.write_text(
        """
region = "us-west-2"
stream_group = "sg-1AB2C3De4"
application = "a-9ZY8X7Wv6"
tokens = ["canary-token-number-one", "canary-token-number-two"]
connection_timeout_s = 10
[applications]
demo = "a-1"
"""
    )
    settings = BackendSettings.from_toml(path)
    assert settings.tokens == ("canary-token-number-one", "canary-token-number-two")
    assert settings.connection_timeout_s == 10
    assert settings.applications == {"demo": "a-1"}


@pytest.mark.parametrize(
    "content",
    ["region = ", "canary = 1", 'region = ["us-west-2"]', "port = true", 'region = "us-west-2"'],
)
def test_a_bad_toml_file_is_one_sentence(tmp_path: Path, content: str) -> None:
    path = tmp_path / "backend.toml"
    path.write_text(content)
    with pytest.raises(BadInputError) as caught:
        BackendSettings.from_toml(path)
    assert "canary" not in str(caught.value)
    with pytest.raises(BadInputError):
        BackendSettings.from_toml(tmp_path / "missing.toml")

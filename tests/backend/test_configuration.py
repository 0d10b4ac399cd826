"""The backend's configuration: from the emulator to AWS by values alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rejoin.backend import configuration
from rejoin.backend.configuration import BackendSettings, readable_by_others
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
            "REJOIN_BACKEND_CALLS_PER_S": "50",
            "REJOIN_BACKEND_CALLS_BURST": "8",
            "REJOIN_BACKEND_SHARD": "studio.us-west-2",
        }
    )
    assert (settings.calls_per_s, settings.calls_burst) == (50, 8)
    assert settings.shard == "studio.us-west-2"
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
        ("CALLS_PER_S", "0"),
        ("CALLS_BURST", "canary"),
        ("SHARD", "canary canary"),
        ("APPLICATIONS", "canary=a-1,canary=a-2"),
        ("ENDPOINT_URL", "http://canary canary/"),
        ("ENDPOINT_URL", "http://canary..canary"),
        ("ENDPOINT_URL", "http://canary:canary@127.0.0.1"),
        ("SECRET_ACCESS_KEY", "canary\n"),
        ("DATABASE", "canary\0.db"),
        ("ICON_FILE", "canary\0.png"),
        ("OPENID_AUDIENCE", "canary"),
        ("OPENID_ISSUER", "https://canary:canary@accounts.example.org"),
        ("OPENID_ISSUER", "https://accounts.example.org?canary"),
        ("OPENID_TOKEN_TYPE", "jwt"),
        ("APPLICATIONS_CLAIM", "canary"),
        ("INTROSPECTION_URL", "https://accounts.example.org/canary"),
        ("INTROSPECTION_CLIENT_SECRET", "canary"),
    ],
)
def test_a_bad_value_is_one_sentence_naming_the_variable(name: str, value: str) -> None:
    with pytest.raises(BadInputError) as caught:
        BackendSettings.from_env({**GOOD, f"REJOIN_BACKEND_{name}": value})
    said = str(caught.value)
    assert said.endswith(".")
    assert "canary" not in said
    assert "REJOIN_BACKEND_" in said


@pytest.mark.parametrize(
    ("name", "value", "required"),
    [
        ("PORT", "-1", "0 to 65535"),
        ("PORT", "99999999999", "0 to 65535"),
        ("LIVE_SESSIONS", "-5", "1 or more"),
        ("PORT", "1.5", "a whole number"),
    ],
)
def test_a_number_that_is_whole_is_not_called_otherwise(
    name: str, value: str, required: str
) -> None:
    environ = {**GOOD, f"REJOIN_BACKEND_{name}": value}
    with pytest.raises(BadInputError, match=f"REJOIN_BACKEND_{name} must be {required}\\."):
        BackendSettings.from_env(environ)


@pytest.mark.parametrize(
    ("variable", "said"),
    [
        ("REJOIN_BACKEND_TOKEN", "TOKEN is no setting of the backend; tokens is one"),
        ("REJOIN_BACKEND_Tokens", "Tokens is no setting of the backend; tokens is one"),
        ("REJOIN_BACKEND_CALLS_PER_SECOND", "calls_per_s is one"),
        ("REJOIN_BACKEND_SERVICE", "SERVICE is no setting of the backend"),
        ("REJOIN_BACKEND_PORT_X", "PORT_X is no setting of the backend"),
    ],
)
def test_a_variable_with_a_wrong_name_is_named(variable: str, said: str) -> None:
    with pytest.raises(BadInputError, match=said) as caught:
        BackendSettings.from_env({**GOOD, variable: "canary"})
    assert "canary" not in str(caught.value)
    BackendSettings.from_env({**GOOD, variable: "", "REJOIN_TOKEN": "x", "REJOIN_BACKENDS": "y"})


def test_what_kubernetes_says_of_a_service_with_our_name_is_no_setting() -> None:
    of_kubernetes = {
        "REJOIN_BACKEND_SERVICE_HOST": "10.0.0.1",
        "REJOIN_BACKEND_SERVICE_PORT": "8080",
        "REJOIN_BACKEND_SERVICE_PORT_HTTP": "8080",
        "REJOIN_BACKEND_PORT": "tcp://10.0.0.1:8080",
        "REJOIN_BACKEND_PORT_8080_TCP": "tcp://10.0.0.1:8080",
        "REJOIN_BACKEND_PORT_8080_TCP_PROTO": "tcp",
        "REJOIN_BACKEND_PORT_8080_TCP_ADDR": "10.0.0.1",
    }
    assert BackendSettings.from_env(GOOD | of_kubernetes) == BackendSettings.from_env(GOOD)
    settings = {f"{configuration.PREFIX}{name.upper()}" for name in configuration._NAMES}
    assert settings & of_kubernetes.keys() == {"REJOIN_BACKEND_PORT"}, "its value tells them apart"
    assert BackendSettings.from_env(GOOD | {"REJOIN_BACKEND_PORT": "8123"}).port == 8123


def test_keys_of_the_service_can_be_sent_in_a_header() -> None:
    keys = {"access_key_id": "a", "secret_access_key": "b", "session_token": "c"}
    settings_with(**keys)
    for name in keys:
        with pytest.raises(BadInputError, match=f"{name} must be printable"):
            settings_with(**{**keys, name: "can ary"})


def test_a_name_that_is_nearly_a_setting_is_told_which(tmp_path: Path) -> None:
    path = tmp_path / "backend.toml"
    for name, said in (("stream_groups", "; stream_group is one"), ("canary_7f3a9c", "in it.")):
        path.write_text(f'{name} = "x"')
        with pytest.raises(BadInputError) as caught:
            BackendSettings.from_toml(path)
        assert said in str(caught.value)
        assert name not in str(caught.value)


def test_the_dialect_is_ours_by_default() -> None:
    assert BackendSettings.from_env(GOOD).dialect == "ours"
    for name in ("ours", "aws-bundle", "aws-react"):
        settings = BackendSettings.from_env({**GOOD, "REJOIN_BACKEND_DIALECT": name})
        assert settings.dialect == name


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_toml_file_sets_the_same(tmp_path: Path, encoding: str) -> None:
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
""",
        encoding=encoding,
    )
    settings = BackendSettings.from_toml(path)
    assert settings.tokens == ("canary-token-number-one", "canary-token-number-two")
    assert settings.connection_timeout_s == 10
    assert settings.applications == {"demo": "a-1"}


@pytest.mark.parametrize(
    "content",
    [
        "region = ",
        "canary = 1",
        'region = ["us-west-2"]',
        "port = true",
        'region = "us-west-2"',
        "a=" + "[" * 5000,
    ],
)
def test_a_bad_toml_file_is_one_sentence(tmp_path: Path, content: str) -> None:
    path = tmp_path / "backend.toml"
    path.write_text(content)
    with pytest.raises(BadInputError) as caught:
        BackendSettings.from_toml(path)
    assert "canary" not in str(caught.value)
    with pytest.raises(BadInputError):
        BackendSettings.from_toml(tmp_path / "missing.toml")


def settings_with(**changes: Any) -> BackendSettings:
    values: dict[str, Any] = {
        "region": "us-west-2",
        "stream_group": "sg-1",
        "application": "a-1",
        "tokens": ("a-token-of-many-characters",),
    }
    return BackendSettings(**{**values, **changes})


@pytest.mark.parametrize("dialect", ["aws-bundle", "aws-react"])
def test_a_dialect_without_sign_in_stays_on_this_machine(dialect: str) -> None:
    settings_with(dialect=dialect)
    with pytest.raises(BadInputError, match="sign-in"):
        settings_with(dialect=dialect, host="0.0.0.0")
    settings_with(dialect=dialect, host="0.0.0.0", sample_anywhere=True)


def test_on_loopback_only_its_own_names_are_answered() -> None:
    assert "localhost" in settings_with().allowed_hosts
    assert settings_with(host="192.0.2.1").allowed_hosts == ()
    named = ("play.example", "::1", "[2001:db8::1]", "192.0.2.1")
    assert settings_with(hosts=named).allowed_hosts == named


def test_what_is_not_wise_is_one_sentence_each() -> None:
    emulator, file = "http://127.0.0.1:4001", "x"
    assert settings_with(endpoint_url=emulator).warnings() == ()
    assert settings_with(database=file).warnings() == ()
    (forgetful,) = settings_with().warnings()
    assert ":memory:" in forgetful, "on loopback, behind a proxy, in front of AWS"
    (unmeasured,) = settings_with(database=file, dialect="aws-bundle", metrics_port=9081).warnings()
    assert "metrics" in unmeasured
    (readable,) = settings_with(endpoint_url="HTTP://192.0.2.7", database=file).warnings()
    assert "plain http" in readable
    weak = settings_with(host="192.0.2.1", tokens=("aaaaaaaaaaaaaaaa",)).warnings()
    assert len(weak) == 4
    assert all(sentence.endswith(".") for sentence in weak)
    assert settings_with(host="192.0.2.1", hosts=("a",), database="x").warnings()[1:] == ()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HOSTS", "a b"),
        ("HOSTS", "play.example.org:443"),
        ("HOSTS", "[::1]:443"),
        ("METRICS_PORT", "65536"),
        ("METRICS_PORT", "8080"),
        ("PROXIES", "not-an-address"),
        ("CONNECTIONS", "3"),
        ("CONNECTIONS", "x"),
        ("SAMPLE_ANYWHERE", "maybe"),
    ],
)
def test_a_wrong_setting_of_the_front_is_named(name: str, value: str) -> None:
    environ = {
        "REJOIN_BACKEND_REGION": "us-west-2",
        "REJOIN_BACKEND_STREAM_GROUP": "sg-1",
        "REJOIN_BACKEND_APPLICATION": "a-1",
        "REJOIN_BACKEND_TOKENS": "a-token-of-many-characters",
        f"REJOIN_BACKEND_{name}": value,
    }
    with pytest.raises(BadInputError, match=f"REJOIN_BACKEND_{name}"):
        BackendSettings.from_env(environ)


def test_a_settings_file_that_others_can_read_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text("")
    path.chmod(0o644)
    assert readable_by_others(path)
    path.chmod(0o600)
    assert not readable_by_others(path)

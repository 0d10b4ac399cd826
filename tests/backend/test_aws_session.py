"""The boto3 session: apart from the environment for an emulator, bounded where boto3 would wait."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import botocore.httpsession
import pytest

from rejoin.backend import aws_session
from rejoin.backend.aws import AwsStreamService
from rejoin.backend.aws_session import make_session
from rejoin.backend.configuration import BackendSettings
from rejoin.errors import BadInputError, ServiceError


def settings(
    endpoint_url: str | None = None, *, keys: bool = False, profile: str | None = None
) -> BackendSettings:
    return BackendSettings(
        region="us-west-2",
        stream_group="sg-1",
        application="a-1",
        tokens=("t" * 16,),
        endpoint_url=endpoint_url,
        access_key_id="AKIDOFTHEEMULATOR" if keys else None,
        secret_access_key="canary-secret" if keys else None,
        profile=profile,
    )


EMULATOR = settings("http://127.0.0.1:9", keys=True)


@pytest.fixture(autouse=True)
def _own_aws_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name in ("SSLKEYLOGFILE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


OF_ANOTHER_PROJECT = [
    ("AWS_PROFILE", "canary"),
    ("AWS_DEFAULT_PROFILE", "canary"),
    ("AWS_DEFAULTS_MODE", "canary"),
    ("AWS_CONFIG_FILE", sys.executable),
    ("AWS_SHARED_CREDENTIALS_FILE", sys.executable),
    ("AWS_MAX_ATTEMPTS", "canary"),
    ("AWS_RETRY_MODE", "canary"),
    ("AWS_STS_REGIONAL_ENDPOINTS", "canary"),
    ("AWS_ACCOUNT_ID_ENDPOINT_MODE", "canary"),
    ("AWS_REQUEST_CHECKSUM_CALCULATION", "canary"),
    ("AWS_ACCESS_KEY_ID", "canary"),
    ("AWS_ENDPOINT_URL", "http://192.0.2.1"),
    ("AWS_USE_FIPS_ENDPOINT", "true"),
    ("AWS_S3_US_EAST_1_REGIONAL_ENDPOINT", "canary"),
    ("AWS_CA_BUNDLE", "/nowhere/canary"),
    ("AWS_METADATA_SERVICE_TIMEOUT", "canary"),
    ("AWS_WEB_IDENTITY_TOKEN_FILE", "/nowhere/canary"),
    ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://[::1"),
    ("AWS_DATA_PATH", "/nowhere"),
    ("HTTPS_PROXY", "http://[::1"),
    ("HTTP_PROXY", "canary://"),
    ("REQUESTS_CA_BUNDLE", ""),
    ("REQUESTS_CA_BUNDLE", "/nowhere/canary"),
]


@pytest.mark.parametrize(("name", "value"), OF_ANOTHER_PROJECT)
def test_for_the_emulator_the_configuration_of_another_project_counts_for_nothing(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    service = AwsStreamService(EMULATOR)
    client = service._client(7.0)
    assert client.meta.endpoint_url == "http://127.0.0.1:9"
    service.close()


@pytest.mark.parametrize(
    ("name", "value", "named"),
    [
        ("AWS_PROFILE", "canary", "AWS_PROFILE"),
        ("AWS_DEFAULTS_MODE", "canary", "AWS_DEFAULTS_MODE"),
        ("AWS_CONFIG_FILE", sys.executable, "AWS_CONFIG_FILE"),
        ("AWS_STS_REGIONAL_ENDPOINTS", "canary", "AWS_STS_REGIONAL_ENDPOINTS"),
        ("AWS_ACCOUNT_ID_ENDPOINT_MODE", "canary", "AWS_ACCOUNT_ID_ENDPOINT_MODE"),
        ("AWS_CA_BUNDLE", "/nowhere/canary", "AWS_CA_BUNDLE"),
        ("AWS_CA_BUNDLE", sys.executable, "AWS_CA_BUNDLE"),
        ("REQUESTS_CA_BUNDLE", "/nowhere/canary", "REQUESTS_CA_BUNDLE"),
        ("HTTPS_PROXY", "http://[::1", "HTTPS_PROXY"),
        ("https_proxy", "socks4://canary", "https_proxy"),
        ("HTTPS_PROXY", "http://canary:99999", "HTTPS_PROXY"),
        ("HTTPS_PROXY", "http://", "HTTPS_PROXY"),
        ("AWS_METADATA_SERVICE_TIMEOUT", "canary", "AWS_METADATA_SERVICE_TIMEOUT"),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://[::1", "AWS_CONTAINER_CREDENTIALS_FULL_URI"),
        ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/nowhere", "AWS_CONTAINER_CREDENTIALS"),
        ("SSLKEYLOGFILE", "/nowhere/canary", "SSLKEYLOGFILE"),
    ],
)
def test_for_aws_itself_it_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, named: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(BadInputError, match=named) as caught:
        AwsStreamService(settings())
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("variables", "verified_by"),
    [
        ({"REQUESTS_CA_BUNDLE": ""}, True),
        ({"REQUESTS_CA_BUNDLE": "BUNDLE"}, "BUNDLE"),
        ({"AWS_CA_BUNDLE": "BUNDLE", "REQUESTS_CA_BUNDLE": "/nowhere"}, "BUNDLE"),
    ],
)
def test_certificates_are_verified_by_what_the_variables_name(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], verified_by: str | bool
) -> None:
    bundle = botocore.httpsession.DEFAULT_CA_BUNDLE
    for name, value in variables.items():
        monkeypatch.setenv(name, value.replace("BUNDLE", bundle))
    service = AwsStreamService(settings())
    session = service._client(7.0)._endpoint.http_session  # type: ignore[attr-defined]
    assert session._verify == (bundle if verified_by == "BUNDLE" else verified_by)
    service.close()


@pytest.mark.parametrize("exempt", ["*", ".amazonaws.com"])
def test_a_proxy_that_is_not_used_may_be_any(monkeypatch: pytest.MonkeyPatch, exempt: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "socks4://canary")
    monkeypatch.setenv("NO_PROXY", exempt)
    AwsStreamService(settings()).close()


def test_a_profile_of_the_settings_is_read_for_the_emulator_too() -> None:
    with pytest.raises(BadInputError, match="no such profile"):
        make_session(settings("http://127.0.0.1:9", keys=True, profile="canary"))


@pytest.mark.parametrize(
    ("endpoint_url", "proxies"),
    [
        ("http://127.0.0.1:9", {}),
        ("http://localhost:9", {}),
        ("http://[::1]:9", {}),
        ("https://gameliftstreams.example", {"https": "http://192.0.2.1:3128"}),
    ],
)
def test_no_proxy_leads_to_this_machine(
    monkeypatch: pytest.MonkeyPatch, endpoint_url: str, proxies: dict[str, str]
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://192.0.2.1:3128")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    service = AwsStreamService(settings(endpoint_url, keys=True))
    session = service._client(7.0)._endpoint.http_session  # type: ignore[attr-defined]
    used = session._proxy_config._proxies or {}
    assert used.get("https") == proxies.get("https")
    assert bool(used) is bool(proxies)
    service.close()


# --- credentials ----------------------------------------------------------------------------------


@pytest.fixture
def credential_process(tmp_path: Path) -> Callable[[str], None]:
    """Makes the default profile's credential_process: a shell script."""

    def make(script: str) -> None:
        tool = tmp_path / "tool"
        tool.write_text(f"#!/bin/sh\n{script}\n")
        tool.chmod(0o755)
        (tmp_path / "config").write_text(f"[default]\ncredential_process = {tool}\n")

    return make


def test_a_credential_process_that_answers_is_used(
    credential_process: Callable[[str], None],
) -> None:
    credential_process(
        'echo \'{"Version": 1, "AccessKeyId": "AKIDX", "SecretAccessKey": "canary"}\''
    )
    credentials = make_session(settings()).get_credentials()
    assert credentials is not None
    assert credentials.access_key == "AKIDX"


@pytest.mark.skipif(sys.platform == "win32", reason="the test's program is a shell script")
@pytest.mark.parametrize("how", ["exec sleep 1000", "sleep 20 & wait"])
def test_a_credential_process_that_hangs_is_one_sentence_and_is_killed(
    credential_process: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    how: str,
) -> None:
    monkeypatch.setattr(aws_session, "CREDENTIALS_WITHIN_S", 0.2)
    credential_process(f"echo $$ > {tmp_path}/pid; {how}")
    with pytest.raises(ServiceError, match="The credential_process of the AWS profile gave no"):
        AwsStreamService(settings())
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_a_credential_process_that_fails_is_one_sentence(
    credential_process: Callable[[str], None],
) -> None:
    credential_process("echo canary >&2; exit 1")
    with pytest.raises(BadInputError, match="the credential_process of its profile failed") as told:
        make_session(settings())
    assert "canary" not in str(told.value)


@pytest.mark.skipif(sys.platform == "win32", reason="the test's program is a shell script")
@pytest.mark.parametrize(
    "said",
    [
        "echo canary",
        "echo '[]'",
        "echo '{}'",
        "echo '{\"Version\": 7}'",
        "echo 'null'",
        "printf '\\377\\376'",
        'echo \'{"Version": 1, "AccessKeyId": "A", "SecretAccessKey": "c", "Expiration": "x"}\'',
        "kill -9 $$",
    ],
)
def test_a_credential_process_that_says_something_else_is_one_sentence(
    credential_process: Callable[[str], None], said: str
) -> None:
    credential_process(said)
    with pytest.raises(BadInputError, match=r"^boto3 cannot be set up: .*\.$") as told:
        make_session(settings())
    assert "canary" not in str(told.value)


@pytest.mark.parametrize("command", ["/nowhere/canary", "/etc", "'", ""])
def test_a_credential_process_that_cannot_be_started_is_one_sentence(
    tmp_path: Path, command: str
) -> None:
    (tmp_path / "config").write_text(f"[default]\ncredential_process = {command}\n")
    with contextlib.suppress(BadInputError):
        make_session(settings())


def test_any_source_of_credentials_that_hangs_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    released = threading.Event()

    def hang(self: object) -> None:
        released.wait(60)

    monkeypatch.setattr(aws_session, "CREDENTIALS_WITHIN_S", -0.8)
    monkeypatch.setattr("botocore.session.Session.get_credentials", hang)
    try:
        with pytest.raises(ServiceError, match="No AWS credentials came within"):
            make_session(settings())
    finally:
        released.set()


def test_without_credentials_a_backend_starts() -> None:
    """Each call then fails with a sentence; the emulator's or a role's may still come."""
    assert make_session(settings()).get_credentials() is None

"""Proxy and TLS variables: used, or one sentence that names the variable."""

from __future__ import annotations

import asyncio
import os
import ssl
import urllib.request
from pathlib import Path

import certifi
import httpx
import pytest

from helpers.misbehaving_server import Behaviour, answering, server_that
from helpers.proxies import failure_through, http_proxy, socks_proxy
from rejoin.core.retry import FailureKind
from rejoin.errors import BadInputError
from rejoin.signaling.exchange import Exchange
from rejoin.signaling.http_environment import proxy_for, tls_context

BACKEND = httpx.URL("https://studio.example/rejoin")
VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
TLS_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE")


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*VARIABLES, *(name.lower() for name in VARIABLES), *TLS_VARIABLES):
        monkeypatch.delenv(name, raising=False)


# --- which proxy ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environment", "url"),
    [
        ({}, None),
        ({"HTTPS_PROXY": "http://p:3128"}, "http://p:3128"),
        ({"https_proxy": "http://low", "HTTPS_PROXY": "http://p"}, "http://low"),
        ({"HTTPS_PROXY": "p.example:3128"}, "http://p.example:3128"),
        ({"HTTPS_PROXY": " https://u:secret@p.example "}, "https://u:secret@p.example"),
        ({"HTTP_PROXY": "http://p"}, None),
        ({"ALL_PROXY": "http://p"}, "http://p"),
        ({"ALL_PROXY": "http://p", "HTTPS_PROXY": "http://q"}, "http://q"),
        ({"ALL_PROXY": "HTTP://p"}, "http://p"),
        ({"HTTPS_PROXY": ""}, None),
        ({"Https_Proxy": "http://p"}, "http://p"),
        ({"all_PROXY": "http://p"}, "http://p"),
    ],
)
def test_the_proxy_is_the_one_that_the_environment_names(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], url: str | None
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    found = proxy_for(BACKEND)
    assert (None if found is None else found.url) == (None if url is None else httpx.URL(url))
    if found is not None:
        assert found.variable in environment


@pytest.mark.parametrize("scheme", ["socks5", "socks5h", "socks", "SOCKS5"])
def test_a_socks_proxy_works(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    monkeypatch.setenv("ALL_PROXY", f"{scheme}://127.0.0.1:1080/")
    found = proxy_for(BACKEND)
    assert found is not None
    assert found.is_socks


@pytest.mark.parametrize(
    "value",
    [
        "socks4://127.0.0.1:1080",
        "ftp://canary:1",
        "canary://x",
        "://canary",
        "http://",
        "http://:3128",
        "http://[::1",
        "http://canary:port",
        "http://canary:99999",
        "http://can ary",
        "socks5://",
        "http://canary\x01",
        "/etc/canary",
        "http://xn--.canary",
    ],
)
@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
def test_a_proxy_that_is_none_is_one_sentence_that_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(BadInputError) as caught:
        Exchange(str(BACKEND), "token")
    assert str(caught.value).startswith(f"{variable} ")
    assert str(caught.value).endswith(".")
    assert "canary" not in str(caught.value)


def test_a_proxy_of_the_system_is_named_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(urllib.request, "getproxies", lambda: {"https": "gopher://x"})
    monkeypatch.setattr(urllib.request, "proxy_bypass", lambda host: host == "exempt.example")
    with pytest.raises(BadInputError, match=r"^the system's proxy setting names"):
        proxy_for(BACKEND)
    assert proxy_for(httpx.URL("https://exempt.example")) is None


@pytest.mark.parametrize(
    ("no_proxy", "exempt"),
    [
        ("", False),
        ("*", True),
        ("studio.example", True),
        ("STUDIO.example ,x", True),
        (".example", True),
        ("*.example", True),
        ("example", True),
        ("dio.example", False),
        ("studio.example:443", True),
        ("studio.example:8443", False),
        ("https://studio.example", True),
        ("studio.example.org", False),
        # What means nothing exempts nothing, and stops nothing.
        ("[::1", False),
        ("[::1,studio.example", True),
        ("::1", False),
        ("10.0.0.0/8", False),
        ("10.0.0.0/99,,:,:80,[],http://,[:443", False),
        ("localhost,127.0.0.1,::1", False),
        # Blanks separate entries too, as for curl.
        ("localhost studio.example 10.0.0.0/8", True),
        ("localhost\tother.example\n.example,", True),
        ("dio.example  10.0.0.0/8", False),
        ("studio.example.", True),
    ],
)
def test_no_proxy_exempts_what_it_names(
    monkeypatch: pytest.MonkeyPatch, no_proxy: str, exempt: bool
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://p:3128")
    monkeypatch.setenv("NO_PROXY", no_proxy)
    assert (proxy_for(BACKEND) is None) is exempt
    Exchange(str(BACKEND), "token")


@pytest.mark.parametrize(
    ("backend", "no_proxy", "exempt"),
    [
        ("https://10.1.2.3", "10.0.0.0/8", True),
        ("https://10.1.2.3", "10.1.2.3:443", True),
        ("https://10.1.2.3:8443", "10.1.2.3:443", False),
        ("https://[fd00::1]", "fd00::/8", True),
        ("https://[fd00::1]", "[fd00::1]", True),
        ("https://[fd00::1]:8443", "[fd00::1]:8443", True),
        ("https://[fd00::1]", "fd00::1", True),
        ("https://[fd00::1]", "[fd00::1", True),
        ("https://10.1.2.3", "1.2.3", False),
        ("https://10.1.2.3", "localhost 10.0.0.0/8", True),
        ("https://studio.example.", "studio.example", True),
        ("https://b\u00fccher.example", "xn--bcher-kva.example", True),
        ("https://b\u00fccher.example", "B\u00dcCHER.example", True),
        ("https://xn--bcher-kva.example", "b\u00fccher.example", True),
    ],
)
def test_no_proxy_may_name_addresses_and_networks(
    monkeypatch: pytest.MonkeyPatch, backend: str, no_proxy: str, exempt: bool
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://p:3128")
    monkeypatch.setenv("NO_PROXY", no_proxy)
    assert (proxy_for(httpx.URL(backend)) is None) is exempt


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "a.localhost"])
def test_for_this_machine_the_environment_counts_for_nothing(
    monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "canary://no proxy")
    monkeypatch.setenv("NO_PROXY", "[::1")
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere")
    Exchange(f"http://{host}:9", "token")
    Exchange(f"https://{host}:9", "token")


# --- through a proxy ------------------------------------------------------------------------------


async def speaks_no_tls(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(100)
    writer.write(b"HTTP/1.1 400 No\r\n\r\n")
    await writer.drain()


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        ("407 Proxy Authentication Required", "wants a sign-in (407)."),
        ("403 Forbidden", "did not connect to the backend (403)."),
        ("401 Unauthorized", "did not connect to the backend (401)."),
        ("404 Not Found", "did not connect to the backend (404)."),
        ("302 Found\r\nLocation: http://portal.example", "did not connect to the backend (302)."),
        ("502 Bad Gateway", "did not connect to the backend (502)."),
    ],
)
@pytest.mark.parametrize("content_type", ["application/json", "text/html"])
async def test_what_a_proxy_answers_to_connect_is_never_the_backends_answer(
    monkeypatch: pytest.MonkeyPatch, status: str, sentence: str, content_type: str
) -> None:
    async with http_proxy(f"{status}\r\nContent-Type: {content_type}") as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        failure = (await failure_through("https://studio.invalid")).failure
    assert proxy.asked == ["CONNECT studio.invalid:443"]
    assert failure.kind is FailureKind.NOT_SENT
    assert failure.detail == f"The proxy that HTTPS_PROXY names {sentence}"


async def hangs_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.transport.abort()


async def is_no_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"SSH-2.0-OpenSSH\r\n\r\n")
    await writer.drain()


async def stays_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


@pytest.mark.parametrize("answer", [hangs_up, is_no_http, stays_silent])
async def test_a_proxy_that_dies_over_connect_is_named(
    monkeypatch: pytest.MonkeyPatch, answer: Behaviour
) -> None:
    async with server_that(answer) as port:
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:s3cret@127.0.0.1:{port}")
        failure = (await failure_through("https://studio.invalid", budget_s=2.0)).failure
    assert failure.kind is FailureKind.NOT_SENT
    assert failure.detail == "The proxy that HTTPS_PROXY names did not connect to the backend."


@pytest.mark.parametrize(
    ("status", "content_type", "kind"),
    [
        ("407 No", "text/html", FailureKind.NOT_SENT),
        ("407 No", "application/json", FailureKind.NOT_SENT),
        ("403 No", "text/html", FailureKind.NOT_SENT),
        ("403 No", "application/problem+json", FailureKind.FORBIDDEN),
    ],
)
async def test_a_proxy_that_forwards_http_refuses_for_itself(
    monkeypatch: pytest.MonkeyPatch, status: str, content_type: str, kind: FailureKind
) -> None:
    async with http_proxy(f"{status}\r\nContent-Type: {content_type}", body=b"{}") as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        failure = (await failure_through("http://studio.invalid")).failure
    assert proxy.asked == ["GET http://studio.invalid/"]
    assert failure.kind is kind
    assert ("HTTP_PROXY names" in failure.detail) is (kind is FailureKind.NOT_SENT)


async def test_without_a_proxy_a_403_stays_the_servers() -> None:
    async with server_that(answering("403 No\r\nContent-Type: text/html", b"x")) as port:
        failure = (await failure_through(f"http://127.0.0.1:{port}")).failure
        assert failure.kind is FailureKind.NOT_BACKEND
    async with server_that(answering("407 No\r\nContent-Type: text/html", b"x")) as port:
        failure = (await failure_through(f"http://127.0.0.1:{port}")).failure
        assert failure.kind is FailureKind.NOT_SENT, "a proxy that nobody named"
        assert failure.detail == "The proxy wants a sign-in (407)."


async def test_a_proxy_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for scheme in ("http", "socks5"):
        monkeypatch.setenv("ALL_PROXY", f"{scheme}://127.0.0.1:1")
        failure = (await failure_through("https://studio.invalid")).failure
        assert failure.kind is FailureKind.NOT_SENT
        assert failure.detail == "The proxy that ALL_PROXY names could not be reached."


async def test_a_proxy_whose_own_certificate_is_not_trusted_is_not_the_backend(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A server without TLS, where TLS to the proxy was asked for, is the nearest to it."""

    async with server_that(speaks_no_tls) as port:
        monkeypatch.setenv("HTTPS_PROXY", f"https://127.0.0.1:{port}")
        failure = (await failure_through("https://studio.invalid")).failure
    assert failure.kind is FailureKind.NOT_SENT
    assert failure.detail == "The proxy that HTTPS_PROXY names could not be reached."


@pytest.mark.parametrize("kind", ["http", "socks"])
async def test_behind_a_proxy_a_backend_without_tls_is_still_the_backends_failure(
    monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    async with server_that(speaks_no_tls) as port:
        tunnel = (
            http_proxy("200 OK", leads_to=port) if kind == "http" else socks_proxy(leads_to=port)
        )
        async with tunnel as proxy:
            monkeypatch.setenv("HTTPS_PROXY", proxy.url)
            failure = (await failure_through("https://studio.invalid")).failure
    assert failure.kind is FailureKind.TLS
    assert failure.detail == "The backend at studio.invalid failed in the TLS handshake."


# --- TLS ------------------------------------------------------------------------------------------


@pytest.fixture(params=["missing", "empty", "no PEM", "folder", "NUL", "unreadable"])
def bad_file(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    path = tmp_path / "canary.pem"
    match request.param:
        case "empty":
            path.write_bytes(b"")
        case "no PEM":
            path.write_bytes(b"\x00\xff not a certificate")
        case "folder":
            path.mkdir()
        case "NUL":
            path = tmp_path / "canary\udcff"
        case "unreadable":
            if os.geteuid() == 0:
                pytest.skip("root reads everything")
            path.write_bytes(Path(certifi.where()).read_bytes())
            path.chmod(0)
        case _:
            assert request.param == "missing"
    return str(path)


def test_certificates_that_cannot_be_read_are_one_sentence(
    monkeypatch: pytest.MonkeyPatch, bad_file: str
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", bad_file)
    with pytest.raises(BadInputError, match=r"^The environment variable SSL_CERT_FILE cannot"):
        Exchange(str(BACKEND), "token")


def test_a_folder_of_certificates_that_is_not_there_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "canary"))
    with pytest.raises(BadInputError, match=r"^The environment variable SSL_CERT_DIR cannot"):
        Exchange(str(BACKEND), "token")
    # One that is empty would trust nobody, and say so of every backend.
    (tmp_path / "certificates.pem").write_bytes(Path(certifi.where()).read_bytes())
    folders = os.pathsep.join([str(tmp_path / "canary"), str(tmp_path)])
    monkeypatch.setenv("SSL_CERT_DIR", folders)
    with pytest.raises(BadInputError, match=r"^The environment variable SSL_CERT_DIR cannot"):
        Exchange(str(BACKEND), "token")
    (tmp_path / "0a1b2c3d.0").write_bytes(Path(certifi.where()).read_bytes())
    Exchange(str(BACKEND), "token")


@pytest.mark.parametrize("path", ["folder", "missing/file"])
@pytest.mark.parametrize("ca_file", [None, Path(certifi.where())])
def test_a_key_log_that_cannot_be_written_is_named_and_not_the_certificates(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, path: str, ca_file: Path | None
) -> None:
    (tmp_path / "folder").mkdir()
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / path))
    with pytest.raises(BadInputError, match=r"^The environment variable SSLKEYLOGFILE cannot"):
        tls_context(ca_file)


def test_certificates_and_a_key_log_that_can_be_used_are_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    log = tmp_path / "keys"
    monkeypatch.setenv("SSLKEYLOGFILE", str(log))
    monkeypatch.setenv("SSL_CERT_FILE", certifi.where())
    for context in (tls_context(), tls_context(Path(certifi.where())), tls_context()):
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.check_hostname
        assert context.keylog_filename == str(log)
        assert context.cert_store_stats()["x509_ca"] > 10


def test_tls_is_not_looked_at_where_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere")
    monkeypatch.setenv("SSLKEYLOGFILE", "/nowhere/keys")
    Exchange("http://127.0.0.1:9", "token")

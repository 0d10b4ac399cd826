"""Canaries: whatever a log line looks like, a secret in it is removed."""

from __future__ import annotations

import base64
import io
import ipaddress
import json
import logging
import string
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rejoin.redact import RedactingFormatter, redact

ICE = st.text(string.ascii_letters + string.digits + "+/", min_size=8, max_size=40)
TOKEN = st.text(string.ascii_letters + string.digits + "-._~+/=", min_size=8, max_size=80).map(
    lambda text: "k" + text
)
FINGERPRINT = st.binary(min_size=20, max_size=64).map(lambda raw: raw.hex(":").upper())
NOISE = st.text(string.ascii_letters + string.digits + " .,;()[]/-", max_size=20)


def sdp(ufrag: str, password: str, fingerprint: str, newline: str = "\r\n") -> str:
    lines = [
        "v=0",
        "o=- 4611731400430051336 2 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        "m=video 9 UDP/TLS/RTP/SAVPF 96",
        f"a=ice-ufrag:{ufrag}",
        f"a=ice-pwd:{password}",
        f"a=fingerprint:sha-256 {fingerprint}",
        "a=candidate:1 1 udp 2130706431 198.51.100.77 33440 typ host",
        "a=setup:actpass",
    ]
    return newline.join(lines) + newline


def as_is(text: str) -> str:
    return text


def as_signal(text: str) -> str:
    return json.dumps({"type": "offer", "sdp": text, "webSdkVersion": "1.2.0"})


def in_request(text: str) -> str:
    return json.dumps({"SignalRequest": as_signal(text), "ClientToken": "c" * 36})


def as_repr(text: str) -> str:
    return repr({"type": "answer", "sdp": text})


def twice_quoted(text: str) -> str:
    return json.dumps(json.dumps({"body": as_signal(text)}))


def one_line(text: str) -> str:
    return text.replace("\r\n", "\\r\\n")


WRAPPINGS: list[Callable[[str], str]] = [
    as_is,
    as_signal,
    in_request,
    as_repr,
    twice_quoted,
    one_line,
]


@given(
    ufrag=ICE,
    password=ICE,
    fingerprint=FINGERPRINT,
    wrap=st.sampled_from(WRAPPINGS),
    before=NOISE,
    after=NOISE,
    cut=st.integers(0, 5000),
)
def test_no_part_of_a_session_description_remains(
    ufrag: str,
    password: str,
    fingerprint: str,
    wrap: Callable[[str], str],
    before: str,
    after: str,
    cut: int,
) -> None:
    text = f"{before} {wrap(sdp(ufrag, password, fingerprint))} {after}"
    for shown in (redact(text), redact(text[: max(cut, len(before))])):
        for secret in (ufrag, password, fingerprint, "198.51.100.77", "4611731400430051336"):
            assert secret not in shown.replace(before, "").replace(after, "")


def test_the_json_around_a_session_description_stays_readable() -> None:
    shown = redact(as_signal(sdp("uuuuuuuu", "pppppppp", "AB:" * 31 + "AB")))
    assert json.loads(shown) == {"type": "offer", "sdp": "[secret]", "webSdkVersion": "1.2.0"}


@given(
    secret=TOKEN,
    template=st.sampled_from(
        [
            "Authorization: Bearer {}",
            "{{'authorization': 'Bearer {}'}}",
            '{{"token": "{}", "status": "ACTIVE"}}',
            '{{\\"access_token\\": \\"{}\\"}}',
            "GET /sessions?token={}&wait=8 HTTP/1.1",
            "rejoin://studio.example/play?ticket={}",
            "X-Amz-Security-Token: {}",
            "headers={{b'x-api-key': b'{}'}}",
            "client_token={}",
            "password = {}",
            "Authorization: Token {}",
            'Authorization: Hawk id="x", mac="{}"',
            'Authorization: Digest username="x", response="{}"',
            "Authorization: ApiKey other {0}, x={0}\nHost: x",
            "curl -H 'Authorization: Token {}'",
            "Bearer: {}",
            "Idempotency Key: {}",
            "rejoin play https://x.example --token {}",
            "next=Token%3A%20{}",
            "ice-pwd:{}",
            "IceParameters(usernameFragment='{}')",
            "Cookie: session={}; theme=dark",
            "AWS4-HMAC-SHA256 Credential={}/20260101/us-west-2, Signature=00",
            "Idempotency-Key: {}",
            "{{'idempotency-key': '{}'}}",
            "idempotency_key={}",
            "Basic {}",
            "Proxy-Authorization: Basic {}",
            "answered Negotiate {0} to NTLM {0}",
            'Digest username="x", response="{}"',
            '{{"tokens": ["{}", "other"]}}',
            '{{"tokens": ["other]", "{}"], "status": 1}}',
            '{{\\"tokens\\": [\\"other\\", \\"{}\\"]}}',
            '{{"authorization": ["Bearer other", "Basic {0}", "{0}"]}}',
            "tokens=('other', '{}')",
            "token={{'a': [1, '{}']}}",
            "tokens=[other, {}",
            '{{"credentials": {{"key": "{0}", "deep": {{"x": "{0}"}}}}}}',
            "REJOIN_BACKEND_TOKENS=other,{}",
            "token=other,{}",
            "tokens: other, {}",
            "?token=other&token={0}&token[]={0}&tokens%5B%5D={0}&x=1",
            "/?next=%2Fplay%3Ftoken%3D{}",
            "[('authorization', '{}'), ('accept', 'x')]",
            "[(b'Authorization', b'{}')]",
            '[["x-api-key", "{}"]]',
            '{{"name": "Authorization", "value": "{}"}}',
            "https://user:{}@proxy.example:3128/",
            "socks5://u:{}@[::1]:1080",
            "http:\\/\\/user:{}@proxy.example",
            "proxy is user:{}@proxy.example:3128",
            "Set-Cookie: id={}; Path=/; HttpOnly",
            "[(b'set-cookie', b'id={}; Path=/')]",
            "{{'cookie': 'a=b; id={}'}}",
            "https://s3.example/x?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature={0}&x=1",
            "https://s3.example/x?X-Amz-Credential={}%2F20260101%2Fus-west-2&X-Amz-Date=1",
            "https://s3.example/x?x-amz-security-token={}",
            "https://x.example/?AWSAccessKeyId={0}&Signature={0}&Expires=1",
            "https://x.blob.example/a?sv=2024&sig={}&se=1",
            "https://x.example/callback?code={}&state=1",
            "https://x.example/;jsessionid={}",
            "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEE\n{}\n-----END EC PRIVATE KEY-----\n",
            '{{"pem": "-----BEGIN PRIVATE KEY-----\\n{}\\n-----END PRIVATE KEY-----\\n"}}',
            "-----BEGIN OPENSSH PRIVATE KEY-----\n{}",
            "private_key={}",
            "passphrase: {}",
            "next=%2F%3Fauthorization=Bearer%20{}",
            '{{"urls": "turn:t.example:3478", "username": "{0}", "credential": "{0}"}}',
            "iceServers=[{{'username': '{0}', 'credential': '{0}'}}]",
            "a=candidate:1 1 udp 1 203.0.113.9 9 typ host ufrag {}",
        ]
    ),
)
def test_no_token_remains(secret: str, template: str) -> None:
    assert secret not in redact(template.format(secret))


@pytest.mark.parametrize(
    "token",
    [
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJlLWNhbmFyeQ",
        "eyJhbGciOiJub25lIn0.eyJzdWIiOiJjYW5hcnkifQ.",
        "eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIn0..aXYtY2FuYXJ5.Y2lwaGVyLWNhbmFyeQ.dGFnLWNhbmFyeQ",
    ],
)
def test_no_part_of_a_json_web_token_remains(token: str) -> None:
    shown = redact(f"refused: {token} at 12")
    assert not any(part in shown for part in token.split(".") if part)


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_no_part_of_a_signal_string_in_base64_remains(encode: Callable[[bytes], bytes]) -> None:
    signal = json.dumps({"type": "offer", "sdp": "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\n??>>"})
    assert redact(f"sent {encode(signal.encode()).decode()} at 12") == "sent [secret] at 12"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://u:p@host:1/x", "https://[secret]@host:1/x"),
        ("https://ghp_canary@git.example/x", "https://[secret]@git.example/x"),
        ("https://u:p@ss@host", "https://[secret]@host"),
        ("https://u:p/ss@host", "https://[secret]@host"),
        ("https://host/a?b=c", "https://host/a?b=c"),
        ("https://host:80/@scope/x", "https://host:80/@scope/x"),
        ("a=ws://u:p@h,b=ws://u:q@h", "a=ws://[secret]@h,b=ws://[secret]@h"),
        ("https://host:8443/a", "https://host:8443/a"),
        (
            "arn:aws:gameliftstreams:us-west-2:111122223333:streamsession/sg-1/A",
            "arn:aws:gameliftstreams:us-west-2:[account]:streamsession/sg-1/A",
        ),
        ("arn:aws-cn:iam::111122223333:role/x", "arn:aws-cn:iam::[account]:role/x"),
        (
            "GET /session/sg-1/arn%3Aaws%3Agameliftstreams%3Aus-west-2%3A111122223333%3Astream",
            "GET /session/sg-1/arn%3Aaws%3Agameliftstreams%3Aus-west-2%3A[account]%3Astream",
        ),
        ('{"AccountId": "111122223333"}', '{"AccountId": "[secret]"}'),
        ("{'Account': '111122223333'}", "{'Account': '[account]'}"),
        ("for account 111122223333.", "for account [account]."),
        ("Account ID: 111122223333, 3", "Account ID: [account], 3"),
        ("AccountId 111122223333", "AccountId [account]"),
        ("AccountId: 111122223333", "AccountId: [secret]"),
        ("curl -H 'Authorization: Token a b' -v", "curl -H 'Authorization: [secret]' -v"),
        ("203-0-113-9.isp.example", "203-x-x-x.isp.example"),
        ("a.203-0-113-9.isp.example", "a.203-x-x-x.isp.example"),
        (
            "ec2-203-0-113-9.us-west-2.compute.amazonaws.com:33440",
            "ec2-203-x-x-x.us-west-2.compute.amazonaws.com:33440",
        ),
        ("EC2-203-0-113-9.compute-1.amazonaws.com", "EC2-203-x-x-x.compute-1.amazonaws.com"),
        ("ip-10-0-0-1.ec2.internal", "ip-10-x-x-x.ec2.internal"),
        ("(ip-172-31-9-250.compute.internal)", "(ip-172-x-x-x.compute.internal)"),
        ("host-203-0-113-9.isp.example", "host-203-x-x-x.isp.example"),
        ("i-0123456789abcdef0.ec2.internal", "[instance].ec2.internal"),
        ("tokens: ['a', \"b'\"], status: 3", "tokens: [secret], status: 3"),
        ("token=a, status=3", "token=[secret], status=3"),
    ],
)
def test_what_remains_of_names_and_lists(text: str, shown: str) -> None:
    assert redact(text) == shown
    assert redact(shown) == shown


@given(
    address=st.ip_addresses(v=4), around=st.sampled_from(["{}", "x{}:5004", "('{}', 5)", "1{}9"])
)
def test_no_complete_ipv4_address_remains(address: ipaddress.IPv4Address, around: str) -> None:
    shown = redact(around.format(address))
    assert str(address) not in shown
    if around == "{}":
        assert shown == f"{str(address).partition('.')[0]}.x.x.x"


@given(
    address=st.ip_addresses(v=6).filter(lambda address: int(address) != 0),
    around=st.sampled_from(["{}", "[{}]:5004", "('{}', 5, 0, 0)", "to {}.", "{}%eth0 is up"]),
    spelling=st.sampled_from(["compressed", "exploded", "upper", "mapped"]),
)
def test_no_complete_ipv6_address_remains(
    address: ipaddress.IPv6Address, around: str, spelling: str
) -> None:
    text = {
        "compressed": address.compressed,
        "exploded": address.exploded,
        "upper": address.compressed.upper(),
        "mapped": f"::ffff:{ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)}",
    }[spelling]
    kept = around.replace("%eth0", "")
    hints = ("[ipv6]", "[ipv6 loopback]", "[ipv6 link-local]")
    assert redact(around.format(text)) in [kept.format(hint) for hint in hints]


@given(st.text(max_size=300) | TOKEN.map("token={}".format) | ICE.map(lambda u: sdp(u, u, u)))
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    once = redact(text)
    assert redact(once) == once


@pytest.mark.parametrize(
    "text",
    [
        "stream session is PENDING_CLIENT_RECONNECTION, attempt 3 of episode 2",
        "took 0.912 s at 2026-11-23T12:34:56.789+00:00",
        "aiortc 1.16.0, version 6.11.3, 5.2 Mbit/s",
        "tests/core/test_session.py::test_drop in std::vector",
        "sha256 " + "0f" * 32,
        "the token was refused; the password is wrong",
        "https://studio.example:443/a/b?x=1#y at 12:30:01",
        "pre-2026-11-29-1, v-1-2-3, sg-1AB2C3De4",
        "use --token-file FILE (- for standard input), 1-2-3-4 and 2026-11-30-12.json",
        "arn:aws:gameliftstreams:us-west-2::application/a-1",
        "answered 503, code=BUSY; the key= of a policy",
        "https://studio.example/a?x=1&known=ACTIVE;y=2",
    ],
)
def test_ordinary_lines_are_unchanged(text: str) -> None:
    assert redact(text) == text


def test_a_hint_of_the_address_remains() -> None:
    assert redact("from 127.0.0.1:5004 and ::1, fe80::1%eth0") == (
        "from 127.x.x.x:5004 and [ipv6 loopback], [ipv6 link-local]"
    )


def test_the_formatter_covers_arguments_and_tracebacks() -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(RedactingFormatter("%(levelname)s %(message)s"))
    log = logging.Logger("canary")
    log.addHandler(handler)
    try:
        raise ValueError("refused by 203.0.113.9 with token=abcdefgh")
    except ValueError:
        log.exception("no answer from %s", "203.0.113.9")
    lines = stream.getvalue()
    assert lines.startswith("ERROR no answer from 203.x.x.x\nTraceback")
    assert "ValueError: refused by 203.x.x.x with token=[secret]" in lines
    assert "203.0" not in lines
    assert "abcdefgh" not in lines


@pytest.mark.parametrize(
    "text",
    [
        "a" * 200_000,
        "ab:" * 70_000,
        "abc:" * 50_000,
        "token" * 40_000,
        "v=0\r\n" * 40_000,
        "token=[" * 30_000,
        "a@" * 100_000,
        "a:" * 100_000,
        "x://" * 50_000,
        "'" * 200_000,
        "tokens=a," * 20_000,
        "a-1-2-3" * 30_000,
        'token",' * 30_000,
        "-----BEGIN A-----" * 12_000,
        "-----END " * 20_000,
        "?key=" * 40_000,
        "eyJaaaaaa." * 20_000,
        "eyJaaaaaa/" * 20_000,
        "/eyJ" * 50_000,
        "bearer+" * 30_000,
    ],
)
def test_a_long_text_without_structure_is_not_slow(text: str) -> None:
    assert len(redact(text)) <= len(text)

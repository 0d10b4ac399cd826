"""Signatures of minisign are verified, and nothing else passes for one."""

from __future__ import annotations

import pytest

from helpers.signed_feeds import Signer
from rejoin.runtime.updates.minisign import PublicKey, SignatureError, verify

PUBLIC = """\
untrusted comment: minisign public key DFE1C5E4D81DB4CA
RWTKtB3Y5MXh3+yFgMed4Bx2wvinthlPLj5RefiTcIn2h9mXe7iCtACM
"""
SIGNATURE = """\
untrusted comment: signature from minisign secret key
RUTKtB3Y5MXh3xehwMVhEtn9Uh6nG9YrEN/Nf3nVi5kBRyvG647nj8m4g5/cdZqVxvqhuJtmDDPFDAPjR0dJtKHWY6U226I05gE=
trusted comment: a comment
nYU/t2xVU2kF2vxPCazEWRZJnDwhYRCuccqd2jbHqBSoc1IXg4A5Fvt5s81TvOytio8jqE2lADv9P4wZVkdICA==
"""
"""Made by minisign 0.11 for "hello" and a line feed."""


def test_a_signature_that_minisign_made_is_verified() -> None:
    verify(PublicKey.from_text(PUBLIC), b"hello\n", SIGNATURE)
    verify(PublicKey.from_text(PUBLIC.splitlines()[1]), b"hello\n", SIGNATURE)
    verify(PublicKey.from_text(PUBLIC), b"hello\n", SIGNATURE.replace("\n", "\r\n"))


@pytest.mark.parametrize(
    ("content", "signature"),
    [
        (b"hello", SIGNATURE),
        (b"hello\n", SIGNATURE.replace("a comment", "b comment")),
        (b"hello\n", SIGNATURE.replace("RUTKtB3Y5MXh3xe", "RUTKtB3Y5MXh3xf")),
        (b"hello\n", SIGNATURE.replace("nYU/t2", "nYU/t3")),
        (b"hello\n", SIGNATURE.replace("RUTKtB3Y5", "RUTKtB3Y6")),
        (b"hello\n", SIGNATURE.replace("RUTK", "RWTK")),
        (b"hello\n", SIGNATURE.replace("I05gE=", "I05gE")),
        (b"hello\n", SIGNATURE.replace("RUTK", "RÜTK")),
        (b"hello\n", SIGNATURE + "more\n"),
        (b"hello\n", SIGNATURE.replace("trusted comment: a", "comment: a")),
        (b"hello\n", "<!doctype html>"),
        (b"hello\n", ""),
    ],
)
def test_nothing_else_passes(content: bytes, signature: str) -> None:
    with pytest.raises(SignatureError):
        verify(PublicKey.from_text(PUBLIC), content, signature)


def test_another_key_is_told_by_its_number_or_by_its_signature() -> None:
    ours, theirs = Signer(), Signer()
    with pytest.raises(SignatureError, match="does not belong"):
        verify(ours.key, b"x", theirs.sign(b"x"))
    with pytest.raises(SignatureError, match="another key"):
        verify(ours.key, b"x", Signer(b"\x02" * 8).sign(b"x"))


def test_a_signature_over_the_content_itself_is_refused() -> None:
    signer = Signer()
    with pytest.raises(SignatureError, match="not a signature"):
        verify(signer.key, b"x", signer.sign(b"x", kind=b"Ed"))


@pytest.mark.parametrize("text", ["", "RWTK", PUBLIC.replace("RWTK", "RUTK"), "ä" * 56])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(SignatureError, match="not a public key"):
        PublicKey.from_text(text)

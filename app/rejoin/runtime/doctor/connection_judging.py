"""Judges observations on the path to a backend: what they mean for a player. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, assert_never

from rejoin.core.retry import FailureKind
from rejoin.core.verdict import BackendState
from rejoin.language import Message, mark
from rejoin.runtime.doctor.findings import Finding, failed, not_known, ok, warning
from rejoin.runtime.doctor.tls import (
    CertificateFault,
    Handshake,
    NoConnection,
    NotTls,
    Trusted,
    Untrusted,
)

CLOCK_OFF_S: Final = 60.0
"""With a clock this far off a token may seem to be from the future or the past; servers tolerate a
few minutes at most (RFC 7519, 4.1.4)."""
DAY_S: Final = 86400.0

ASK_STUDIO: Final = Message("Tell the studio, and send it this report.")
SET_CLOCK: Final = Message(
    "Set the date and time of this computer, preferably by its own time synchronisation."
)
CHECK_ADDRESS: Final = Message(
    "Check the address. If it is right, the studio's service is down: try later."
)
NETWORK_SIGN_IN: Final = Message("This network wants a sign-in first.")
PORTAL: Final = Message(
    "Open a web page in a browser: a network that wants a sign-in shows it there. Else check the "
    "address."
)


def address(host: str, *, encrypted: bool, is_local: bool) -> Finding:
    if encrypted or is_local:
        return ok("address", Message("The backend is at {host}.", host=host))
    return warning(
        "address",
        Message(
            "The backend at {host} is called by plain http: anybody on the way can read "
            "the sign-in.",
            host=host,
        ),
        Message("Ask the studio for an https address."),
    )


def proxy(variable: str | None, *, is_local: bool) -> Finding:
    """`variable`: the environment variable with the proxy; None: there is none."""
    if is_local:
        return ok("proxy", Message("A backend on this computer is reached without a proxy."))
    if variable is None:
        return ok("proxy", Message("No proxy is used."))
    return ok(
        "proxy",
        Message(
            "The backend is reached through the proxy that {variable} names.", variable=variable
        ),
    )


def name(
    host: str, addresses: Sequence[str] | None, *, late: bool = False, local: bool = False
) -> Finding:
    """`addresses`: None: there are none. `late`: the resolver did not answer in time. `local`: all
    are in this network, where a backend must not be."""
    if addresses is None and late:
        return failed(
            "dns",
            Message("No name server says where {host} is: there was no answer in time.", host=host),
            Message("Check the network's DNS server, or restart the router."),
        )
    if addresses is None:
        return failed(
            "dns",
            Message("There is no host {host}.", host=host),
            Message("Check the spelling of the address."),
        )
    if local:
        return failed(
            "dns",
            Message(
                "The name {host} leads into this computer's own network ({addresses}).",
                host=host,
                addresses=", ".join(addresses),
            ),
            PORTAL,
        )
    return ok(
        "dns",
        Message(
            mark("{host} has one address: {addresses}.")
            if len(addresses) == 1
            else mark("{host} has {count} addresses: {addresses}."),
            host=host,
            count=len(addresses),
            addresses=", ".join(addresses),
        ),
    )


def tls(found: Handshake, now_unix_s: float) -> Finding:
    match found:
        case Trusted(version):
            return ok("tls", Message("The certificate is accepted ({version}).", version=version))
        case Untrusted(fault, server_unix_s):
            return _untrusted(fault, server_unix_s, now_unix_s)
        case NotTls():
            return failed(
                "tls",
                Message("What answers there does not speak TLS, or only an old version of it."),
                PORTAL,
            )
        case NoConnection(refused=True):
            return failed(
                "tls", Message("The connection was refused: nothing listens there."), CHECK_ADDRESS
            )
        case NoConnection(hung_up=True):
            return failed(
                "tls",
                Message("The other side hung up during the TLS handshake."),
                Message(
                    "A firewall or an antivirus may do so: allow Rejoin there, or try another "
                    "network."
                ),
            )
        case NoConnection():
            return failed(
                "tls",
                Message("Nothing answered in time."),
                Message(
                    "{check_address} A firewall may block it too: try another network.",
                    check_address=CHECK_ADDRESS,
                ),
            )
        case _:
            assert_never(found)


def _untrusted(fault: CertificateFault, server_unix_s: float | None, now_unix_s: float) -> Finding:
    match fault:
        case CertificateFault.NOT_YET_VALID | CertificateFault.EXPIRED:
            return _out_of_time(fault, server_unix_s, now_unix_s)
        case CertificateFault.OTHER_HOST | CertificateFault.OTHER_ADDRESS:
            return failed(
                "tls",
                Message("The certificate belongs to another name: another server answers there."),
                PORTAL,
            )
        case CertificateFault.OTHER:
            found = Message(
                "The certificate is not accepted. The network, a proxy or an antivirus may have "
                "replaced it."
            )
        case _:
            found = Message(
                "This computer does not trust the issuer of the certificate. The network, a proxy "
                "or an antivirus may have replaced it."
            )
    return failed(
        "tls",
        found,
        Message(
            "Try another network, or ask the studio whether it has a certificate authority of its "
            "own."
        ),
    )


def _out_of_time(
    fault: CertificateFault, server_unix_s: float | None, now_unix_s: float
) -> Finding:
    early = fault is CertificateFault.NOT_YET_VALID
    if server_unix_s is not None and abs(server_unix_s - now_unix_s) >= DAY_S:
        off = _off(now_unix_s - server_unix_s)
        found = Message(
            "The certificate has expired, by this computer's clock, which is {off}, compared "
            "with the server's.",
            off=off,
        )
        if early:
            found = Message(
                "The certificate is not valid yet, by this computer's clock, which is {off}, "
                "compared with the server's.",
                off=off,
            )
        return failed("tls", found, SET_CLOCK)
    if early:
        found = Message("The certificate is not valid yet: this computer's clock is wrong.")
        return failed("tls", found, SET_CLOCK)
    return failed(
        "tls",
        Message("The certificate has expired."),
        Message("Check this computer's date. {advice}", advice=ASK_STUDIO),
    )


def backend(state: BackendState, why: str) -> Finding:
    """`why`: the sentence of the call, where it got no answer."""
    match state:
        case BackendState.ANSWERS:
            return ok("backend", Message("The studio's backend answers."))
        case BackendState.SIGN_IN:
            return failed("backend", NETWORK_SIGN_IN, PORTAL)
        case BackendState.PAGE:
            return failed(
                "backend",
                why or Message("A web page answers in place of the studio's backend."),
                PORTAL,
            )
        case BackendState.STRANGER:
            return failed("backend", why or Message("Another server answers there."), PORTAL)
        case BackendState.PROXY_REFUSES:
            return failed(
                "backend",
                why or Message("The proxy refuses the connection to the studio."),
                Message(
                    "Ask the administrator of the proxy to allow it, or name the host in NO_PROXY."
                ),
            )
        case BackendState.SILENT:
            return failed(
                "backend",
                why or Message("A server answers, and says that the backend behind it does not."),
                CHECK_ADDRESS,
            )
        case BackendState.UNKNOWN:
            advice = Message("Check the proxy's address.") if why else CHECK_ADDRESS
            return failed(
                "backend", why or Message("What answers there is no Rejoin backend."), advice
            )
        case _:
            assert_never(state)


def contract(said: tuple[int, int] | None, wanted: int, sign_in: Sequence[str]) -> Finding:
    """`said`: contract and minor version that the backend names; None: it names none. `sign_in`:
    kinds of sign-in, if it names them."""
    if said is None:
        return failed(
            "contract",
            Message("The answer is not that of a Rejoin backend."),
            Message(
                "Check the address. If it is one of AWS's samples, its dialect has to be named."
            ),
        )
    if said[0] != wanted:
        older = mark("The backend speaks contract {said}, which is older than Rejoin's ({wanted}).")
        newer = mark("The backend speaks contract {said}, which is newer than Rejoin's ({wanted}).")
        return failed(
            "contract",
            Message(older if said[0] < wanted else newer, said=said[0], wanted=wanted),
            ASK_STUDIO if said[0] < wanted else Message("Install a newer Rejoin."),
        )
    speaks = Message("The backend speaks contract {version}.", version=".".join(map(str, said)))
    if not sign_in:
        return ok("contract", speaks)
    ways = _WAYS.get(frozenset(sign_in))
    if ways is None:
        ways = Message("Players sign in by: {ways}.", ways=", ".join(sign_in))
    return ok("contract", Message("{first} {second}", first=speaks, second=ways))


_WAYS: Final = {
    frozenset({"openid"}): Message("Players sign in with a browser or a phone."),
    frozenset({"static"}): Message("Players sign in with a token of the studio's."),
    frozenset({"openid", "static"}): Message(
        "Players sign in with a browser or a phone, or with a token of the studio's."
    ),
}


def clock(off_s: float | None) -> Finding:
    """`off_s`: how far this computer's clock is ahead of the backend's; None: not known."""
    if off_s is None:
        return not_known("clock", Message("The backend did not say what time it is."))
    if abs(off_s) < CLOCK_OFF_S:
        return ok("clock", Message("The clock agrees with the backend's to within a minute."))
    return warning(
        "clock",
        Message("This computer's clock is {off}, compared with the backend's.", off=_off(off_s)),
        SET_CLOCK,
    )


_OFF: Final = (
    (DAY_S, mark("{count} day"), mark("{count} days")),
    (3600.0, mark("{count} hour"), mark("{count} hours")),
    (60.0, mark("{count} minute"), mark("{count} minutes")),
)


def _off(off_s: float) -> Message:
    """How far a clock is off, in words."""
    size_s = abs(off_s)
    time = Message("{count} seconds", count=round(size_s))
    for unit_s, one, many in _OFF:
        if size_s >= unit_s:
            count = round(size_s / unit_s)
            time = Message(one if count == 1 else many, count=count)
            break
    return Message("{time} ahead", time=time) if off_s > 0 else Message("{time} behind", time=time)


@dataclass(frozen=True, slots=True)
class HowToSignIn:
    """The advice to a player who is not signed in, or whose sign-in is refused."""

    first: Message
    again: Message


def by_command(command: str) -> HowToSignIn:
    """In a terminal."""
    return HowToSignIn(
        Message("Sign in: {command}", command=command),
        Message("Sign in again: {command}", command=command),
    )


def sign_in(refused: FailureKind | None, why: str, *, has_token: bool, how: HowToSignIn) -> Finding:
    """`refused`: how a call with the token failed; None: it did not. The call asks for a session
    that does not exist: `NOT_FOUND` means that the token was accepted. `how`: the advice."""
    if not has_token:
        return warning(
            "sign-in",
            Message("You are not signed in at this studio."),
            how.first,
        )
    match refused:
        case None | FailureKind.NOT_FOUND:
            return ok("sign-in", Message("The backend accepts your sign-in."))
        case FailureKind.UNAUTHENTICATED:
            return failed(
                "sign-in",
                Message("The backend does not accept your sign-in."),
                how.again,
            )
        case FailureKind.FORBIDDEN:
            return failed(
                "sign-in",
                Message("The backend knows you, and does not let you play."),
                Message("Ask the studio whether your account may play this game."),
            )
        case _:
            return not_known("sign-in", why)

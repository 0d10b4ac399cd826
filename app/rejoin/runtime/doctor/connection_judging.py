"""What was seen on the way to a backend, and what it means for a player. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, assert_never

from rejoin.core.retry import FailureKind
from rejoin.core.verdict import BackendState
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
"""From here on a token may be refused as one of the future or the past; servers allow for a few
minutes at most (RFC 7519, 4.1.4)."""
DAY_S: Final = 86400.0

ASK_STUDIO: Final = "Tell the studio, and send it this report."
SET_CLOCK: Final = "Set the date and time of this computer, best by its own time synchronisation."
CHECK_ADDRESS: Final = "Check the address. If it is right, the studio's service is down: try later."
PORTAL: Final = (
    "Open a web page in a browser: a network that wants a sign-in shows it there. Else check the "
    "address."
)


def address(host: str, *, encrypted: bool, is_local: bool) -> Finding:
    if encrypted or is_local:
        return ok("address", f"The backend is at {host}.")
    return warning(
        "address",
        f"The backend at {host} is called by plain http: anybody on the way can read the sign-in.",
        "Ask the studio for an https address.",
    )


def proxy(variable: str | None, *, is_local: bool) -> Finding:
    """`variable`: what names the proxy; None: there is none."""
    if is_local:
        return ok("proxy", "A backend on this computer is reached without a proxy.")
    if variable is None:
        return ok("proxy", "No proxy is used.")
    return ok("proxy", f"The backend is reached through the proxy that {variable} names.")


def name(
    host: str, addresses: Sequence[str] | None, *, late: bool = False, local: bool = False
) -> Finding:
    """`addresses`: None: there are none. `late`: the resolver said nothing in time. `local`: all
    lead into this network, where a backend must not be."""
    if addresses is None and late:
        return failed(
            "dns",
            f"No name server says where {host} is: there was no answer in time.",
            "Check the network's DNS server, or restart the router.",
        )
    if addresses is None:
        return failed("dns", f"There is no host {host}.", "Check the spelling of the address.")
    if local:
        return failed(
            "dns",
            f"The name {host} leads into this computer's own network ({', '.join(addresses)}).",
            PORTAL,
        )
    count = f"{len(addresses)} addresses" if len(addresses) != 1 else "one address"
    return ok("dns", f"{host} has {count}: {', '.join(addresses)}.")


def tls(found: Handshake, now_unix_s: float) -> Finding:
    match found:
        case Trusted(version):
            return ok("tls", f"The certificate is accepted ({version}).")
        case Untrusted(fault, server_unix_s):
            return _untrusted(fault, server_unix_s, now_unix_s)
        case NotTls():
            return failed(
                "tls",
                "What answers there does not speak TLS, or only an old version of it.",
                PORTAL,
            )
        case NoConnection(refused=True):
            return failed(
                "tls", "The connection was refused: nothing listens there.", CHECK_ADDRESS
            )
        case NoConnection(hung_up=True):
            return failed(
                "tls",
                "The other side hung up during the TLS handshake.",
                "A firewall or an antivirus may do so: allow Rejoin there, or try another network.",
            )
        case NoConnection():
            return failed(
                "tls",
                "Nothing answered in time.",
                f"{CHECK_ADDRESS} A firewall may block it too: try another network.",
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
                "The certificate belongs to another name: another server answers there.",
                PORTAL,
            )
        case CertificateFault.OTHER:
            why = "is not accepted"
        case _:
            why = "comes from nobody whom this computer trusts"
    return failed(
        "tls",
        f"The certificate {why}. The network, a proxy or an antivirus may have replaced it.",
        "Try another network, or ask the studio whether it has a certificate authority of its own.",
    )


def _out_of_time(
    fault: CertificateFault, server_unix_s: float | None, now_unix_s: float
) -> Finding:
    early = fault is CertificateFault.NOT_YET_VALID
    seen = "is not valid yet" if early else "has expired"
    if server_unix_s is not None and abs(server_unix_s - now_unix_s) >= DAY_S:
        return failed(
            "tls",
            f"The certificate {seen}, by this computer's clock, which is "
            f"{_off(now_unix_s - server_unix_s)} by the server's.",
            SET_CLOCK,
        )
    if early:
        return failed("tls", f"The certificate {seen}: this computer's clock is wrong.", SET_CLOCK)
    return failed("tls", f"The certificate {seen}.", f"Check this computer's date. {ASK_STUDIO}")


def backend(state: BackendState, why: str) -> Finding:
    """`why`: the sentence of the call, where it got no answer."""
    match state:
        case BackendState.ANSWERS:
            return ok("backend", "The studio's backend answers.")
        case BackendState.SIGN_IN:
            return failed("backend", "This network wants a sign-in first.", PORTAL)
        case BackendState.PAGE:
            return failed(
                "backend",
                why or "A web page answers in place of the studio's backend.",
                PORTAL,
            )
        case BackendState.STRANGER:
            return failed("backend", why or "Another server answers there.", PORTAL)
        case BackendState.PROXY_REFUSES:
            return failed(
                "backend",
                why or "The proxy refuses the connection to the studio.",
                "Ask whoever runs the proxy to allow it, or name the host in NO_PROXY.",
            )
        case BackendState.SILENT:
            return failed(
                "backend",
                why or "A server answers, and says that the backend behind it does not.",
                CHECK_ADDRESS,
            )
        case BackendState.UNKNOWN:
            advice = "Check the proxy's address." if why else CHECK_ADDRESS
            return failed("backend", why or "What answers there is no Rejoin backend.", advice)
        case _:
            assert_never(state)


def contract(said: tuple[int, int] | None, wanted: int, sign_in: Sequence[str]) -> Finding:
    """`said`: contract and minor version that the backend names; None: it names none. `sign_in`:
    kinds of sign-in, where it says them."""
    if said is None:
        return failed(
            "contract",
            "The answer is not that of a Rejoin backend.",
            "Check the address. If it is one of AWS's samples, its dialect has to be named.",
        )
    if said[0] != wanted:
        older = "older" if said[0] < wanted else "newer"
        return failed(
            "contract",
            f"The backend speaks contract {said[0]}, which is {older} than Rejoin's ({wanted}).",
            ASK_STUDIO if said[0] < wanted else "Install a newer Rejoin.",
        )
    ways = f" Players sign in by: {', '.join(sign_in)}." if sign_in else ""
    return ok("contract", f"The backend speaks contract {said[0]}.{said[1]}.{ways}")


def clock(off_s: float | None) -> Finding:
    """`off_s`: how far this computer's clock is ahead of the backend's; None: not known."""
    if off_s is None:
        return not_known("clock", "The backend did not say what time it is.")
    if abs(off_s) < CLOCK_OFF_S:
        return ok("clock", "The clock agrees with the backend's to within a minute.")
    return warning("clock", f"This computer's clock is {_off(off_s)} by the backend's.", SET_CLOCK)


def _off(off_s: float) -> str:
    """How far a clock is off, in words."""
    way = "ahead" if off_s > 0 else "behind"
    size_s = abs(off_s)
    for unit_s, unit in ((DAY_S, "day"), (3600.0, "hour"), (60.0, "minute")):
        if size_s >= unit_s:
            count = round(size_s / unit_s)
            return f"{count} {unit}{'' if count == 1 else 's'} {way}"
    return f"{size_s:.0f} seconds {way}"


def sign_in(refused: FailureKind | None, why: str, *, has_token: bool, how: str) -> Finding:
    """`refused`: how a call with the token failed; None: it did not. A session that is not there is
    what is asked for: `NOT_FOUND` means that the token was accepted. `how`: to sign in."""
    if not has_token:
        return warning("sign-in", "You are not signed in at this studio.", f"Sign in: {how}")
    match refused:
        case None | FailureKind.NOT_FOUND:
            return ok("sign-in", "The backend accepts your sign-in.")
        case FailureKind.UNAUTHENTICATED:
            return failed(
                "sign-in", "The backend does not accept your sign-in.", f"Sign in again: {how}"
            )
        case FailureKind.FORBIDDEN:
            return failed(
                "sign-in",
                "The backend knows you, and does not let you play.",
                "Ask the studio whether your account may play this game.",
            )
        case _:
            return not_known("sign-in", why)

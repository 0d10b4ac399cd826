"""What a player reads about a backend that was visited. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rejoin.language import mark, tr
from rejoin.runtime.games import host_of

if TYPE_CHECKING:
    from rejoin.runtime.backend_visit import Visited

_SIGN_IN = {
    "none": mark("You need no sign-in there."),
    "openid": mark("You sign in with your browser or your phone."),
    "token": mark("You need a sign-in token from the studio."),
    "not_said": mark("It does not say how players sign in; you may need a token from the studio."),
}


def found_lines(found: Visited) -> tuple[str, ...]:
    """Where it is, what it speaks, and how players sign in."""
    host = host_of(found.address.backend_url)
    if found.contract:
        what = tr(
            "A studio's backend answers at {host}. It fits this Rejoin (contract {contract}).",
            host=host,
            contract=found.contract,
        )
    else:
        what = tr("A studio's backend answers at {host}.", host=host)
    return what, tr(_SIGN_IN[found.sign_in.value])

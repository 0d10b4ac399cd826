"""The three dialects of a studio's backend: what each reports and can do, as values.

Ours is the contract of `signaling/wire`. AWS's own samples define the other two: the server in the
Web SDK bundle, and the React starter's Lambda functions behind API Gateway. Other code must not
guess what a dialect does not report.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Dialect:
    """What the engine and the window need to know about a backend.

    While a new session is placed every dialect reports its status; the fields are about later.
    """

    name: str
    reports_status: bool
    """The status is reported at any time; otherwise `status` may fail with STATUS_UNAVAILABLE."""
    forwards_token: bool
    """The attempt's token becomes the ClientToken: only then may identical bytes be sent twice."""
    can_terminate: bool
    """There is a call that ends the game."""
    needs_token: bool
    """Every call needs a bearer token; to other dialects none is sent."""
    needs_stream_group: bool
    """The client names stream group and application itself (`StreamChoice`)."""
    session_is_secret: bool
    """Anybody who knows a session's id may use it: the id is kept like a sign-in token."""

    def __reduce__(self) -> tuple[Callable[[str], Dialect], tuple[str]]:
        """Unpickle to the same object: dialects are compared by identity."""
        return _named, (self.name,)


OURS: Final = Dialect(
    "ours",
    reports_status=True,
    forwards_token=True,
    can_terminate=True,
    needs_token=True,
    needs_stream_group=False,
    session_is_secret=False,
)
AWS_BUNDLE: Final = Dialect(
    "aws-bundle",
    reports_status=False,
    forwards_token=False,
    can_terminate=True,
    needs_token=False,
    needs_stream_group=True,
    session_is_secret=True,
)
AWS_REACT: Final = Dialect(
    "aws-react",
    reports_status=True,
    forwards_token=False,
    can_terminate=False,
    needs_token=True,
    needs_stream_group=True,
    session_is_secret=False,
)

DIALECTS: Final[dict[str, Dialect]] = {
    dialect.name: dialect for dialect in (OURS, AWS_BUNDLE, AWS_REACT)
}
"""By name, the default first."""


def _named(name: str) -> Dialect:
    return DIALECTS[name]

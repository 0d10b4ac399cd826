"""The three dialects of a studio's backend: what each can tell and do, as values.

Ours is the contract of `signaling/wire`. The other two are what AWS's own samples define: the
server in the Web SDK bundle, and the React starter's Lambda functions behind API Gateway. Where a
dialect cannot tell something, nobody above may guess it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Dialect:
    """What the engine and the window must know about the backend they talk to.

    While a new session is placed every dialect tells its status; the flags are about later.
    """

    name: str
    reports_status: bool
    """The status can be asked at any time; otherwise `status` may fail with STATUS_NOT_TOLD."""
    timeout_told: bool
    """ConnectionTimeoutSeconds is told; otherwise no countdown unless the profile supplies it."""
    forwards_token: bool
    """The attempt's token becomes the ClientToken: only then may identical bytes go out twice."""
    answer_recoverable: bool
    """The status says which offer its answer belongs to, so that a lost answer can be found."""
    can_terminate: bool
    """There is a call that ends the game."""
    needs_token: bool
    """Every call needs a bearer token."""
    needs_stream_group: bool
    """The client names stream group and application itself (`StreamChoice`)."""
    session_is_secret: bool
    """Whoever knows what names a session may use it: it is kept as a sign-in token is."""


OURS: Final = Dialect(
    "ours",
    reports_status=True,
    timeout_told=True,
    forwards_token=True,
    answer_recoverable=True,
    can_terminate=True,
    needs_token=True,
    needs_stream_group=False,
    session_is_secret=False,
)
AWS_BUNDLE: Final = Dialect(
    "aws-bundle",
    reports_status=False,
    timeout_told=False,
    forwards_token=False,
    answer_recoverable=False,
    can_terminate=True,
    needs_token=False,
    needs_stream_group=True,
    session_is_secret=True,
)
AWS_REACT: Final = Dialect(
    "aws-react",
    reports_status=True,
    timeout_told=False,
    forwards_token=False,
    answer_recoverable=False,
    can_terminate=False,
    needs_token=True,
    needs_stream_group=True,
    session_is_secret=False,
)

DIALECTS: Final[dict[str, Dialect]] = {
    dialect.name: dialect for dialect in (OURS, AWS_BUNDLE, AWS_REACT)
}
"""By name, the default first."""

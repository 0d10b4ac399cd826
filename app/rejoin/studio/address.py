"""The URLs and tokens of a running studio, as one line of JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field

from rejoin.errors import BadInputError
from rejoin.language import Message


@dataclass(frozen=True, slots=True)
class Studio:
    """A running studio. The tokens are made for this run and are useless elsewhere."""

    backend_url: str
    api_url: str
    control_url: str
    player_token: str = field(repr=False)
    control_token: str = field(repr=False)
    ca_pem: str | None = None
    """The CA certificate to trust for the backend's https; None on http."""

    def to_json(self) -> str:
        """One line, for the process that started the studio."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, line: str) -> Studio:
        """Read what `to_json` wrote. Raises BadInputError."""
        try:
            return cls(**json.loads(line))
        except (ValueError, TypeError) as error:
            raise BadInputError(Message("The studio did not report its addresses.")) from error

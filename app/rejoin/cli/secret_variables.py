"""The secrets in the environment, taken out of it before anything else.

A variable is inherited by every program that is started.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Final

TOKEN_VARIABLE: Final = "REJOIN_TOKEN"
CONTROL_TOKEN_VARIABLE: Final = "REJOIN_CONTROL_TOKEN"
_SECRET_VARIABLES: Final = (
    TOKEN_VARIABLE,
    CONTROL_TOKEN_VARIABLE,
    "REJOIN_BACKEND_TOKENS",
    "REJOIN_BACKEND_ACCESS_KEY_ID",
    "REJOIN_BACKEND_SECRET_ACCESS_KEY",
    "REJOIN_BACKEND_SESSION_TOKEN",
    "REJOIN_BACKEND_DATABASE",  # its URL has a password
    "REJOIN_BACKEND_INTROSPECTION_CLIENT_SECRET",
)


def taken_from(environment: MutableMapping[str, str]) -> dict[str, str]:
    """The secrets of the environment, which are no longer in it: no program that is started by us
    or by a library of ours (`ctypes.util.find_library` runs a compiler) inherits one."""
    found = {name: environment.pop(name, "") for name in _SECRET_VARIABLES}
    return {name: value for name, value in found.items() if value}

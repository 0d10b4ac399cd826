"""The version of Rejoin: the one place that says it; the wheel's metadata is made from it."""

from __future__ import annotations

from typing import Final

VERSION: Final = "0.1.0"
DISTRIBUTION: Final = "rejoin-client"
"""The name of the wheel. `rejoin` on the Python package index is another program."""

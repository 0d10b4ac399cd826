"""Exit codes that belong to no exception of `errors.py`; README.md lists all of them."""

from __future__ import annotations

from typing import Final

SUCCESS: Final = 0
FAILURE: Final = 1
"""What was checked or played did not succeed; also `RejoinError.exit_code`."""
INCONCLUSIVE: Final = 13
"""What was checked or played says neither that it works nor that it does not."""
BUG: Final = 70
"""A bug in Rejoin: EX_SOFTWARE of sysexits.h."""
INTERRUPTED: Final = 130
"""Ctrl+C or SIGTERM, as shells have it: 128 + SIGINT."""

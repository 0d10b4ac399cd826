"""`rejoin` on a machine whose clock is wrong: `wrong_clock SECONDS`, then arguments of `rejoin`."""

from __future__ import annotations

import sys
import time

_wall = time.time


def main() -> None:
    off_s = float(sys.argv.pop(1))
    time.time = lambda: _wall() + off_s
    from rejoin.cli import main as cli

    cli.main()


if __name__ == "__main__":
    main()

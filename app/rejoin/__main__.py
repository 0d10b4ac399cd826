"""`python -m rejoin`, and what a frozen Rejoin starts with."""

import sys
from typing import NoReturn

from rejoin.child_program import run_as_child


def start() -> NoReturn:
    """Run the child program that the arguments name, or the command line; exits."""
    result = run_as_child(sys.argv[1:])
    if result is not None:
        sys.exit(result)

    from rejoin.cli.main import main

    main()


if __name__ == "__main__":
    start()

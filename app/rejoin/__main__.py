"""`python -m rejoin`, and what a frozen Rejoin starts with."""

import sys

from rejoin.child_program import run_as_child

if __name__ == "__main__":
    result = run_as_child(sys.argv[1:])
    if result is not None:
        sys.exit(result)

    from rejoin.cli.main import main

    main()

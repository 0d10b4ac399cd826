"""`python -m rejoin`."""

from rejoin.cli import main

if __name__ == "__main__":
    main()

"""`python -m rejoin`."""

from rejoin.cli.main import main

if __name__ == "__main__":
    main()

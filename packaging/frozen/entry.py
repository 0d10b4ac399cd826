"""What the frozen program starts with: the same as `python -m rejoin`."""

import multiprocessing

from rejoin.__main__ import start

multiprocessing.freeze_support()
start()

"""Starts the emulator as *Try it here* does, prints its backend's URL, and waits to be killed."""

from __future__ import annotations

import sys

from rejoin.studio.try_here import TryHere

if __name__ == "__main__":
    trying = TryHere()
    print(trying.start().backend_url, flush=True)
    sys.stdin.read()

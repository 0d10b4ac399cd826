"""Sign a feed of newer versions anew before it expires: the same version for another 90 days.

    .venv/bin/python packaging/release/renew.py FEED --key FILE

FEED is the file that is published, with its .minisig beside it: it is verified first. Publish
both. Needs minisign and Rejoin.
"""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from release import (
    Refused,
    check_feed,
    feed,
    key_of,
    public_of,
    sign,
    try_key,
    verify,
)
from shared import run_main


def renew(path: Path, key: Path) -> str:
    """Returns the new expiry. Raises Refused."""
    verify([path], public_of(key))
    try_key(key)  # a feed that was written and not signed would have lost its signature
    old = json.loads(path.read_text(encoding="utf-8"))
    now = datetime.now(UTC)
    text = feed(old["version"], old["notes"], old["artefacts"], now)
    path.write_text(text, encoding="utf-8")
    sign([path], key, f"rejoin {old['version']}")
    verify([path], public_of(key))
    check_feed(path, key, now)
    return str(json.loads(text)["expires"])


def main() -> int:
    parser = argparse.ArgumentParser(description="Sign a feed anew.")
    parser.add_argument("feed", type=Path)
    parser.add_argument("--key", help="minisign's secret key, with NAME.pub beside it")
    arguments = parser.parse_args()
    try:
        print(f"It counts until {renew(arguments.feed, key_of(arguments))}.")
    except (Refused, OSError) as error:
        print(str(error), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(run_main(main))

"""Another origin of the studio and a sign-in page: `python -m helpers.other_origin ADDRESS`.

The origin answers 204 at ORIGIN_PORT, the page redirects to itself at PAGE_PORT, and at
WELCOME_PORT another one answers everything with itself. Prints a line once all listen, and ends
when its standard input ends.
"""

from __future__ import annotations

import asyncio
import sys

from helpers.misbehaving_server import Behaviour, answering

ORIGIN_PORT, PAGE_PORT, WELCOME_PORT = 8204, 8302, 8200


async def main() -> None:
    address = sys.argv[1]
    page = answering("302 Found\r\nLocation: http://sign-in.test/\r\nContent-Type: text/html")
    welcome = answering("200 OK\r\nContent-Type: text/html", b"<html>Welcome to our hotel</html>")
    behaviours = {
        ORIGIN_PORT: answering("204 No Content"),
        PAGE_PORT: page,
        WELCOME_PORT: welcome,
    }
    for port, behaviour in behaviours.items():
        await asyncio.start_server(_once(behaviour), address, port)
    print("there", flush=True)
    await asyncio.to_thread(sys.stdin.read)


def _once(behaviour: Behaviour) -> Behaviour:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await behaviour(reader, writer)
        except (OSError, EOFError):
            pass
        finally:
            writer.close()

    return serve


if __name__ == "__main__":
    asyncio.run(main())

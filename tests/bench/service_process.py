"""A streaming service without streams, as a process: `service_process PORT`.

It is an OpenID Connect issuer besides, as far as a backend asks one.

Prints "ready", then reads one command of JSON from each line of its standard input and answers
with a line of JSON. Times are those of time.monotonic, which all processes of a machine share.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from helpers.streamless_service import Quota, StreamlessService, arn_of
from rejoin.backend.connection_rules import ConnectionRules
from rejoin.backend.serving import serving

RULES = ConnectionRules(first_byte_s=3600.0, header_section_s=60.0, keep_alive_s=3600)


class Issuer:
    """Describes itself and shows its keys; it signs nobody in."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.keys: dict[str, Any] = {}

    def routes(self) -> list[Route]:
        async def description(_: Request) -> Response:
            return JSONResponse({"issuer": self.url, "jwks_uri": f"{self.url}/keys"})

        async def keys(_: Request) -> Response:
            return JSONResponse(self.keys)

        return [Route("/.well-known/openid-configuration", description), Route("/keys", keys)]


def obey(service: StreamlessService, issuer: Issuer, command: dict[str, Any]) -> object:
    """Do it; its answer."""
    match command:
        case {"keys": dict(keys)}:
            issuer.keys = keys
        case {"seed": int(count)}:
            service.seed(count)
        case {"drop": list(numbers), "windows_s": list(windows)}:
            return [service.drop(*each) for each in zip(numbers, windows, strict=True)]
        case {"quotas": dict(quotas)}:
            service.quotas = {name: Quota(*each) for name, each in quotas.items()}
        case {"delay_s": dict(delays), "slow_start_s": float(slow_s)}:
            service.delay_s, service.slow_start_s = delays, slow_s
        case {"served_s": True}:
            return service.served_s
        case {"calls": True}:
            return service.calls
        case {"saved": int(count)}:
            return [service.sessions[arn_of(number)].saved_at for number in range(count)]
        case _:
            raise ValueError(f"unknown command: {sorted(command)}")
    return None


async def main(port: int) -> None:
    service, issuer = StreamlessService(), Issuer(port)
    app = service.app()
    app.router.routes.extend(issuer.routes())
    async with serving(app, "127.0.0.1", port, rules=RULES, close_patience_s=0):
        print(json.dumps("ready"), flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            print(json.dumps(obey(service, issuer, json.loads(line))), flush=True)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))

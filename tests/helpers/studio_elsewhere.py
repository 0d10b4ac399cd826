"""A studio that other network namespaces reach: `python -m helpers.studio_elsewhere ADDRESS JSON`.

JSON has settings of the emulator. Prints where the studio is. A line of standard input is a fault
of the stream that begins then, or "state"; after each the emulator's state is printed. Ends when
its standard input ends. Every name of its DNS is its own.
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import replace

from helpers.name_server import PORT, NameServer
from rejoin.emulator.service.control import EmulatorControl
from rejoin.emulator.service.faults import Fault, FaultKind
from rejoin.emulator.service.settings import EmulatorSettings
from rejoin.studio import serve

SMALL = EmulatorSettings(width=640, height=360, fps=30, bitrate_bps=2_000_000)


async def main() -> None:
    address = sys.argv[1]
    await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: NameServer(address), local_addr=(address, PORT)
    )
    settings = replace(SMALL, **json.loads(sys.argv[2]))
    async with serve.studio(settings, serve.Ports(address=address)) as there:
        print(there.to_json(), flush=True)
        async with EmulatorControl(there.control_url, there.control_token) as control:
            while line := await asyncio.to_thread(sys.stdin.readline):
                if line.strip() != "state":
                    await control.inject(Fault(FaultKind(line.strip())))
                print(json.dumps(await control.state()), flush=True)


if __name__ == "__main__":
    asyncio.run(main())

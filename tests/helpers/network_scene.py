"""Run inside `unshare -rn`: changes the network of that namespace and prints the engine's events.

It prints one line of JSON: the names of the events, whether the machine had our address at each of
them, and the addresses that a connection gathered before a change and that still exist after it.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable

from rejoin.core.events import Event
from rejoin.core.model import ConnectionNumber
from rejoin.media.audio.output import NullOutput
from rejoin.media.video.picture import PictureSlot
from rejoin.rtc.candidates import NetworkRules
from rejoin.rtc.peer import Peer, PeerSettings
from rejoin.rtc.playback import MediaSinks
from rejoin.runtime.network import NetlinkWatch, Reach, has_address

OUR_ADDRESS = "10.77.0.2"


def ip(*lines: str) -> None:
    """Run these `ip` commands in one burst."""
    script = "".join(f"{line}\n" for line in lines)
    subprocess.run(["ip", "-batch", "-"], input=script, text=True, check=True)


async def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError("timed out")
        await asyncio.sleep(0.01)


async def scene() -> dict[str, object]:
    event_names: list[str] = []
    had_address: list[bool] = []

    def post(event: Event) -> None:
        event_names.append(type(event).__name__)
        had_address.append(has_address(OUR_ADDRESS))

    ip("link set lo up")
    watch = NetlinkWatch(post, Reach.INTERNET)
    watch.start()
    assert event_names == ["NetworkLost"], "only lo exists"

    ip(
        "link add out0 type veth peer name far0",
        "link set far0 up",
        "link set out0 up",
        f"addr add {OUR_ADDRESS}/24 dev out0",
        "route add default via 10.77.0.1",
    )
    await until(lambda: len(event_names) == 2)

    # An interface without a route out, like a container's, is not a change and causes no event.
    ip(
        "link add in0 type veth peer name deep0",
        "link set deep0 up",
        "link set in0 up",
        "addr add 10.78.0.2/24 dev in0",
    )
    await asyncio.sleep(0.6)
    ip(
        f"addr del {OUR_ADDRESS}/24 dev out0",
        f"addr add {OUR_ADDRESS}/24 dev out0",
        "route add default via 10.77.0.1",
    )
    await until(lambda: len(event_names) == 3)
    peer = Peer(
        ConnectionNumber(1),
        PeerSettings(NetworkRules()),
        MediaSinks(PictureSlot(), NullOutput()),
        post=post,
    )
    await peer.make_offer()
    gathered = {address for address in peer.local_addresses if ":" not in address}
    assert OUR_ADDRESS in gathered, gathered
    ip(
        f"addr del {OUR_ADDRESS}/24 dev out0",
        "addr add 10.77.0.3/24 dev out0",
        "route add default via 10.77.0.1",
    )
    await until(lambda: len(event_names) == 4)
    kept_addresses = sorted(address for address in gathered if has_address(address))
    await peer.close()
    # The kernel removes the IPv4 routes too, without a message.
    ip("link set out0 down")
    await until(lambda: len(event_names) == 5)
    watch.close()
    ip("link set out0 up")
    return {
        "event_names": event_names,
        "had_address": had_address,
        "kept_addresses": kept_addresses,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(scene())))
    sys.exit(0)

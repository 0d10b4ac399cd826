"""Run inside `unshare -rn`: changes the network of that namespace and prints the events.

Prints one line of JSON: the names of the events, whether the machine had our address at each, and
which addresses a connection gathered before a change and still has after it.
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
from rejoin.rtc.peer import Peer, PeerSettings
from rejoin.rtc.playback import MediaSinks
from rejoin.rtc.signal_codec import NetworkRules
from rejoin.runtime.network import NetlinkWatch, Reach, has_address

OURS = "10.77.0.2"


def ip(*lines: str) -> None:
    """Do all of it in one burst."""
    script = "".join(f"{line}\n" for line in lines)
    subprocess.run(["ip", "-batch", "-"], input=script, text=True, check=True)


async def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not true():
        if time.monotonic() > end:
            raise RuntimeError("it did not happen")
        await asyncio.sleep(0.01)


async def scene() -> dict[str, object]:
    heard: list[str] = []
    had: list[bool] = []

    def post(event: Event) -> None:
        heard.append(type(event).__name__)
        had.append(has_address(OURS))

    ip("link set lo up")
    watch = NetlinkWatch(post, Reach.INTERNET)
    watch.start()
    assert heard == ["NetworkLost"], "there is only lo"

    ip(
        "link add out0 type veth peer name far0",
        "link set far0 up",
        "link set out0 up",
        f"addr add {OURS}/24 dev out0",
        "route add default via 10.77.0.1",
    )
    await until(lambda: len(heard) == 2)

    # An interface without a way out, like a container's, is not a change: no event before the next.
    ip(
        "link add in0 type veth peer name deep0",
        "link set deep0 up",
        "link set in0 up",
        "addr add 10.78.0.2/24 dev in0",
    )
    await asyncio.sleep(0.6)
    ip(
        f"addr del {OURS}/24 dev out0",
        f"addr add {OURS}/24 dev out0",
        "route add default via 10.77.0.1",
    )
    await until(lambda: len(heard) == 3)
    peer = Peer(
        ConnectionNumber(1),
        PeerSettings(NetworkRules()),
        MediaSinks(PictureSlot(), NullOutput()),
        post=post,
    )
    await peer.make_offer()
    gathered = {one for one in peer.local_addresses if ":" not in one}
    assert OURS in gathered, gathered
    ip(
        f"addr del {OURS}/24 dev out0",
        "addr add 10.77.0.3/24 dev out0",
        "route add default via 10.77.0.1",
    )
    await until(lambda: len(heard) == 4)
    kept = sorted(one for one in gathered if has_address(one))
    await peer.close()
    # The kernel removes the IPv4 routes too, without a message.
    ip("link set out0 down")
    await until(lambda: len(heard) == 5)
    watch.close()
    ip("link set out0 up")
    return {"heard": heard, "had": had, "kept": kept}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(scene())))
    sys.exit(0)

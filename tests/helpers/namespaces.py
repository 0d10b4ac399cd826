"""Two network namespaces with a cable between them: a player's computer, and a studio behind it.

Faults are the kernel's own. Packets are dropped where they arrive, so that no sender notices. Needs
root; what is missing elsewhere is said by `why_not`.
"""

from __future__ import annotations

import functools
import itertools
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

STUDIO = "10.78.0.1"
"""Where the studio listens: behind the player's default route."""
OTHER_ORIGIN = "10.78.0.2"
"""Where another origin of the studio listens."""
_GATEWAY, _PLAYER, _PLAYER_LATER = "10.77.0.1", "10.77.0.2", "10.77.0.3"
_numbers = itertools.count()
"""Several pairs may be there at the same time."""


@functools.cache
def why_not() -> str | None:
    """Why no namespaces can be made here, or None."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return "network namespaces need root"
    for program in ("ip", "nft", "unshare", "nsenter"):
        if shutil.which(program) is None:
            return f"there is no program {program}"
    table = "nft add table inet trial && ip link add trial type veth peer name trial2"
    done = subprocess.run(["unshare", "-n", "sh", "-c", table], check=False, capture_output=True)
    return "network namespaces are not allowed here" if done.returncode else None


@functools.cache
def why_no_resolver() -> str | None:
    """Why a namespace can have no name server of its own here, or None.

    `ip netns exec` puts the resolver's file in place by a mount, and that needs a root directory
    which is a mount point; in a chroot it is none.
    """
    name = f"rejoin-try-{os.getpid()}"
    try:
        _run("ip", "netns", "add", name)
        done = subprocess.run(
            ["ip", "netns", "exec", name, "true"], check=False, capture_output=True
        )
    finally:
        subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)
    return "a namespace can have no name server of its own here" if done.returncode else None


def _inside(namespace: str, *command: str) -> list[str]:
    return ["nsenter", f"--net=/run/netns/{namespace}", *command]


def _run(*command: str, text: str = "") -> None:
    done = subprocess.run(command, input=text, text=True, check=False, capture_output=True)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"


@dataclass(frozen=True, slots=True)
class Namespaces:
    """The names of both, and what can happen to the network between them."""

    player: str
    studio: str

    def in_player(self, *command: str, resolver: bool = False) -> list[str]:
        """This command, to be run on the player's computer; with `resolver` the studio answers its
        look-ups (see `why_no_resolver`)."""
        if resolver:
            return ["ip", "netns", "exec", self.player, *command]
        return _inside(self.player, *command)

    def in_studio(self, *command: str) -> list[str]:
        """This command, to be run in the studio."""
        return _inside(self.studio, *command)

    def drop(self, *, up: str = "", down: str = "") -> None:
        """Drop what matches, until `heal`: a condition of nftables for each direction, such as
        `meta l4proto udp`."""
        for namespace, condition in ((self.studio, up), (self.player, down)):
            if condition:
                chain = f"type filter hook input priority 0; iifname cable {condition} drop"
                rules = f"table inet fault {{\nchain arriving {{\n{chain}\n}}\n}}\n"
                _run(*_inside(namespace, "nft", "-f", "-"), text=rules)

    def heal(self) -> None:
        """Everything passes again."""
        for namespace in (self.studio, self.player):
            _run(*_inside(namespace, "nft", "flush", "ruleset"))

    def answer_instead(self, port: int) -> None:
        """Whoever listens at this port of the other origin's address answers every new TCP
        connection, until `heal`: what a captive portal does."""
        chain = "type nat hook prerouting priority -100"
        rule = f"iifname cable meta l4proto tcp dnat to {OTHER_ORIGIN}:{port}"
        rules = f"table ip portal {{\nchain arriving {{\n{chain}\n{rule}\n}}\n}}\n"
        _run(*_inside(self.studio, "nft", "-f", "-"), text=rules)

    def take_studio_away(self) -> None:
        """Until `heal`, nobody listens at the studio's address for those who are in its network,
        such as a proxy."""
        chain = "type filter hook input priority 0; iifname lo"
        rule = f"{chain} ip daddr {STUDIO} meta l4proto tcp reject with tcp reset"
        rules = f"table inet away {{\nchain arriving {{\n{rule}\n}}\n}}\n"
        _run(*_inside(self.studio, "nft", "-f", "-"), text=rules)

    def silence_gateway(self) -> None:
        """The gateway answers no look-up of its address (ARP) any more."""
        _run(*_inside(self.studio, "ip", "link", "set", "cable", "arp", "off"))
        _run(*self.in_player("ip", "neighbour", "flush", "dev", "cable"))

    def remove_default_route(self) -> None:
        """The kernel of the player's computer refuses to send to the studio: ENETUNREACH."""
        _run(*self.in_player("ip", "route", "del", "default"))

    def unplug(self) -> None:
        """The player's cable is out: no interface with a route is left."""
        _run(*self.in_player("ip", "link", "set", "cable", "down"))

    def plug_in(self) -> None:
        _run(*self.in_player("ip", "link", "set", "cable", "up"))
        self.restore_default_route()

    def change_address(self) -> None:
        """The player's computer gets another address, as in another network: what was connected
        before is connected no more."""
        for change, address in (("del", _PLAYER), ("add", _PLAYER_LATER)):
            _run(*_inside(self.player, "ip", "address", change, f"{address}/24", "dev", "cable"))
        self.restore_default_route()

    def restore_default_route(self) -> None:
        _run(*self.in_player("ip", "route", "add", "default", "via", _GATEWAY))


def _resolver_file(namespace: str) -> Path:
    """What `ip netns exec` puts in the place of /etc/resolv.conf: the studio answers look-ups."""
    return Path("/etc/netns", namespace, "resolv.conf")


@contextmanager
def namespaces() -> Iterator[Namespaces]:
    """Make both; at the end kill by number what still runs in them, and delete them."""
    suffix = f"{os.getpid()}-{next(_numbers)}"
    made = Namespaces(f"rejoin-player-{suffix}", f"rejoin-studio-{suffix}")
    try:
        for namespace in (made.player, made.studio):
            _run("ip", "netns", "add", namespace)
            _run(*_inside(namespace, "ip", "link", "set", "lo", "up"))
        ends = ("type", "veth", "peer", "name", "cable", "netns", made.studio)
        _run(*_inside(made.player, "ip", "link", "add", "cable", *ends))
        for namespace, address in ((made.player, _PLAYER), (made.studio, _GATEWAY)):
            _run(*_inside(namespace, "ip", "address", "add", f"{address}/24", "dev", "cable"))
            _run(*_inside(namespace, "ip", "link", "set", "cable", "up"))
        for address in (STUDIO, OTHER_ORIGIN):
            _run(*_inside(made.studio, "ip", "address", "add", f"{address}/32", "dev", "lo"))
        made.restore_default_route()
        _resolver_file(made.player).parent.mkdir(parents=True, exist_ok=True)
        _resolver_file(made.player).write_text(f"nameserver {STUDIO}\n", encoding="ascii")
        yield made
    finally:
        shutil.rmtree(_resolver_file(made.player).parent, ignore_errors=True)
        for namespace in (made.player, made.studio):
            if not Path("/run/netns", namespace).exists():
                continue
            listing = subprocess.run(
                ["ip", "netns", "pids", namespace], check=False, capture_output=True, text=True
            )
            for number in listing.stdout.split():
                os.kill(int(number), signal.SIGKILL)
            subprocess.run(["ip", "netns", "del", namespace], check=False)

"""Reports connections whose local address this machine has lost, each loss once."""

from __future__ import annotations

from collections.abc import Callable

from rejoin.core.events import HardEvidenceSeen
from rejoin.core.model import ConnectionNumber, HardEvidence
from rejoin.runtime.connections import Connections
from rejoin.runtime.ports import PeerPort, Post


class AddressLoss:
    """Compares the addresses of the connections with those of this machine."""

    def __init__(
        self, connections: Connections, has_address: Callable[[str], bool], post: Post
    ) -> None:
        self._connections = connections
        self._has_address = has_address
        self._post = post
        self._reported: set[ConnectionNumber] = set()

    def address_lost(self, peer: PeerPort) -> bool:
        """Whether this machine has none of the peer's addresses any more.

        A peer that gathered no address has none to lose.
        """
        addresses = peer.local_addresses
        return bool(addresses) and not any(self._has_address(address) for address in addresses)

    def report(self) -> None:
        """Post HardEvidenceSeen for each connection whose address was lost since the last call.

        To be called after the network changed.
        """
        lost = {number for number, peer in self._connections.all() if self.address_lost(peer)}
        for connection in sorted(lost - self._reported):
            self._post(HardEvidenceSeen(connection, HardEvidence.ADDRESS_GONE))
        self._reported = lost

"""Whether this computer has a route out, and whether the gateway on it answers.

It sends nothing: the kernel knows from ARP and neighbour discovery whether the gateway answers,
since other probes and the stream send through it. Linux only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rejoin.core.verdict import Answer, LinkState
from rejoin.runtime.netlink import Item, Neighbour, Route
from rejoin.runtime.network import HAS_NETLINK, Reach, network_state, read_all, read_neighbours

Read = Callable[[], Sequence[Item]]


def way_out(
    reach: Reach, *, read: Read = read_all, neighbours: Read = read_neighbours
) -> tuple[LinkState, Answer]:
    """The state of the links that lead to where a host may be, and of the gateways behind them.

    Blocks for as long as the kernel takes, normally less than a millisecond.
    """
    if reach is Reach.MACHINE or not HAS_NETLINK:
        return LinkState.UNKNOWN, Answer.UNKNOWN
    try:
        routes = network_state(read(), reach).routes
        if not routes:
            return LinkState.GONE, Answer.UNKNOWN
        return LinkState.UP, gateway_answers(routes, neighbours())
    except OSError:
        return LinkState.UNKNOWN, Answer.UNKNOWN


def gateway_answers(routes: frozenset[Route], neighbours: Sequence[Item]) -> Answer:
    """ANSWERS if one of the gateways has just done so, SILENT if none did."""
    gateways = {(route.index, route.gateway) for route in routes if route.gateway}
    known = {
        (each.index, each.address): each.answers
        for each in neighbours
        if isinstance(each, Neighbour)
    }
    states = [known.get(gateway) for gateway in gateways]
    if True in states:
        return Answer.ANSWERS
    return Answer.SILENT if states and all(each is False for each in states) else Answer.UNKNOWN

"""Whether there is a way out, and whether its gateway answers, from what the kernel knows."""

from __future__ import annotations

import socket
import sys
from collections.abc import Sequence

import pytest

from rejoin.core.verdict import Answer, LinkState
from rejoin.runtime import gateway
from rejoin.runtime.gateway import gateway_answers, way_out
from rejoin.runtime.netlink import Item, Link, Neighbour, Route
from rejoin.runtime.network import Reach, read_neighbours

ROUTER, OTHER = b"\x0a\x4d\0\1", b"\x0a\x4d\0\x09"


def default(via: bytes = ROUTER, index: int = 2) -> Route:
    return Route(index, socket.AF_INET, 0, b"", via, 0, 254)


HOME: Sequence[Item] = (Link(2, running=True, loopback=False), default())


@pytest.fixture(autouse=True)
def _linux(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway, "HAS_NETLINK", True)


@pytest.mark.parametrize(
    ("known", "answer"),
    [
        ([], Answer.UNKNOWN),
        ([Neighbour(2, ROUTER, None)], Answer.UNKNOWN),
        ([Neighbour(2, ROUTER, True)], Answer.ANSWERS),
        ([Neighbour(2, ROUTER, False)], Answer.SILENT),
        ([Neighbour(2, OTHER, False)], Answer.UNKNOWN),
        ([Neighbour(3, ROUTER, False)], Answer.UNKNOWN),
    ],
)
def test_the_gateway_is_the_neighbour_that_the_default_route_names(
    known: list[Item], answer: Answer
) -> None:
    assert way_out(Reach.INTERNET, read=lambda: HOME, neighbours=lambda: known) == (
        LinkState.UP,
        answer,
    )


def test_one_gateway_that_answers_is_a_way_out_and_only_all_together_are_silent() -> None:
    routes = frozenset({default(), default(OTHER)})
    silent, answers = Neighbour(2, ROUTER, False), Neighbour(2, OTHER, True)
    assert gateway_answers(routes, [silent, answers]) is Answer.ANSWERS
    assert gateway_answers(routes, [silent]) is Answer.UNKNOWN
    assert gateway_answers(routes, [silent, Neighbour(2, OTHER, False)]) is Answer.SILENT


def test_a_route_without_a_gateway_has_none_that_could_be_silent() -> None:
    assert gateway_answers(frozenset({default(b"")}), []) is Answer.UNKNOWN


def test_without_a_link_there_is_no_way_out() -> None:
    off = (Link(2, running=False, loopback=False), default())
    found = way_out(Reach.INTERNET, read=lambda: off, neighbours=list)
    assert found == (LinkState.GONE, Answer.UNKNOWN)


def test_what_cannot_be_read_or_does_not_matter_is_unknown() -> None:
    def fails() -> Sequence[Item]:
        raise OSError

    unknown = (LinkState.UNKNOWN, Answer.UNKNOWN)
    assert way_out(Reach.INTERNET, read=fails, neighbours=list) == unknown
    assert way_out(Reach.INTERNET, read=lambda: HOME, neighbours=fails) == unknown
    assert way_out(Reach.MACHINE, read=fails, neighbours=fails) == unknown


@pytest.mark.skipif(sys.platform != "linux", reason="netlink is Linux's")
def test_this_kernel_lists_its_neighbours() -> None:
    assert all(isinstance(each, Neighbour) for each in read_neighbours())

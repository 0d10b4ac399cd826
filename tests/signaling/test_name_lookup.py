"""Looking up the backend: a hung name server delays nothing, and the last good address is kept."""

from __future__ import annotations

import asyncio
import socket
import threading

import pytest

from rejoin.clock import boot_s
from rejoin.signaling import name_lookup
from rejoin.signaling.name_lookup import NameLookup, is_address, resolved

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


class Resolver:
    """A name server: answers, fails, or hangs until it is freed."""

    def __init__(self) -> None:
        self.answer: list[str] | Exception = ["192.0.2.1", "2001:db8::1"]
        self.free = threading.Event()
        self.free.set()
        self.asked = 0

    def __call__(self, host: str, port: int) -> list[str]:
        assert (host, port) == ("studio.example", 443)
        self.asked += 1
        assert self.free.wait(60)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a slow machine even a name server that answers at once takes its time."""
    monkeypatch.setattr(name_lookup, "DEADLINE_S", 60.0)
    monkeypatch.setattr(name_lookup, "REFRESH_S", 60.0)


async def resolved_by(lookup: NameLookup) -> list[str]:
    return await lookup.addresses("studio.example", 443)


async def without_patience(lookup: NameLookup) -> list[str]:
    """As `resolved_by`, for a name server that hangs."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(name_lookup, "DEADLINE_S", 0.05)
        patched.setattr(name_lookup, "REFRESH_S", 0.01)
        return await resolved_by(lookup)


async def ended(resolver: Resolver, lookup: NameLookup) -> None:
    """Free what hangs, and wait until no thread is left."""
    resolver.free.set()
    await lookup.aclose()
    for _ in range(6000):
        if not any(thread.name == "lookup" for thread in threading.enumerate()):
            return
        await asyncio.sleep(0.01)
    pytest.fail("a look-up did not end")


@pytest.mark.parametrize("host", ["192.0.2.7", "::1", "2001:db8::7", "fe80::1%eth0"])
async def test_an_address_needs_no_name_server(host: str) -> None:
    resolver = Resolver()
    lookup = NameLookup(resolver)
    assert await lookup.addresses(host, 443) == [host]
    assert resolver.asked == 0
    assert is_address(host)


def test_an_odd_spelling_of_an_address_is_looked_up_as_a_name() -> None:
    assert not is_address("127.1")
    assert resolved("127.1", 80) == ["127.0.0.1"]
    assert resolved("127.0.0.1", 80) == ["127.0.0.1"]


async def test_the_name_server_is_asked_each_time_while_it_answers() -> None:
    resolver = Resolver()
    lookup = NameLookup(resolver)
    assert await resolved_by(lookup) == ["192.0.2.1", "2001:db8::1"]
    resolver.answer = ["192.0.2.9"]
    monitored = boot_s()
    while await resolved_by(lookup) != ["192.0.2.9"]:
        assert boot_s() - monitored < 60
    await ended(resolver, lookup)


@pytest.mark.parametrize(
    "failure",
    [
        socket.gaierror(socket.EAI_NONAME, "no such name"),
        OSError("no network"),
        UnicodeError("label too long"),
    ],
    ids=lambda failure: type(failure).__name__,
)
async def test_a_name_server_that_fails_is_an_error_at_first_and_later_none(
    failure: Exception,
) -> None:
    resolver = Resolver()
    resolver.answer = failure
    lookup = NameLookup(resolver)
    with pytest.raises(OSError):  # noqa: PT011 - any of them; the texts are the resolver's
        await resolved_by(lookup)
    resolver.answer = ["192.0.2.1"]
    assert await resolved_by(lookup) == ["192.0.2.1"]
    resolver.answer = failure
    assert await resolved_by(lookup) == ["192.0.2.1"]
    await ended(resolver, lookup)


async def test_no_address_at_all_is_an_error() -> None:
    resolver = Resolver()
    resolver.answer = []
    lookup = NameLookup(resolver)
    with pytest.raises(socket.gaierror):
        await resolved_by(lookup)
    await ended(resolver, lookup)


async def test_a_name_server_that_hangs_ends_in_an_error_and_later_in_the_last_good_addresses() -> (
    None
):
    resolver = Resolver()
    lookup = NameLookup(resolver)
    resolver.free.clear()
    with pytest.raises(socket.gaierror):
        await without_patience(lookup)
    resolver.free.set()
    assert await resolved_by(lookup) == ["192.0.2.1", "2001:db8::1"]
    resolver.free.clear()
    assert await without_patience(lookup) == ["192.0.2.1", "2001:db8::1"]
    await ended(resolver, lookup)


async def test_a_late_answer_is_the_next_ones() -> None:
    resolver = Resolver()
    lookup = NameLookup(resolver)
    await resolved_by(lookup)
    resolver.answer = ["192.0.2.9"]
    resolver.free.clear()
    assert await without_patience(lookup) == ["192.0.2.1", "2001:db8::1"]
    resolver.free.set()
    for _ in range(6000):
        if await resolved_by(lookup) == ["192.0.2.9"]:
            break
        await asyncio.sleep(0.01)
    else:
        pytest.fail("the late answer was thrown away")
    await ended(resolver, lookup)


async def test_hung_look_ups_do_not_pile_up_and_a_new_one_begins_after_the_deadline() -> None:
    resolver = Resolver()
    now = 100.0
    lookup = NameLookup(resolver, lambda: now)
    resolver.free.clear()
    for _ in range(3):
        with pytest.raises(socket.gaierror):
            await without_patience(lookup)
    assert resolver.asked == 1, "the one that has just begun is joined"
    for _ in range(10):
        now += 1.0
        with pytest.raises(socket.gaierror):
            await without_patience(lookup)
    assert resolver.asked == 4
    await ended(resolver, lookup)


async def test_the_loops_own_pool_is_not_used() -> None:
    """So that hung look-ups hold neither uvloop's UDP sockets nor the end of the program."""
    resolver = Resolver()
    lookup = NameLookup(resolver)
    await resolved_by(lookup)
    names = {thread.name for thread in threading.enumerate()}
    assert not any(name.startswith("asyncio_") for name in names)
    await ended(resolver, lookup)

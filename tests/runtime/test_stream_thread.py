"""The stream thread runs one coroutine to its end."""

from __future__ import annotations

import asyncio
import sys
import threading

import pytest

from rejoin.runtime.stream_thread import StreamThread

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


def test_a_coroutine_runs_on_its_own_thread_to_its_result() -> None:
    done = threading.Event()

    async def main() -> str:
        await asyncio.sleep(0)
        return threading.current_thread().name

    thread = StreamThread(main, on_done=done.set)
    thread.start()
    assert thread.join(60) == "stream"
    assert done.wait(60)
    assert not thread.running


def test_its_exception_is_raised_by_join() -> None:
    async def main() -> None:
        raise ValueError("because")

    thread = StreamThread(main)
    thread.start()
    with pytest.raises(ValueError, match="because"):
        thread.join(60)


def test_join_waits_no_longer_than_its_timeout() -> None:
    release = threading.Event()

    async def main() -> int:
        await asyncio.to_thread(release.wait, 5)
        return 1

    thread = StreamThread(main)
    thread.start()
    assert thread.join(0.01) is None
    assert thread.running
    release.set()
    assert thread.join(60) == 1


def test_the_loop_is_uvloops_if_installed_and_otherwise_asyncios(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def main() -> str:
        return type(asyncio.get_running_loop()).__module__

    def ran_on() -> str | None:
        thread = StreamThread(main)
        thread.start()
        return thread.join(60)

    if sys.platform != "win32":
        assert ran_on() == "uvloop"
    monkeypatch.setitem(sys.modules, "uvloop", None)
    assert str(ran_on()).startswith("asyncio")


def test_a_packet_that_cannot_be_sent_is_reported_and_the_socket_stays_open() -> None:
    """Detecting an unreachable network, and healing afterwards, rely on this on both loops."""

    class Errors(asyncio.DatagramProtocol):
        def __init__(self) -> None:
            self.errors: list[Exception] = []

        def error_received(self, exc: Exception) -> None:
            self.errors.append(exc)

    async def main() -> tuple[int, bool]:
        transport, protocol = await asyncio.get_running_loop().create_datagram_endpoint(
            Errors, local_addr=("127.0.0.1", 0)
        )
        # Broadcasting without permission: the system refuses it, nothing leaves this machine.
        for _ in range(2):
            transport.sendto(b"x", ("255.255.255.255", 9))
            await asyncio.sleep(0.01)
        result = len(protocol.errors), transport.is_closing()
        transport.close()
        return result

    thread = StreamThread(main)
    thread.start()
    assert thread.join(60) == (2, False)

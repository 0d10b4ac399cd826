"""The stream thread."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading

import pytest

from rejoin.runtime.stream_thread import StreamThread

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


def test_a_coroutine_runs_on_its_own_thread_to_its_result() -> None:
    told = threading.Event()

    async def main() -> str:
        await asyncio.sleep(0)
        return threading.current_thread().name

    thread = StreamThread(main, on_done=told.set)
    thread.start()
    assert thread.join(5) == "stream"
    assert told.wait(5)
    assert not thread.running


def test_what_it_raises_is_raised_where_it_is_waited_for() -> None:
    async def main() -> None:
        raise ValueError("because")

    thread = StreamThread(main)
    thread.start()
    with pytest.raises(ValueError, match="because"):
        thread.join(5)


def test_waiting_no_longer_than_told() -> None:
    release = threading.Event()

    async def main() -> int:
        await asyncio.to_thread(release.wait, 5)
        return 1

    thread = StreamThread(main)
    thread.start()
    assert thread.join(0.01) is None
    assert thread.running
    release.set()
    assert thread.join(5) == 1


def test_the_loop_is_uvloops_where_it_is_installed_and_asyncios_where_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def main() -> str:
        return type(asyncio.get_running_loop()).__module__

    def ran_on() -> str | None:
        thread = StreamThread(main)
        thread.start()
        return thread.join(5)

    if sys.platform != "win32":
        assert ran_on() == "uvloop"
    monkeypatch.setitem(sys.modules, "uvloop", None)
    assert str(ran_on()).startswith("asyncio")


def test_a_packet_that_cannot_go_out_is_told_and_the_socket_stays_open() -> None:
    """What the unreachable network's evidence and healing by itself rest on, on either loop."""

    class Told(asyncio.DatagramProtocol):
        def __init__(self) -> None:
            self.errors: list[Exception] = []

        def error_received(self, exc: Exception) -> None:
            self.errors.append(exc)

    async def main() -> tuple[int, bool]:
        transport, protocol = await asyncio.get_running_loop().create_datagram_endpoint(
            Told, local_addr=("127.0.0.1", 0)
        )
        # Broadcasting without permission: refused by the system, nothing leaves this machine.
        for _ in range(2):
            transport.sendto(b"x", ("255.255.255.255", 9))
            await asyncio.sleep(0.01)
        result = len(protocol.errors), transport.is_closing()
        transport.close()
        return result

    thread = StreamThread(main)
    thread.start()
    assert thread.join(5) == (2, False)


def test_a_full_collection_looks_at_nothing_that_was_there_before_the_stream() -> None:
    """In an interpreter of its own: in this one it would concern every test that comes after."""
    program = """if True:
        import gc, sys
        from rejoin.runtime.stream_thread import SWITCH_INTERVAL_S, settle
        assert gc.get_freeze_count() == 0
        settle()
        frozen = gc.get_freeze_count()
        assert frozen > 10_000, frozen
        assert abs(sys.getswitchinterval() - SWITCH_INTERVAL_S) < 1e-6
        later = [[number] for number in range(1000)]
        settle()
        assert gc.get_freeze_count() <= frozen, "what came later is still collected"
    """
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)

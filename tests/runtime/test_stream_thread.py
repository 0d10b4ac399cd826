"""The stream thread runs one coroutine to its end; startup objects are frozen once."""

from __future__ import annotations

import asyncio
import platform
import subprocess
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


def test_a_full_collection_skips_everything_that_existed_before_the_stream() -> None:
    """In a separate interpreter: here it would affect every later test."""
    program = """if True:
        import gc, sys
        from rejoin.runtime.stream_thread import SWITCH_INTERVAL_S, freeze_startup_objects
        at_start = gc.get_freeze_count()
        assert at_start < 1000, "Python itself freezes few objects, or none"
        freeze_startup_objects()
        frozen = gc.get_freeze_count()
        assert frozen > at_start + 10_000, frozen
        assert abs(sys.getswitchinterval() - SWITCH_INTERVAL_S) < 1e-6
        later = [[number] for number in range(1000)]
        freeze_startup_objects()
        assert gc.get_freeze_count() <= frozen, "later objects are still collected"
    """
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_after_the_freeze_garbage_is_collected_as_in_a_small_program() -> None:
    """Else a full collection waits until a quarter of all that was frozen is there anew."""
    program = """if True:
        import gc, weakref
        from rejoin.runtime.stream_thread import freeze_startup_objects

        class Connection:
            pass

        def connection():
            made = Connection()
            made.parts = [Connection() for _ in range(600)]
            for part in made.parts:
                part.of = made
            return made

        imported = [[] for _ in range(1_600_000)]
        gc.collect()
        freeze_startup_objects()
        open_now, known = [], []
        for _ in range(300):
            open_now.append(connection())
            known.append(weakref.ref(open_now[-1]))
            del open_now[:-30]  # the others are closed, and were old by then
        print(sum(made() is not None for made in known))
    """
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert int(done.stdout) < 200


@pytest.mark.parametrize("frozen", [True, False])
def test_what_is_left_of_a_connection_is_collected_soon_after(frozen: bool) -> None:
    """Only where startup objects are frozen: a collection of all objects takes too long."""
    program = f"""if True:
        import asyncio, gc, weakref
        from rejoin.runtime import stream_thread

        class Connection:
            pass

        async def main():
            closed = Connection()
            closed.itself = closed
            known = weakref.ref(closed)
            del closed
            stream_thread.COLLECT_AFTER_S = 0.01
            stream_thread.collect_soon()
            await asyncio.sleep(0)
            assert known() is not None
            await asyncio.sleep(0.2)
            print(known() is None)

        if {frozen}:
            stream_thread.freeze_startup_objects()
        gc.disable()
        asyncio.run(main())
    """
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, text=True
    )
    assert done.stdout.strip() == str(frozen)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries keep less")
def test_freed_memory_is_returned_to_the_system() -> None:
    program = """if True:
        import asyncio, sys
        from rejoin.runtime import stream_thread

        def resident_mb() -> int:
            with open("/proc/self/statm") as file:
                return int(file.read().split()[1]) * 4096 >> 20

        async def main() -> None:
            stream_thread.COLLECT_AFTER_S = 0.01
            freed = [bytearray(16 << 20)]
            freed.clear()  # from now on glibc takes smaller ones out of its arena
            before = resident_mb()
            kept = []
            for _ in range(20):
                freed.append(bytearray(2 << 20))
                kept.append(bytearray(100_000))  # lies behind it, and stays
            freed.clear()
            stream_thread.collect_soon(trim=sys.argv[1] == "trim")
            await asyncio.sleep(0.2)
            print(resident_mb() - before)

        stream_thread.freeze_startup_objects()
        asyncio.run(main())
    """

    def left_mb(how: str) -> int:
        command = [sys.executable, "-c", program, how]
        return int(subprocess.run(command, capture_output=True, check=True).stdout)

    assert left_mb("keep") >= 20
    assert left_mb("trim") < 10

"""Startup objects are frozen once, and what is left of a connection is collected soon."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest


def test_a_full_collection_skips_everything_that_existed_before_the_stream() -> None:
    """In a separate interpreter: here it would affect every later test."""
    program = """if True:
        import gc, sys
        from rejoin.interpreter import SWITCH_INTERVAL_S, freeze_startup_objects
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
    subprocess.run([sys.executable, "-c", program], check=True, timeout=240)


def test_after_the_freeze_garbage_is_collected_as_in_a_small_program() -> None:
    """Else a full collection waits until a quarter of all that was frozen is there anew."""
    program = """if True:
        import gc, weakref
        from rejoin.interpreter import freeze_startup_objects

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
        from rejoin import interpreter

        class Connection:
            pass

        async def main():
            closed = Connection()
            closed.itself = closed
            known = weakref.ref(closed)
            del closed
            interpreter.COLLECT_AFTER_S = 0.01
            interpreter.collect_soon()
            await asyncio.sleep(0)
            assert known() is not None
            await asyncio.sleep(0.2)
            print(known() is None)

        if {frozen}:
            interpreter.freeze_startup_objects()
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
        from rejoin import interpreter

        def resident_mb() -> int:
            with open("/proc/self/statm") as file:
                return int(file.read().split()[1]) * 4096 >> 20

        async def main() -> None:
            interpreter.COLLECT_AFTER_S = 0.01
            freed = [bytearray(16 << 20)]
            freed.clear()  # from now on glibc takes smaller ones out of its arena
            before = resident_mb()
            kept = []
            for _ in range(20):
                freed.append(bytearray(2 << 20))
                kept.append(bytearray(100_000))  # lies behind it, and stays
            freed.clear()
            interpreter.collect_soon(trim=sys.argv[1] == "trim")
            await asyncio.sleep(0.2)
            print(resident_mb() - before)

        interpreter.freeze_startup_objects()
        asyncio.run(main())
    """

    def left_mb(how: str) -> int:
        command = [sys.executable, "-c", program, how]
        return int(subprocess.run(command, capture_output=True, check=True).stdout)

    assert left_mb("keep") >= 20
    assert left_mb("trim") < 10

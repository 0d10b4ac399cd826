"""One instance has a session; a second one hands over and is told so; a dead one is in no way."""

from __future__ import annotations

import asyncio
import json
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import LogRecords
from rejoin.runtime import instance as instance_module
from rejoin.runtime.instance import Instance, hand_over, is_taken, locks_folder

pytestmark = pytest.mark.usefixtures("nothing_left_behind")

KEY = "0123456789abcdef"
DOORS = pytest.mark.parametrize("by_tcp", [False, True], ids=["unix", "tcp"])


def claim(folder: Path, *, by_tcp: bool = False) -> Instance:
    instance = Instance.claim(KEY, folder, by_tcp=by_tcp)
    assert instance is not None
    return instance


async def knock(folder: Path, link: str | None = None, *, by_tcp: bool = False) -> bool:
    return await asyncio.to_thread(hand_over, KEY, link, folder, within_s=30.0, by_tcp=by_tcp)


def test_there_is_one_and_then_another(tmp_path: Path) -> None:
    first = claim(tmp_path)
    assert Instance.claim(KEY, tmp_path) is None
    assert is_taken(KEY, tmp_path)
    other = Instance.claim("fedcba9876543210", tmp_path)
    assert other is not None, "another session is another lock"
    other.release()
    first.release()
    assert not is_taken(KEY, tmp_path)
    assert list(tmp_path.iterdir()) == [], "nothing is left on the disk"


@DOORS
def test_a_second_one_hands_its_link_over(tmp_path: Path, by_tcp: bool) -> None:
    brought: list[str | None] = []

    async def main() -> None:
        first = claim(tmp_path, by_tcp=by_tcp)
        await first.serve(brought.append)
        assert await knock(tmp_path, by_tcp=by_tcp)
        assert await knock(tmp_path, "rejoin://play?é", by_tcp=by_tcp)
        await first.close()

    asyncio.run(main())
    assert brought == [None, "rejoin://play?é"]
    assert list(tmp_path.iterdir()) == []


@DOORS
def test_nobody_else_can_knock(tmp_path: Path, by_tcp: bool) -> None:
    async def main() -> None:
        first = claim(tmp_path, by_tcp=by_tcp)
        await first.serve(lambda link: None)
        await asyncio.to_thread(look)
        await first.close()

    def look() -> None:
        assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700
        for file in tmp_path.iterdir():
            assert stat.S_IMODE(file.stat().st_mode) == 0o600, file.name

    tmp_path.chmod(0o755)
    asyncio.run(main())


def test_a_knock_without_the_secret_is_refused(tmp_path: Path) -> None:
    brought: list[str | None] = []

    async def main() -> None:
        first = claim(tmp_path, by_tcp=True)
        await first.serve(brought.append)
        door = tmp_path / f"{KEY}.door"
        there = json.loads(door.read_text())
        for secret in ("", "0" * 64, "é"):
            door.write_text(json.dumps({**there, "secret": secret}))
            assert not await knock(tmp_path, by_tcp=True)
        await first.close()

    asyncio.run(main())
    assert brought == []


@pytest.mark.parametrize(
    "content",
    [
        b"\n",
        b"no json\n",
        b"[" * 5000 + b"\n",
        b'{"rejoin":2,"secret":"","link":null}\n',
        b'{"rejoin":1,"link":null}\n',
        b'{"rejoin":1,"secret":"","link":7}\n',
        b'{"rejoin":1,"secret":"","link":"' + b"x" * 3000 + b'"}\n',
        b"\xff\xfe\n",
    ],
)
def test_what_is_no_knock_is_refused(tmp_path: Path, content: bytes) -> None:
    assert answer_to(tmp_path, content) == b"refused\n"


def test_what_has_no_end_is_dropped(tmp_path: Path) -> None:
    assert answer_to(tmp_path, b"x" * 100_000) == b""


def answer_to(folder: Path, content: bytes) -> bytes:
    """What the door says to these bytes; afterwards it must still take a knock."""
    brought: list[str | None] = []

    async def main() -> bytes:
        first = claim(folder)
        await first.serve(brought.append)
        reader, writer = await asyncio.open_unix_connection(str(folder / f"{KEY}.sock"))
        try:
            writer.write(content)
            answer = await asyncio.wait_for(reader.read(), 60)
        except ConnectionError:
            answer = b""
        writer.close()
        assert brought == []
        assert await knock(folder, "after")
        await first.close()
        return answer

    answer = asyncio.run(main())
    assert brought == ["after"]
    return answer


def test_who_knocks_and_says_nothing_is_let_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rejoin.runtime.instance._PATIENCE_S", 0.05)

    async def main() -> None:
        first = claim(tmp_path)
        await first.serve(lambda link: None)
        reader, writer = await asyncio.open_unix_connection(str(tmp_path / f"{KEY}.sock"))
        assert await asyncio.wait_for(reader.read(), 60) == b""
        writer.close()
        await first.close()

    asyncio.run(main())


def test_more_knocks_than_anybody_needs_are_dropped(tmp_path: Path) -> None:
    async def main() -> None:
        first = claim(tmp_path)
        await first.serve(lambda link: None)
        path = str(tmp_path / f"{KEY}.sock")
        silent = [await asyncio.open_unix_connection(path) for _ in range(8)]
        reader, writer = await asyncio.open_unix_connection(path)
        with_end = await asyncio.gather(asyncio.wait_for(reader.read(), 60), return_exceptions=True)
        assert isinstance(with_end[0], ConnectionError) or with_end[0] == b""
        for _, each in [*silent, (reader, writer)]:
            each.close()
        await first.close()

    asyncio.run(main())


def test_a_window_that_fails_to_come_is_logged(tmp_path: Path, expected_logs: LogRecords) -> None:
    async def main() -> None:
        def fail(link: str | None) -> None:
            raise RuntimeError("no window")

        first = claim(tmp_path)
        await first.serve(fail)
        assert not await asyncio.to_thread(hand_over, KEY, None, tmp_path, within_s=0.0)
        await first.close()

    asyncio.run(main())
    assert len(expected_logs.lines) >= 1


def test_nobody_at_the_door(tmp_path: Path) -> None:
    first = claim(tmp_path)
    assert not hand_over(KEY, None, tmp_path, within_s=0.0)
    assert not hand_over(KEY, None, tmp_path, within_s=0.0, by_tcp=True)
    (tmp_path / f"{KEY}.door").write_text('{"port": "x"}')
    assert not hand_over(KEY, None, tmp_path, within_s=0.0, by_tcp=True)
    first.release()


def test_an_instance_that_is_still_starting_is_waited_for(tmp_path: Path) -> None:
    async def main() -> None:
        first = claim(tmp_path)
        knocking = asyncio.ensure_future(knock(tmp_path))
        await asyncio.sleep(0.2)
        await first.serve(lambda link: None)
        assert await knocking
        await first.close()

    asyncio.run(main())


CRASHING = """
import asyncio, pathlib, sys
from rejoin.runtime.instance import Instance

async def main():
    instance = Instance.claim(sys.argv[1], pathlib.Path(sys.argv[2]))
    await instance.serve(lambda link: None)
    print("serving", flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


def test_what_a_killed_one_left_is_in_nobodys_way(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", CRASHING, KEY, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "serving\n"
        assert is_taken(KEY, tmp_path), "a lock holds between processes"
        assert hand_over(KEY, None, tmp_path, within_s=30.0)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert {file.suffix for file in tmp_path.iterdir()} == {".lock", ".sock"}
    assert not hand_over(KEY, None, tmp_path, within_s=0.0)

    async def main() -> None:
        second = claim(tmp_path)
        await second.serve(lambda link: None)
        assert await knock(tmp_path)
        await second.close()

    asyncio.run(main())


def test_a_lock_on_a_file_that_was_removed_meanwhile_is_no_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = claim(tmp_path)
    locked = instance_module._locked

    def let_go_first(descriptor: int) -> bool:
        first.release()  # after the second has opened the file, before it locks it
        return locked(descriptor)

    monkeypatch.setattr(instance_module, "_locked", let_go_first)
    second = claim(tmp_path)
    assert Instance.claim(KEY, tmp_path) is None, "the file that others find is the locked one"
    second.release()


def test_who_has_let_go_removes_nothing_of_the_next_one(tmp_path: Path) -> None:
    async def main() -> None:
        first = claim(tmp_path)
        await first.serve(lambda link: None)
        await first.close()
        second = claim(tmp_path)
        await second.serve(lambda link: None)
        first.release()
        await first.close()
        assert await knock(tmp_path)
        assert Instance.claim(KEY, tmp_path) is None
        await second.close()

    asyncio.run(main())


def test_a_file_that_was_put_where_the_door_goes_is_replaced(tmp_path: Path) -> None:
    async def main() -> None:
        first = claim(tmp_path)
        (tmp_path / f"{KEY}.sock").write_text("not a socket")
        await first.serve(lambda link: None)
        assert await knock(tmp_path)
        await first.close()

    asyncio.run(main())


def test_a_lock_that_leads_elsewhere_is_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    (tmp_path / f"{KEY}.lock").symlink_to(elsewhere)
    with pytest.raises(OSError, match=r"symbolic link|Too many levels"):
        Instance.claim(KEY, tmp_path)
    assert not elsewhere.exists()
    assert not is_taken(KEY, tmp_path)


def test_doors_are_where_the_os_keeps_such_things(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert locks_folder() == tmp_path / "rejoin"
    for nowhere in ("", "relative", str(tmp_path / "missing")):
        monkeypatch.setenv("XDG_RUNTIME_DIR", nowhere)
        assert locks_folder().name == "tickets"


def test_a_path_too_long_for_a_socket_is_an_error_of_the_os(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 120)

    async def main() -> None:
        first = Instance.claim(KEY, deep)
        assert first is not None
        with pytest.raises(OSError, match="too long"):
            await first.serve(lambda link: None)
        await first.close()

    asyncio.run(main())
    assert list(deep.iterdir()) == []

"""One instance holds a session; a second one activates it; a killed one does not block others."""

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
from helpers.waiting import eventually
from rejoin.runtime import file_lock
from rejoin.runtime.instance import Instance, activate, any_game_open, is_taken, locks_folder
from rejoin.runtime.instance_server import Activation

pytestmark = pytest.mark.usefixtures("nothing_left_behind")

KEY = "0123456789abcdef"
BOTH_KINDS = pytest.mark.parametrize("by_tcp", [False, True], ids=["unix", "tcp"])


def claim(folder: Path, *, by_tcp: bool = False) -> Instance:
    instance = Instance.claim(KEY, folder, by_tcp=by_tcp)
    assert instance is not None
    return instance


async def activate_from_thread(
    folder: Path, link: str | None = None, *, by_tcp: bool = False
) -> bool:
    return await asyncio.to_thread(activate, KEY, link, folder, within_s=30.0, by_tcp=by_tcp)


def test_a_session_has_one_instance_at_a_time(tmp_path: Path) -> None:
    first = claim(tmp_path)
    assert Instance.claim(KEY, tmp_path) is None
    assert is_taken(KEY, tmp_path)
    other = Instance.claim("fedcba9876543210", tmp_path)
    assert other is not None, "another session is another lock"
    other.release()
    first.release()
    assert not is_taken(KEY, tmp_path)
    assert list(tmp_path.iterdir()) == [], "nothing is left on the disk"


def test_whether_any_game_is_open_and_the_home_is_none(tmp_path: Path) -> None:
    assert not any_game_open(tmp_path / "none")
    home = Instance.claim("home", tmp_path)
    assert home is not None
    (tmp_path / f"{KEY}.lock").touch()  # of a process that was killed
    assert not any_game_open(tmp_path)
    game = claim(tmp_path)
    assert any_game_open(tmp_path)
    game.release()
    home.release()
    assert not any_game_open(tmp_path)


@BOTH_KINDS
async def test_a_second_instance_passes_its_link(tmp_path: Path, by_tcp: bool) -> None:
    passed: list[Activation] = []

    first = claim(tmp_path, by_tcp=by_tcp)
    await first.serve(passed.append)
    assert await activate_from_thread(tmp_path, by_tcp=by_tcp)
    assert await activate_from_thread(tmp_path, "rejoin://play?é", by_tcp=by_tcp)
    await first.close()
    assert passed == [Activation(), Activation("rejoin://play?é")]
    assert list(tmp_path.iterdir()) == []


@BOTH_KINDS
async def test_only_this_user_can_reach_the_address(tmp_path: Path, by_tcp: bool) -> None:
    def check_modes() -> None:
        assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700
        for file in tmp_path.iterdir():
            assert stat.S_IMODE(file.stat().st_mode) == 0o600, file.name

    tmp_path.chmod(0o755)
    first = claim(tmp_path, by_tcp=by_tcp)
    await first.serve(lambda link: None)
    await asyncio.to_thread(check_modes)
    await first.close()


async def test_an_activation_without_the_secret_is_refused(tmp_path: Path) -> None:
    passed: list[Activation] = []

    first = claim(tmp_path, by_tcp=True)
    await first.serve(passed.append)
    address = tmp_path / f"{KEY}.address"
    content = json.loads(address.read_text())
    for secret in ("", "0" * 64, "é"):
        address.write_text(json.dumps({**content, "secret": secret}))
        assert not await activate_from_thread(tmp_path, by_tcp=True)
    await first.close()
    assert passed == []


@pytest.mark.parametrize(
    "content",
    [
        b"\n",
        b"no json\n",
        b"[" * 5000 + b"\n",
        b'{"rejoin":1,"secret":"","link":null}\n',
        b'{"rejoin":3,"secret":"","link":null}\n',
        b'{"rejoin":2,"link":null}\n',
        b'{"rejoin":2,"secret":"","link":7}\n',
        b'{"rejoin":2,"secret":"","link":"' + b"x" * 3000 + b'"}\n',
        b"\xff\xfe\n",
    ],
)
def test_anything_but_an_activation_is_refused(tmp_path: Path, content: bytes) -> None:
    assert answer_to(tmp_path, content) == b"refused\n"


def test_a_line_without_end_is_dropped(tmp_path: Path) -> None:
    assert answer_to(tmp_path, b"x" * 100_000) == b""


def answer_to(folder: Path, content: bytes) -> bytes:
    """The answer to these bytes; afterwards an activation must still be accepted."""
    passed: list[Activation] = []

    async def main() -> bytes:
        first = claim(folder)
        await first.serve(passed.append)
        reader, writer = await asyncio.open_unix_connection(str(folder / f"{KEY}.sock"))
        try:
            writer.write(content)
            answer = await asyncio.wait_for(reader.read(), 60)
        except ConnectionError:
            answer = b""
        writer.close()
        assert passed == []
        assert await activate_from_thread(folder, "after")
        await first.close()
        return answer

    answer = asyncio.run(main())
    assert passed == [Activation("after")]
    return answer


async def test_a_silent_client_is_disconnected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rejoin.runtime.instance_server._ACTIVATION_TIMEOUT_S", 0.05)

    first = claim(tmp_path)
    await first.serve(lambda link: None)
    reader, writer = await asyncio.open_unix_connection(str(tmp_path / f"{KEY}.sock"))
    assert await asyncio.wait_for(reader.read(), 60) == b""
    writer.close()
    await first.close()


async def test_more_than_eight_clients_at_once_are_dropped(tmp_path: Path) -> None:
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


async def test_a_callback_that_fails_is_logged(tmp_path: Path, expected_logs: LogRecords) -> None:
    def fail(activation: Activation) -> None:
        raise RuntimeError("no window")

    first = claim(tmp_path)
    await first.serve(fail)
    assert not await asyncio.to_thread(activate, KEY, None, tmp_path, within_s=0.0)
    await eventually(lambda: bool(expected_logs.lines))
    await first.close()


def test_an_instance_that_does_not_serve_is_not_activated(tmp_path: Path) -> None:
    first = claim(tmp_path)
    assert not activate(KEY, None, tmp_path, within_s=0.0)
    assert not activate(KEY, None, tmp_path, within_s=0.0, by_tcp=True)
    (tmp_path / f"{KEY}.address").write_text('{"port": "x"}')
    assert not activate(KEY, None, tmp_path, within_s=0.0, by_tcp=True)
    first.release()


async def test_an_instance_that_is_still_starting_is_waited_for(tmp_path: Path) -> None:
    first = claim(tmp_path)
    activating = asyncio.ensure_future(activate_from_thread(tmp_path))
    await asyncio.sleep(0.2)
    await first.serve(lambda link: None)
    assert await activating
    await first.close()


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


async def test_the_files_of_a_killed_instance_block_nobody(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", CRASHING, KEY, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "serving\n"
        assert is_taken(KEY, tmp_path), "a lock works between processes"
        assert activate(KEY, None, tmp_path, within_s=30.0)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert {file.suffix for file in tmp_path.iterdir()} == {".lock", ".sock"}
    assert not activate(KEY, None, tmp_path, within_s=0.0)

    second = claim(tmp_path)
    await second.serve(lambda link: None)
    assert await activate_from_thread(tmp_path)
    await second.close()


def test_a_lock_on_a_removed_file_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = claim(tmp_path)
    locked = file_lock._locked

    def release_first(descriptor: int) -> bool:
        first.release()  # after the second has opened the file, before it locks it
        return locked(descriptor)

    monkeypatch.setattr(file_lock, "_locked", release_first)
    second = claim(tmp_path)
    assert Instance.claim(KEY, tmp_path) is None, "the file that others open is the locked one"
    second.release()


async def test_releasing_twice_does_not_touch_the_next_instance(tmp_path: Path) -> None:
    first = claim(tmp_path)
    await first.serve(lambda link: None)
    await first.close()
    second = claim(tmp_path)
    await second.serve(lambda link: None)
    first.release()
    await first.close()
    assert await activate_from_thread(tmp_path)
    assert Instance.claim(KEY, tmp_path) is None
    await second.close()


async def test_a_file_at_the_path_of_the_address_is_replaced(tmp_path: Path) -> None:
    first = claim(tmp_path)
    (tmp_path / f"{KEY}.sock").write_text("not a socket")
    await first.serve(lambda link: None)
    assert await activate_from_thread(tmp_path)
    await first.close()


def test_a_symbolic_link_in_place_of_the_lock_is_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    (tmp_path / f"{KEY}.lock").symlink_to(elsewhere)
    with pytest.raises(OSError, match=r"symbolic link|Too many levels"):
        Instance.claim(KEY, tmp_path)
    assert not elsewhere.exists()
    assert not is_taken(KEY, tmp_path)


def test_locks_are_in_the_runtime_folder_of_the_os(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert locks_folder() == tmp_path / "rejoin"
    for nowhere in ("", "relative", str(tmp_path / "missing")):
        monkeypatch.setenv("XDG_RUNTIME_DIR", nowhere)
        assert locks_folder().name == "tickets"


async def test_a_path_too_long_for_a_socket_is_an_error_of_the_os(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 120)

    first = Instance.claim(KEY, deep)
    assert first is not None
    with pytest.raises(OSError, match="too long"):
        await first.serve(lambda link: None)
    await first.close()
    assert list(deep.iterdir()) == []

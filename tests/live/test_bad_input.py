"""Bad input and missing resources: one line on standard error and the documented exit code.

No test connects to another machine: the one foreign host name cannot exist (RFC 2606).
"""

from __future__ import annotations

import asyncio
import hashlib
import http.server
import json
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from helpers.programs import PATIENCE_S, run, started
from rejoin.emulator.service.control import EmulatorControl
from rejoin.media.audio.default_output import open_output
from rejoin.studio.address import Studio

pytestmark = pytest.mark.live

PLAY = ("play", "--network", "loopback", "--close-at-end")
ANY_PORTS = ("--backend-port", "0", "--api-port", "0", "--control-port", "0")
NO_DISPLAY: dict[str, str | None] = {
    "DISPLAY": None,
    "WAYLAND_DISPLAY": None,
    "QT_QPA_PLATFORM": None,
}
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="signals")
LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="displays of Linux")


@pytest.fixture(scope="module")
def there() -> Iterator[Studio]:
    """A real studio, in a process of its own."""
    with started("studio", "--announce", *ANY_PORTS) as program:
        yield Studio.from_json(program.out.readline())


# --- unusable backends - -----------------------------------------------------------------------


@contextmanager
def backend_that_answers(content_type: str, body: bytes | None) -> Iterator[str]:
    """A server with the same answer to every request; None: a session with an invalid SDP."""

    class Answer(http.server.BaseHTTPRequestHandler):
        offer_sha256 = ""

        def do_POST(self) -> None:
            sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            type(self).offer_sha256 = hashlib.sha256(sent["signal_request"].encode()).hexdigest()
            self.answer()

        def do_GET(self) -> None:
            self.answer()

        def do_DELETE(self) -> None:
            self.answer()

        def answer(self) -> None:
            answer = body if body is not None else self.view()
            self.send_response(200)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def view(self) -> bytes:
            view = {
                "session_id": "s" * 32,
                "status": "ACTIVE",
                "signal_request_sha256": self.offer_sha256,
                "signal_response": "CANARY, and not an SDP",
            }
            return json.dumps(view).encode()

        def log_message(self, format: str, *args: object) -> None:
            """Not on standard error."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_backend_whose_name_does_not_exist() -> None:
    done = run(*PLAY, "https://backend.invalid")
    assert done.code == 3
    assert done.error_line == (
        "The studio's server could not be reached. "
        "The backend at backend.invalid could not be reached."
    )


def test_a_port_without_a_listener() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound but not listening, so that nothing else can listen
        done = run(*PLAY, f"http://127.0.0.1:{taken.getsockname()[1]}")
    assert done.code == 3
    assert done.error_line.startswith("The studio's server could not be reached. ")


def test_an_answer_with_truncated_json() -> None:
    with backend_that_answers("application/json", b'{"session_id": "CANARY') as url:
        done = run(*PLAY, url)
    assert done.code == 3
    assert done.error_line.endswith("sent an answer that cannot be understood.")


def test_a_web_page_in_place_of_a_backend() -> None:
    with backend_that_answers("text/html", b"<html>CANARY: welcome to this hotel</html>") as url:
        done = run(*PLAY, url)
    assert done.code == 3
    assert done.error_line.endswith("is not a Rejoin backend.")


def test_an_answer_with_an_invalid_sdp() -> None:
    with backend_that_answers("application/json", None) as url:
        done = run(*PLAY, url)
    assert done.code == 5
    assert done.error_line.startswith("The game server sent an unusable answer. ")


def test_a_wrong_token(there: Studio) -> None:
    environment = {"REJOIN_TOKEN": "CANARY-of-somebody-else"}
    done = run(*PLAY, there.backend_url, environment=environment)
    assert done.code == 4
    assert done.error_line.startswith("Please sign in again. ")


# --- this machine ---------------------------------------------------------------------------------


def test_a_missing_sound_device_is_reported_and_the_game_plays_to_its_end(there: Studio) -> None:
    """The message comes when the game is live; then the player leaves the game."""
    output = open_output()
    output.close()
    if output.problem is None:
        pytest.skip("this machine has a sound device")

    async def leave_the_game() -> None:
        async with EmulatorControl(there.control_url, there.control_token) as control:
            await control.end_session("applicationExit")

    with started(*PLAY, there.backend_url) as program:
        assert program.process.stderr is not None
        line = program.process.stderr.readline()
        asyncio.run(leave_the_game())
        done = program.done()
    assert line == f"rejoin: {output.problem}\n"
    done.assert_no_secrets()
    assert (done.code, done.err) == (0, "")


@LINUX
@pytest.mark.parametrize("arguments", [("play", "http://127.0.0.1:9"), ("demo",)])
def test_no_display(arguments: tuple[str, ...]) -> None:
    done = run(*arguments, environment=NO_DISPLAY)
    assert done.code == 9
    assert done.error_line.startswith("There is no display to open a window on")
    assert ("rejoin demo --headless" in done.error_line) == (arguments == ("demo",))


@LINUX
@pytest.mark.parametrize(
    ("variable", "value", "code"),
    [
        ("QT_QPA_PLATFORM", "canary", 9),
        ("DISPLAY", "canary", 9),
        ("SSL_CERT_FILE", "/nowhere/canary", 2),
        ("SSL_CERT_DIR", "/nowhere/canary", 2),
        ("SSLKEYLOGFILE", "/nowhere/canary", 2),
        ("HTTPS_PROXY", "canary://x", 2),
        ("ALL_PROXY", "http://[::1", 2),
    ],
)
def test_a_variable_that_cannot_be_used_is_named(variable: str, value: str, code: int) -> None:
    others: dict[str, str | None] = dict.fromkeys(
        ("SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE", "HTTPS_PROXY", "https_proxy", "no_proxy")
    )
    platform = None if variable == "DISPLAY" else "offscreen"
    environment = {**others, **NO_DISPLAY, "QT_QPA_PLATFORM": platform, variable: value}
    done = run("play", "--close-at-end", "https://studio.invalid", environment=environment)
    assert done.code == code
    assert variable in done.error_line
    assert "canary" not in done.error_line


def test_a_studio_whose_port_is_taken(there: Studio) -> None:
    port = there.backend_url.rpartition(":")[2]
    done = run("studio", "--backend-port", port, "--api-port", "0", "--control-port", "0")
    assert done.code == 8
    assert done.error_line.startswith(f"Port {port} on 127.0.0.1 is already in use")


def backend(folder: Path, **more: str) -> tuple[str, ...]:
    """The arguments for a backend with a complete settings file."""
    values = {
        "region": "us-west-2",
        "stream_group": "sg-1",
        "application": "a-1",
        "tokens": "CANARY-CANARY-CANARY",
        "endpoint_url": "http://127.0.0.1:9",
        "access_key_id": "CANARYID",
        "secret_access_key": "CANARYSECRET",
        "port": "0",
    } | more
    lines = [f"{name} = {json.dumps(value)}\n" for name, value in values.items()]
    file = folder / "backend.toml"
    file.write_text("".join(lines), encoding="utf-8")
    file.chmod(0o600)
    return ("backend", "--settings", str(file))


def test_a_backend_whose_port_is_taken(there: Studio, tmp_path: Path) -> None:
    done = run(*backend(tmp_path, port=there.backend_url.rpartition(":")[2]))
    assert done.code == 8
    assert "is already in use" in done.error_line


def test_a_settings_file_with_an_invalid_value(tmp_path: Path) -> None:
    done = run(*backend(tmp_path, connection_timeout_s="CANARY"))
    assert done.code == 2
    assert done.error_line == "connection_timeout_s must be a whole number."


def test_no_settings_at_all() -> None:
    done = run("backend")
    assert done.code == 2
    assert done.error_line == "The backend needs REJOIN_BACKEND_REGION, which is not set."


def test_a_file_where_the_folder_should_be(tmp_path: Path) -> None:
    taken = tmp_path / "out"
    taken.write_text("mine", encoding="utf-8")
    done = run("demo", "--headless", "--out", str(taken))
    assert done.code == 2
    assert "is a file" in done.error_line
    assert taken.read_text(encoding="utf-8") == "mine"


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = run("demo", "--headless", "--out", str(tmp_path / "file" / "out"))
    assert done.code == 2
    assert "cannot be written to" in done.error_line


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_disk_behind_standard_output() -> None:
    done = run("--help", before=("sh", "-c", 'exec "$@" > /dev/full', "full"))
    assert done.code == 2
    assert done.error_line == "The disk is full."


# --- stopping servers -- -------------------------------------------------------------------------


@POSIX
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_a_backend(number: signal.Signals, tmp_path: Path) -> None:
    with started(*backend(tmp_path)) as program:
        assert program.out.readline().startswith("Backend   http://127.0.0.1:")
        program.send(number)
        done = program.done()
    assert (done.code, done.out, done.err) == (0, "", "")


@POSIX
def test_ctrl_c_stops_a_studio() -> None:
    with started("studio", *ANY_PORTS) as program:
        for line in iter(program.out.readline, "Ctrl+C or `quit` stops it.\n"):
            assert line, "it ended early"
        program.send(signal.SIGINT)
        done = program.done()
    assert (done.code, done.out, done.err) == (0, "", "")


@POSIX
def test_sigterm_stops_an_announced_studio_whose_input_stays_open() -> None:
    with started("studio", "--announce", *ANY_PORTS) as program:
        Studio.from_json(program.out.readline())
        program.send(signal.SIGTERM)
        assert program.process.wait(PATIENCE_S) == 0
        program.wait_until_gone()

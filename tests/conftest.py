"""What every test gets: no access to a real AWS account, and no warning that goes unnoticed.

A record of `rejoin` at WARNING or above fails the test that caused it, unless the test uses
`expected_logs` (or pytest's own `caplog`). `no_qt_warnings` does the same for Qt's messages, and
`nothing_left_behind` for tasks, threads and sockets.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import inspect
import logging
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from rejoin import tasks

# A slow machine is no failure.
settings.register_profile(
    "rejoin", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("rejoin")

# A shell's background job ignores Ctrl+C, and whatever it starts inherits that. The programs that
# tests start are to have the signals that a person's terminal gives them.
for number, default in (
    (signal.SIGINT, signal.default_int_handler),
    (signal.SIGTERM, signal.SIG_DFL),
):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, default)

# Nothing here may depend on, or reach, whatever the person who runs it has set up.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
if sys.platform.startswith("linux"):
    os.environ["XDG_RUNTIME_DIR"] = tempfile.mkdtemp(prefix="rejoin-tests-")  # Qt warns without it
for name in ("LC_ALL", "LC_MESSAGES", "LANGUAGE"):
    os.environ.pop(name, None)
os.environ["LANG"] = "C.UTF-8"  # the window speaks English, unless a test chooses another language
for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME"):
    os.environ[name] = tempfile.mkdtemp(prefix="rejoin-tests-")
os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"
for name in [name for name in os.environ if name.startswith("AWS_")]:
    del os.environ[name]
os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
os.environ["AWS_CONFIG_FILE"] = os.devnull
os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull

GONE_WITHIN_S = 30.0
"""How long something may take to go; a test that leaves nothing behind does not wait."""

LIMITS = (
    ("rejoin.backend.broker", "EXPLANATION_BUDGET_S"),
    ("rejoin.backend.broker", "FINISH_PATIENCE_S"),
    ("rejoin.backend.broker", "RECORD_S"),
    ("rejoin.backend.budgets", "LONGEST_S"),
    ("rejoin.backend.create_calls", "ENDED_WITHIN_S"),
    ("rejoin.backend.create_turns", "LONGEST_S"),
    ("rejoin.backend.introspection", "TURN_WITHIN_S"),
    ("rejoin.backend.issuer_calls", "CALL_S"),
    ("rejoin.backend.log_writer", "_CLOSE_S"),
    ("rejoin.backend.report_reading", "_WITHIN_S"),
    ("rejoin.backend.shared_lists", "_STORE_S"),
    ("rejoin.backend.status_polls", "NOTE_S"),
    ("rejoin.backend.store.batched_reads", "LONGEST_S"),
    ("rejoin.backend.store.database", "LONGEST_S"),
    ("rejoin.backend.store.database", "_CONNECT_S"),
    ("rejoin.backend.store.proofs", "_READ_WITHIN_S"),
    ("rejoin.backend.store.sessions", "LONGEST_S"),
    ("rejoin.backend.sweep", "_ASK_S"),
    ("rejoin.backend.sweep", "_STORE_S"),
    ("rejoin.emulator.host.connection", "CLOSE_TIMEOUT_S"),
    ("rejoin.emulator.service.session_host", "_STOP_TIMEOUT_S"),
    ("rejoin.gamepads.reader", "END_WITHIN_S"),
    ("rejoin.media.audio.default_output", "CLOSE_WITHIN_S"),
    ("rejoin.media.audio.microphone", "END_WITHIN_S"),
    ("rejoin.media.video.probing", "_END_WITHIN_S"),
    ("rejoin.rtc.peer", "THREAD_END_WITHIN_S"),
    ("rejoin.rtc.peer_states", "CLOSE_WITHIN_S"),
    ("rejoin.rtc.relay", "ANSWER_WITHIN_S"),
    ("rejoin.runtime.backend_visit", "RESOLVED_WITHIN_S"),
    ("rejoin.runtime.backend_visit", "WITHIN_S"),
    ("rejoin.runtime.data_used", "_CLOSE_WITHIN_S"),
    ("rejoin.runtime.desktop_bus", "CALL_WITHIN_S"),
    ("rejoin.runtime.desktop_bus", "CLOSE_WITHIN_S"),
    ("rejoin.runtime.doctor.tls", "DATE_WITHIN_S"),
    ("rejoin.runtime.engine_loop", "CLOSE_WITHIN_S"),
    ("rejoin.runtime.instance_server", "_ACTIVATION_TIMEOUT_S"),
    ("rejoin.runtime.local_store", "_DISK_TIMEOUT_S"),
    ("rejoin.runtime.local_store", "_PICTURE_WITHIN_S"),
    ("rejoin.runtime.log_file", "_CLOSE_S"),
    ("rejoin.runtime.module_process", "CLOSE_WITHIN_S"),
    ("rejoin.runtime.motion_wish", "CLOSE_WITHIN_S"),
    ("rejoin.runtime.network", "_DUMP_TIMEOUT_S"),
    ("rejoin.runtime.player", "CLOSE_S"),
    ("rejoin.runtime.report_sender", "_CLOSE_S"),
    ("rejoin.runtime.report_sender", "_DISK_S"),
    ("rejoin.runtime.system_word", "WITHIN_S"),
    ("rejoin.runtime.ticket_writer", "WRITTEN_WITHIN_S"),
    ("rejoin.runtime.token_sources", "KEYRING_WITHIN_S"),
    ("rejoin.runtime.token_sources", "SAVED_WITHIN_S"),
    ("rejoin.runtime.volume_file", "_CLOSE_WITHIN_S"),
    ("rejoin.signaling.module_script", "CONNECT_TIMEOUT_S"),
    ("rejoin.signaling.module_script", "_TLS_CONTEXT_WITHIN_S"),
    ("rejoin.signaling.openid_client", "CONNECT_WITHIN_S"),
)
"""After so long a program gives up what hangs: a database that does not answer, or what has to
close at the end of a game. On a busy machine a second, or five, is little: here each is `LIMIT_S`.
Who tests a limit sets it."""
LIMIT_S = 30.0


class LogRecords(logging.Handler):
    """Keeps the records of `rejoin` at WARNING and above."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    @property
    def lines(self) -> list[str]:
        """One `LEVEL logger: message` for each record."""
        return [f"{r.levelname} {r.name}: {r.getMessage()}" for r in self.records]


@pytest.fixture(autouse=True)
def _log_records(request: pytest.FixtureRequest) -> Iterator[LogRecords]:
    kept = LogRecords()
    logger = logging.getLogger("rejoin")
    logger.addHandler(kept)
    try:
        yield kept
    finally:
        logger.removeHandler(kept)
    if kept.records and not {"expected_logs", "caplog"} & set(request.fixturenames):
        pytest.fail("unexpected in the log:\n" + "\n".join(kept.lines), pytrace=False)


@pytest.fixture(autouse=True, scope="module")
def _garbage_goes_with_its_file() -> Iterator[None]:
    """Where there is a QApplication, nothing is collected but while its event loop runs."""
    yield
    if gc.get_threshold()[0] == 0:
        gc.collect()


@pytest.fixture(autouse=True)
def _patience() -> None:
    for name, limit in LIMITS:
        module = sys.modules.get(name)
        if module is not None:
            assert hasattr(module, limit), f"{name} has no {limit} any more"
            setattr(module, limit, LIMIT_S)


@pytest.fixture
def expected_logs(_log_records: LogRecords) -> LogRecords:
    """Warnings of `rejoin` do not fail this test, which looks at them itself."""
    return _log_records


@pytest.fixture
def no_qt_warnings() -> Iterator[None]:
    """A warning or worse from Qt fails this test."""
    from PySide6 import QtCore

    complaints: list[str] = []
    quiet = (QtCore.QtMsgType.QtDebugMsg, QtCore.QtMsgType.QtInfoMsg)

    def keep(kind: QtCore.QtMsgType, _: QtCore.QMessageLogContext, message: str | None) -> None:
        if kind not in quiet:
            complaints.append(f"{kind.name}: {message}")

    before = QtCore.qInstallMessageHandler(keep)
    try:
        yield
    finally:
        QtCore.qInstallMessageHandler(before)
    if complaints:
        pytest.fail("Qt complained:\n" + "\n".join(complaints), pytrace=False)


def open_sockets() -> dict[str, str]:
    """Descriptor and socket of everything this process has open; empty where /proc is not."""
    found: dict[str, str] = {}
    listing = Path("/proc/self/fd")
    if not listing.is_dir():
        return found
    for entry in listing.iterdir():
        try:
            target = os.readlink(entry)
        except OSError:
            continue  # it was the descriptor of this very listing
        if target.startswith("socket:"):
            found[entry.name] = target
    return found


@pytest.fixture
def nothing_left_behind() -> Iterator[None]:
    """Every task, thread and socket that this test started is gone soon after its end."""
    threads, sockets, alive = set(threading.enumerate()), open_sockets(), tasks.alive()
    yield
    deadline = time.monotonic() + GONE_WITHIN_S
    while True:
        left = [f"task {name}" for name in sorted(tasks.alive() - alive)]
        left += [
            f"thread {thread.name}" for thread in threading.enumerate() if thread not in threads
        ]
        left += [
            f"descriptor {number} {target}"
            for number, target in open_sockets().items()
            if sockets.get(number) != target
        ]
        if not left:
            return
        if time.monotonic() > deadline:
            pytest.fail("left behind:\n" + "\n".join(left), pytrace=False)
        time.sleep(0.02)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """An `async def` test runs to its end on an event loop that is made for it.

    A fixture that is an async context manager is entered there, and the test gets what it yields.
    """
    test = pyfuncitem.obj
    if not inspect.iscoroutinefunction(test):
        return None
    given = {name: pyfuncitem.funcargs[name] for name in inspect.signature(test).parameters}

    async def run() -> None:
        async with contextlib.AsyncExitStack() as stack:
            for name, value in given.items():
                if isinstance(value, contextlib.AbstractAsyncContextManager):
                    given[name] = await stack.enter_async_context(value)
            await test(**given)

    asyncio.run(run())
    return True

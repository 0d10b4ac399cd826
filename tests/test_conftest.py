"""The complaints of conftest.py are heard: each fixture is seen to fail and seen to keep quiet."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CASES = '''
"""Each name says what becomes of the test; an error is a failure in a fixture's last half."""
import logging, os, socket, threading, time
import pytest

kept = []

def test_error_when_a_warning_is_logged():
    logging.getLogger("rejoin.somewhere").warning("unexpected %s", "thing")

def test_passes_when_only_told():
    logging.getLogger("rejoin.somewhere").info("ordinary")

def test_passes_when_expected(expected_logs):
    logging.getLogger("rejoin.somewhere").error("foreseen")
    assert expected_logs.lines == ["ERROR rejoin.somewhere: foreseen"]

def test_passes_with_caplog(caplog):
    logging.getLogger("rejoin.somewhere").error("foreseen")
    assert caplog.messages == ["foreseen"]

def test_error_when_a_thread_stays(nothing_left_behind):
    stop = threading.Event()
    kept.append(stop)
    threading.Thread(target=stop.wait, name="stays", daemon=True).start()

def test_error_when_a_socket_stays(nothing_left_behind):
    kept.append(socket.socket())

def test_passes_when_all_is_gone(nothing_left_behind):
    with socket.socket():
        thread = threading.Thread(target=time.sleep, args=(0.2,))
        thread.start()

def test_error_when_qt_warns(no_qt_warnings):
    from PySide6 import QtCore
    QtCore.qWarning("odd")

def test_passes_when_qt_only_tells(no_qt_warnings):
    from PySide6 import QtCore
    QtCore.qInfo("fine")

def test_passes_without_aws():
    assert not os.environ.get("AWS_PROFILE")
    assert os.environ["AWS_EC2_METADATA_DISABLED"] == "true"
'''


def test_each_complaint_is_heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = Path(__file__).parent
    source = (here / "conftest.py").read_text(encoding="utf-8")
    quick = source.replace("GONE_WITHIN_S = 10.0", "GONE_WITHIN_S = 0.5")
    assert quick != source
    (tmp_path / "conftest.py").write_text(quick, encoding="utf-8")
    (tmp_path / "test_cases.py").write_text(CASES, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    monkeypatch.setenv("AWS_PROFILE", "somebody")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-rA", "-p", "no:cacheprovider", str(tmp_path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    shutil.rmtree(tmp_path / ".hypothesis", ignore_errors=True)
    summary = done.stdout.partition("short test summary info")[2]
    verdicts = {
        line.partition("::")[2].split()[0]: line.split()[0]
        for line in summary.splitlines()
        if "::" in line and line.split()[0] in ("ERROR", "FAILED", "SKIPPED")
    }
    erring = {
        line.removeprefix("def ").partition("(")[0]
        for line in CASES.splitlines()
        if line.startswith("def test_error")
    }
    if not Path("/proc/self/fd").is_dir():
        erring.remove("test_error_when_a_socket_stays")  # only there can sockets be seen
    assert verdicts == dict.fromkeys(erring, "ERROR"), done.stdout
    for complaint in (
        "WARNING rejoin.somewhere: unexpected thing",
        "left behind:\nthread stays",
        "left behind:\ndescriptor",
        "QtWarningMsg: odd",
    ):
        assert complaint in done.stdout

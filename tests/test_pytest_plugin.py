"""The pytest plugin, in pytest processes of their own, as a studio has it."""

from __future__ import annotations

import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from rejoin.errors import BadInputError
from rejoin.pytest_plugin import _a_sentence

TESTING = Path(__file__).parent.parent / "docs" / "testing.md"


def pytest_in(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-W", "error", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )


def examples() -> str:
    """The Python of the section on a studio's own tests."""
    section = TESTING.read_text(encoding="utf-8").split("\n## In your own tests\n")[1]
    return "\n".join(re.findall(r"```python\n(.*?)```", section.split("\n## ")[0], re.DOTALL))


def test_loading_it_imports_nothing_of_rejoin(tmp_path: Path) -> None:
    (tmp_path / "test_theirs.py").write_text(
        "import sys\n"
        "def test_theirs(request):\n"
        "    found = {name for name in sys.modules if name.split('.')[0] == 'rejoin'}\n"
        "    assert found == {'rejoin', 'rejoin.pytest_plugin'}\n"
        "    assert request.config.getoption('--rejoin-traces') is None\n"
        "    assert request.config.getini('rejoin_dialect') == ''\n"
        "    markers = request.config.getini('markers')\n"
        "    assert any(marker.startswith('rejoin(seed=1, ') for marker in markers)\n"
    )
    done = pytest_in(tmp_path)
    assert done.returncode == 0, done.stdout
    without = pytest_in(tmp_path, "-p", "no:rejoin")
    assert "assert set() == " in without.stdout


def test_what_a_person_can_do_something_about_is_a_sentence() -> None:
    failed = pytest.fail.Exception
    with (
        pytest.raises(failed, match=r"^The Python package aiortc is missing\..* `qa` part"),
        _a_sentence(),
    ):
        raise ModuleNotFoundError("No module named 'aiortc'", name="aiortc")
    with pytest.raises(failed, match=r"^Not like that\.$"), _a_sentence():
        raise BadInputError("Not like that.")
    with pytest.raises(ModuleNotFoundError), _a_sentence():
        raise ModuleNotFoundError("No module named 'rejoin.odd'", name="rejoin.odd")
    with pytest.raises(KeyError), _a_sentence():
        raise KeyError("a bug")


@pytest.mark.live
def test_the_examples_of_the_document_pass_and_a_failure_shows_its_drops(tmp_path: Path) -> None:
    (tmp_path / "test_examples.py").write_text(
        examples() + "\n\ndef test_fails(rejoin_player):\n"
        "    rejoin_player.live()\n"
        "    assert rejoin_player.snapshot.view_only is not None\n",
        encoding="utf-8",
    )
    done = pytest_in(tmp_path, "--junit-xml=junit.xml", "--rejoin-traces=traces")
    assert "3 passed" in done.stdout, done.stdout
    assert "1 failed" in done.stdout, done.stdout
    assert "--- Rejoin player 1 ---" in done.stdout
    assert "at <studio http://127.0.0.1:" in done.stdout
    failed = ET.parse(tmp_path / "junit.xml").find(".//testcase[@name='test_fails']")
    assert failed is not None
    found = failed.find("properties/property[@name='rejoin_trace']")
    assert found is not None
    assert (tmp_path / found.attrib["value"]).read_text(encoding="utf-8").startswith('{"v":')
    assert len(list((tmp_path / "traces").iterdir())) == 1

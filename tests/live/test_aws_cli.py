"""Runs the AWS CLI commands and the boto3 script of docs/emulator.md exactly as written."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from rejoin.emulator.service.control import EmulatorControl
from rejoin.emulator.service.settings import EmulatorSettings
from rejoin.studio.address import Studio
from rejoin.studio.serve import studio

pytestmark = pytest.mark.live

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests" / "data"
SETTINGS = EmulatorSettings(width=320, height=180, fps=10, relay_ports=(0, 0))


def block(heading: str, language: str) -> str:
    """The first code block in this language below a heading of the document."""
    text = (ROOT / "docs" / "emulator.md").read_text(encoding="utf-8")
    found = re.search(rf"```{language}\n(.*?)```", text.partition(f"{heading}\n")[2], re.DOTALL)
    assert found is not None
    return found[1]


def environment(there: Studio) -> dict[str, str]:
    """The variables that the document exports, with this studio's port instead of the usual one."""
    exported = dict(re.findall(r"^export (\w+)=(\S+)$", block("## Using it", "sh"), re.MULTILINE))
    assert exported["STUDIO"].endswith(":8471")
    programs = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    return {**os.environ, **exported, "STUDIO": there.api_url, "PATH": programs, "AWS_PAGER": ""}


async def run(command: list[str], cwd: Path, env: dict[str, str]) -> str:
    """Run it and return its output; it has to exit with 0."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=cwd,
        env=env,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        output, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, errors.decode()
    return output.decode()


async def in_studio(test: Callable[[Studio], Awaitable[None]]) -> None:
    """Run a test against a studio; after it, the one session must have been terminated."""
    async with (
        studio(SETTINGS) as there,
        EmulatorControl(there.control_url, there.control_token) as control,
    ):
        await test(there)
        while True:
            [session] = (await control.state())["sessions"]
            if session["status"] != "TERMINATING":
                break
            await asyncio.sleep(0.05)
        assert (session["status"], session["reason"]) == ("TERMINATED", "apiTerminated")
        assert session["connection"] == 1


@pytest.mark.skipif(shutil.which("bash") is None, reason="the commands need bash")
async def test_the_documented_aws_cli_commands_work(tmp_path: Path) -> None:
    async def commands(there: Studio) -> None:
        lines = block("### AWS CLI", "sh")
        output = await run(["bash", "-euo", "pipefail", "-c", lines], tmp_path, environment(there))
        words = output.split()
        assert '"sg-1AB2C3De4",' in words
        assert '"a-9ZY8X7Wv6",' in words
        assert '{"type":"answer","sdp":"v=0' in output
        status, url, listed = words[-3:]
        assert (status, listed) == ("ACTIVE", "1")
        assert url.startswith(there.api_url)

    offer = DATA / "signal-request-websdk-1.2.0-chromium-156.json"
    shutil.copy(offer, tmp_path / "signal-request.json")
    await in_studio(commands)


async def test_the_documented_boto3_script_works(tmp_path: Path) -> None:
    async def script(there: Studio) -> None:
        (tmp_path / "script.py").write_text(block("### boto3", "python"), encoding="utf-8")
        output = await run([sys.executable, "script.py"], tmp_path, environment(there))
        assert output.splitlines() == ["answer ACTIVE", "The SignalRequest was used before."]

    offer = DATA / "signal-request-websdk-1.0.0-chromium-156.json"
    shutil.copy(offer, tmp_path / "signal-request.json")
    await in_studio(script)

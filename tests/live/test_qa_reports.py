"""The reports of a run at a studio: a page that Chromium opens, a clip that it plays, and a dump
of the shape of its own.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import BrowserContext, Page, async_playwright

from helpers.chromium import CHROMIUM, FLAGS
from helpers.programs import started
from helpers.qa_results import RECORD
from rejoin.qa import report_page
from rejoin.qa.verdicts import Verdict
from rejoin.studio.process import studio_process

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(CHROMIUM is None, reason="wants Debian's chromium"),
]

PATIENCE_S = 120.0
"""Only a hang takes this long, even on a slow machine."""
SCENARIO = """description = "For a test."
[service]
connection_timeout_s = 30
notice_silent_client_s = 0.5
[[cases]]
name = "the address"
drops = [{ profile = "ip_change", at_s = 1 }]
duration_s = 8
"""
FACTS_OF_THE_MACHINE = {"cpuPerformance", "deviceMemory", "hardwareConcurrency"}
"""Members of Chromium's dump that say nothing about connections; not every version has all."""
CALL = """async () => {
    const canvas = document.createElement("canvas"), drawing = canvas.getContext("2d");
    let turn = 0;
    setInterval(() => {
        drawing.fillStyle = `hsl(${turn++}, 90%, 50%)`;
        drawing.fillRect(0, 0, canvas.width, canvas.height);
    }, 30);
    const audio = new AudioContext(), tone = audio.createOscillator();
    const sound = audio.createMediaStreamDestination();
    tone.connect(sound);
    tone.start();
    const one = new RTCPeerConnection(), other = new RTCPeerConnection();
    one.onicecandidate = (it) => it.candidate && other.addIceCandidate(it.candidate);
    other.onicecandidate = (it) => it.candidate && one.addIceCandidate(it.candidate);
    const video = document.createElement("video");
    video.muted = true;
    other.ontrack = (it) => { video.srcObject = it.streams[0]; video.play(); };
    const stream = canvas.captureStream(30);
    for (const track of [...stream.getTracks(), ...sound.stream.getTracks()])
        one.addTrack(track, stream);
    one.createDataChannel("x");
    await one.setLocalDescription();
    await other.setRemoteDescription(one.localDescription);
    await other.setLocalDescription();
    await one.setRemoteDescription(other.localDescription);
    window.call = [one, other, video];
}"""
"""Two connections of one page."""
PLAY = """async () => {
    const clip = document.querySelector("video");
    clip.playbackRate = 8;
    const ended = new Promise((resolve) => { clip.onended = clip.onerror = resolve; });
    await clip.play();
    await ended;
    const broken = clip.getVideoPlaybackQuality().corruptedVideoFrames;
    return [clip.videoWidth, clip.videoHeight, clip.duration, clip.ended, clip.error, broken];
}"""


@pytest.fixture(scope="module", name="out")
def _out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `rejoin qa run` wrote: results, report.html, dumps."""
    out = tmp_path_factory.mktemp("out")
    scenario = out / "mine.toml"
    scenario.write_text(SCENARIO, encoding="utf-8")
    with studio_process(notice_silent_client_s=0.5, connection_timeout_s=30) as studio:
        arguments = (
            *("qa", "run", str(scenario), "--backend", studio.backend_url),
            *("--network", "loopback", "--results", str(out), "--pictures"),
            *("--html", str(out / "report.html"), "--dump", str(out / "dumps")),
        )
        environment = {"REJOIN_TOKEN": studio.player_token, "XDG_STATE_HOME": str(out / "state")}
        with started(*arguments, environment=environment) as program:
            said, errors = program.process.communicate(timeout=600)
            program.wait_until_gone()
        assert (program.process.returncode, errors) == (0, "")
        assert "1 drops, 2 pictures and 1 clips of the game, charts of 1 plays" in said
        assert studio.player_token not in (out / "report.html").read_text(encoding="utf-8")
    return out


@asynccontextmanager
async def chromium(user_data: Path, **more: Any) -> AsyncIterator[BrowserContext]:
    async with async_playwright() as playwright:
        context = await playwright.chromium.launch_persistent_context(
            user_data,
            executable_path=CHROMIUM,
            headless=True,
            args=list(FLAGS),
            permissions=["microphone", "camera"],
            accept_downloads=True,
            **more,
        )
        context.set_default_timeout(PATIENCE_S * 1000)
        try:
            yield context
        finally:
            await context.close()


async def opened(context: BrowserContext, file: Path) -> tuple[Page, list[str]]:
    """The page, and whatever it says or asks for."""
    page, noted = await context.new_page(), []
    page.on("console", lambda message: noted.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: noted.append(f"error: {error}"))
    page.on("request", lambda request: noted.append(f"request: {request.url[:80]}"))
    await page.goto(file.as_uri())
    return page, noted


def test_chromium_opens_the_page_and_plays_the_clip_without_a_request(
    out: Path, tmp_path: Path
) -> None:
    async def main() -> None:
        phone = {"width": 390, "height": 844}
        async with chromium(tmp_path, viewport=phone) as context:
            page, noted = await opened(context, out / "report.html")
            assert await page.evaluate("document.querySelectorAll('canvas').length") == 4
            scrolls = "document.documentElement.scrollWidth > innerWidth"
            assert await page.evaluate(scrolls) is False, "a phone shows all of its width"
            pictures = "[...document.images].map((it) => [it.complete, it.naturalWidth])"
            assert await page.evaluate(pictures) == [[True, 640], [True, 640]]
            clip = await page.evaluate(PLAY)
            assert clip[:2] == [1280, 720]
            assert clip[2] > 3
            assert clip[3:] == [True, None, 0]
            assert noted == [f"request: {(out / 'report.html').as_uri()[:80]}"]
            await page.set_viewport_size({"width": 1280, "height": 800})
            assert await page.evaluate(scrolls) is False

    asyncio.run(main())


def test_long_words_do_not_widen_the_page(tmp_path: Path) -> None:
    word = "a_scenario_of_the_nightly_build_" * 3  # longer ones are taken for secrets
    assert RECORD.played is not None
    [episode] = RECORD.played.episodes
    steps = (replace(episode.steps[0], name=word), *episode.steps[1:])
    played = replace(RECORD.played, episodes=(replace(episode, steps=steps),))
    record = replace(
        RECORD,
        verdict=Verdict.FAILED,
        scenario=word,
        case=word,
        sentences=(word,),
        surroundings=replace(RECORD.surroundings, build=word, region=word),
        played=played,
    )
    file = tmp_path / "report.html"
    text, _ = report_page.page([record], None, fail_on_flaky=False, for_support=False)
    file.write_text(text, encoding="utf-8")

    async def main() -> None:
        async with chromium(tmp_path / "profile") as context:
            page, _ = await opened(context, file)
            for width in (375, 1280):
                await page.set_viewport_size({"width": width, "height": 800})
                assert await page.evaluate("document.documentElement.scrollWidth") == width

    asyncio.run(main())


def members(dump: dict[str, Any]) -> set[tuple[str, str]]:
    """Type of statistics and member, of all connections."""
    return {
        (entry["statsType"], re.sub(r"^.*?-(\[.*\]|[A-Za-z0-9]+)$", r"\1", name))
        for connection in dump["PeerConnections"].values()
        for name, entry in connection["stats"].items()
    }


def types(value: dict[str, Any]) -> dict[str, type]:
    return {name: type(each) for name, each in value.items()}


def kinds_of_values(dump: dict[str, Any]) -> dict[tuple[str, str], set[type]]:
    """What the values of each member are; a whole number is a number."""
    found: dict[tuple[str, str], set[type]] = {}
    for connection in dump["PeerConnections"].values():
        for name, entry in connection["stats"].items():
            member = re.sub(r"^.*?-(\[.*\]|[A-Za-z0-9]+)$", r"\1", name)
            values = {float if type(each) is int else type(each) for each in loads(entry)}
            found.setdefault((entry["statsType"], member), set()).update(values)
    return found


def loads(entry: dict[str, Any]) -> list[Any]:
    values = json.loads(entry["values"])
    assert isinstance(values, list)
    return values


async def dump_of_chromium(context: BrowserContext, ours: dict[str, Any]) -> dict[str, Any]:
    """Of a call in this browser, once it has what `ours` has: it is asked each second."""
    internals = await context.new_page()
    await internals.goto("chrome://webrtc-internals")
    page = await context.new_page()
    await page.evaluate(CALL)
    await internals.evaluate("document.querySelectorAll('details').forEach((it) => it.open = true)")
    deadline_at = time.monotonic() + PATIENCE_S
    while True:
        async with internals.expect_download() as download:
            await internals.click("#dump-click-target")
        file = await (await download.value).path()
        found: dict[str, Any] = json.loads(gzip.decompress(file.read_bytes()))
        if members(ours) <= members(found) or time.monotonic() > deadline_at:
            return found
        await asyncio.sleep(0.5)


def test_the_dump_has_the_shape_of_one_that_chromium_makes(out: Path, tmp_path: Path) -> None:
    [file] = (out / "dumps").iterdir()
    ours = json.loads(file.read_text(encoding="utf-8"))

    async def main() -> dict[str, Any]:
        async with chromium(tmp_path) as context:
            return await dump_of_chromium(context, ours)

    theirs = asyncio.run(main())
    assert members(ours) - members(theirs) == set()
    facts = types(theirs).keys() & FACTS_OF_THE_MACHINE
    assert types(theirs) == types(ours) | dict.fromkeys(facts, int)
    assert types(ours["UserAgentData"]) == types(theirs["UserAgentData"])
    assert len(ours["PeerConnections"]) == 2
    [any_of_theirs, *_] = theirs["PeerConnections"].values()
    entry = next(iter(any_of_theirs["stats"].values()))
    for connection in ours["PeerConnections"].values():
        assert types(connection) == types(any_of_theirs)
        for update in connection["updateLog"]:
            assert types(update) == types(any_of_theirs["updateLog"][0])
        for each in connection["stats"].values():
            assert types(each) == types(entry)
            for when in ("startTime", "endTime"):
                assert re.sub(r"\d", "0", each[when]) == re.sub(r"\d", "0", entry[when])
    kinds = kinds_of_values(theirs)
    for member, found in kinds_of_values(ours).items():
        assert found <= kinds[member], member

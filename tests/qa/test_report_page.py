"""The HTML page: everything is in it, nothing in it is a client's, and no secret is."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from helpers.qa_results import PLAYED, RECORD
from rejoin import assets
from rejoin.core.model import ConnectionNumber
from rejoin.core.trace import Record
from rejoin.media.statistics import StreamStatistics
from rejoin.qa import traces
from rejoin.qa.report_page import page
from rejoin.qa.results import CallResult, CaseRecord, EpisodeResult, Support
from rejoin.qa.verdicts import Verdict
from rejoin.runtime.statistics_file import StatisticsFile

UPLOT: dict[str, Any] = json.loads(assets.text("report/uPlot.json"))
PNG, MP4 = b"\x89PNG\r\n\x1a\n" + b"p" * 100, b"\0\0\0\x20ftypisom" + b"m" * 1000
SUPPORT = Support("session-1", (CallResult(1.5, "POST", 201, {"x-amzn-requestid": "aws-id"}),))


class Seen(HTMLParser):
    """What a page has: tags with their attributes, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def with_files(folder: Path) -> CaseRecord:
    """A result with pictures, a clip, statistics and a trace."""
    (folder / "pictures").mkdir()
    for name, content in (("before.png", PNG), ("after.png", PNG), ("clip.mp4", MP4)):
        (folder / "pictures" / name).write_bytes(content)
    statistics = StatisticsFile(folder / "a.csv")
    for at in (10.0, 11.0):
        statistics.write(at, StreamStatistics(ConnectionNumber(1), bitrate_bps=2e6))
    statistics.close()
    traces.write(folder / "a.jsonl", [Record(9.0, "state", "Live", {"episode": 0})])
    files = {
        "before 1": "pictures/before.png",
        "after 1": "pictures/after.png",
        "clip 1": "pictures/clip.mp4",
        "statistics": "a.csv",
        "trace": "a.jsonl",
    }
    episode = replace(PLAYED.episodes[0], clip_s=12.34)
    return replace(RECORD, attachments=files, played=replace(PLAYED, episodes=(episode,)))


def test_a_page_has_pictures_clip_charts_and_the_licence_of_what_draws_them(
    tmp_path: Path,
) -> None:
    text, held = page([with_files(tmp_path)], tmp_path)
    assert (held.drops, held.pictures, held.clips, held.charts, held.beside) == (1, 2, 1, 1, 0)
    seen = Seen(text)
    images = [each["src"] or "" for each in seen.of("img")]
    assert images == [f"data:image/png;base64,{base64.b64encode(PNG).decode()}"] * 2
    [video] = seen.of("video")
    assert video["src"] == f"data:video/mp4;base64,{base64.b64encode(MP4).decode()}"
    assert "the drop begins at 12.3 s" in seen.text
    values = re.search(r'<script type="application/json" id="values-1">(.*?)</script>', text)
    assert values is not None
    assert json.loads(values[1])["x"] == [1.0, 2.0]
    assert "Permission is hereby granted, free of charge" in seen.text
    for said in (
        "Build build 7",
        "Region eu-west-1",
        "Fault cut_3s at 3.00 s: a cut (seed 1)",
        "No fault of the scenario came right before it.",
        "lost 900 ms",
        "a.jsonl",
    ):
        assert said in seen.text, said


def test_nothing_is_loaded_from_anywhere(tmp_path: Path) -> None:
    text, _ = page([with_files(tmp_path)], tmp_path)
    seen = Seen(text)
    for _, attributes in seen.tags:
        for name in ("src", "href", "poster", "action", "srcset"):
            value = attributes.get(name)
            assert value is None or value.startswith(("data:", "#play-")), value
    policies = [each["content"] or "" for each in seen.of("meta") if "http-equiv" in each]
    assert [policy.split(";")[0] for policy in policies] == ["default-src 'none'"]
    scripts = re.findall(r"<script>(.*?)</script>", text, flags=re.DOTALL)
    assert len(scripts) == 2
    for script in scripts:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policies[0]


def test_uplot_is_what_its_authors_published() -> None:
    """`integrity` is that of the package at npm, which these files are of."""
    assert UPLOT["version"] in assets.text("report/uPlot.iife.min.js")[:80]
    for name, digest in UPLOT["sha256"].items():
        content = assets.path(f"report/{name}").read_bytes()
        assert hashlib.sha256(content).hexdigest() == digest, name


HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(1)> {{ 7 * 7 }} </script>'


def test_hostile_results_make_no_tag_and_no_script(tmp_path: Path) -> None:
    episode = EpisodeResult(1, HOSTILE, 3.0, (replace(PLAYED.episodes[0].steps[0], name=HOSTILE),))
    fault = replace(PLAYED.faults[0], profile=HOSTILE, how=HOSTILE)
    played = replace(
        PLAYED, ended=HOSTILE, reason=HOSTILE, proof=HOSTILE, faults=(fault,), episodes=(episode,)
    )
    record = replace(
        with_files(tmp_path),
        case=HOSTILE,
        scenario=HOSTILE,
        sentences=(HOSTILE,),
        run=HOSTILE,
        played=played,
        surroundings=replace(RECORD.surroundings, build=HOSTILE, backend=HOSTILE),
        support=Support(HOSTILE, (CallResult(1.0, HOSTILE, None, {HOSTILE: HOSTILE}),)),
    )
    text, _ = page([record], tmp_path, for_support=True)
    plain, _ = page([with_files_again(tmp_path)], tmp_path)
    assert {tag for tag, _ in Seen(text).tags} <= {tag for tag, _ in Seen(plain).tags}
    assert not any("onerror" in attributes for _, attributes in Seen(text).tags)
    assert len(Seen(text).of("script")) == len(Seen(plain).of("script"))
    assert "49" not in Seen(text).text.split()


def with_files_again(folder: Path) -> CaseRecord:
    """As `with_files`, whose files are there."""
    again = folder / "again"
    again.mkdir()
    record = with_files(again)
    files = {kind: f"again/{path}" for kind, path in record.attachments.items()}
    return replace(record, attachments=files)


def test_ids_of_sessions_and_requests_are_only_there_for_support() -> None:
    record = replace(RECORD, support=SUPPORT)
    text, _ = page([record], None)
    assert "session-1" not in text
    assert "aws-id" not in text
    assert "--for-support keeps them" in Seen(text).text
    kept, _ = page([record], None, for_support=True)
    assert "Session session-1" in Seen(kept).text
    assert "x-amzn-requestid aws-id" in Seen(kept).text
    assert "share it with nobody else" in Seen(kept).text


def test_secrets_and_addresses_are_removed() -> None:
    record = replace(RECORD, sentences=("from 203.0.113.7 with token=s3cr3t",))
    text, _ = page([record], None)
    assert not {"s3cr3t", "203.0.113.7"} & set(text.split())
    assert "203.x.x.x" in text


def test_what_does_not_fit_is_named_and_clips_go_after_pictures(tmp_path: Path) -> None:
    text, held = page([with_files(tmp_path)], tmp_path, most_embedded=len(PNG) * 2 + 10)
    assert (held.pictures, held.clips, held.beside) == (2, 0, 1)
    assert Seen(text).of("video") == []
    assert "pictures/clip.mp4" in Seen(text).text
    assert "1 pictures or clips did not fit" in Seen(text).text


def test_files_of_another_kind_and_from_elsewhere_are_not_shown(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    record = with_files(folder)
    (folder / "pictures" / "before.png").write_bytes(b"GIF89a")
    (folder / "pictures" / "clip.mp4").write_bytes(PNG)
    (tmp_path / "secret.png").write_bytes(PNG)
    files = record.attachments | {"after 1": "../secret.png"}
    text, held = page([replace(record, attachments=files)], folder)
    assert (held.pictures, held.clips, held.beside) == (0, 0, 0)
    assert Seen(text).of("img") == []


@pytest.mark.parametrize("verdict", list(Verdict))
def test_plays_without_a_game_or_files_have_a_page(verdict: Verdict) -> None:
    record = replace(RECORD, verdict=verdict, sentences=("there was <no> capacity",), played=None)
    text, held = page([record, replace(RECORD, repetition=2, index=1)], None)
    assert (held.pictures, held.charts) == (0, 0)
    assert "there was <no> capacity" in Seen(text).text
    assert "drawn by uPlot" not in Seen(text).text
    assert "not played" in Seen(text).text
    empty, _ = page([], None)
    assert "0 plays" in Seen(empty).text

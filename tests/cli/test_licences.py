"""`rejoin licences`: of an installation by pip, and of a packaged program."""

from __future__ import annotations

import pytest

from helpers.command_line import Rejoin
from rejoin.media import ffmpeg_facts
from rejoin.media.ffmpeg_facts import FfmpegFacts
from rejoin.runtime import licences


@pytest.fixture(autouse=True)
def _ffmpeg(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = FfmpegFacts("8.9", "LGPL version 2.1 or later", ())
    monkeypatch.setattr(ffmpeg_facts, "facts", lambda: loaded)


def test_an_installation_lists_what_is_installed_and_what_is_under_the_gpl(rejoin: Rejoin) -> None:
    """This is one: PyAV's wheel brings its encoders."""
    code, out, err = rejoin("licences")
    assert (code, err) == (0, "")
    assert "\naiortc " in out
    assert "PyAV's wheel from the package index brings libx264 and libx265 under GPL-2.0" in out
    assert "Amazon GameLift Streams is a trademark" in out
    assert "Redistribution and use" not in out
    assert out.endswith("FFmpeg 8.9 is loaded; it calls its licence: LGPL version 2.1 or later.\n")


def test_full_has_the_texts(rejoin: Rejoin) -> None:
    code, out, _ = rejoin("licences", "--full")
    assert code == 0
    assert "Redistribution and use in source and binary forms" in out
    assert "Apache License" in out


def test_an_installation_has_no_bill_of_materials(rejoin: Rejoin) -> None:
    code, out, err = rejoin("licences", "--sbom")
    assert (code, out) == (2, "")
    assert "has no bill of materials" in err


def test_a_packaged_program_prints_what_it_was_packaged_with(
    rejoin: Rejoin, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = f"FFmpeg  8.9  LGPL\n\n{licences.TEXTS_FOLLOW}\n\nthe text\n"
    monkeypatch.setattr(licences, "notice", lambda: text)
    monkeypatch.setattr(licences, "bill_of_materials", lambda: '{"bomFormat": "CycloneDX"}\n')
    assert rejoin("licences")[1].startswith("FFmpeg  8.9  LGPL\n\nFFmpeg 8.9 is loaded")
    assert "the text" in rejoin("licences", "--full")[1]
    assert rejoin("licences", "--sbom")[1].startswith('{"bomFormat"')


def test_without_the_part_for_players_nothing_is_said_of_ffmpeg(
    rejoin: Rejoin, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> FfmpegFacts:
        raise ImportError("No module named 'av'")

    monkeypatch.setattr(ffmpeg_facts, "facts", missing)
    code, out, _ = rejoin("licences")
    assert code == 0
    assert "is loaded" not in out

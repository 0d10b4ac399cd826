"""Where a file was saved, so that it fits; limits are in `test_limits`."""

from __future__ import annotations

from pathlib import Path

from rejoin.gui.note_texts import saved_text
from rejoin.runtime.new_file import NotSaved, Saved

HOME = Path("/home/mila")


def test_a_path_is_said_from_the_home_folder_on() -> None:
    file = HOME / "Pictures" / "Rejoin" / "Rejoin 2026-11-30 06.12.44.png"
    assert saved_text(Saved(file, HOME)) == (
        "Saved: Pictures/Rejoin/Rejoin 2026-11-30 06.12.44.png"
    )
    assert saved_text(Saved(file, HOME), hides_folders=True) == (
        "Saved: Rejoin 2026-11-30 06.12.44.png"
    )
    elsewhere = Path("/mnt/Rejoin.png")
    assert saved_text(Saved(elsewhere, HOME)) == "Saved: /mnt/Rejoin.png"


def test_of_a_long_path_the_end_is_said() -> None:
    text = saved_text(Saved(Path("/mnt") / ("x" * 90) / "Rejoin.png", HOME))
    assert text.startswith("Saved: ...x")
    assert text.endswith("/Rejoin.png")
    assert len(text) == len("Saved: ") + 60


def test_what_was_not_saved_says_why() -> None:
    assert saved_text(NotSaved("Nothing was saved: the disk is full.")) == (
        "Nothing was saved: the disk is full."
    )

"""Files that ship with Rejoin are found; a missing one is reported in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from rejoin import assets
from rejoin.errors import AssetMissingError


def test_a_shipped_file_is_found_in_the_checkout() -> None:
    assert assets.path("icons/rejoin.svg").is_file()
    assert "QPushButton" in assets.text("styles/rejoin.qss")


def test_a_wheel_has_its_files_beside_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "wheel").mkdir()
    (tmp_path / "wheel" / "a.txt").write_text("from the wheel")
    (tmp_path / "checkout").mkdir()
    (tmp_path / "checkout" / "a.txt").write_text("from the checkout")
    monkeypatch.setattr(assets, "_PLACES", (tmp_path / "wheel", tmp_path / "checkout"))
    assert assets.text("a.txt") == "from the wheel"


def test_a_missing_file_is_named_in_one_sentence() -> None:
    with pytest.raises(AssetMissingError, match=r'^The file "icons/none\.svg" .* again\.$'):
        assets.path("icons/none.svg")

"""Software that stands in for a card is known by its name or its kind."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QRhi, QRhiNullInitParams

from rejoin.gui.card_identity import CardIdentity, identify, is_software


@pytest.mark.parametrize(
    "device",
    [
        "llvmpipe (LLVM 15.0.6, 256 bits)",
        "softpipe",
        "Google SwiftShader",
        "SwiftShader Device (Subzero)",
        "Microsoft Basic Render Driver",
        "Apple Software Renderer",
        "Software Rasterizer",
        "GDI Generic",
        "WARP",
    ],
)
def test_rasterisers_are_software(device: str) -> None:
    assert is_software(device)


@pytest.mark.parametrize(
    "device",
    [
        "NVIDIA GeForce RTX 4070/PCIe/SSE2",
        "AMD Radeon RX 7800 XT (radeonsi, navi32, LLVM 17.0.6, DRM 3.57)",
        "Mesa Intel(R) UHD Graphics 620 (KBL GT2)",
        "Apple M2",
        "Intel(R) Iris(R) Xe Graphics",
        "Warpath 9000",
    ],
)
def test_cards_are_not(device: str) -> None:
    assert not is_software(device)


def test_qts_null_interface_is_named() -> None:
    rhi = QRhi.create(QRhi.Implementation.Null, QRhiNullInitParams())
    found = identify(rhi)
    assert found.backend == "Null"
    assert found.sentence.startswith("Null, ")


def test_two_of_them_are_equal_by_all_they_are() -> None:
    one = CardIdentity("OpenGL", "a card", "1.0", software=False)
    assert one == CardIdentity("OpenGL", "a card", "1.0", software=False)
    assert one != CardIdentity("OpenGL", "a card", "1.1", software=False)

"""The interfaces to graphics cards; apart, so that the choice of one loads nothing that draws."""

from __future__ import annotations

import enum
import sys


class CardApi(enum.Enum):
    """Interfaces to graphics cards, by Qt's names."""

    OPENGL = "OpenGL"
    VULKAN = "Vulkan"
    DIRECT3D11 = "Direct3D11"
    METAL = "Metal"
    NULL = "Null"
    """Draws nothing; for tests of what it costs to have it drawn."""


def default_api(system: str = sys.platform) -> CardApi:
    """The interface that Qt prefers on this system."""
    return {"win32": CardApi.DIRECT3D11, "darwin": CardApi.METAL}.get(system, CardApi.OPENGL)

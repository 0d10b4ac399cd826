"""Which graphics card and driver a QRhi draws with, and whether that is software in disguise."""

from __future__ import annotations

import re
from dataclasses import dataclass

from PySide6.QtGui import QOpenGLContext, QRhi, QRhiDriverInfo

_GL_VENDOR, _GL_RENDERER, _GL_VERSION = 0x1F00, 0x1F01, 0x1F02

_SOFTWARE = re.compile(
    r"llvmpipe|softpipe|lavapipe|swrast|software|swiftshader|basic render|\bwarp\b|gdi generic",
    re.IGNORECASE,
)
"""Mesa's, Google's, Microsoft's and Apple's rasterisers by their names."""


@dataclass(frozen=True, slots=True)
class CardIdentity:
    """`backend`: Qt's name of the interface ("OpenGL"). `device`: the driver's name of the card.

    `driver`: what distinguishes its versions, as far as the driver says.
    """

    backend: str
    device: str
    driver: str
    software: bool

    @property
    def sentence(self) -> str:
        """For testers and the log."""
        return f"{self.backend}, {self.device}"


def identify(rhi: QRhi) -> CardIdentity:
    """Which card this is; to be called while its context is current (`initialize`, `render`)."""
    backend = str(rhi.backendName())
    info = rhi.driverInfo()  # must live while it is read
    device = bytes(info.deviceName.data()).decode(errors="replace")
    kind = QRhiDriverInfo.DeviceType(info.deviceType)
    if rhi.backend() is QRhi.Implementation.OpenGLES2:
        vendor, device, driver = _gl_strings(device)
        driver = f"{vendor} {driver}".strip()
    else:
        driver = f"{info.vendorId:04x}:{info.deviceId:04x}"
    software = kind is QRhiDriverInfo.DeviceType.CpuDevice or is_software(device)
    return CardIdentity(backend, device or "unknown", driver, software)


def is_software(device: str) -> bool:
    """Whether a device of this name is a rasteriser in software."""
    return bool(_SOFTWARE.search(device))


def _gl_strings(fallback: str) -> tuple[str, str, str]:
    """Vendor, renderer and version of OpenGL; QRhi does not tell what it draws on there."""
    try:
        functions = QOpenGLContext.currentContext().functions()
    except AttributeError:  # None: no context is current
        return "", fallback, ""
    vendor, device, version = (
        functions.glGetString(name) or "" for name in (_GL_VENDOR, _GL_RENDERER, _GL_VERSION)
    )
    return vendor, device or fallback, version

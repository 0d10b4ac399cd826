"""What the loaded FFmpeg reports about itself: version, licence and configuration."""

from __future__ import annotations

import shlex
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FfmpegFacts:
    """`licence`: as the build reports it; libraries that it is linked with are not counted."""

    version: str
    licence: str
    options: tuple[str, ...]


def facts() -> FfmpegFacts:
    """Raises ImportError where the part `player` is not installed."""
    import av  # here: it loads FFmpeg
    from av._core import library_meta

    codec = library_meta["libavcodec"]
    return FfmpegFacts(
        str(av.ffmpeg_version_info),
        str(codec["license"]),
        tuple(shlex.split(str(codec["configuration"]))),
    )

"""The libopus that PyAV brings or links, by ctypes, for functions that FFmpeg does not offer (see
`opus`)."""

from __future__ import annotations

import ctypes
import ctypes.util
import functools
from pathlib import Path
from typing import Any, Final

_NEEDED: Final = ("opus_decoder_create", "opus_decode", "opus_encoder_create", "opus_encode")


@functools.lru_cache(maxsize=1)
def libopus() -> Any:
    """The libopus in PyAV's wheel, or the system's; None if there is none."""
    import av  # imported here: it loads FFmpeg, which a window without a game does not need

    package = Path(av.__file__).parent
    places = [package.with_name("av.libs"), package / ".dylibs"]
    found = [str(path) for place in places if place.is_dir() for path in place.glob("*opus*")]
    system = ctypes.util.find_library("opus")
    for name in [*found, *([system] if system else [])]:
        try:
            library = ctypes.CDLL(name)
            for function in _NEEDED:
                getattr(library, function)
        except (OSError, AttributeError):
            continue
        return library
    return None

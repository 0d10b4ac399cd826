"""swscale into memory that somebody else owns: what FFmpeg can do, and PyAV has no call for.

Colours alone: another size takes several times as long, and is for PyAV, which has threads for it.
The functions are those of the very libraries that PyAV has loaded, by their names in C; they have
been the same since FFmpeg 0.5. Where they cannot be found nothing is drawn here, and pictures take
PyAV's way, which is one pass over 8 MB longer at 1080p.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
from av.video import reformatter
from av.video.reformatter import Colorspace, Interpolation

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

BYTES_PER_PIXEL = 4
BLOCK = 16
"""swscale writes rows in blocks of so many pixels: the end of the last one is beyond the row."""

_PLANES = 4
_UNITY = 1 << 16
"""Contrast and saturation as they are, in swscale's fixed point."""

_Pointers = ctypes.c_void_p * _PLANES
_Strides = ctypes.c_int * _PLANES


@dataclass(frozen=True, slots=True)
class Area:
    """A rectangle of BGRA pixels (32 bits, blue first) inside somebody's memory.

    `offset` is where its first pixel is and `stride` how far its rows are from each other, in
    bytes. `spare` is how many pixels right of it may be overwritten with whatever.
    """

    memory: memoryview = field(repr=False)
    offset: int
    stride: int
    width: int
    height: int
    spare: int = 0

    @property
    def fits(self) -> bool:
        """Whether swscale can write it and stay where it may."""
        beyond = -self.width % BLOCK
        return (
            min(self.width, self.height) > 0
            and self.offset >= 0
            and beyond <= self.spare
            and (self.width + beyond) * BYTES_PER_PIXEL <= self.stride
            and self.offset
            + (self.height - 1) * self.stride
            + (self.width + beyond) * BYTES_PER_PIXEL
            <= self.memory.nbytes
        )


@dataclass(frozen=True, slots=True)
class Functions:
    """What we call, typed."""

    get_pix_fmt: Callable[..., int]
    get_context: Callable[..., int | None]
    free_context: Callable[..., None]
    get_coefficients: Callable[..., int]
    set_colorspace_details: Callable[..., int]
    scale: Callable[..., int]


def library_files() -> Iterable[Path]:
    """Where the functions may be: PyAV's own module leads to them where the system looks through a
    library's dependencies (Linux, macOS); elsewhere they are in the files beside PyAV's package."""
    yield Path(reformatter.__file__)
    package = Path(av.__file__).parent
    for folder in (package.with_name("av.libs"), package / ".dylibs", package):
        for name in ("*swscale*", "*avutil*"):
            yield from sorted(folder.glob(name))


def find(files: Iterable[Path]) -> Functions | None:
    """The functions in the first of these libraries that has each; None when one is in none."""
    libraries = []
    for file in files:
        try:
            libraries.append(ctypes.CDLL(str(file)))
        except OSError:
            continue  # no library, or one that this system cannot load

    def function(name: str, result: Any, *arguments: Any) -> Any:
        for library in libraries:
            try:
                found = library[name]
            except AttributeError:
                continue
            found.restype, found.argtypes = result, arguments
            return found
        raise LookupError(name)

    number, pointer = ctypes.c_int, ctypes.c_void_p
    try:
        return Functions(
            function("av_get_pix_fmt", number, ctypes.c_char_p),
            function("sws_getContext", pointer, *[number] * 7, *[pointer] * 3),
            function("sws_freeContext", None, pointer),
            function("sws_getCoefficients", pointer, number),
            function(
                "sws_setColorspaceDetails",
                *(number, pointer, pointer, number, pointer, number, number, number, number),
            ),
            function(
                "sws_scale",
                *(number, pointer, _Pointers, _Strides, number, number, _Pointers, _Strides),
            ),
        )
    except LookupError:
        return None


@cache
def functions() -> Functions | None:
    """Those of this process, looked for once."""
    return find(library_files())


class _Context:
    """One of swscale's contexts, freed with this object."""

    def __init__(self, calls: Functions, pointer: int) -> None:
        self.pointer = pointer
        self._free = calls.free_context

    def __del__(self) -> None:
        self._free(self.pointer)


class Converter:
    """Draws one frame after the other in the screen's colours; for one thread at a time."""

    def __init__(self, calls: Functions | None = None) -> None:
        """`calls`: of a test; else those that PyAV has loaded."""
        self._calls = calls or functions()
        self._context: _Context | None = None
        self._made_for: tuple[object, ...] = ()

    @property
    def works(self) -> bool:
        """Whether there is anything to draw with."""
        return self._calls is not None

    def draw(
        self, frame: VideoFrame, area: Area, *, colorspace: Colorspace, full_range: bool
    ) -> bool:
        """Draw a frame over an area of its size, opaque; False when that cannot be done here.

        The GIL is not held meanwhile.
        """
        calls, size = self._calls, (frame.width, frame.height)
        if calls is None or size != (area.width, area.height) or not area.fits:
            return False
        context = self._context_for(calls, frame, colorspace, full_range)
        if context is None:
            return False
        # Keeps the memory where it is; fails for memory that must not be written.
        target = ctypes.c_char.from_buffer(area.memory, area.offset)
        planes = frame.planes
        rows = calls.scale(
            context.pointer,
            _Pointers(*[plane.buffer_ptr for plane in planes]),
            _Strides(*[plane.line_size for plane in planes]),
            0,
            frame.height,
            _Pointers(ctypes.addressof(target)),
            _Strides(area.stride),
        )
        return rows == area.height

    def _context_for(
        self, calls: Functions, frame: VideoFrame, colorspace: Colorspace, full_range: bool
    ) -> _Context | None:
        size, form = (frame.width, frame.height), frame.format.name
        wanted = (size, form, colorspace, full_range)
        if wanted != self._made_for:
            self._context, self._made_for = None, wanted
            pointer = calls.get_context(
                *(*size, calls.get_pix_fmt(form.encode())),
                *(*size, calls.get_pix_fmt(b"bgra")),
                *(int(Interpolation.BILINEAR), None, None, None),
            )
            if pointer:
                self._context = _Context(calls, pointer)
                table = calls.get_coefficients(int(colorspace))
                # Refused for a source in RGB, which has neither matrix nor range.
                calls.set_colorspace_details(
                    *(pointer, table, int(full_range), table, 1, 0, _UNITY, _UNITY)
                )
        return self._context

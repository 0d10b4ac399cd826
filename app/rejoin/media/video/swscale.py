"""Calls swscale through ctypes to write into memory of the caller, which PyAV cannot do.

It only converts colours. Scaling takes several times as long and is left to PyAV, which uses
threads for it. The functions are found by name in the libraries that PyAV has loaded; their
signatures have not changed since FFmpeg 0.5. Where they are not found, nothing is drawn here and
PyAV converts the picture, which takes one more pass (over 8 MB at 1080p).
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
"""swscale writes rows in blocks of this many pixels: the last block may end beyond the row."""

_PLANES = 4
_UNITY = 1 << 16
"""Unchanged contrast and saturation, in swscale's fixed point."""

_Pointers = ctypes.c_void_p * _PLANES
_Strides = ctypes.c_int * _PLANES


@dataclass(frozen=True, slots=True)
class Area:
    """A rectangle of BGRA pixels (32 bits, blue first) inside a larger memory.

    `offset` is the position of its first pixel and `stride` the distance between its rows, in
    bytes. `spare` is how many pixels to the right of it may be overwritten with garbage.
    """

    memory: memoryview = field(repr=False)
    offset: int
    stride: int
    width: int
    height: int
    spare: int = 0

    @property
    def fits(self) -> bool:
        """Whether swscale can write it without leaving the area, its spare and the memory."""
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
    """The functions of FFmpeg that are called here."""

    get_pix_fmt: Callable[..., int]
    get_context: Callable[..., int | None]
    free_context: Callable[..., None]
    get_coefficients: Callable[..., int]
    set_colorspace_details: Callable[..., int]
    scale: Callable[..., int]


def library_files() -> Iterable[Path]:
    """Libraries to search. On systems that also search a library's dependencies (Linux, macOS)
    PyAV's own module is enough; elsewhere the functions are in files beside PyAV's package."""
    yield Path(reformatter.__file__)
    package = Path(av.__file__).parent
    for folder in (package.with_name("av.libs"), package / ".dylibs", package):
        for name in ("*swscale*", "*avutil*"):
            yield from sorted(folder.glob(name))


def find(files: Iterable[Path]) -> Functions | None:
    """Each function from the first of these libraries that has it; None if one is missing."""
    libraries = []
    for file in files:
        try:
            libraries.append(ctypes.CDLL(str(file)))
        except OSError:
            continue  # not a library, or not one for this system

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
    """The functions in this process, looked up once."""
    return find(library_files())


class _Context:
    """A context of swscale, freed with this object."""

    def __init__(self, calls: Functions, pointer: int) -> None:
        self.pointer = pointer
        self._free = calls.free_context

    def __del__(self) -> None:
        self._free(self.pointer)


class Converter:
    """Converts one frame after another to BGRA; for one thread at a time."""

    def __init__(self, calls: Functions | None = None) -> None:
        """`calls`: for tests; by default those of the libraries that PyAV has loaded."""
        self._calls = calls or functions()
        self._context: _Context | None = None
        self._made_for: tuple[object, ...] = ()

    @property
    def available(self) -> bool:
        """Whether the functions were found."""
        return self._calls is not None

    def draw(
        self, frame: VideoFrame, area: Area, *, colorspace: Colorspace, full_range: bool
    ) -> bool:
        """Draw a frame, opaque, into an area of its size; False if that is not possible here.

        Releases the GIL.
        """
        calls, size = self._calls, (frame.width, frame.height)
        if calls is None or size != (area.width, area.height) or not area.fits:
            return False
        context = self._context_for(calls, frame, colorspace, full_range)
        if context is None:
            return False
        # Pins the memory; raises TypeError if it is read-only.
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
                # Has no effect for an RGB source, which has neither matrix nor range.
                calls.set_colorspace_details(
                    *(pointer, table, int(full_range), table, 1, 0, _UNITY, _UNITY)
                )
        return self._context

"""One picture on the graphics card: textures, shaders and the pass that draws it, for one QRhi.

The planes are uploaded as they are. A QImage describes a plane's memory and rows to Qt, so nothing
is copied on our side; Qt may read it until the frame was submitted.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass

from PySide6.QtCore import QSize
from PySide6.QtGui import (
    QColor,
    QImage,
    QMatrix4x4,
    QRhi,
    QRhiBuffer,
    QRhiCommandBuffer,
    QRhiDepthStencilClearValue,
    QRhiGraphicsPipeline,
    QRhiRenderTarget,
    QRhiResource,
    QRhiResourceUpdateBatch,
    QRhiSampler,
    QRhiShaderResourceBinding,
    QRhiShaderResourceBindings,
    QRhiShaderStage,
    QRhiTexture,
    QRhiTextureSubresourceUploadDescription,
    QRhiTextureUploadDescription,
    QRhiTextureUploadEntry,
    QRhiVertexInputLayout,
    QRhiViewport,
    QShader,
)

from rejoin import assets
from rejoin.errors import RejoinError
from rejoin.gui import theme
from rejoin.gui.picture_layout import PictureLayout
from rejoin.gui.roles import Role
from rejoin.gui.yuv_colours import rgb_rows
from rejoin.media.video.planes import Plane, Planes
from rejoin.media.video.scale_filter import ScaleFilter

VERTICES = "picture.vert"
FRAGMENTS = ("picture.smooth.frag", "picture.sharp.frag", "picture.pixel.frag", "picture.mean.frag")
"""Baked from the sources in `resources/shaders` (`dev.py shaders`)."""

_UNIFORM_FLOATS = 16 + 8 * 4
_UNIFORM_BYTES = _UNIFORM_FLOATS * 4
_BY_FILTER = dict(zip(ScaleFilter, FRAGMENTS, strict=False))
_MEAN = FRAGMENTS[-1]
_MOST_PLACES = 4
"""As in `picture.frag`: across and down, for a picture that is drawn smaller than it is."""


class CardError(RejoinError):
    """The graphics card cannot draw. The message says why, in a few words."""


@dataclass(frozen=True, slots=True)
class Scene:
    """How a picture is drawn: where, in pixels of the target; how far it is dimmed, 0 to 1; with
    which filter; and how much it is sharpened, 0 to 1, which SHARP alone does."""

    layout: PictureLayout
    dim: float = 0.0
    scale_filter: ScaleFilter = ScaleFilter.SMOOTH
    sharpness: float = 0.0


def shader(name: str) -> QShader:
    """A baked shader. Raises AssetMissingError, CardError."""
    found = QShader.fromSerialized(assets.path(f"shaders/{name}.qsb").read_bytes())
    if not found.isValid():
        raise CardError("a shader cannot be read")
    return found


class CardDrawing:
    """Draws with one QRhi and for targets of one format. Free it with `release`."""

    def __init__(self, rhi: QRhi, target: QRhiRenderTarget) -> None:
        """Raises CardError, AssetMissingError. `rhi` must outlive what is made here."""
        self.rhi = rhi
        self.uploads = 0
        """How many pictures were uploaded so far."""
        self._made: list[QRhiResource] = []
        self._textures: list[QRhiTexture] = []
        self._bindings: QRhiShaderResourceBindings | None = None
        self._shape: tuple[object, ...] = ()
        self._uploaded: Planes | None = None
        dynamic, uniform = QRhiBuffer.Type.Dynamic, QRhiBuffer.UsageFlag.UniformBuffer
        self._uniforms = rhi.newBuffer(dynamic, uniform, _UNIFORM_BYTES)
        linear, clamp = QRhiSampler.Filter.Linear, QRhiSampler.AddressMode.ClampToEdge
        self._sampler = rhi.newSampler(linear, linear, QRhiSampler.Filter.None_, clamp, clamp)
        self._pipelines: dict[str, QRhiGraphicsPipeline] = {}
        self._made += [self._uniforms, self._sampler]
        if not (self._uniforms.create() and self._sampler.create()):
            raise CardError("it has no memory")
        self._pipeline(_BY_FILTER[ScaleFilter.SMOOTH], target)

    def _pipeline(self, fragments: str, target: QRhiRenderTarget) -> QRhiGraphicsPipeline:
        """The pipeline with this fragment shader, which is made when it is used first."""
        if fragments in self._pipelines:
            return self._pipelines[fragments]
        made = self.rhi.newGraphicsPipeline()
        self._made.append(made)
        made.setTopology(QRhiGraphicsPipeline.Topology.TriangleStrip)
        kind = QRhiShaderStage.Type
        stages = ((kind.Vertex, VERTICES), (kind.Fragment, fragments))
        made.setShaderStages([QRhiShaderStage(each, shader(name)) for each, name in stages])
        made.setVertexInputLayout(QRhiVertexInputLayout())
        # Any textures do for a pipeline: those of every picture have the same layout.
        bindings = self._bindings or self._use_textures([(1, 1, 1)] * 3)
        made.setShaderResourceBindings(bindings)
        made.setRenderPassDescriptor(target.renderPassDescriptor())
        if not made.create():
            raise CardError("its driver refuses the shaders")
        self._pipelines[fragments] = made
        return made

    def release(self) -> None:
        """Free everything on the card; must be called before the QRhi goes."""
        self._release_textures()
        for resource in self._made:
            resource.destroy()
        self._made.clear()
        self._pipelines.clear()

    def draw(
        self,
        commands: QRhiCommandBuffer,
        target: QRhiRenderTarget,
        planes: Planes | None,
        scene: Scene,
    ) -> None:
        """Record one pass: the picture on black, or the background before there is one.

        Raises CardError. The planes must stay in memory until the frame was submitted.
        """
        updates = self.rhi.nextResourceUpdateBatch()
        pipeline: QRhiGraphicsPipeline | None = None
        ground = _rgb(theme.INK)
        if planes is not None:
            ground = _mixed(_rgb(Role.BARS), scene.dim)
        if planes is not None:
            if planes is not self._uploaded:
                self._upload(updates, planes)
            pipeline = self._pipeline(fragments_for(planes, scene), target)
            size = target.pixelSize()
            clip = _column_major(self.rhi.clipSpaceCorrMatrix())
            values = uniforms(clip, planes, scene, (size.width(), size.height()))
            block = struct.pack(f"={_UNIFORM_FLOATS}f", *values)
            updates.updateDynamicBuffer(self._uniforms, 0, block)
        commands.beginPass(
            target, QColor.fromRgbF(*ground), QRhiDepthStencilClearValue(1.0, 0), updates
        )
        if pipeline is not None:
            commands.setGraphicsPipeline(pipeline)
            size = target.pixelSize()
            commands.setViewport(QRhiViewport(0, 0, size.width(), size.height()))
            commands.setShaderResources(self._bindings)
            commands.draw(4)
        commands.endPass()

    # --- textures -------------------------------------------------------------------------------

    def _use_textures(self, shape: list[tuple[int, int, int]]) -> QRhiShaderResourceBindings:
        """Textures of these widths, heights and channels, unless they are there already.

        The shaders read three; where there are two (NV12), the last one is also the third.
        """
        if self._bindings is not None and self._shape == tuple(shape):
            return self._bindings
        self._release_textures()
        for width, height, channels in shape:
            form = QRhiTexture.Format.R8 if channels == 1 else QRhiTexture.Format.RG8
            texture = self.rhi.newTexture(form, QSize(width, height))
            self._textures.append(texture)
            if not texture.create():
                raise CardError("it has no memory for a picture of this size")
        fragment = QRhiShaderResourceBinding.StageFlag.FragmentStage
        both = QRhiShaderResourceBinding.StageFlag.VertexStage | fragment
        self._bindings = self.rhi.newShaderResourceBindings()
        self._bindings.setBindings(
            [
                QRhiShaderResourceBinding.uniformBuffer(0, both, self._uniforms),
                *(
                    QRhiShaderResourceBinding.sampledTexture(at, fragment, texture, self._sampler)
                    for at, texture in enumerate([*self._textures, self._textures[-1]][:3], 1)
                ),
            ]
        )
        if not self._bindings.create():
            raise CardError("its textures cannot be used")
        self._shape = tuple(shape)
        return self._bindings

    def _release_textures(self) -> None:
        self._uploaded, self._shape = None, ()
        if self._bindings is not None:
            self._bindings.destroy()
            self._bindings = None
        for texture in self._textures:
            texture.destroy()
        self._textures.clear()

    def _upload(self, updates: QRhiResourceUpdateBatch, planes: Planes) -> None:
        limit = self.rhi.resourceLimit(QRhi.ResourceLimit.TextureSizeMax)
        if max(planes.width, planes.height) > limit:
            raise CardError(f"it takes no pictures above {limit} pixels")
        uploaded = [planes.luma, *planes.chroma]
        shape = [(plane.width, plane.height, plane.channels) for plane in uploaded]
        self._use_textures(shape)
        for texture, plane in zip(self._textures, uploaded, strict=False):
            described = QRhiTextureSubresourceUploadDescription(_image(plane))
            entry = QRhiTextureUploadEntry(0, 0, described)
            updates.uploadTexture(texture, QRhiTextureUploadDescription(entry))
        self._uploaded = planes
        self.uploads += 1


def uniforms(
    clip: tuple[float, ...], planes: Planes, scene: Scene, target: tuple[int, int]
) -> tuple[float, ...]:
    """The values of the shaders' block `Drawing`. `clip`: 16, by columns."""
    layout, sites = scene.layout, planes.chroma[0]
    width, height = target
    box = (
        2.0 * layout.x / width - 1.0,
        1.0 - 2.0 * (layout.y + layout.height) / height,
        2.0 * (layout.x + layout.width) / width - 1.0,
        1.0 - 2.0 * layout.y / height,
    )
    # A chroma sample at s luma samples from the luma sample 0 is at (x - 0.5 - s) / 2 + 0.5; where
    # there is one for each luma sample, at x.
    across, down = planes.subsampled
    from_x, from_y = (
        0.0 if each == 1 else 0.25 - offset / 2.0
        for each, offset in zip(planes.subsampled, planes.siting.value, strict=True)
    )
    rows = rgb_rows(planes.matrix, full_range=planes.full_range)
    return (
        *clip,
        *box,
        *(planes.width, planes.height, 1.0 / planes.width, 1.0 / planes.height),
        *(1.0 / across / sites.width, 1.0 / down / sites.height),
        *(from_x / sites.width, from_y / sites.height),
        *(each for row in rows for each in row),
        *(*_rgb(Role.VEIL), theme.DIM_OPACITY * scene.dim),
        *(scene.sharpness, _places(planes, scene), float(planes.interleaved), 0.0),
    )


def _column_major(matrix: QMatrix4x4) -> tuple[float, ...]:
    columns = [matrix.column(at) for at in range(4)]
    return tuple(value for each in columns for value in (each.x(), each.y(), each.z(), each.w()))


def _rgb(role: Role) -> tuple[float, ...]:
    found = theme.colour(role)
    return found.redF(), found.greenF(), found.blueF()


def _mixed(colour: tuple[float, ...], dim: float) -> tuple[float, ...]:
    """The ground around the picture, dimmed as the picture is."""
    share = theme.DIM_OPACITY * dim
    return tuple(
        own * (1.0 - share) + ink * share for own, ink in zip(colour, _rgb(Role.VEIL), strict=True)
    )


def fragments_for(planes: Planes, scene: Scene) -> str:
    """The fragment shader for a picture; one that is drawn smaller than it is has its own."""
    smaller = _places(planes, scene) > 1.0 and scene.scale_filter is not ScaleFilter.PIXEL
    return _MEAN if smaller else _BY_FILTER[scene.scale_filter]


def _places(planes: Planes, scene: Scene) -> float:
    """How many places across and down a pixel is the mean of: at least the samples it covers."""
    layout = scene.layout
    covered = max(planes.width / layout.width, planes.height / layout.height)
    return float(min(_MOST_PLACES, max(1, math.ceil(covered))))


def _image(plane: Plane) -> QImage:
    """A plane's memory as an image, without a copy. With two channels a sample has 16 bits."""
    form = QImage.Format.Format_Grayscale8 if plane.channels == 1 else QImage.Format.Format_RGB16
    return QImage(plane.data, plane.width, plane.height, plane.stride, form)

"""The shaders are those of their sources, for every interface, and real compilers take them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtGui import (
    QOffscreenSurface,
    QOpenGLContext,
    QShader,
    QShaderKey,
    QShaderVersion,
    QSurfaceFormat,
)
from PySide6.QtOpenGL import QOpenGLShader
from PySide6.QtWidgets import QApplication

from helpers.card_window import flat, noise
from rejoin import assets
from rejoin.gui.card_drawing import (
    FRAGMENTS,
    VERTICES,
    CardError,
    Scene,
    fragments_for,
    shader,
    uniforms,
)
from rejoin.gui.picture_layout import PictureLayout
from rejoin.media.video.planes import planes_of
from rejoin.media.video.scale_filter import ScaleFilter

SHADERS = (VERTICES, *FRAGMENTS)
FOLDER = assets.path("shaders/baked.json").parent
TARGETS = {
    (QShader.Source.SpirvShader, 100, False),
    (QShader.Source.GlslShader, 300, True),
    (QShader.Source.GlslShader, 150, False),
    (QShader.Source.HlslShader, 50, False),
    (QShader.Source.MslShader, 12, False),
}


def digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def test_every_source_is_baked_and_every_baked_shader_has_its_source() -> None:
    """After a change of a source: `python3 dev.py shaders`."""
    record = json.loads((FOLDER / "baked.json").read_text(encoding="utf-8"))
    sources = {path.name for path in FOLDER.iterdir() if path.suffix in (".vert", ".frag")}
    stored = sorted(path.name for path in FOLDER.iterdir() if path.suffix == ".qsb")
    assert stored == sorted(record["shaders"]) == sorted(f"{name}.qsb" for name in SHADERS)
    assert {each["source"] for each in record["shaders"].values()} == sources
    for name, each in record["shaders"].items():
        source = FOLDER / each["source"]
        assert each["source_sha256"] == digest(source), f"{source.name} was changed and not baked"
        assert each["baked_sha256"] == digest(FOLDER / name), f"{name} is another one"


@pytest.mark.parametrize("name", SHADERS)
def test_a_shader_has_all_targets(name: str) -> None:
    keys = shader(name).availableShaders()
    es = QShaderVersion.Flag.GlslEs
    found = {
        (key.source(), key.sourceVersion().version(), key.sourceVersion().flags() == es)
        for key in keys
    }
    assert found == TARGETS


@pytest.mark.x11
@pytest.mark.parametrize("name", SHADERS)
@pytest.mark.parametrize(
    "version",
    [QShaderVersion(150), QShaderVersion(300, QShaderVersion.Flag.GlslEs)],
    ids=["150", "300 es"],
)
def test_a_real_context_compiles_each_glsl(
    application: QApplication, qt_messages: list[str], name: str, version: QShaderVersion
) -> None:
    wanted = QSurfaceFormat()
    if version.flags() & QShaderVersion.Flag.GlslEs:
        wanted.setRenderableType(QSurfaceFormat.RenderableType.OpenGLES)
        wanted.setVersion(3, 0)
    else:
        wanted.setVersion(3, 2)
        wanted.setProfile(QSurfaceFormat.OpenGLContextProfile.CoreProfile)
    context, surface = QOpenGLContext(), QOffscreenSurface()
    context.setFormat(wanted)
    assert context.create()
    surface.setFormat(context.format())
    surface.create()
    assert context.makeCurrent(surface)
    try:
        code = shader(name).shader(QShaderKey(QShader.Source.GlslShader, version)).shader()
        kind = QOpenGLShader.ShaderTypeBit
        made = QOpenGLShader(kind.Vertex if name.endswith(".vert") else kind.Fragment)
        assert made.compileSourceCode(code), made.log()
        assert not made.compileSourceCode(code + b"nonsense"), "it does not compile anything"
        qt_messages.clear()
    finally:
        context.doneCurrent()


def test_a_shader_that_is_none_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qt_messages: list[str]
) -> None:
    broken = tmp_path / "broken.qsb"
    broken.write_bytes(b"nothing")
    monkeypatch.setattr(assets, "path", lambda name: broken)
    with pytest.raises(CardError):
        shader("picture.vert")
    qt_messages.clear()


def test_the_uniforms_say_where_and_how() -> None:
    """The block of `picture.frag`, 48 floats; what they do is tested by the pictures."""
    planes = planes_of(noise((160, 90)))
    identity = (1.0, 0, 0, 0, 0, 1.0, 0, 0, 0, 0, 1.0, 0, 0, 0, 0, 1.0)
    scene = Scene(PictureLayout(10, 20, 320, 180), dim=1.0, sharpness=0.25)
    values = uniforms(identity, planes, scene, (340, 220))
    assert len(values) == 48
    assert values[16:20] == pytest.approx(
        (2 * 10 / 340 - 1, 1 - 2 * 200 / 220, 2 * 330 / 340 - 1, 1 - 2 * 20 / 220)
    )
    assert values[20:24] == pytest.approx((160, 90, 1 / 160, 1 / 90))
    assert values[24:28] == pytest.approx((0.5 / 80, 0.5 / 45, 0.25 / 80, 0.0))
    assert values[44:48] == (0.25, 1.0, 0.0, 0.0)
    assert fragments_for(planes, scene) == "picture.smooth.frag"
    small = Scene(PictureLayout(0, 0, 16, 9))
    tiny = uniforms(identity, planes_of(flat((16, 128, 128))), small, (16, 9))
    assert tiny[45] == 4.0, "a pixel is the mean of so many places across and down"
    assert fragments_for(planes_of(flat((16, 128, 128))), small) == "picture.mean.frag"
    pixel = replace(small, scale_filter=ScaleFilter.PIXEL)
    assert fragments_for(planes_of(flat((16, 128, 128))), pixel) == "picture.pixel.frag"

"""Small grey pictures, their likeness, and what is said of it."""

from __future__ import annotations

import numpy as np
import pytest
from av.video.frame import VideoFrame

from rejoin.media.video.scene import (
    DIFFERENT_UP_TO,
    SAME_FROM,
    SIZE,
    Grey,
    GreyScaler,
    SceneFinding,
    SceneWord,
    compare,
    is_black,
    similarity,
)

RANDOM = np.random.default_rng(1)


def a_scene(seed: int) -> Grey:
    blocks = np.random.default_rng(seed).integers(40, 230, (18, 32), dtype=np.uint8)
    return np.kron(blocks, np.ones((3, 3), np.uint8))


ONE, OTHER = a_scene(1), a_scene(2)
BLACK = np.full_like(ONE, 8)


def slow_ssim(one: Grey, other: Grey) -> float:
    """By its definition, one window after the other."""
    values = []
    for y in range(one.shape[0] - 6):
        for x in range(one.shape[1] - 6):
            a, b = (each[y : y + 7, x : x + 7].astype(float).ravel() for each in (one, other))
            covariance = np.cov(a, b)
            c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
            above = (2 * a.mean() * b.mean() + c1) * (2 * covariance[0, 1] + c2)
            below = (a.mean() ** 2 + b.mean() ** 2 + c1) * (covariance.trace() + c2)
            values.append(above / below)
    return float(np.mean(values))


@pytest.mark.parametrize("noise", [0, 3, 40])
def test_the_likeness_is_ssim(noise: int) -> None:
    rough = np.clip(ONE + RANDOM.normal(0, noise, ONE.shape), 0, 255).astype(np.uint8)
    assert similarity(ONE, rough) == pytest.approx(slow_ssim(ONE, rough), abs=1e-9)
    assert similarity(ONE, rough) == pytest.approx(similarity(rough, ONE))


def test_a_picture_is_like_itself_and_not_like_another() -> None:
    assert similarity(ONE, ONE) == pytest.approx(1.0)
    assert similarity(ONE, OTHER) < DIFFERENT_UP_TO < SAME_FROM


def mixed(share: float) -> Grey:
    """Part of one scene, part of another, side by side."""
    at = round(SIZE[0] * share)
    return np.concatenate([ONE[:, :at], OTHER[:, at:]], axis=1)


def test_what_is_said_is_a_word_of_four() -> None:
    assert compare(ONE, [OTHER, ONE]).word is SceneWord.SAME, "the best one counts"
    assert compare(ONE, [OTHER, BLACK]).word is SceneWord.DIFFERENT
    assert compare(ONE, [BLACK, BLACK]) == SceneFinding(SceneWord.BLACK)
    between = compare(ONE, [mixed((SAME_FROM + DIFFERENT_UP_TO) / 2)])
    assert between.word is SceneWord.UNKNOWN
    assert between.similarity is not None
    assert DIFFERENT_UP_TO < between.similarity < SAME_FROM


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, [ONE]),
        (ONE, []),
        (BLACK, [ONE]),
        (BLACK, [BLACK]),
        (np.full_like(ONE, 128), [np.full_like(ONE, 128)]),
    ],
)
def test_where_nothing_is_seen_nothing_is_known(before: Grey | None, after: list[Grey]) -> None:
    assert compare(before, after) == SceneFinding(SceneWord.UNKNOWN)


def test_a_few_bright_pixels_do_not_make_a_picture_bright() -> None:
    nearly = BLACK.copy()
    nearly[0, :20] = 255
    assert is_black(nearly)
    nearly[1:3, :] = 255
    assert not is_black(nearly)


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("name", ["yuv420p", "nv12", "yuv444p"])
@pytest.mark.parametrize("size", [(1280, 720), (640, 480), (64, 36)])
def test_a_frame_of_any_kind_becomes_grey(name: str, size: tuple[int, int], full: bool) -> None:
    frame = VideoFrame(*size, name)
    frame.color_range = 2 if full else 1
    dark, light = (0, 255) if full else (16, 235)
    luma = np.frombuffer(memoryview(frame.planes[0]), np.uint8).reshape(size[1], -1).copy()
    luma[:, : size[0] // 2], luma[:, size[0] // 2 :] = dark, light
    frame.planes[0].update(luma.tobytes())
    for plane in list(frame.planes)[1:]:
        plane.update(b"\x80" * plane.buffer_size)
    grey = GreyScaler().grey(frame)
    assert grey is not None
    assert grey.shape == SIZE[::-1]
    assert grey[:, :44].max() <= 2
    assert grey[:, 52:].min() >= 253


def test_a_frame_that_cannot_be_converted_is_none() -> None:
    assert GreyScaler().grey(VideoFrame(0, 0, "yuv420p")) is None

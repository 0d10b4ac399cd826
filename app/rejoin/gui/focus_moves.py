"""Which widget is next in a direction, by where things are on the screen. Pure but for rectangles.

Keyboards have Tab for the order of things; a pad has directions alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRect

from rejoin.gamepads.navigation import PadPress

_BESIDE_WEIGHT = 2
"""Sideways distance counts this much more."""
_VERTICAL = (PadPress.UP, PadPress.DOWN)


def nearest(places: Sequence[QRect], here: QRect, direction: PadPress) -> int | None:
    """The place that is next from `here`, by its number; None: there is none in that direction.

    A place inside of `here`, as a small button on a card, is reached to the left and right alone.
    """
    best: tuple[int, int] | None = None
    for number, place in enumerate(places):
        distance = _distance(place, here, direction)
        if distance is not None and (best is None or distance < best[0]):
            best = distance, number
    return None if best is None else best[1]


def _distance(place: QRect, here: QRect, direction: PadPress) -> int | None:
    inside = here.contains(place) or place.contains(here)
    if place == here or (inside and direction in _VERTICAL):
        return None
    at, ours = place.center(), here.center()
    match direction:
        case PadPress.RIGHT if at.x() > ours.x():
            along, beside = place.left() - here.right(), _gap_y(place, here)
        case PadPress.LEFT if at.x() < ours.x():
            along, beside = here.left() - place.right(), _gap_y(place, here)
        case PadPress.DOWN if at.y() > ours.y():
            along, beside = place.top() - here.bottom(), _gap_x(place, here)
        case PadPress.UP if at.y() < ours.y():
            along, beside = here.top() - place.bottom(), _gap_x(place, here)
        case _:
            return None
    if direction not in _VERTICAL and beside > 0:
        return None  # sideways leads to what is beside; up and down to whatever is there
    overlaps = along < 0 and not inside
    if overlaps and beside > 0:
        return None  # it is rather beside than further on
    return max(0, along) + _BESIDE_WEIGHT * beside


def _gap_x(one: QRect, other: QRect) -> int:
    return max(0, one.left() - other.right(), other.left() - one.right())


def _gap_y(one: QRect, other: QRect) -> int:
    return max(0, one.top() - other.bottom(), other.top() - one.bottom())

"""Finds what cannot be read on a page: cut texts, controls beyond their place, and overlaps."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import QPoint, QRect, QSize
from PySide6.QtWidgets import (
    QAbstractButton,
    QComboBox,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QSlider,
    QWidget,
)

from helpers.pages import visible

_ARROW_PX = 46
"""Of a choice, with its edges (`QComboBox` in the style sheet)."""
_BREAKS_ANYWHERE = "\u2e80"
"""From here on scripts of East Asia break between any two letters."""
_CONTROLS = (QAbstractButton, QComboBox, QLineEdit, QSlider)


def cut_texts(root: QWidget) -> list[str]:
    """One sentence for each; empty if all can be read, with scrolling down where that is needed."""
    shown = [each for each in visible(root) if isinstance(each, _CONTROLS) or _is_text(each)]
    found = [f"{_name(each)}: {why}" for each in shown for why in _cut(each)]
    found += [f"{_name(each)}: beyond its place" for each in shown if not _is_inside(each, root)]
    return found + list(_overlaps(shown, root))


def _is_text(widget: QWidget) -> bool:
    return isinstance(widget, QLabel) and bool(widget.text())


def _name(widget: QWidget) -> str:
    return str(getattr(widget, "text", widget.accessibleName)())[:60] or widget.accessibleName()


def _cut(widget: QWidget) -> Iterator[str]:
    if isinstance(widget, QLabel) and widget.wordWrap():
        if widget.heightForWidth(widget.width()) > widget.height() + 1:
            yield f"not high enough, {widget.height()} px"
        words = [
            word
            for word in widget.text().replace("\u200b", " ").split()
            if not any(letter >= _BREAKS_ANYWHERE for letter in word)
        ]
        room = widget.contentsRect().width() + 1
        if any(widget.fontMetrics().horizontalAdvance(word) > room for word in words):
            yield "a word is wider than its room"
    elif isinstance(widget, QLabel | QPushButton):
        needed = widget.sizeHint()
        if not _holds(widget.size(), needed):
            yield f"{widget.size().toTuple()} in place of {needed.toTuple()}"
    elif isinstance(widget, QComboBox):
        text = widget.fontMetrics().horizontalAdvance(widget.currentText())
        if text > widget.width() - _ARROW_PX or widget.height() + 1 < widget.sizeHint().height():
            yield f"{widget.currentText()!r} does not fit"
    elif widget.height() + 1 < widget.sizeHint().height():
        yield "not high enough"


def _holds(size: QSize, needed: QSize) -> bool:
    return size.width() + 1 >= needed.width() and size.height() + 1 >= needed.height()


def scrolled(widget: QWidget) -> QScrollArea | None:
    """The area that it can be scrolled in."""
    above = widget.parentWidget()
    while above is not None and not isinstance(above, QScrollArea):
        above = above.parentWidget()
    return above


def _is_inside(widget: QWidget, root: QWidget) -> bool:
    """In the window, or in what the scroll area scrolls."""
    area = scrolled(widget)
    place: QWidget = root
    if area is not None:
        place = area.widget() or root
    rect = QRect(widget.mapTo(place, QPoint()), widget.size())
    return place.rect().adjusted(-1, -1, 1, 1).contains(rect)


def _seen(widget: QWidget, root: QWidget) -> QRect:
    """What can be seen of it, if nothing lies over it."""
    rect = QRect(widget.mapTo(root, QPoint()), widget.size())
    area = scrolled(widget)
    if area is None:
        return rect
    return rect.intersected(QRect(area.viewport().mapTo(root, QPoint()), area.viewport().size()))


def _overlaps(shown: list[QWidget], root: QWidget) -> Iterator[str]:
    places = [(each, _seen(each, root)) for each in shown]
    for at, (one, place) in enumerate(places):
        for other, beside in places[at + 1 :]:
            both = place.intersected(beside)
            apart = both.width() <= 2 or both.height() <= 2
            if not apart and not one.isAncestorOf(other) and not other.isAncestorOf(one):
                yield f"{_name(one)} and {_name(other)} overlap"

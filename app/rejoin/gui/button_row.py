"""Buttons beside each other, in further rows where they are wider than their room: none is cut."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtWidgets import QLayout, QLayoutItem, QSizePolicy, QSpacerItem, QWidget


class ButtonRow(QWidget):
    """Whatever the size of text and the language."""

    def __init__(self, spacing_px: int = 12) -> None:
        super().__init__()
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self._flow = _Flow(self)
        self._flow.setContentsMargins(0, 0, 0, 0)
        self._flow.setSpacing(spacing_px)

    def add(self, *widgets: QWidget) -> None:
        for widget in widgets:
            self._flow.addWidget(widget)

    def add_stretch(self) -> None:
        """What comes after stands at the right, if all of it is in one row. At most one."""
        self._flow.addItem(QSpacerItem(0, 0))


class _Flow(QLayout):
    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._items: list[QLayoutItem] = []

    def addItem(self, item: QLayoutItem) -> None:
        self._items.append(item)

    def count(self) -> int:
        return len(self._items)

    def itemAt(self, at: int) -> QLayoutItem | None:
        return self._items[at] if 0 <= at < len(self._items) else None

    def takeAt(self, at: int) -> QLayoutItem | None:
        return self._items.pop(at) if 0 <= at < len(self._items) else None

    def expandingDirections(self) -> Qt.Orientation:
        return Qt.Orientation(0)

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        rows = self._rows(width - self._around().width())
        heights = [max(item.sizeHint().height() for item in row) for row in rows]
        return sum(heights) + self.spacing() * max(0, len(rows) - 1) + self._around().height()

    def sizeHint(self) -> QSize:
        """Of one row."""
        shown = self._shown()
        height = max((item.sizeHint().height() for item in shown), default=0)
        return QSize(self._width(shown), height) + self._around()

    def minimumSize(self) -> QSize:
        sizes = [item.minimumSize() for item in self._shown()]
        width = max((size.width() for size in sizes), default=0)
        return QSize(width, max((size.height() for size in sizes), default=0)) + self._around()

    def setGeometry(self, area: QRect) -> None:
        super().setGeometry(area)
        inside = area.marginsRemoved(self.contentsMargins())
        rows = self._rows(inside.width())
        top = inside.top()
        for row in rows:
            height = max(item.sizeHint().height() for item in row)
            left = inside.left()
            for item in row:
                size = QSize(min(item.sizeHint().width(), inside.width()), height)
                shift = self._spare(inside.width()) if len(rows) == 1 else 0
                after = shift if self._is_after_stretch(item) else 0
                item.setGeometry(QRect(QPoint(left + after, top), size))
                left += size.width() + self.spacing()
            top += height + self.spacing()

    # --- how it is divided ------------------------------------------------------------------------

    def _around(self) -> QSize:
        margins = self.contentsMargins()
        return QSize(margins.left() + margins.right(), margins.top() + margins.bottom())

    def _shown(self) -> list[QLayoutItem]:
        return [item for item in self._items if item.widget() is not None and not item.isEmpty()]

    def _width(self, items: list[QLayoutItem]) -> int:
        widths = [item.sizeHint().width() for item in items]
        return sum(widths) + self.spacing() * max(0, len(widths) - 1)

    def _spare(self, room: int) -> int:
        return max(0, room - self._width(self._shown()))

    def _is_after_stretch(self, item: QLayoutItem) -> bool:
        before = self._items[: self._items.index(item)]
        return any(each.widget() is None for each in before)

    def _rows(self, room: int) -> list[list[QLayoutItem]]:
        rows: list[list[QLayoutItem]] = []
        for item in self._shown():
            if rows and self._width([*rows[-1], item]) <= room:
                rows[-1].append(item)
            else:
                rows.append([item])
        return rows

"""Roles for widgets that Qt knows nothing of: without one, a screen reader takes them for filling.

A class says what it is by `accessible_role`, a widget of Qt's is given a role by `give_role`; the
name of both is that of Qt's `setAccessibleName`. A widget that is a window by itself is a window.
All others are as Qt has them.
"""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtGui import QAccessible, QAccessibleInterface
from PySide6.QtWidgets import QApplication, QWidget

PICTURE = QAccessible.Role.Graphic
"""Something painted that is not to be operated: a picture, a ring, a chart."""

_ROLE = "accessible_role"
_FACTORY = "rejoinRoles"


def install(application: QApplication) -> None:
    """Once for the application. Costs nothing until a screen reader asks for a widget."""
    if not application.property(_FACTORY):
        QAccessible.installFactory(_accessible)
        application.setProperty(_FACTORY, True)


def give_role(widget: QWidget, role: QAccessible.Role) -> None:
    """Before a screen reader asks for the widget, which is then remembered."""
    widget.setProperty(_ROLE, role.value)


def role_of(widget: QWidget) -> QAccessible.Role | None:
    """The role that a widget says it has; None: the one that Qt gives it."""
    role = getattr(widget, _ROLE, None)
    if isinstance(role, QAccessible.Role):
        return role
    given = widget.property(_ROLE)
    if given is not None:
        return QAccessible.Role(given)
    # Dialogs, menus and tool tips are windows too, with roles of Qt's.
    of_qt = next(each for each in type(widget).__mro__ if each.__module__.startswith("PySide6."))
    return QAccessible.Role.Window if of_qt is QWidget and widget.isWindow() else None


def _accessible(_kind: str, found: QObject) -> QAccessibleInterface | None:
    from PySide6.QtWidgets import QAccessibleWidget  # only with a screen reader

    if not isinstance(found, QWidget):
        return None
    role = role_of(found)
    return None if role is None else QAccessibleWidget(found, role)

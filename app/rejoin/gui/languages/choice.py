"""Which language the window speaks, and how the application changes to it at any time.

Qt then sends every widget a LanguageChange, on which those that keep texts translate them again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtWidgets import QApplication

from rejoin import assets, language
from rejoin.errors import AssetMissingError
from rejoin.gui.languages.system import system_tags
from rejoin.language import ENGLISH, Language

if TYPE_CHECKING:
    from PySide6.QtCore import QTranslator

_log = logging.getLogger("rejoin.qt")

SYSTEM: Final = "system"
ENGLISH_TAG: Final = ENGLISH.tag
TRANSLATED: Final = ("de", "ja")
"""Each has a catalogue in `resources/languages`."""
PSEUDO: Final = ("pseudo", "pseudo-rtl")
"""Made from the English texts (`pseudo`)."""

_qt_texts: QTranslator | None = None
"""Qt's own texts, as of file dialogs; None in English."""


def speak(application: QApplication, wanted: str) -> None:
    """Speak this language of the settings from now on, in every window."""
    found = language_for(wanted, system_tags)
    if found.tag == language.current().tag:
        return
    language.use(found)
    _translate_qt(application, found.tag)
    direction = Qt.LayoutDirection
    application.setLayoutDirection(
        direction.RightToLeft if found.right_to_left else direction.LeftToRight
    )
    QCoreApplication.sendEvent(application, QEvent(QEvent.Type.LanguageChange))


def language_for(wanted: str, system: Callable[[], Iterable[str]]) -> Language:
    """The language of a setting. `system`: what the system's user reads, best first (BCP 47);
    asked only if the setting is "system". One that we do not have is English."""
    if wanted in PSEUDO:
        from rejoin.gui.languages import pseudo  # English is painted without

        return pseudo.RightToLeftPseudo() if wanted == "pseudo-rtl" else pseudo.LongPseudo()
    tag = tag_of(system()) if wanted == SYSTEM else wanted
    return load(tag) if tag in TRANSLATED else ENGLISH


def tag_of(tags: Iterable[str]) -> str:
    """The first language of these that we have; regions make no difference here."""
    for tag in tags:
        base = tag.replace("_", "-").partition("-")[0].lower()
        if base in (ENGLISH_TAG, *TRANSLATED):
            return base
    return ENGLISH_TAG


def load(tag: str) -> Language:
    """The catalogue of this language; English if it is missing or damaged, which is logged."""
    from rejoin.gui.languages import catalogue  # English is painted without

    try:
        return catalogue.read(tag, assets.text(f"languages/{tag}.po"))
    except (AssetMissingError, OSError, ValueError) as error:
        _log.warning("the texts of the language %s cannot be read: %s", tag, error)
        return ENGLISH


def _translate_qt(application: QApplication, tag: str) -> None:
    global _qt_texts  # noqa: PLW0603 there is one application
    if _qt_texts is not None:
        application.removeTranslator(_qt_texts)
        _qt_texts = None
    if tag not in TRANSLATED:
        return
    from PySide6.QtCore import QLibraryInfo, QTranslator  # English is painted without

    texts = QTranslator(application)
    folder = QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)
    if texts.load(f"qtbase_{tag}", folder):
        application.installTranslator(texts)
        _qt_texts = texts

"""Which languages this computer's user reads, best first.

On Linux that is in the environment, as gettext has it. Elsewhere Qt asks the system; here it does
not, because QLocale is slow to load.
Windows and macOS: not run.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping


def system_tags() -> list[str]:
    """Tags as "de-AT" or "de_AT"; empty where the system does not say."""
    if sys.platform in ("win32", "darwin"):
        from PySide6.QtCore import QLocale

        return list(QLocale.system().uiLanguages())
    return tags_in(os.environ)


def tags_in(environ: Mapping[str, str]) -> list[str]:
    """LANGUAGE is a list and goes first, unless the locale is C: then nothing is translated (the
    manual of GNU gettext, "The LANGUAGE variable")."""
    locale = next(
        (environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environ.get(name)), ""
    )
    base = _without_encoding(locale)
    if base in ("", "C", "POSIX"):
        return []
    listed = [_without_encoding(each) for each in environ.get("LANGUAGE", "").split(":") if each]
    return [*listed, base]


def _without_encoding(locale: str) -> str:
    """de_AT of de_AT.UTF-8@euro."""
    return locale.partition(".")[0].partition("@")[0]

"""`python3 dev.py texts`: finds the texts of the window and brings the catalogues up to date.

A text is the first argument of `tr`, `mark` or `Message`, or the first two of `tr_plural`
(`rejoin.language`). Translations that are there stay; texts that are gone are removed; new ones
have no translation yet. What is missing is listed. Exit code: 0; 1 if a translation is missing.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ROOT / "app" / "rejoin"
CATALOGUES = ROOT / "resources" / "languages"

KEYWORDS: Mapping[str, Any] = {
    "tr": None,
    "mark": None,
    "Message": None,
    "tr_plural": (1, 2),
}
COMMENTS = ("Translators:",)
WIDTH = 100


def template() -> Catalog:
    """Every text of the sources, in the order of their files."""
    found = Catalog(project="Rejoin", charset="utf-8")
    for name, _line, message, comments, context in extract_from_dir(
        SOURCES,
        method_map=[("**.py", "python")],
        keywords=dict(KEYWORDS),
        comment_tags=COMMENTS,
        strip_comment_tags=True,
    ):
        # Without line numbers: else every change of a module would be one of the catalogues.
        place = [(str(Path("app/rejoin") / name), 0)]
        found.add(message, None, place, auto_comments=comments, context=context)
    return found


def languages() -> list[str]:
    return sorted(file.stem for file in CATALOGUES.glob("*.po"))


def catalogue(language: str) -> Catalog:
    """The catalogue of a language, as it is on the disk."""
    with (CATALOGUES / f"{language}.po").open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


def updated(language: str, texts: Catalog) -> str:
    """The catalogue of a language with exactly these texts, as it is to be on the disk."""
    found = catalogue(language)
    for message in found:
        message.locations = []
    found.update(
        texts, no_fuzzy_matching=True, update_header_comment=False, update_creation_date=False
    )
    for message in found:
        message.flags.discard("python-format")
    written = io.BytesIO()
    write_po(
        written,
        found,
        width=WIDTH,
        ignore_obsolete=True,
        include_lineno=False,
        sort_by_file=True,
    )
    return written.getvalue().decode("utf-8")


def missing(language: str) -> list[str]:
    """The English texts without a translation, or with one that is marked as fuzzy."""
    return [
        message.id if isinstance(message.id, str) else message.id[0]
        for message in catalogue(language)
        if message.id
        and (
            message.fuzzy
            or not message.string
            or (not isinstance(message.string, str) and not all(message.string))
        )
    ]


def main() -> int:
    texts = template()
    lacks = False
    for language in languages():
        file = CATALOGUES / f"{language}.po"
        content = updated(language, texts)
        if content != file.read_text(encoding="utf-8"):
            file.write_text(content, encoding="utf-8")
            print(f"{file.relative_to(ROOT)} was brought up to date")
        wanted = missing(language)
        lacks = lacks or bool(wanted)
        print(f"{language}: {len(texts)} texts, {len(wanted)} without a translation")
        for text in wanted:
            print(f"  {text!r}")
    return 1 if lacks else 0


if __name__ == "__main__":
    sys.exit(main())

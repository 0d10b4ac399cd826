"""Our reader of catalogues reads what babel reads."""

from __future__ import annotations

import pytest
from babel.messages.pofile import read_po

from rejoin import assets
from rejoin.gui.languages.catalogue import read
from rejoin.gui.languages.choice import TRANSLATED

HEADER = 'msgid ""\nmsgstr ""\n"Plural-Forms: nplurals=2; plural=(n != 1);\\n"\n'


def test_texts_plurals_and_what_is_not_translated() -> None:
    found = read(
        "xx",
        f"""# a comment
{HEADER}
#: a.py
msgid "Close"
msgstr "Zu"

msgid ""
"Long, \\"quoted\\"\\n"
"and \\\\ more"
msgstr ""
"Lang, „so“\\n"
"und \\\\ mehr"

msgid "{{count}} day"
msgid_plural "{{count}} days"
msgstr[0] "{{count}} Tag"
msgstr[1] "{{count}} Tage"

msgid "Open"
msgstr ""

#, fuzzy
msgid "End"
msgstr "Falsch"

#~ msgid "Gone"
#~ msgstr "Weg"
""",
    )
    assert found.find("Close") == "Zu"
    assert found.find('Long, "quoted"\nand \\ more') == "Lang, „so“\nund \\ mehr"
    assert [found.find(text) for text in ("Open", "End", "Gone")] == ["Open", "End", "Gone"]
    assert [found.find_plural("{count} day", "{count} days", n) for n in (1, 2, 0)] == [
        "{count} Tag",
        "{count} Tage",
        "{count} Tage",
    ]
    assert [found.find_plural("{n} hour", "{n} hours", n) for n in (1, 2)] == [
        "{n} hour",
        "{n} hours",
    ]


@pytest.mark.parametrize("content", ["", "no catalogue", 'msgid "a"\nmsgstr "b"\n', "\x00\x01"])
def test_what_is_no_catalogue_is_refused(content: str) -> None:
    with pytest.raises(ValueError, match="catalogue"):
        read("xx", content)


@pytest.mark.parametrize("tag", TRANSLATED)
def test_each_catalogue_is_read_as_babel_reads_it(tag: str) -> None:
    ours = read(tag, assets.text(f"languages/{tag}.po"))
    with assets.path(f"languages/{tag}.po").open("rb") as file:
        theirs = read_po(file, locale=tag)
    for message in theirs:
        if not message.id or message.fuzzy:
            continue
        if isinstance(message.id, str):
            assert ours.find(message.id) == (message.string or message.id)
        else:
            one, many = message.id
            for number in (0, 1, 2, 5, 11, 21, 100):
                form = ours.form(number)
                assert form < theirs.num_plurals
                translated = (message.string or ())[form] or (one if number == 1 else many)
                assert ours.find_plural(one, many, number) == translated

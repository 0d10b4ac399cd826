"""The languages of the window: catalogues, pseudo-languages, and which of them is spoken.

Glossary: a *catalogue* is a gettext file with the translations of one language
(`resources/languages/de.po`); a *pseudo-language* is made from the English texts, for tests.

Read `choice` first (which language, and how the application changes to it; `system` says what this
computer's user reads), then `catalogue` and
`pseudo`. How texts are marked and translated is in `rejoin.language`.
"""

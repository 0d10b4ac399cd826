"""Finds out whether there is a newer Rejoin: a build fetches a feed from its built-in address, once
a day.

Nothing is downloaded or installed: the home window only shows a line. A checkout, and a wheel
installed by pip, have no such address and make no request (ADR 0077). A request that was cancelled
before it left this computer, because a game was opened, stays due.

Glossary
    feed      a small signed JSON file: product, version, where its notes are, hashes, expiry
    key       minisign's public key; it is put into a build together with the feed's address
    baseline  the higher of this version and the newest version ever seen; older feeds are refused

Read in this order: `build_info` (address and key of this build), `minisign` and `feed` (pure: the
signature, the content, whether the feed is accepted), `memory` (the state file), `check` (which
uses all of them). `gui/home/newer_version` shows the result.
"""

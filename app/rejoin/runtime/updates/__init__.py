"""Whether there is a newer Rejoin: a build asks the address that was put into it, once a day.

Nothing is downloaded or installed: the home window has a line that says so. A checkout, and a wheel
installed by pip, have no such address and ask nobody (ADR 0077).

Glossary
    feed      a small signed JSON file: product, version, where its notes are, hashes, expiry
    key       minisign's public key; it is put into a build together with the feed's address
    baseline  this version or the newest ever seen: what is older than that is no news

Read in this order: `build_info` (what was put into this build), `minisign` and `feed` (pure: is it
signed, what does it say, does it count), `memory` (the state file), `check` (all of it).
`gui/home/newer_version` shows what came of it.
"""

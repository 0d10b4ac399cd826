"""The menu over a running game: what a player can do without leaving it.

Glossary
    menu        The layer over the picture while it is open: a panel of entries, and one page.
    entry       One line of the panel, a row of the table in `entries`.
    page        What an entry opens beside the panel, or in place of everything.
    sample      The stream in numbers, once a second; the history has those of the last minute.
    drop        A time without a connection, as the charts mark it.
    marks       What a tester did in a practice: when a fault was on, and markers.

Read in this order: `texts` and `entries` (pure: what the panel has, and its words), `history` and
`charts` (pure: the last minute, and where its lines run), `chart_view` and `statistics_page`
(widgets, whose drawing `painted_once` keeps), `panel`, `menu_layer` (the panel and its pages),
`menu_control` (opens and shuts it, and does what entries are for). An entry is a row in `entries`
and what it does in `menu_control`; a page beside the panel is a widget that `menu_layer` is given
under the entry's name.
"""

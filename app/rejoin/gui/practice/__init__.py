"""Practice drops: faults that a tester puts into this client, from the menu over the game.

Only a window with `WindowOptions.practice` has any of this; only `rejoin practice` sets it.

Glossary
    fault       a fault profile by its name, such as `cut_3s`
    held        the loss and delay of the sliders, which last until they are lifted
    marker      a moment that a tester marks, with a note and a picture

Read in this order: `texts`, `practice_options`; `practice_frame`; `rows_page` with
`practice_page` and `marker_page` (widgets); `practice_control`, which acts on them.
"""

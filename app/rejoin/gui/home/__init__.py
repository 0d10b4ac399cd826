"""The home window: the game that can still be saved, the player's games, and the ways to them.

Glossary
    continuation  the last game, while there may be a way back into it: its ticket, the time left
    card          one game of the player's, or the place to add one
    page          what fills the window: home, a step, a game, or a page of another part
    step          a page with one thing to do before a game: add it, sign in, agree to a link
    job           work on the background thread, with its outcome back on the GUI thread

Read in this order
    contents      pure: what the home shows, from games, ticket and clock; `texts` has the words
    home_page     the widgets: `continue_panel`, `game_card`; `step_page` for everything else
    window        the one top-level window, which also holds the game's view
    controller    what the buttons do, by `home_parts`; `last_game` reads the tickets, `jobs` runs
                  what takes time, `preloading` imports late; `home_pads` reads gamepads
                  meanwhile; `sign_out_steps`, `report_page`: pages of its own
    card_icons    the studios' icons on the cards, read after the first paint
    extra_pages   the table of pages that other parts bring
"""

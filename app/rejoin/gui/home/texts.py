"""What a player reads in the home window. Pure: no Qt, no clock.

English, and translated when it is shown, as in `gui/texts`. Times are in seconds.
"""

from __future__ import annotations

from typing import Final

from rejoin.language import Message, mark, tr, tr_plural

APP: Final = "Rejoin"
YOUR_GAMES: Final = mark("Your games")
CONTINUE: Final = mark("Continue")
DISMISS: Final = mark("OK")
REPORT_A_PROBLEM: Final = mark("Report a problem")
ADD: Final = mark("Add a game by link or address")
PLAY: Final = mark("Play")
TEST: Final = mark("Test my connection")
RENAME: Final = mark("Rename")
REMOVE: Final = mark("Remove")
SHORTCUT: Final = mark("Make a desktop shortcut")
BACK: Final = mark("Back")
CANCEL: Final = mark("Cancel")
ABOUT: Final = mark("About")
MORE: Final = mark("More for {name}")
PLAY_HINT: Final = mark("play")
ADD_HINT: Final = mark("add a game")
CONTINUE_HINT: Final = mark("continue")
HELP_HINT: Final = mark("help")

EMPTY_TITLE: Final = mark("Play a studio's game here")
EMPTY_TEXT: Final = mark(
    "A studio gives you a link (rejoin://...) or the address of its backend. Add it, and the game "
    "has its place here. If the connection drops while you play, Rejoin brings you back into the "
    "same running game."
)

# --- the game that can still be saved -------------------------------------------------------------

STILL_RUNNING: Final = mark("Your game is still running")
MAY_BE_RUNNING: Final = mark("Your game may still be running")
TIME_IS_UP: Final = mark("The time to get back is over")
LAST_GAME: Final = mark("Your last game")
LEAVING: Final = mark("Closing the game...")
LEAVING_TEXT: Final = mark("You can come back to it from here in a moment.")
UNUSABLE_TICKET: Final = mark(
    "Your last game cannot be continued here: what Rejoin saved of it is damaged, cannot be read, "
    "or is from another version of Rejoin. Open the version that you played it with, or start the "
    "game again from its card."
)
OVER_TEXT: Final = mark("Its game server was given up. Start the game again from its card.")


def last_connected(name: str, ago_s: float | None) -> str:
    """The name of the game, and when its connection was last known to work."""
    if ago_s is None:
        return tr("{name}.", name=name)
    return tr("{name}. Last connected {ago}.", name=name, ago=ago_text(ago_s))


def ago_text(seconds: float) -> str:
    """41 seconds ago, 3 minutes ago, 2 hours ago."""
    if seconds >= 3600:
        return tr_plural("{count} hour ago", "{count} hours ago", int(seconds // 3600))
    if seconds >= 60:
        return tr_plural("{count} minute ago", "{count} minutes ago", int(seconds // 60))
    return tr_plural("{count} second ago", "{count} seconds ago", max(1, int(seconds)))


def at_least(digits: str) -> str:
    return tr("At least {time} to get back", time=digits)


TIME_MAY_BE_UP: Final = mark("Time may be up. You can still try.")
TIME_NOT_KNOWN: Final = mark("How much time is left is not known. Try it now.")

# --- cards ----------------------------------------------------------------------------------------

_DAYS_BY_NAME: Final = {0: mark("Played today"), 1: mark("Played yesterday")}


def played_text(days: int | None) -> str:
    """`days`: how many calendar days ago; None: not yet."""
    if days is None:
        return tr("Not played yet")
    if days in _DAYS_BY_NAME:
        return tr(_DAYS_BY_NAME[days])
    return tr_plural("Played {count} day ago", "Played {count} days ago", days)


# --- adding ---------------------------------------------------------------------------------------

ADD_TITLE: Final = mark("Add a game")
ADD_TEXT: Final = mark("Paste the link or the address that the studio gave you.")
ADD_FIELD: Final = mark("Link or address")
CHECK: Final = mark("Check it")
CHECKING: Final = mark("Calling the studio...")
ADD_IT: Final = mark("Add")
ADD_AND_PLAY: Final = mark("Add and play")
NAME_FIELD: Final = mark("Name")
FOUND_TITLE: Final = mark("Found: {host}")
LINK_KNOWN: Final = mark("This is {game}, which is in your list.")
LINK_TITLE: Final = mark("A link leads to {host}")
LINK_TEXT: Final = mark(
    "Somebody gave you this link. Play only if you know who is behind this address: a game gets "
    "your keyboard and mouse while you play it, and your sign-in at this address."
)
LOCAL_LINK: Final = mark(
    "This address is on this computer or its network, which is unusual for a link."
)
LIST_DAMAGED: Final = mark(
    "The list was damaged. It was kept as {name}, and a new one was started."
)

# --- signing in -----------------------------------------------------------------------------------

SIGN_IN: Final = mark("Sign in")
SIGN_IN_TITLE: Final = mark("Sign in at {host}")
SIGN_IN_BROWSER: Final = mark("Sign in in your browser")
SIGN_IN_PHONE: Final = mark("Sign in with a phone")
SIGN_IN_TEXT: Final = mark("{game} asks you to sign in. You do that at {issuer}, not in Rejoin.")
SIGN_IN_WAITING: Final = mark("Your browser is open. Sign in there; this page goes on by itself.")
SIGN_IN_PAGE: Final = mark("If it did not open, go to {page}")
SIGN_IN_CODE: Final = mark(
    "On your phone open {address} and type the code {code}, or scan the picture."
)
SIGN_IN_CODE_ASKED: Final = mark("Asking for a code...")
SIGN_OUT: Final = mark("Sign out")
SIGN_OUT_TITLE: Final = mark("Sign out of {host}")
SIGN_OUT_TEXT: Final = mark(
    "This computer forgets your sign-in there, for every game of this address. A game that is open "
    "goes on until its sign-in runs out."
)
SIGNED_OUT: Final = mark("You are signed out.")
SIGNED_OUT_HERE: Final = mark("You are signed out on this computer. The sign-in page was not told.")
NOT_FORGOTTEN: Final = mark("This computer's keyring cannot be used: what it has is still there.")
TOKEN_TITLE: Final = mark("A sign-in token for {host}")
TOKEN_TEXT: Final = mark("{game} takes a token that the studio gave you. Paste it here.")
TOKEN_FIELD: Final = mark("Sign-in token")
TOKEN_USE: Final = mark("Use it and play")
TOKEN_WRONG: Final = mark("A token is one word of letters, digits and signs. Paste all of it.")

# --- opening a game -------------------------------------------------------------------------------

OPENING_TITLE: Final = mark("Opening {game}...")
OPENING_TEXT: Final = mark("Getting your sign-in ready.")
CONTINUING_TITLE: Final = mark("Going back into {game}...")
OPEN_ELSEWHERE: Final = mark("This game is already open; its window was brought to the front.")
OPEN_AND_SILENT: Final = mark("This game is open in another Rejoin, which does not respond.")
RELAY_TITLE: Final = mark("The file of your relay cannot be used")
RELAY_TEXT: Final = mark(
    "It is the one that you chose in the settings, under Connection. {game} may be reached without "
    "a relay."
)
PLAY_WITHOUT: Final = mark("Play without a relay")
LINK_WAITS: Final = mark("A link was opened. It is shown when you leave this game.")
CANNOT_OPEN: Final = mark("The game cannot be opened")
TRY_AGAIN: Final = mark("Try again")
NOT_NOTED: Final = mark("When you played last is not kept.")
NOT_ENDED: Final = mark("The game did not end in time. Close Rejoin and open it again.")

# --- renaming, removing ---------------------------------------------------------------------------

TRY_NAME: Final = mark("The emulator's game")
TRY_TITLE: Final = mark("Try it here")
TRY_TEXT: Final = mark(
    "Starting a game on this computer. It needs no account, and nothing leaves this computer."
)
RENAME_TITLE: Final = mark("A new name for {game}")
REMOVE_TITLE: Final = mark("Remove {game} from the list?")
REMOVE_TEXT: Final = mark(
    "A game that is running is not ended, and you can add it again at any time."
)
SHORTCUT_MADE: Final = mark(
    "The shortcut is {path}. Your desktop may ask once whether you trust it."
)
NO_SHORTCUT: Final = mark(
    "A shortcut cannot hold what this game needs (such as a certificate file of its own)."
)

# --- help and about -------------------------------------------------------------------------------

HELP_TITLE: Final = mark("Keys")
_HELP: Final = (
    (mark("Tab, arrows"), mark("go to the next button or card")),
    (mark("Enter"), mark("play the game, press the button")),
    (mark("F2"), mark("rename the game")),
    (mark("Delete"), mark("remove the game from the list")),
    (mark("Menu key, Shift+F10"), mark("what else can be done with the game")),
    (mark("Ctrl+N"), mark("add a game")),
    (mark("Escape"), mark("go back")),
    (mark("F1"), mark("this page")),
)
_IN_A_GAME: Final = mark("In a game: {keys}")


def help_rows(free_mouse: str, full_screen: str, statistics: str) -> tuple[tuple[str, str], ...]:
    """Keys and meanings, not translated. The player's own keys in a game; empty: none."""
    in_a_game = (
        (free_mouse, mark("free the mouse")),
        (full_screen, mark("full screen")),
        (statistics, mark("the stream's statistics")),
    )
    rows = ((Message(_IN_A_GAME, keys=keys), what) for keys, what in in_a_game if keys)
    return (*_HELP, *rows)


ABOUT_TITLE: Final = mark("Rejoin {version}")
ABOUT_TEXT: Final = mark(
    "Plays games streamed by Amazon GameLift Streams, and gets back in when the connection drops. "
    "Rejoin is not affiliated with Amazon Web Services or endorsed by it. Licence: Apache-2.0."
)

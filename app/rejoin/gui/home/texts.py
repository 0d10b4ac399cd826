"""What a player reads in the home window. Pure: no Qt, no clock.

Each text is made by a function of values, as in `gui/texts`. Times are in seconds.
"""

from __future__ import annotations

from typing import Final

APP: Final = "Rejoin"
YOUR_GAMES: Final = "Your games"
CONTINUE: Final = "Continue"
DISMISS: Final = "OK"
ADD: Final = "Add a game by link or address"
PLAY: Final = "Play"
TEST: Final = "Test my connection"
RENAME: Final = "Rename"
REMOVE: Final = "Remove"
SHORTCUT: Final = "Make a desktop shortcut"
BACK: Final = "Back"
CANCEL: Final = "Cancel"
ABOUT: Final = "About"
MORE: Final = "More for {name}"
PLAY_HINT: Final = "play"
ADD_HINT: Final = "add a game"
CONTINUE_HINT: Final = "continue"
HELP_HINT: Final = "help"

EMPTY_TITLE: Final = "Play a studio's game here"
EMPTY_TEXT: Final = (
    "A studio gives you a link (rejoin://...) or the address of its backend. Add it, and the game "
    "has its place here. If the connection drops while you play, Rejoin brings you back into the "
    "same running game."
)

# --- the game that can still be saved -------------------------------------------------------------

STILL_RUNNING: Final = "Your game is still running"
MAY_BE_RUNNING: Final = "Your game may still be running"
TIME_IS_UP: Final = "The time to get back is over"
LAST_GAME: Final = "Your last game"
LEAVING: Final = "Closing the game..."
LEAVING_TEXT: Final = "You can come back to it from here in a moment."
OVER_TEXT: Final = "Its game server was given up. Start the game again from its card."


def last_connected(name: str, ago_s: float | None) -> str:
    """The name of the game, and when its connection was last known to work."""
    if ago_s is None:
        return f"{name}."
    return f"{name}. Last connected {ago_text(ago_s)}."


def ago_text(seconds: float) -> str:
    """41 seconds ago, 3 minutes ago, 2 hours ago."""
    for unit, length_s in (("hour", 3600), ("minute", 60)):
        if seconds >= length_s:
            return _counted(int(seconds // length_s), unit)
    return _counted(max(1, int(seconds)), "second")


def _counted(number: int, unit: str) -> str:
    return f"{number} {unit}{'' if number == 1 else 's'} ago"


def at_least(digits: str) -> str:
    return f"At least {digits} to get back"


TIME_MAY_BE_UP: Final = "Time may be up. You can still try."
TIME_NOT_KNOWN: Final = "How much time is left is not known. Try it now."

# --- cards ----------------------------------------------------------------------------------------

_DAYS_BY_NAME: Final = {0: "Played today", 1: "Played yesterday"}


def played_text(days: int | None) -> str:
    """`days`: how many calendar days ago; None: not yet."""
    if days is None:
        return "Not played yet"
    return _DAYS_BY_NAME.get(days) or f"Played {days} days ago"


# --- adding ---------------------------------------------------------------------------------------

ADD_TITLE: Final = "Add a game"
ADD_TEXT: Final = "Paste the link or the address that the studio gave you."
ADD_FIELD: Final = "Link or address"
CHECK: Final = "Check it"
CHECKING: Final = "Calling the studio..."
ADD_IT: Final = "Add"
ADD_AND_PLAY: Final = "Add and play"
NAME_FIELD: Final = "Name"
FOUND_TITLE: Final = "Found: {host}"
LINK_KNOWN: Final = "This is {game}, which is in your list."
LINK_TITLE: Final = "A link leads to {host}"
LINK_TEXT: Final = (
    "Somebody gave you this link. Play only if you know who is behind this address: a game gets "
    "your keyboard and mouse while you play it, and your sign-in at this address."
)
LOCAL_LINK: Final = "This address is on this computer or its network, which is unusual for a link."
LIST_DAMAGED: Final = "The list was damaged. It was kept as {name}, and a new one was begun."

# --- signing in -----------------------------------------------------------------------------------

SIGN_IN: Final = "Sign in"
SIGN_IN_TITLE: Final = "Sign in at {host}"
SIGN_IN_BROWSER: Final = "Sign in in your browser"
SIGN_IN_PHONE: Final = "Sign in with a phone"
SIGN_IN_TEXT: Final = "{game} wants to know who plays. You sign in at {issuer}, not in Rejoin."
SIGN_IN_WAITING: Final = "Your browser is open. Sign in there; this page goes on by itself."
SIGN_IN_PAGE: Final = "If it did not open, go to {page}"
SIGN_IN_CODE: Final = "On your phone open {address} and type the code {code}, or scan the picture."
SIGN_IN_CODE_ASKED: Final = "Asking for a code..."
SIGN_OUT: Final = "Sign out"
SIGN_OUT_TITLE: Final = "Sign out of {host}"
SIGN_OUT_TEXT: Final = (
    "This computer forgets your sign-in there, for every game of this address. A game that is open "
    "goes on until its sign-in runs out."
)
SIGNED_OUT: Final = "You are signed out."
SIGNED_OUT_HERE: Final = "You are signed out on this computer. The sign-in page was not told."
NOT_FORGOTTEN: Final = "This computer's keyring cannot be used: what it has is still there."
TOKEN_TITLE: Final = "A sign-in token for {host}"
TOKEN_TEXT: Final = "{game} takes a token that the studio gave you. Paste it here."
TOKEN_FIELD: Final = "Sign-in token"
TOKEN_USE: Final = "Use it and play"
TOKEN_WRONG: Final = "A token is one word of letters, digits and signs. Paste all of it."

# --- opening a game -------------------------------------------------------------------------------

OPENING_TITLE: Final = "Opening {game}..."
OPENING_TEXT: Final = "Getting your sign-in ready."
CONTINUING_TITLE: Final = "Going back into {game}..."
OPEN_ELSEWHERE: Final = "This game is already open; its window was brought to the front."
OPEN_AND_SILENT: Final = "This game is open in another Rejoin, which does not respond."
RELAY_TITLE: Final = "The file of your relay cannot be used"
RELAY_TEXT: Final = (
    "It is the one that you chose in the settings, under Connection. {game} may be reached without "
    "a relay."
)
PLAY_WITHOUT: Final = "Play without a relay"
LINK_WAITS: Final = "A link was opened. It is shown when you leave this game."
CANNOT_OPEN: Final = "The game cannot be opened"
TRY_AGAIN: Final = "Try again"
NOT_NOTED: Final = "When you played last is not kept."
NOT_ENDED: Final = "The game did not end in time. Close Rejoin and open it again."

# --- renaming, removing ---------------------------------------------------------------------------

TRY_NAME: Final = "The emulator's game"
TRY_TITLE: Final = "Try it here"
TRY_TEXT: Final = (
    "Starting a game on this computer. It needs no account, and nothing leaves this computer."
)
RENAME_TITLE: Final = "A new name for {game}"
REMOVE_TITLE: Final = "Remove {game} from the list?"
REMOVE_TEXT: Final = "A game that is running is not ended, and you can add it again at any time."
SHORTCUT_MADE: Final = "The shortcut is {path}. Your desktop may ask once whether you trust it."
NO_SHORTCUT: Final = (
    "A shortcut cannot hold what this game needs (such as a certificate file of its own)."
)

# --- help and about -------------------------------------------------------------------------------

HELP_TITLE: Final = "Keys"
_HELP: Final = (
    ("Tab, arrows", "go to the next button or card"),
    ("Enter", "play the game, press the button"),
    ("F2", "rename the game"),
    ("Delete", "remove the game from the list"),
    ("Menu key, Shift+F10", "what else can be done with the game"),
    ("Ctrl+N", "add a game"),
    ("Escape", "go back"),
    ("F1", "this page"),
)
_IN_A_GAME: Final = "In a game: {keys}"


def help_rows(free_mouse: str, full_screen: str, statistics: str) -> tuple[tuple[str, str], ...]:
    """Keys and meanings. The arguments: the player's own keys in a game; empty: none."""
    in_a_game = (
        (free_mouse, "free the mouse"),
        (full_screen, "full screen"),
        (statistics, "the stream's statistics"),
    )
    rows = ((_IN_A_GAME.format(keys=keys), what) for keys, what in in_a_game if keys)
    return (*_HELP, *rows)


ABOUT_TITLE: Final = "Rejoin {version}"
ABOUT_TEXT: Final = (
    "Plays games streamed by Amazon GameLift Streams, and gets back in when the connection drops. "
    "Rejoin is not affiliated with Amazon Web Services or endorsed by it. Licence: Apache-2.0."
)

"""From a press of *Play* or *Continue* to a game that can start: claims, sign-in, failures."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from rejoin.core.ticket import BackendAddress
from rejoin.errors import BadInputError, RejoinError
from rejoin.gui.hidden_hosts import without_host
from rejoin.gui.home import texts
from rejoin.gui.home.jobs import Job, Jobs
from rejoin.gui.home.step_page import Choice, Field, Step
from rejoin.gui.home.to_open import ToOpen
from rejoin.language import tr
from rejoin.runtime.games import game_key, host_of

if TYPE_CHECKING:
    from rejoin.runtime.launch import GameToPlay
    from rejoin.runtime.opening import Opening, SignInNeeded, Wanted
    from rejoin.runtime.player_settings import PlayerSettings
    from rejoin.signaling.openid import DeviceAnswer

MakeOpening = Callable[[], Coroutine[Any, Any, "Opening"]]


class OpeningSteps:
    """One opening at a time."""

    def __init__(
        self,
        jobs: Jobs,
        show: Callable[[Step], None],
        typed: Callable[[], str],
        start: Callable[[ToOpen, GameToPlay], None],
        settings: Callable[[], PlayerSettings],
    ) -> None:
        """`show`: shows a step. `typed`: what stands in the first field of the step that is shown.
        `start`: starts the game, which has its claims. `settings`: the player's, now."""
        self._jobs = jobs
        self._show = show
        self._typed = typed
        self._start = start
        self._settings = settings
        self._job: Job | None = None
        self._turn = 0
        """Rises with each job: what an earlier one has to show is not shown."""
        self._tokens: dict[str, str] = {}
        """What the player has given in this run, for a computer without a keyring, by game."""
        self._refused: set[str] = set()
        """Games whose backend refused the saved sign-in."""
        self._without_relay: set[str] = set()
        """Games that the player plays without the relay of the settings, in this run."""

    def token_for(self, key: str) -> str | None:
        """What the player has given in this run for the game of this key."""
        return self._tokens.get(key)

    def forget(self, key: str) -> None:
        """The player signs out of this game."""
        self._tokens.pop(key, None)
        self._refused.discard(key)

    def open(self, wanted: ToOpen) -> None:
        """Open it, and show so meanwhile."""
        if wanted.token is not None:
            self._tokens[wanted.key] = wanted.token
        self._show_opening(wanted, tr(texts.OPENING_TEXT))

        async def opened() -> Opening:
            from rejoin.runtime import opening

            return await opening.open_game(self._wanted(wanted))

        self._run(wanted, opened)

    def wait(self, wanted: ToOpen) -> None:
        """Show that it is opened as soon as the game before it has finished."""
        self._show_opening(wanted, tr(texts.LEAVING))

    def _show_opening(self, wanted: ToOpen, text: str) -> None:
        title = texts.OPENING_TITLE if wanted.ticket is None else texts.CONTINUING_TITLE
        self._show(Step(tr(title, game=wanted.name), (text,), busy=True))

    def cancel(self) -> None:
        """Whatever is under way is not wanted any more."""
        self._turn += 1
        if self._job is not None:
            self._job.cancel()
            self._job = None

    def sign_in_refused(self, address: BackendAddress) -> None:
        """The game has ended because its backend refuses the sign-in: the next one is a new one."""
        self._refused.add(game_key(address))
        self._tokens.pop(game_key(address), None)

    def _wanted(self, wanted: ToOpen) -> Wanted:
        from rejoin.runtime.opening import Wanted

        return Wanted(
            wanted.address,
            wanted.ticket,
            self._tokens.get(wanted.key),
            settings=self._settings(),
            without_relay=wanted.key in self._without_relay,
            forget=wanted.key in self._refused,
        )

    def _run(self, wanted: ToOpen, make: MakeOpening) -> None:
        self.cancel()
        self._job = self._jobs.run(
            make,
            lambda opening: self._opened(wanted, opening),
            lambda error: self._failed(wanted, error),
            _drop,
        )

    def _opened(self, wanted: ToOpen, opening: Opening) -> None:
        from rejoin.runtime.opening import Ready, RelayUnusable, SignInNeeded

        self._job = None
        if isinstance(opening, Ready):
            self._refused.discard(wanted.key)
            self._start(wanted, opening.game)
        elif isinstance(opening, SignInNeeded):
            self._refused.discard(wanted.key)
            if opening.method is None:
                self._ask_token(wanted)
            else:
                self._ask_sign_in(wanted, opening)
        elif isinstance(opening, RelayUnusable):
            self._ask_without_relay(wanted, opening.why)
        else:
            self._show(Step(wanted.name, (tr(texts.OPEN_ELSEWHERE),), leave_text=tr(texts.BACK)))

    def _failed(self, wanted: ToOpen, error: RejoinError) -> None:
        self._job = None
        again = Choice(tr(texts.TRY_AGAIN), lambda: self.open(wanted))
        url = wanted.address.backend_url
        name, problem = f"{wanted.name}, {host_of(url)}", str(error)
        if self._settings().streamer_mode:
            name, problem = wanted.name, without_host(tr(problem), url)
        self._show(
            Step(
                tr(texts.CANNOT_OPEN),
                (name,),
                choices=(again,),
                problem=problem,
                leave_text=tr(texts.BACK),
            )
        )

    def _ask_without_relay(self, wanted: ToOpen, why: str) -> None:
        def play() -> None:
            self._without_relay.add(wanted.key)
            self.open(wanted)

        lines = (tr(why), tr(texts.RELAY_TEXT, game=wanted.name))
        choices = (Choice(tr(texts.PLAY_WITHOUT), play),)
        self._show(Step(tr(texts.RELAY_TITLE), lines, choices=choices, leave_text=tr(texts.BACK)))

    # --- a token of the studio's ----------------------------------------------------------------

    def _ask_token(self, wanted: ToOpen, problem: str = "") -> None:
        self._show(
            Step(
                tr(texts.TOKEN_TITLE, host=host_of(wanted.address.backend_url)),
                (tr(texts.TOKEN_TEXT, game=wanted.name),),
                (Field(tr(texts.TOKEN_FIELD), secret=True),),
                (Choice(tr(texts.TOKEN_USE), lambda: self._use_token(wanted), needs_fields=True),),
                problem,
            )
        )

    def _use_token(self, wanted: ToOpen) -> None:
        from rejoin.runtime.opening import checked_token

        try:
            self._tokens[wanted.key] = checked_token(self._typed())
        except BadInputError as error:
            self._ask_token(wanted, str(error))
            return
        self.open(wanted)

    # --- OpenID Connect ---------------------------------------------------------------------------

    def _ask_sign_in(self, wanted: ToOpen, needed: SignInNeeded, problem: str = "") -> None:
        issuer = "" if needed.method is None else urlsplit(needed.method.issuer).hostname or ""
        self._show(
            Step(
                tr(texts.SIGN_IN_TITLE, host=issuer),
                (tr(texts.SIGN_IN_TEXT, game=wanted.name, issuer=issuer),),
                choices=(
                    Choice(tr(texts.SIGN_IN_BROWSER), lambda: self._browser(wanted, needed)),
                    Choice(tr(texts.SIGN_IN_PHONE), lambda: self._device(wanted, needed)),
                ),
                problem=problem,
            )
        )

    def _browser(self, wanted: ToOpen, needed: SignInNeeded) -> None:
        def show_page(page: str) -> None:
            self._show_waiting(tr(texts.SIGN_IN_WAITING), tr(texts.SIGN_IN_PAGE, page=page))

        async def opened() -> Opening:
            from rejoin.runtime import opening

            return await opening.open_after_browser(self._wanted(wanted), needed, on_page)

        self.cancel()
        on_page = self._on_gui(show_page)
        self._show_waiting(tr(texts.SIGN_IN_WAITING))
        self._sign_in(wanted, needed, opened)

    def _device(self, wanted: ToOpen, needed: SignInNeeded) -> None:
        async def opened() -> Opening:
            from rejoin.runtime import opening

            return await opening.open_after_device(self._wanted(wanted), needed, on_code)

        self.cancel()
        on_code = self._on_gui(self._show_code)
        self._show_waiting(tr(texts.SIGN_IN_CODE_ASKED))
        self._sign_in(wanted, needed, opened)

    def _sign_in(self, wanted: ToOpen, needed: SignInNeeded, make: MakeOpening) -> None:
        self._job = self._jobs.run(
            make,
            lambda opening: self._opened(wanted, opening),
            lambda error: self._ask_sign_in(wanted, needed, str(error)),
            _drop,
        )

    def _on_gui(self, show: Callable[[Any], None]) -> Callable[[Any], None]:
        """The same on the GUI thread, unless something else has begun or was cancelled since."""
        turn = self._turn

        def shown(value: Any) -> None:
            if turn == self._turn:
                show(value)

        return lambda value: self._jobs.later(lambda: shown(value))

    def _show_waiting(self, *lines: str) -> None:
        self._show(Step(tr(texts.SIGN_IN), lines, busy=True))

    def _show_code(self, device: DeviceAnswer) -> None:
        from rejoin.runtime.qr_code import qr_modules

        page = device.verification_uri_complete or device.verification_uri
        line = tr(texts.SIGN_IN_CODE, address=device.verification_uri, code=device.user_code)
        try:
            code = qr_modules(page)
        except (ImportError, ValueError):
            code = None
        self._show(Step(tr(texts.SIGN_IN), (line,), code=code, busy=True))


def _drop(opening: Opening) -> None:
    from rejoin.runtime.opening import drop

    drop(opening)

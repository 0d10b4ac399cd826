"""The verbs: what they are given reaches those who do it, and how that ends is an exit code."""

from __future__ import annotations

import asyncio
import errno
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import click
import pytest

from rejoin import cli, demo
from rejoin.core.model import AttemptNumber, Ending, EndingKind, SessionId, Snapshot, Stage
from rejoin.core.ticket import BackendAddress, RejoinState, Ticket
from rejoin.emulator.service.settings import FaultKind
from rejoin.errors import PortInUseError, RejoinError
from rejoin.gui import application
from rejoin.media.video.hardware import Hardware
from rejoin.runtime import instance, logs, player, tokens
from rejoin.runtime.instance import Instance
from rejoin.runtime.local_store import LocalStore
from rejoin.runtime.ticket_folder import TicketFolder, in_keyring, key_of
from rejoin.runtime.volume_file import SoundFile
from rejoin.service_model.status import StatusReason
from rejoin.signaling.dialects import DIALECTS

README = Path(__file__).parent.parent / "README.md"
VERBS = ("play", "back", "demo", "studio", "backend")


@pytest.fixture(autouse=True)
def _as_before(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """What a program sets for good is set back; nothing of the environment is ours."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr(logs, "configure", lambda *, verbose: None)
    for name in [name for name in os.environ if name.startswith("REJOIN_")]:
        monkeypatch.delenv(name)
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def rejoin(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Run it in this process: exit code, standard output, standard error."""

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["rejoin", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert isinstance(ended.value.code, int)
        return ended.value.code, *capsys.readouterr()

    return run


Rejoin = Callable[..., tuple[int, str, str]]


def failing(error: BaseException) -> Callable[..., int]:
    def run(*_: object, **__: object) -> int:
        raise error

    return run


# --- what is told ---------------------------------------------------------------------------------


def test_help_names_every_verb_and_each_says_what_it_is(rejoin: Rejoin) -> None:
    code, out, _ = rejoin("--help")
    assert code == 0
    assert not re.search(r"\w\.\.\.$", out, re.MULTILINE), "a description that was cut off"
    for verb in VERBS:
        assert re.search(rf"^  {verb} +\w", out, re.MULTILINE)


@pytest.mark.parametrize("verb", VERBS)
def test_every_option_says_what_it_does(verb: str) -> None:
    command = cli.rejoin.commands[verb]
    assert command.help
    for option in command.params:
        if isinstance(option, click.Option):
            assert option.help, f"{verb} {option.opts}"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("nonsense",), "No such command 'nonsense'. `rejoin --help` says what can be given."),
        (("play",), "Missing argument 'BACKEND_URL'. `rejoin play --help`"),
        (("demo", "--fault", "x"), "Invalid value for '--fault': 'x' is not one of"),
        (("studio", "--api-port", "99999"), "Invalid value for '--api-port': 99999 is not in"),
    ],
)
def test_wrong_arguments_are_one_line(
    rejoin: Rejoin, arguments: tuple[str, ...], sentence: str
) -> None:
    code, out, err = rejoin(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith(f"rejoin: {sentence}")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (PortInUseError("The port is taken."), 8, "The port is taken."),
        (RejoinError("It did not work."), 1, "It did not work."),
        (OSError(errno.ENOSPC, "No space"), 1, "There is no space left to write to."),
    ],
)
def test_a_failure_is_one_line_and_its_code(
    rejoin: Rejoin,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    code: int,
    sentence: str,
) -> None:
    monkeypatch.setattr(demo, "run", failing(error))
    assert rejoin("demo") == (code, "", f"rejoin: {sentence}\n")


@pytest.mark.parametrize("error", [ZeroDivisionError("Bearer CANARY"), OSError(5, "odd")])
def test_a_defect_is_called_one(
    rejoin: Rejoin, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(demo, "run", failing(error))
    code, _, err = rejoin("demo")
    assert code == 70
    assert type(error).__name__ in err
    assert "this is a defect" in err
    assert "Traceback" not in err
    monkeypatch.setenv("REJOIN_TRACEBACK", "1")
    _, _, err = rejoin("demo")
    assert "Traceback" in err
    assert "CANARY" not in err


def test_interrupted(rejoin: Rejoin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "run", failing(KeyboardInterrupt()))
    code, out, err = rejoin("demo")
    assert (code, out + err.strip()) == (130, "")


def test_the_readme_lists_the_codes_without_a_word_of_their_own() -> None:
    rows = re.findall(r"^\| (\d+) \| \|", README.read_text(encoding="utf-8"), re.MULTILINE)
    codes = {cli._code_of(Ending(kind)) for kind in EndingKind}
    errors: tuple[type[RejoinError], ...] = (RejoinError, *RejoinError.__subclasses__())
    named = {error.exit_code for error in errors if error.__module__ == "rejoin.errors"}
    assert codes - named <= set(map(int, rows))
    assert {0, 70, 130} <= set(map(int, rows))


# --- SIGTERM --------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("ignored", [False, True])
def test_sigterm_asks_for_what_ctrl_c_asks_for(
    rejoin: Rejoin, monkeypatch: pytest.MonkeyPatch, ignored: bool
) -> None:
    """Also where a shell had Ctrl+C ignored, as it does for what runs in its background."""

    def run(*_: object, **__: object) -> int:
        signal.raise_signal(signal.SIGTERM)
        return 0

    monkeypatch.setattr(demo, "run", run)
    before = signal.getsignal(signal.SIGINT)
    if ignored:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        code, _, _ = rejoin("demo")
    finally:
        signal.signal(signal.SIGINT, before)
    assert code == 130


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_server_told_to_end_cleans_up_and_ends_well(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cleaned = []

    async def serve() -> None:
        try:
            asyncio.get_running_loop().call_soon(signal.raise_signal, signal.SIGTERM)
            await asyncio.Event().wait()
        finally:
            cleaned.append(True)

    signal.signal(signal.SIGTERM, cli._as_interrupt)
    assert cli._serve(serve) == 0
    assert cleaned == [True]


# --- verbs ----------------------------------------------------------------------------------------


def test_the_demo_is_played_as_asked(
    rejoin: Rejoin, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked = []

    def run(options: demo.Options, **_: object) -> int:
        asked.append(options)
        return 0

    monkeypatch.setattr(demo, "run", run)
    assert rejoin("demo", "--headless")[0] == 0
    arguments = ("--out", str(tmp_path), "--fault", "freeze", "--notice", "1.5", "--drops", "2")
    assert rejoin("demo", *arguments, "--decoder", "auto")[0] == 0
    assert asked[0] == demo.Options(headless=True, out=Path("demo-out"), decoder="software")
    assert asked[1] == demo.Options(
        out=tmp_path, fault=FaultKind.FREEZE, notice_s=1.5, drops=2, decoder="auto"
    )


def test_a_token_is_asked_for(rejoin: Rejoin) -> None:
    code, _, err = rejoin("play", "http://127.0.0.1:9")
    assert (code, err.count("\n")) == (2, 1)
    assert "REJOIN_TOKEN" in err


class FakeWindow:
    """What a window shows, and whether somebody closed it."""

    def __init__(self, stage: Stage) -> None:
        self.snapshot = Snapshot(stage)
        self.closed = 0
        self.came = 0

    def come_to_front(self) -> None:
        self.came += 1

    def close(self) -> None:
        self.closed += 1


class FakePlayer:
    """A game that is over at once, in the way that the test wants."""

    ending: Ending | None = Ending(EndingKind.CLOSED_FOR_NOW)
    sentence: str | None = None

    made: ClassVar[list[FakePlayer]] = []

    def __init__(
        self,
        profile: Any,
        *,
        desk: LocalStore,
        ticket: Ticket | None,
        hardware: Hardware,
        sound_file: SoundFile,
        begin_dtls: bool,
        statistics_file: Any = None,
    ) -> None:
        self.profile = profile
        self.begin_dtls = begin_dtls
        self.hardware = hardware
        self.desk = desk
        self.ticket = ticket
        self.statistics_file = statistics_file
        self.sound_file = sound_file
        self.made.append(self)
        self.snapshot = Snapshot(Stage.LIVE)

    def problem(self) -> str | None:
        return self.sentence

    async def run(self) -> Ending:
        if self.ending is None:
            raise ZeroDivisionError
        self.snapshot = Snapshot(Stage.ENDED)
        return self.ending


@pytest.fixture
def fake_player(monkeypatch: pytest.MonkeyPatch) -> type[FakePlayer]:
    class Player(FakePlayer):
        made: ClassVar[list[FakePlayer]] = []

    monkeypatch.setattr(player, "Player", Player)
    monkeypatch.setattr(application, "run", lambda *_, **__: 0)
    return Player


PLAY = ("play", "--token", "CANARY-token", "http://127.0.0.1:9")


@pytest.mark.parametrize(
    ("ending", "code"),
    [
        (Ending(EndingKind.CLOSED_FOR_NOW), 0),
        (Ending(EndingKind.ENDED_BY_PLAYER), 0),
        (Ending(EndingKind.GAME_ENDED, StatusReason("applicationExit")), 0),
        (Ending(EndingKind.GAME_ENDED, StatusReason("internalError")), 1),
        (Ending(EndingKind.UNCONFIRMED), 1),
        (Ending(EndingKind.BACKEND_UNREACHABLE, detail="Nobody answered."), 3),
        (Ending(EndingKind.SIGN_IN_NEEDED), 4),
        (Ending(EndingKind.BAD_ANSWER), 5),
        (Ending(EndingKind.COULD_NOT_CONNECT), 6),
    ],
)
def test_how_a_game_ended_is_the_exit_code(
    rejoin: Rejoin, fake_player: type[FakePlayer], ending: Ending, code: int
) -> None:
    fake_player.ending = ending
    ended, out, err = rejoin(*PLAY)
    assert (ended, out) == (code, "")
    assert err.count("\n") == (1 if code else 0)
    assert ending.detail in err


LINK = "rejoin://play?backend=https%3A%2F%2Fgames.example%2Frejoin"


def test_a_link_is_played_and_said_where_it_leads(
    rejoin: Rejoin, fake_player: type[FakePlayer]
) -> None:
    code, out, err = rejoin("play", "--token", "CANARY-token", "--yes", LINK)
    assert (code, out, err) == (0, "", "Playing through https://games.example:443.\n")
    [played] = fake_player.made
    assert played.profile.backend_url == "https://games.example/rejoin"
    assert played.profile.token == "CANARY-token"


def test_a_links_backend_gets_no_token_unasked(
    rejoin: Rejoin, fake_player: type[FakePlayer]
) -> None:
    code, _, err = rejoin("play", "--token", "CANARY-token", LINK)
    assert code == 2
    assert "leads to https://games.example:443" in err
    assert "CANARY" not in err
    assert fake_player.made == []


@pytest.mark.parametrize(("agrees", "code", "games"), [(True, 0, 1), (False, 130, 0)])
def test_who_sits_at_a_terminal_is_asked(
    rejoin: Rejoin,
    fake_player: type[FakePlayer],
    monkeypatch: pytest.MonkeyPatch,
    agrees: bool,
    code: int,
    games: int,
) -> None:
    def confirm(text: str, *, abort: bool, err: bool) -> bool:
        assert text == "Send your sign-in token to https://games.example:443?"
        assert (abort, err) == (True, True)
        if not agrees:
            raise click.exceptions.Abort
        return True

    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr(click, "confirm", confirm)
    assert rejoin("play", "--token", "CANARY-token", LINK)[0] == code
    assert len(fake_player.made) == games


def test_a_link_that_wants_too_much_is_one_line(rejoin: Rejoin) -> None:
    code, out, err = rejoin("play", "rejoin://play?backend=http%3A%2F%2Fgames.example")
    assert (code, out) == (2, "")
    assert err == "rejoin: This link cannot be used: its backend is not on https.\n"


def test_every_ending_is_a_line_that_ends_as_a_sentence() -> None:
    for kind in EndingKind:
        line = cli._ending_sentence(Ending(kind))
        assert line.endswith(".")
        assert ".." not in line


@pytest.mark.parametrize("begins", [False, True])
def test_who_begins_dtls_is_the_hosts_choice_unless_one_says_otherwise(
    rejoin: Rejoin, fake_player: type[FakePlayer], begins: bool
) -> None:
    assert rejoin(*PLAY, *(["--begin-dtls"] if begins else []))[0] == 0
    assert [made.begin_dtls for made in fake_player.made] == [begins]


@pytest.mark.parametrize(
    ("arguments", "tried"),
    [
        (PLAY, ("vaapi", "cuda")),
        ((*PLAY, "--decoder", "software"), ()),
        (("play", "--token", "t", "--yes", "--decoder", "software", LINK), ()),
        (("back", "--token", "t"), ()),
        (("back", "--token", "t", "--decoder", "auto"), ("vaapi", "cuda")),
    ],
)
def test_hardware_is_tried_as_asked_and_after_a_crash_only_when_asked(
    rejoin: Rejoin,
    fake_player: type[FakePlayer],
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    tried: tuple[str, ...],
) -> None:
    monkeypatch.setattr("rejoin.media.video.hardware.candidates", lambda: ("vaapi", "cuda"))
    kept()
    assert rejoin(*arguments)[0] == 0
    assert fake_player.made[0].hardware.names == tried


def test_a_client_that_dies_is_a_defect(rejoin: Rejoin, fake_player: type[FakePlayer]) -> None:
    fake_player.ending = None
    code, _, err = rejoin(*PLAY)
    assert code == 70
    assert "ZeroDivisionError" in err


@pytest.mark.parametrize(
    ("stage", "arguments", "closed", "told"),
    [
        (Stage.LIVE, (), 0, ["rejoin: No sound."]),
        (Stage.STARTING, (), 0, []),
        (Stage.ENDED, (), 0, []),
        (Stage.ENDED, ("--close-at-end",), 2, []),
    ],
)
def test_what_is_done_while_the_window_is_open(
    rejoin: Rejoin,
    fake_player: type[FakePlayer],
    monkeypatch: pytest.MonkeyPatch,
    stage: Stage,
    arguments: tuple[str, ...],
    closed: int,
    told: list[str],
) -> None:
    """What is wrong with the sound is told once, when it can be missed; the end may close it."""
    window = FakeWindow(stage)

    def run(*_: object, after_refresh: Callable[[FakeWindow], None], **__: object) -> int:
        after_refresh(window)
        after_refresh(window)
        return 0

    fake_player.sentence = "No sound."
    monkeypatch.setattr(application, "run", run)
    code, _, err = rejoin(*PLAY, *arguments)
    assert code == 0
    assert (window.closed, err.splitlines()) == (closed, told)


# --- going back -----------------------------------------------------------------------------------

URL = "http://127.0.0.1:9"
KEY = key_of(URL, SessionId("s-1"))


def kept(
    *,
    wall_s: float | None = None,
    dialect: str = "ours",
    session_id: SessionId = SessionId("s-1"),  # noqa: B008
) -> Ticket:
    """A ticket on the disk."""
    written = Ticket(
        RejoinState(session_id, AttemptNumber(3), 120.0),
        BackendAddress(URL, dialect, "loopback", "sg-1"),
        "boot",
        time.time() if wall_s is None else wall_s,
    )
    TicketFolder().write(written)
    return written


def test_going_back_goes_where_the_ticket_says_with_the_token_that_is_given(
    rejoin: Rejoin, fake_player: type[FakePlayer]
) -> None:
    ticket = kept()
    assert rejoin("back", "--token", "CANARY-token") == (0, "", "")
    (made,) = fake_player.made
    assert made.ticket == ticket
    assert (made.profile.backend_url, made.profile.token) == (URL, "CANARY-token")
    assert made.profile.network.loopback_only
    assert not instance.is_taken(KEY), "the lock went with the verb"


def test_going_back_takes_the_token_from_the_keyring(
    rejoin: Rejoin, fake_player: type[FakePlayer], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fetch(self: tokens.TokenStore, backend_url: str, what: str = "") -> str | None:
        return f"kept for {backend_url}"

    kept()
    monkeypatch.setattr(tokens.TokenStore, "fetch", fetch)
    assert rejoin("back")[0] == 0
    assert fake_player.made[0].profile.token == f"kept for {URL}"


def test_without_a_keyring_the_token_is_asked_for_in_one_sentence(
    rejoin: Rejoin, fake_player: type[FakePlayer]
) -> None:
    kept()
    code, _, err = rejoin("back")
    assert (code, err) == (2, f"rejoin: {tokens.NOT_KEPT}\n")
    assert not fake_player.made
    assert not instance.is_taken(KEY)


@pytest.mark.parametrize("found", ["s-1", "another", None])
def test_a_session_that_is_a_secret_comes_from_the_keyring(
    rejoin: Rejoin,
    fake_player: type[FakePlayer],
    monkeypatch: pytest.MonkeyPatch,
    found: str | None,
) -> None:
    async def fetch(self: tokens.TokenStore, backend_url: str, what: str = "") -> str | None:
        assert what == tokens.SESSION, "this backend needs no sign-in token"
        return found

    monkeypatch.setattr(tokens.TokenStore, "fetch", fetch)
    kept(dialect="aws-bundle", session_id=in_keyring(URL, SessionId("s-1")))
    (file,) = TicketFolder().folder.iterdir()
    assert "s-1" not in file.read_text()
    assert file.stem == KEY
    code, _, err = rejoin("back")
    if found == "s-1":
        assert (code, err) == (0, "")
        (made,) = fake_player.made
        assert made.profile.token is None
        assert made.ticket is not None
        assert made.ticket.state.session_id == "s-1"
    else:
        assert (code, err) == (2, f"rejoin: {tokens.SESSION_NOT_KEPT}\n")
        assert not fake_player.made


def test_there_may_be_nothing_to_go_back_into(rejoin: Rejoin) -> None:
    nothing = (2, "", "rejoin: There is no game to go back into.\n")
    assert rejoin("back") == nothing
    kept(wall_s=time.time() - 90_000)
    assert rejoin("back") == nothing


@pytest.mark.parametrize(
    ("content", "why"),
    [("{", "it is damaged"), ('{"kind": "rejoin-ticket", "version": 9}', "another version")],
)
def test_a_ticket_that_cannot_be_used_is_one_sentence(
    rejoin: Rejoin, content: str, why: str
) -> None:
    kept()
    (file,) = TicketFolder().folder.iterdir()
    file.write_text(content)
    code, _, err = rejoin("back")
    assert (code, err.count("\n")) == (2, 1)
    assert why in err


def test_a_ticket_of_a_dialect_that_is_not_known_is_one_sentence(rejoin: Rejoin) -> None:
    kept(dialect="aws-next")
    code, _, err = rejoin("back")
    assert (code, err.count("\n")) == (2, 1)
    assert "aws-next" in err
    assert not instance.is_taken(KEY)


def test_a_game_that_is_open_already_is_brought_to_the_front(
    rejoin: Rejoin, fake_player: type[FakePlayer]
) -> None:
    brought: list[str | None] = []
    kept()
    serving = threading.Event()
    done = threading.Event()

    async def first() -> None:
        one = Instance.claim(KEY)
        assert one is not None
        await one.serve(brought.append)
        serving.set()
        await asyncio.to_thread(done.wait, 60)
        await one.close()

    thread = threading.Thread(target=lambda: asyncio.run(first()))
    thread.start()
    try:
        assert serving.wait(60)
        code, out, err = rejoin("back", "--token", "t")
        noticed = rejoin("play", "--token", "t", URL)
    finally:
        done.set()
        thread.join()
    assert (code, err) == (0, "")
    assert "brought to the front" in out
    assert brought == [None]
    assert noticed == (0, "", ""), "what is being played is no unfinished game"


def test_a_first_instance_that_does_not_answer_is_said_so(
    rejoin: Rejoin, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept()
    monkeypatch.setattr(instance, "hand_over", lambda key: False)
    first = Instance.claim(KEY)
    assert first is not None
    code, _, err = rejoin("back", "--token", "t")
    first.release()
    assert (code, err.count("\n")) == (1, 1)
    assert "does not answer" in err


def test_a_first_instance_that_ends_meanwhile_is_in_no_way(
    rejoin: Rejoin, fake_player: type[FakePlayer], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept()
    first = Instance.claim(KEY)
    assert first is not None

    def ends(key: str) -> bool:
        first.release()
        return False

    monkeypatch.setattr(instance, "hand_over", ends)
    assert rejoin("back", "--token", "t") == (0, "", "")
    assert len(fake_player.made) == 1


def test_a_lock_that_cannot_be_taken_costs_no_game(
    rejoin: Rejoin, fake_player: type[FakePlayer], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError

    kept()
    monkeypatch.setattr(Instance, "claim", refuse)
    code, _, err = rejoin("back", "--token", "t")
    assert (code, err.count("\n")) == (0, 1)
    assert len(fake_player.made) == 1


def test_a_new_game_notices_an_unfinished_one(
    rejoin: Rejoin, fake_player: type[FakePlayer]
) -> None:
    assert rejoin(*PLAY) == (0, "", "")
    kept()
    code, _, err = rejoin(*PLAY)
    assert (code, err.count("\n")) == (0, 1)
    assert "rejoin back" in err
    assert fake_player.made[-1].ticket is None, "it is a new game all the same"
    (file,) = TicketFolder().folder.iterdir()
    file.write_text("damaged")
    assert rejoin(*PLAY) == (0, "", "")


def test_a_second_instance_brings_the_window_to_the_front(
    rejoin: Rejoin, fake_player: type[FakePlayer], monkeypatch: pytest.MonkeyPatch
) -> None:
    window = FakeWindow(Stage.LIVE)

    def run(*_: object, after_refresh: Callable[[FakeWindow], None], **__: object) -> int:
        after_refresh(window)
        fake_player.made[-1].desk._on_knock(None)
        after_refresh(window)
        after_refresh(window)
        return 0

    monkeypatch.setattr(application, "run", run)
    assert rejoin(*PLAY)[0] == 0
    assert window.came == 1


def test_the_end_of_the_input_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs, ours = os.pipe()

    async def main() -> None:
        waiting = asyncio.ensure_future(cli._end_of_input())
        os.write(ours, b"not yet")
        await asyncio.sleep(0.05)
        assert not waiting.done()
        os.close(ours)
        await asyncio.wait_for(waiting, 30)

    with open(theirs, encoding="utf-8") as reading:
        monkeypatch.setattr(sys, "stdin", reading)
        asyncio.run(main())


def test_the_dialects_that_can_be_chosen_are_those_there_are() -> None:
    assert tuple(DIALECTS) == cli.DIALECT_NAMES

"""The findings of `learn`: figures with spread and error, as a report and as settings. Pure.

Rule 1: a figure comes from observations through the backend. Behaviour that is invisible there is
        reported as such, and gives no setting.
Rule 2: a delay lies between two bounds: the last request of the status that did not show the change
        yet, and the arrival of the first answer that showed it. The error is half of the time
        between the bounds; a setting is the median of their middles, for a create call without what
        emulator and model add by themselves.
Rule 3: words that differ between sessions give no setting; the report counts how often each was
        seen.
"""

from __future__ import annotations

import enum
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rejoin.emulator.service import settings_file
from rejoin.emulator.service.settings import EmulatorSettings
from rejoin.qa.report_text import plain
from rejoin.verify.faults import HOST_ANSWERS_S


class Leave(enum.StrEnum):
    """How the client of a session goes away."""

    SILENT = "silent"
    GOODBYE = "goodbye"
    KILLED = "killed"


class Figure(enum.StrEnum):
    """What is measured; the value is its name in the report."""

    PLACEMENT = "start until the game is placed"
    CONNECTION_TIMEOUT = "connection timeout, as the backend reports it"
    NOTICE_SILENT = "a silent client is noticed"
    NOTICE_GOODBYE = "a client that said goodbye is noticed"
    NOTICE_KILLED = "a killed client is noticed"
    CREATE = "create call"
    TOO_EARLY = "create call while the client counts as there"
    NEW_PORT = "client at a new port"
    DTLS = "the host's DTLS role"
    CHANNELS = "data channels"
    OLD_TOKEN = "call with an old ClientToken"
    SHOWN_ANSWER = "GetStreamSession after a reconnect"


@dataclass(frozen=True, slots=True)
class Measured:
    """A delay of one session: it lies between these bounds, in seconds."""

    figure: Figure
    least_s: float
    most_s: float


@dataclass(frozen=True, slots=True)
class Word:
    """An observation of one session that is a word and not a delay."""

    figure: Figure
    word: str


Finding = Measured | Word


@dataclass(frozen=True, slots=True)
class Spread:
    """A delay over all sessions, in seconds. `error_s`: how far a value may be off."""

    sessions: int
    least_s: float
    median_s: float
    most_s: float
    error_s: float


@dataclass(frozen=True, slots=True)
class Origin:
    """Where and when it was learned. `dialect`: the backend's."""

    backend: str
    dialect: str
    region: str
    when: str
    client: str


_SETTINGS: Final = {
    Figure.PLACEMENT: "placement_s",
    Figure.NOTICE_SILENT: "notice_silent_client_s",
    Figure.NOTICE_GOODBYE: "notice_graceful_close_s",
    Figure.CREATE: "create_latency_s",
    Figure.CONNECTION_TIMEOUT: "connection_timeout_s",
}
_WORDS: Final[Mapping[Figure, tuple[str, Mapping[str, object]]]] = {
    Figure.TOO_EARLY: (
        "wrong_status_error",
        {"conflict": "conflict", "validation": "validation"},
    ),
    Figure.NEW_PORT: ("follows_new_address", {"followed": True, "not followed": False}),
    Figure.DTLS: ("dtls_role", {"client": "client", "server": "server"}),
    Figure.SHOWN_ANSWER: (
        "get_shows_connection",
        {"the first answer": "first", "the latest answer": "latest"},
    ),
    Figure.CHANNELS: ("acknowledges_channels", {"acknowledged": True, "not acknowledged": False}),
}
"""The setting of each figure, and its value for each word."""

_NO_STATUS: Final = "it does not report the status after the start"
_INVISIBLE: Final[Mapping[str, Mapping[Figure, str]]] = {
    "ours": {Figure.SHOWN_ANSWER: "it shows its own record of answers"},
    "aws-react": {
        Figure.CONNECTION_TIMEOUT: "it does not report it",
        Figure.TOO_EARLY: "it answers every error of the service alike",
    },
    "aws-bundle": {
        Figure.CONNECTION_TIMEOUT: "it does not report it",
        Figure.SHOWN_ANSWER: "it shows no answer after the start",
        **dict.fromkeys(
            (
                Figure.NOTICE_SILENT,
                Figure.NOTICE_GOODBYE,
                Figure.NOTICE_KILLED,
                Figure.CREATE,
                Figure.TOO_EARLY,
            ),
            _NO_STATUS,
        ),
    },
}
"""Figures that are invisible through a backend of each dialect, and why. In none: `OLD_TOKEN`."""
_ALSO: Final = {
    Figure.CREATE: "without the way to the backend, with the host's own work on its answer",
    Figure.PLACEMENT: "with the backend's own work",
}


def spread_of(figure: Figure, findings: Iterable[Finding]) -> Spread | None:
    """The delay of this figure over all sessions; None where no session has it."""
    found = [each for each in findings if isinstance(each, Measured) and each.figure is figure]
    if not found:
        return None
    middles = [(each.least_s + each.most_s) / 2 for each in found]
    error_s = max((each.most_s - each.least_s) / 2 for each in found)
    return Spread(len(found), min(middles), statistics.median(middles), max(middles), error_s)


def words_of(figure: Figure, findings: Iterable[Finding]) -> Counter[str]:
    """How often each word was seen."""
    return Counter(
        each.word for each in findings if isinstance(each, Word) and each.figure is figure
    )


def settings_of(findings: Sequence[Finding]) -> dict[str, object]:
    """The settings that were learned, by their names in `EmulatorSettings`."""
    values: dict[str, object] = {}
    for figure, name in _SETTINGS.items():
        spread = spread_of(figure, findings)
        if spread is not None:
            median_s = spread.median_s
            if figure is Figure.CREATE:
                # Emulator and model add the work of their host to the setting.
                median_s = max(0.0, median_s - HOST_ANSWERS_S)
            values[name] = round(median_s, 3)
    timeout_s = values.get("connection_timeout_s")
    if isinstance(timeout_s, float):
        values["connection_timeout_s"] = round(timeout_s)
    silent_s = values.get("notice_silent_client_s")
    if isinstance(silent_s, float):
        # The emulator reports no silence sooner than this.
        least_s = EmulatorSettings().notice_silent_client_min_s
        values["notice_silent_client_min_s"] = min(silent_s, least_s)
    for figure, (name, of_word) in _WORDS.items():
        words = words_of(figure, findings)
        if len(words) == 1 and next(iter(words)) in of_word:
            values[name] = of_word[next(iter(words))]
    return values


def to_toml(findings: Sequence[Finding], origin: Origin) -> str:
    """The file for `rejoin studio --settings` and `rejoin qa run --service`."""
    comments = {
        name: line
        for figure, name in (
            *_SETTINGS.items(),
            *((figure, name) for figure, (name, _) in _WORDS.items()),
        )
        if (line := text_of(figure, findings, origin.dialect))
    }
    comments["notice_silent_client_min_s"] = "not learned: no more than the delay above"
    heading = (
        f"What `rejoin qa learn` measured at {origin.backend} ({origin.dialect}"
        f"{', ' + origin.region if origin.region else ''})\n"
        f"on {origin.when} with Rejoin {origin.client}. What is not here was not measured."
    )
    return settings_file.to_text(settings_of(findings), comments, heading)


def text_of(figure: Figure, findings: Sequence[Finding], dialect: str) -> str:
    """The findings of this figure, in a line. `dialect`: the backend's."""
    spread, words = spread_of(figure, findings), words_of(figure, findings)
    if spread is not None:
        also = f"; {_ALSO[figure]}" if figure in _ALSO else ""
        return (
            f"{spread.median_s:.2f} s (sessions: {spread.sessions}, from {spread.least_s:.2f} to "
            f"{spread.most_s:.2f} s, error {spread.error_s:.2f} s{also})"
        )
    if words:
        return ", ".join(f"{word} (seen: {count})" for word, count in words.most_common())
    if figure is Figure.OLD_TOKEN:
        return "not visible through this backend: it makes the ClientTokens itself"
    why = _INVISIBLE.get(dialect, {}).get(figure)
    return "not measured" if why is None else f"not visible through this backend: {why}"


def to_markdown(
    findings: Sequence[Finding],
    origin: Origin,
    problems: Sequence[str],
    *,
    sessions: int,
) -> str:
    """The report. `problems`: of sessions that were not measured to their end."""
    lines = [
        f"# The service behind {origin.backend}",
        "",
        f"Measured on {origin.when} in {sessions} stream sessions with Rejoin {origin.client} "
        f"(dialect {origin.dialect}{', Region ' + origin.region if origin.region else ''}).",
        "",
        "| | |",
        "|---|---|",
        *(f"| {figure.value} | {text_of(figure, findings, origin.dialect)} |" for figure in Figure),
        "",
        "Delays: the median of all sessions, the least and the most, and how far a value may be "
        "off by the way it was measured.",
    ]
    if problems:
        lines += [
            "",
            "Not measured to the end:",
            "",
            *(f"- {plain(problem)}" for problem in problems),
        ]
    return "\n".join(lines) + "\n"

"""How a game went, in words: figures, whose fault the drops were, one piece of advice. Pure.

The rules are those of `texts`.
"""

from __future__ import annotations

from dataclasses import dataclass

from rejoin.core.play_report import Advice, Minute, PlayReport
from rejoin.core.verdict import Verdict

_WAS: dict[Verdict, str] = {
    Verdict.NETWORK_GONE: "your network was gone",
    Verdict.SERVICE_SILENT: "your internet worked, the studio's service did not answer",
    Verdict.PATH_BROKEN: "the way to the game server was broken",
    Verdict.HOST_SILENT: "the game server stopped sending",
    Verdict.SIGN_IN_PAGE: "the network wanted a sign-in",
    Verdict.PROXY_REFUSES: "your proxy refused the connection to the studio",
    Verdict.NOT_KNOWN: "",
}

_ADVICE: dict[Advice, str] = {
    Advice.OWN_NETWORK: "Next time use a network cable, or sit nearer to the Wi-Fi router.",
    Advice.SIGN_IN_FIRST: "Next time sign in to this network with a web browser first.",
    Advice.PROXY: "Check the proxy settings of this computer, or use another network.",
    Advice.STUDIO_AWAY: "Nothing was wrong on your side. If it goes on, report the problem.",
    Advice.OTHER_NETWORK: "Try another network, or without a VPN if you use one.",
    Advice.REPORT_HOST: "Nothing was wrong on your side. If it happens again, report the problem.",
    Advice.ONE_NETWORK: "This computer changed its network. Stay on one of them, best by cable.",
    Advice.LOSS: "Your network loses data. Use a cable, or limit what the game may send.",
    Advice.SLOW_COMPUTER: "This computer was too slow for the video. Close other programs.",
    Advice.FAR_HOST: "The game server is far away, so it answers late. Ask the studio for a nearer "
    "one.",
    Advice.REPORT_UNKNOWN: "Why it dropped is not known. If it happens again, report the problem.",
    Advice.NOTHING: "",
}


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of a report, with what it counts."""

    name: str
    value: str


def figures(report: PlayReport) -> tuple[Figure, ...]:
    """The numbers of the end card, from left to right."""
    found = [
        Figure("Played", time_text(report.played_s)),
        Figure("Drops", _drops(report)),
        Figure("Lost", time_text(report.lost_s)),
    ]
    if report.frozen_s >= 1.0:
        found.append(Figure("Frozen", time_text(report.frozen_s)))
    if report.worst is not None:
        found.append(Figure("Worst minute", _worst(report.worst)))
    return tuple(found)


def _drops(report: PlayReport) -> str:
    if not report.drops or report.returned == report.drops:
        return str(report.drops)
    return f"{report.drops}, back {report.returned}"


def _worst(minute: Minute) -> str:
    if minute.still_s >= 1.0:
        return f"{ordinal(minute.number)}: {time_text(minute.still_s)}"
    return f"{ordinal(minute.number)}: {minute.loss * 100:.0f} % lost"


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th, 11th, 21st."""
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{'th' if number % 100 in (11, 12, 13) else ending}"


def time_text(seconds: float) -> str:
    """31 s, 2 min 5 s, 12 min, 1 h 2 min: seconds matter for as long as they can be felt."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 10:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def verdict_sentence(verdict: Verdict | None) -> str:
    """Whose fault the end was; empty where that is not certain."""
    return "" if verdict is None or not _WAS[verdict] else _sentence(_WAS[verdict])


def verdicts_sentence(report: PlayReport) -> str:
    """Whose fault the drops were, as far as known: the two most frequent; empty without drops."""
    if not report.drops:
        return ""
    named = [f"{_WAS[verdict]}{_times(count)}" for verdict, count in report.verdicts[:2]]
    known = sum(count for _, count in report.verdicts)
    if named and known < report.drops:
        named.append(f"not known{_times(report.drops - known)}")
    return f"Why: {'; '.join(named)}." if named else ""


def _times(count: int) -> str:
    return "" if count == 1 else " (twice)" if count == 2 else f" ({count} times)"


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}."


def advice_sentence(report: PlayReport) -> str:
    """The one piece of advice; empty where there is none."""
    return _ADVICE[report.advice]


def report_lines(report: PlayReport | None) -> dict[str, str]:
    """The same as lines of a report that is shared."""
    if report is None:
        return {"Played": "no picture was shown"}
    lines = {figure.name: figure.value for figure in figures(report)}
    lines["Loss"] = f"{report.loss * 100:.1f} %"
    if report.rtt_s is not None:
        lines["Mean RTT"] = f"{report.rtt_s * 1000:.0f} ms"
    lines["Drops by cause"] = (
        ", ".join(f"{verdict.value} {count}" for verdict, count in report.verdicts) or "-"
    )
    lines["Advice"] = report.advice.value
    return lines


def spoken(report: PlayReport) -> list[str]:
    """What a screen reader says of the report."""
    numbers = ", ".join(f"{figure.name} {figure.value}" for figure in figures(report))
    parts = [f"{numbers}.", verdicts_sentence(report), advice_sentence(report)]
    return [part for part in parts if part]

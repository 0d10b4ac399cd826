"""How a game went, in words: figures, whose fault the drops were, one piece of advice. Pure.

The rules are those of `texts`.
"""

from __future__ import annotations

from dataclasses import dataclass

from rejoin.core.play_report import Advice, Minute, PlayReport
from rejoin.core.verdict import Verdict
from rejoin.language import in_english, listed, mark, number, tr, tr_plural

_WAS: dict[Verdict, str] = {
    Verdict.NETWORK_GONE: mark("your network was gone"),
    Verdict.SERVICE_SILENT: mark("your internet worked, the studio's service did not answer"),
    Verdict.PATH_BROKEN: mark("the way to the game server was broken"),
    Verdict.HOST_SILENT: mark("the game server stopped sending"),
    Verdict.SIGN_IN_PAGE: mark("the network wanted a sign-in"),
    Verdict.PROXY_REFUSES: mark("your proxy refused the connection to the studio"),
    Verdict.NOT_KNOWN: "",
}

_SENTENCES: dict[Verdict, str] = {
    Verdict.NETWORK_GONE: mark("Your network was gone."),
    Verdict.SERVICE_SILENT: mark("Your internet worked, the studio's service did not answer."),
    Verdict.PATH_BROKEN: mark("The way to the game server was broken."),
    Verdict.HOST_SILENT: mark("The game server stopped sending."),
    Verdict.SIGN_IN_PAGE: mark("The network wanted a sign-in."),
    Verdict.PROXY_REFUSES: mark("Your proxy refused the connection to the studio."),
    Verdict.NOT_KNOWN: "",
}

_ADVICE: dict[Advice, str] = {
    Advice.OWN_NETWORK: mark("Next time use a network cable, or sit nearer to the Wi-Fi router."),
    Advice.SIGN_IN_FIRST: mark("Next time sign in to this network with a web browser first."),
    Advice.PROXY: mark("Check the proxy settings of this computer, or use another network."),
    Advice.STUDIO_AWAY: mark("Nothing was wrong on your side. If it goes on, report the problem."),
    Advice.OTHER_NETWORK: mark("Try another network, or without a VPN if you use one."),
    Advice.REPORT_HOST: mark(
        "Nothing was wrong on your side. If it happens again, report the problem."
    ),
    Advice.ONE_NETWORK: mark(
        "This computer changed its network. Stay on one of them, best by cable."
    ),
    Advice.LOSS: mark("Your network loses data. Use a cable, or limit what the game may send."),
    Advice.SLOW_COMPUTER: mark("This computer was too slow for the video. Close other programs."),
    Advice.FAR_HOST: mark(
        "The game server is far away, so it answers late. Ask the studio for a nearer one."
    ),
    Advice.REPORT_UNKNOWN: mark(
        "Why it dropped is not known. If it happens again, report the problem."
    ),
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
        Figure(tr("Played"), time_text(report.played_s)),
        Figure(tr("Drops"), _drops(report)),
        Figure(tr("Lost"), time_text(report.lost_s)),
    ]
    if report.frozen_s >= 1.0:
        found.append(Figure(tr("Frozen"), time_text(report.frozen_s)))
    if report.worst is not None:
        found.append(Figure(tr("Worst minute"), _worst(report.worst)))
    return tuple(found)


def _drops(report: PlayReport) -> str:
    if not report.drops or report.returned == report.drops:
        return str(report.drops)
    return tr("{drops}, back {returned}", drops=report.drops, returned=report.returned)


def _worst(minute: Minute) -> str:
    if minute.still_s >= 1.0:
        still = time_text(minute.still_s)
        return tr("{minute}: {time}", minute=ordinal(minute.number), time=still)
    lost = number(minute.loss * 100, 0)
    return tr("{minute}: {percent} % lost", minute=ordinal(minute.number), percent=lost)


_ORDINALS = {1: mark("{place}st"), 2: mark("{place}nd"), 3: mark("{place}rd")}
_OTHER_ORDINAL = mark("{place}th")


def ordinal(place: int) -> str:
    """1st, 2nd, 3rd, 4th, 11th, 21st."""
    teens = place % 100 in (11, 12, 13)
    return tr(_OTHER_ORDINAL if teens else _ORDINALS.get(place % 10, _OTHER_ORDINAL), place=place)


def time_text(seconds: float) -> str:
    """31 s, 2 min 5 s, 12 min, 1 h 2 min: seconds matter for as long as they can be felt."""
    whole = round(seconds)
    if whole < 60:
        return tr("{seconds} s", seconds=whole)
    minutes, rest = divmod(whole, 60)
    if minutes < 10:
        if rest:
            return tr("{minutes} min {seconds} s", minutes=minutes, seconds=rest)
        return tr("{minutes} min", minutes=minutes)
    if minutes < 60:
        return tr("{minutes} min", minutes=minutes)
    hours, minutes = divmod(minutes, 60)
    if minutes:
        return tr("{hours} h {minutes} min", hours=hours, minutes=minutes)
    return tr("{hours} h", hours=hours)


def verdict_sentence(verdict: Verdict | None) -> str:
    """Whose fault the end was; empty where that is not certain."""
    return "" if verdict is None or not _SENTENCES[verdict] else tr(_SENTENCES[verdict])


def verdicts_sentence(report: PlayReport) -> str:
    """Whose fault the drops were, as far as known: the two most frequent; empty without drops."""
    if not report.drops:
        return ""
    named = [_counted(_WAS[verdict], count) for verdict, count in report.verdicts[:2]]
    known = sum(count for _, count in report.verdicts)
    if named and known < report.drops:
        named.append(_counted(mark("not known"), report.drops - known))
    if not named:
        return ""
    reasons = named[0]
    for other in named[1:]:
        reasons = tr("{reason}; {other}", reason=reasons, other=other)
    return tr("Why: {reasons}.", reasons=reasons)


def _counted(reason: str, count: int) -> str:
    if count == 1:
        return tr(reason)
    if count == 2:
        return tr("{reason} (twice)", reason=tr(reason))
    return tr_plural(
        "{reason} ({count} time)", "{reason} ({count} times)", count, reason=tr(reason)
    )


def advice_sentence(report: PlayReport) -> str:
    """The one piece of advice; empty where there is none."""
    return tr(_ADVICE[report.advice]) if _ADVICE[report.advice] else ""


def report_lines(report: PlayReport | None) -> dict[str, str]:
    """The same as lines of a report that is shared, in English."""
    if report is None:
        return {"Played": "no picture was shown"}
    with in_english():
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
    numbers = listed(
        tr("{figure} {value}", figure=each.name, value=each.value) for each in figures(report)
    )
    said = tr("{sentence}.", sentence=numbers)
    parts = [said, verdicts_sentence(report), advice_sentence(report)]
    return [part for part in parts if part]

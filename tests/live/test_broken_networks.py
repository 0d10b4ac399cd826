"""Networks that break for real: kernel faults between a studio and the player's window.

Needs root; each test has network namespaces of its own. Most of the time a test waits, so several
run side by side.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from helpers.broken_network import BrokenNetwork, Line, broken_network
from helpers.namespaces import STUDIO, Namespaces, why_no_resolver, why_not
from helpers.other_origin import PAGE_PORT
from rejoin.clock import boot_s

pytestmark = [
    pytest.mark.live,
    pytest.mark.timeout(600),
    pytest.mark.skipif(why_not() is not None, reason=why_not() or ""),
]

AT_ONCE = 3
UDP = "meta l4proto udp"
BIG = f"{UDP} udp length > 700"
"""What a path whose MTU is smaller than its ends believe loses: all of a key frame but its end."""
NINETEEN_OF_TWENTY = f"{UDP} numgen random mod 100 < 95"
RTT_S = 0.1

_scenarios: dict[str, Callable[[], None]] = {}


def side_by_side(scenario: Callable[[], None]) -> Callable[..., None]:
    """A test that runs beside others of this module."""
    name = scenario.__name__
    _scenarios[name] = scenario

    def test(running: Mapping[str, Future[None]]) -> None:
        running[name].result()

    test.__name__, test.__doc__ = name, scenario.__doc__
    return test


@pytest.fixture(scope="module")
def running(request: pytest.FixtureRequest) -> Iterator[Mapping[str, Future[None]]]:
    """The scenarios of the selected tests, which run in their order, `AT_ONCE` at a time."""
    selected = [item.name for item in request.session.items if item.path == request.path]
    with ThreadPoolExecutor(AT_ONCE) as threads:
        try:
            yield {
                name: threads.submit(_scenarios[name]) for name in selected if name in _scenarios
            }
        finally:
            threads.shutdown(wait=False, cancel_futures=True)


def later_than(at: float) -> Callable[[Line], bool]:
    return lambda line: bool(line["at"] > at)


def verdict(name: str) -> Callable[[Line], bool]:
    return lambda shown: bool(shown["verdict"] == name)


def is_lost(shown: Line) -> bool:
    return bool(shown["stage"] == "lost")


def is_reconnecting(shown: Line) -> bool:
    return bool(shown["stage"] == "reconnecting")


@side_by_side
def test_a_network_that_blocks_udp_is_named_and_asked_less_often() -> None:
    with broken_network(notice_silent_client_s=0.0, connection_timeout_s=40) as it:
        blocked_at = boot_s()
        it.net.drop(up=UDP, down=UDP)
        named = it.window.until(lambda shown: shown["firewall"], since_at=blocked_at)
        assert any("firewall" in text for text in named["texts"])
        assert named["verdict"] in ("path_broken", None), "None: between two rounds of probes"
        it.window.until(verdict("path_broken"), since_at=blocked_at)
        it.window.until_text("The way to the game server is broken.", since_at=blocked_at)
        before = it.window.times_of("RequestWritten", since_at=blocked_at)
        assert len(before) >= 3, "three answers without one packet"
        it.window.until(
            lambda record: record["name"] == "RequestWritten", kind="record", since_at=named["at"]
        )
        after = it.window.times_of("RequestWritten", since_at=named["at"])
        assert after[0] - before[-1] >= 40 / 4 - 0.5
        deadlines = [
            shown["shown_deadline_at"]
            for shown in it.window.all("shown", since_at=before[0])
            if is_reconnecting(shown)
        ]
        assert max(deadlines) <= deadlines[0], "no answer moves the deadline later"
        it.net.heal()
        it.window.until_live(episode=1, since_at=blocked_at)


@side_by_side
def test_a_picture_whose_packets_are_lost_is_fetched_by_a_new_connection() -> None:
    """Sound arrives, and now and then a frame that is small enough. A ticket of before then belongs
    to a game that goes on elsewhere."""
    with broken_network() as it:
        broken_at = boot_s()
        it.net.drop(down=BIG)
        it.window.until(lambda shown: shown["trouble"] == "picture_lost", since_at=broken_at)
        it.window.until(lambda shown: shown["can_reconnect"], since_at=broken_at)
        it.window.until(is_reconnecting, since_at=broken_at)
        it.net.heal()
        live = it.window.until_live(episode=1, since_at=broken_at)
        with it.another_window(attempt=1) as second:
            ended = second.until(lambda shown: shown["stage"] == "ended")
            assert "You continued the game elsewhere" in ended["texts"]
        assert it.window.stage == "live"
        assert not [each for each in it.window.all("shown", since_at=live["at"]) if is_lost(each)]


@side_by_side
def test_a_paused_game_is_offered_a_reconnect_that_is_never_made() -> None:
    """Sound arrives and no picture is sent. Nor does a short cut cost the connection."""
    with broken_network() as it:
        it.inject("no_picture")
        paused_at = boot_s()
        told = it.window.until(
            lambda shown: shown["trouble"] == "picture_stopped", since_at=paused_at
        )
        assert not told["can_reconnect"]
        offered = it.window.until(lambda shown: shown["can_reconnect"], since_at=paused_at)
        it.window.until(later_than(offered["at"] + 8.0), kind="sample")
        assert it.window.stage == "live", "13 s without a picture"
        it.net.drop(up=UDP, down=UDP)
        lost = it.window.until(is_lost, since_at=paused_at)
        it.net.heal()
        it.window.until_live(episode=1, since_at=lost["at"])
        it.inject("none")
        it.window.until(lambda shown: shown["trouble"] is None, since_at=lost["at"])
        assert not it.window.times_of("RequestWritten", since_at=paused_at), "no new connection"


@side_by_side
def test_a_picture_of_which_nearly_all_is_lost_is_reconnected() -> None:
    """Nineteen of twenty packets, checks and their answers among them."""
    with broken_network() as it:
        broken_at = boot_s()
        it.net.drop(down=NINETEEN_OF_TWENTY)
        it.window.until(lambda shown: shown["trouble"] == "picture_lost", since_at=broken_at)
        it.window.until(is_reconnecting, since_at=broken_at)
        it.net.heal()
        it.window.until_live(episode=1, since_at=broken_at)


@side_by_side
def test_a_goodbye_that_was_lost_is_heard_once_the_path_is_back() -> None:
    """Or the live game would run behind the card until the service notices by itself."""
    with broken_network() as it:
        broken_at = boot_s()
        it.net.drop(up=UDP, down=UDP)
        said = it.window.until(is_reconnecting, since_at=broken_at)
        it.window.until_text("The game server has not noticed yet. At least 2:00.")
        it.window.until(
            lambda record: record["name"] == "StatusArrived",
            kind="record",
            since_at=said["at"] + 1.0,  # no datagram of the first goodbye is under way any more
        )
        it.net.heal()
        it.window.until_live(episode=1, since_at=broken_at)
        statuses = [entry["status"] for entry in it.session()["history"]]
        assert "PENDING_CLIENT_RECONNECTION" in statuses, "the service heard it"


@side_by_side
def test_a_dead_uplink_is_noticed_and_heals_by_itself() -> None:
    with broken_network() as it:
        broken_at = boot_s()
        it.net.drop(up=UDP)
        it.window.until(lambda shown: shown["trouble"] == "uplink", since_at=broken_at)
        it.window.until(is_lost, since_at=broken_at)
        it.net.heal()
        it.window.until_live(episode=1, since_at=broken_at)
        assert not it.window.times_of("RequestWritten", since_at=broken_at), "no new connection"


@side_by_side
def test_without_a_default_route_the_connection_is_lost_and_returns_with_it() -> None:
    """The kernel refuses each send, while pictures still arrive."""
    with broken_network() as it:
        broken_at = boot_s()
        it.net.remove_default_route()
        lost = it.window.until(lambda shown: shown["stage"] != "live", since_at=broken_at)
        assert lost["at"] - broken_at < 4.5, "unanswered checks alone would take 5 s"
        it.net.restore_default_route()
        it.window.until_live(episode=1, since_at=broken_at)


@side_by_side
def test_after_a_heal_the_picture_is_there_at_once_and_so_says_the_window() -> None:
    """A request for a key frame that was made while nothing may be sent does not count, and the gap
    of the outage is no loss. (A machine that pauses may be late, or unstable, once or twice.)"""
    late_s = []
    unstable = 0
    with broken_network(round_trip_s=RTT_S) as it:
        for turn in range(1, 4):
            broken_at = boot_s()
            it.net.drop(up=UDP, down=UDP)
            it.window.until(is_lost, since_at=broken_at)
            it.net.heal()
            live = it.window.until_live(episode=turn, since_at=broken_at)
            late_s.append(_first_frame_after_rtp_s(it, broken_at))
            it.window.until(later_than(live["at"] + 3.5), kind="sample")
            unstable += any(
                {"You're back", "Connection unstable"} <= set(shown["texts"])
                for shown in it.window.all("shown", since_at=live["at"])
            )
    assert unstable < 3, "the gap of each outage counted as loss"
    assert min(late_s) < 0.15 + RTT_S + 0.35, f"{late_s}; without the request it takes a second"


def _first_frame_after_rtp_s(it: BrokenNetwork, broken_at: float) -> float:
    """From the first RTP after the silence to the first frame that was decoded after it."""
    lost_at = it.window.until(is_lost, since_at=broken_at)["at"]
    rtp = it.window.until(
        lambda sample: sample["rtp_at"] > lost_at, kind="sample", since_at=lost_at
    )
    frame = it.window.until(lambda _: True, kind="picture", since_at=rtp["rtp_at"])
    return float(frame["at"] - rtp["rtp_at"])


@side_by_side
def test_a_key_held_through_a_cut_presses_nothing() -> None:
    """It is repeated without releases, as on X11. The card with *Try now* rises meanwhile."""
    with broken_network() as it:
        it.window.act("hold Return")
        held_at = boot_s()
        it.window.until(later_than(held_at + 0.5), kind="sample")
        assert it.session()["game_state"]["key_presses"] == 1
        broken_at = boot_s()
        it.net.drop(up=UDP, down=UDP)
        card = it.window.until(lambda shown: "Try now" in shown["buttons"], since_at=broken_at)
        it.window.until(later_than(card["at"] + 1.6), kind="sample")
        it.net.heal()
        it.window.until_live(episode=1, since_at=broken_at)
        it.window.act("release Return")
        assert not it.window.times_of("TryNowRequested")
        assert not it.window.times_of("RequestWritten", since_at=broken_at), "no new connection"


@side_by_side
def test_a_start_without_a_network_waits_for_it_and_says_so() -> None:
    with broken_network(before=Namespaces.unplug) as it:
        it.window.until_text("Continuing as soon as the network is back.")
        time.sleep(5.0)  # four tries, after which a start with a network ends, take less
        it.net.plug_in()
        it.window.until_live()
        texts = [text for shown in it.window.all("shown") for text in shown["texts"]]
        assert not any("lost" in text for text in texts), "what never connected is not lost"


@side_by_side
def test_a_start_behind_a_firewall_says_so_and_goes_on() -> None:
    with broken_network(before=lambda net: net.drop(up=UDP, down=UDP)) as it:
        named = it.window.until(lambda shown: shown["firewall"])
        assert named["stage"] == "starting"
        assert any("firewall" in text for text in named["texts"])
        it.net.heal()
        it.window.until_live()


@side_by_side
def test_an_end_without_a_network_says_what_it_can_and_is_made_later() -> None:
    with broken_network() as it:
        it.net.unplug()
        it.window.until(lambda shown: shown["offline"] and "End game" in shown["buttons"])
        it.window.act("click End game")
        it.window.until_text("End the game for good?")
        it.window.act("click End game")
        waits = it.window.until_text("your game may still be running")
        assert waits["stage"] == "ending"
        assert "Try now" in waits["buttons"]
        assert it.session()["status"] == "CONNECTED"
        it.net.plug_in()
        it.window.until(lambda shown: shown["stage"] == "ended")
        assert it.session()["status"] in ("TERMINATING", "TERMINATED")


@side_by_side
def test_an_end_while_only_the_studio_is_away_is_made_once_it_answers_again() -> None:
    """Nobody presses anything, and no network comes back."""
    with broken_network() as it:
        away_at = boot_s()
        it.net.drop(up=f"ip daddr {STUDIO}")
        it.window.until(lambda shown: "End game" in shown["buttons"], since_at=away_at)
        it.window.act("click End game")
        it.window.until_text("End the game for good?")
        it.window.act("click End game")
        it.window.until_text("The studio's server has not confirmed the end")
        asked_at = boot_s()
        it.window.until(
            lambda record: record["name"] == "TerminateSession", kind="record", since_at=asked_at
        )
        it.net.heal()
        it.window.until(lambda shown: shown["stage"] == "ended")
        assert it.session()["status"] in ("TERMINATING", "TERMINATED")
        assert not it.window.times_of("TryNowRequested")
        assert not it.window.times_of("NetworkFound", since_at=away_at)


@side_by_side
def test_a_game_that_nobody_can_reach_is_not_given_up() -> None:
    """Neither datagrams nor the backend. A goodbye would end it once the path is back, and no call
    could fetch it again."""
    with broken_network() as it:
        broken_at = boot_s()
        it.net.unplug()
        it.window.until_text("Your network is gone", since_at=broken_at)
        assert it.window.now_shown["verdict"] == "network_gone"
        it.window.until(later_than(broken_at + 8.0), kind="sample")
        it.net.drop(up="meta l4proto tcp")  # the backend stays away
        it.net.plug_in()
        it.window.until_live(episode=1, since_at=broken_at)
        assert not it.window.times_of("SayGoodbye")
        it.net.heal()


@side_by_side
def test_a_network_that_is_back_is_asked_at_once() -> None:
    """Old failures are no reason to wait for seconds more."""
    with broken_network(notice_silent_client_s=0.0) as it:
        broken_at = boot_s()
        it.net.drop(up=UDP, down=UDP)
        it.window.until(is_reconnecting, since_at=broken_at)
        it.net.unplug()
        waits = it.window.until(
            lambda record: record["name"] == "Backoff" and record["until_at"] > record["at"] + 1.5,
            kind="record",
            since_at=boot_s(),
        )
        it.net.heal()
        it.net.plug_in()
        found_at = it.window.until(
            lambda record: record["name"] == "NetworkFound", kind="record", since_at=waits["at"]
        )["at"]
        it.window.until_live(episode=1, since_at=broken_at)
        asks = ("MakeOffer", "Reconnect", "PollStatus")
        asked_at = [at for name in asks for at in it.window.times_of(name, since_at=found_at)]
        in_time = found_at in asked_at or found_at >= waits["until_at"]
        assert in_time, "in the same step as the network was found, if that was not too late"


@pytest.mark.skipif(
    why_not() is not None or why_no_resolver() is not None,
    reason="network namespaces with a name server of their own need root, outside a chroot",
)
@side_by_side
def test_in_another_network_with_a_dead_dns_a_game_is_saved_and_closes() -> None:
    """Look-ups that hang hold nothing up, neither a new connection nor the end of the program."""
    with broken_network(name="studio.test", notice_silent_client_s=0.0) as it:
        broken_at = boot_s()
        it.net.drop(up="udp dport 53")
        it.net.change_address()
        it.window.until_live(episode=1, since_at=broken_at)


@side_by_side
def test_whose_fault_it_was_is_said_once_it_is_certain() -> None:
    """The studio is away, then a sign-in page answers everything, then the gateway is silent."""
    with broken_network(other_origin=True) as it:
        away_at = boot_s()
        it.net.drop(up=f"ip daddr {STUDIO}")
        silent = it.window.until(verdict("service_silent"), since_at=away_at)
        it.window.until_text("Your internet works, the studio's service does not answer.")
        page_at = boot_s()
        it.net.answer_instead(PAGE_PORT)
        it.window.until(verdict("sign_in_page"), since_at=page_at)
        it.window.until_text("This network wants a sign-in.", since_at=page_at)
        gone_at = boot_s()
        it.net.heal()
        it.net.drop(up=f"ip daddr {STUDIO}")
        it.net.silence_gateway()
        it.window.until(verdict("network_gone"), since_at=gone_at)
        assert not it.window.now_shown["offline"], "the cable is in"
        named = {shown["verdict"] for shown in it.window.all("shown", since_at=silent["at"])}
        assert named <= {"service_silent", "sign_in_page", "network_gone", "not_known", None}


@side_by_side
def test_a_studio_that_nothing_is_known_about_is_not_blamed() -> None:
    """The same fault without another origin: the internet may be gone as well."""
    with broken_network() as it:
        away_at = boot_s()
        it.net.drop(up=f"ip daddr {STUDIO}")
        it.window.until(verdict("not_known"), since_at=away_at)
        for _ in range(2):
            it.window.until(
                lambda record: record["name"] == "ProbesFinished", kind="record", since_at=boot_s()
            )
        said = {shown["verdict"] for shown in it.window.all("shown", since_at=away_at)}
        assert said <= {None, "not_known"}
        it.net.heal()
        it.window.until_live(episode=1, since_at=away_at)
        assert it.window.now_shown["verdict"] is None


@side_by_side
def test_a_game_server_that_stops_sending_is_named() -> None:
    with broken_network(notice_silent_client_s=0.0) as it:
        stopped_at = boot_s()
        it.inject("no_media")
        it.window.until(verdict("host_silent"), since_at=stopped_at)
        it.window.until_text("The game server stopped sending.", since_at=stopped_at)
        it.inject("none")
        it.window.until_live(episode=1, since_at=stopped_at)

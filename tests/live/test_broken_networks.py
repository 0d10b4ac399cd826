"""Networks that break for real: kernel faults between a studio and the player's window.

Needs root; each test has network namespaces of its own.
"""

from __future__ import annotations

import pytest

from helpers.broken_network import broken_network
from helpers.namespaces import why_no_resolver, why_not
from rejoin.clock import boot_s

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(why_not() is not None, reason=why_not() or ""),
]

UDP = "meta l4proto udp"
BIG = f"{UDP} udp length > 700"
"""What a path whose MTU is smaller than its ends believe loses: all of a key frame but its end."""


def test_a_goodbye_that_was_lost_is_heard_once_the_path_is_back() -> None:
    """Or the live game would run behind the card until the service notices by itself."""
    with broken_network() as it:
        broken_at = boot_s()
        it.net.drop(up=UDP, down=UDP)
        said = it.window.until(lambda shown: shown["stage"] == "reconnecting", since_at=broken_at)
        it.window.until(
            lambda record: record["name"] == "StatusArrived",
            kind="record",
            since_at=said["at"] + 1.0,  # no datagram of the first goodbye is under way any more
        )
        it.net.heal()
        it.window.until_live(episode=1, since_at=broken_at)
        statuses = [entry["status"] for entry in it.session()["history"]]
        assert "PENDING_CLIENT_RECONNECTION" in statuses, "the service heard it"


def test_a_dead_uplink_is_noticed_and_heals_by_itself() -> None:
    with broken_network() as it:
        broken_at = boot_s()
        it.net.drop(up=UDP)
        it.window.until(lambda shown: shown["trouble"] == "uplink", since_at=broken_at)
        it.window.until(lambda shown: shown["stage"] == "lost", since_at=broken_at)
        it.net.heal()
        it.window.until_live(episode=1, since_at=broken_at)
        assert not it.window.times_of("RequestWritten", since_at=broken_at), "no new connection"


def test_without_a_default_route_the_connection_is_lost_and_returns_with_it() -> None:
    """The kernel refuses each send, while pictures still arrive."""
    with broken_network() as it:
        broken_at = boot_s()
        it.net.remove_default_route()
        lost = it.window.until(lambda shown: shown["stage"] != "live", since_at=broken_at)
        assert lost["at"] - broken_at < 4.5, "unanswered checks alone would take 5 s"
        it.net.restore_default_route()
        it.window.until_live(episode=1, since_at=broken_at)


def test_a_network_that_blocks_udp_is_named_and_asked_less_often() -> None:
    with broken_network(notice_silent_client_s=0.0, connection_timeout_s=40) as it:
        blocked_at = boot_s()
        it.net.drop(up=UDP, down=UDP)
        named = it.window.until(lambda shown: shown["firewall"], since_at=blocked_at)
        assert any("firewall" in text for text in named["texts"])
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
            if shown["stage"] == "reconnecting"
        ]
        assert max(deadlines) <= deadlines[0], "no answer moves the deadline later"
        it.net.heal()
        it.window.until_live(episode=1, since_at=blocked_at)
        announced = it.window.all("announced", since_at=blocked_at)
        assert all(
            sum(start["at"] <= each["at"] < start["at"] + 30 for each in announced) <= 8
            for start in announced
        )


def test_after_a_heal_the_picture_is_there_at_once() -> None:
    """A request for a key frame that was made while nothing may be sent does not count."""
    after_s = []
    with broken_network() as it:
        for turn in range(1, 4):
            broken_at = boot_s()
            it.net.drop(up=UDP, down=UDP)
            it.window.until(lambda shown: shown["stage"] == "lost", since_at=broken_at)
            it.net.heal()
            healed_at = boot_s()
            picture = it.window.until(lambda _: True, kind="picture", since_at=healed_at)
            after_s.append(picture["at"] - healed_at)
            it.window.until_live(episode=turn, since_at=broken_at)
    assert min(after_s) < 0.5, "without the request it takes a second more"


def test_a_picture_whose_packets_are_lost_is_fetched_by_a_new_connection() -> None:
    """Sound arrives, and now and then a frame that is small enough."""
    with broken_network() as it:
        broken_at = boot_s()
        it.net.drop(down=BIG)
        it.window.until(lambda shown: shown["trouble"] == "picture_lost", since_at=broken_at)
        it.window.until(lambda shown: shown["can_reconnect"], since_at=broken_at)
        it.window.until(lambda shown: shown["stage"] == "reconnecting", since_at=broken_at)
        it.net.heal()
        it.window.until_live(episode=1, since_at=broken_at)


@pytest.mark.skipif(
    why_not() is not None or why_no_resolver() is not None,
    reason="network namespaces with a name server of their own need root, outside a chroot",
)
def test_in_another_network_with_a_dead_dns_a_game_is_saved_and_closes() -> None:
    """Look-ups that hang hold nothing up, neither a new connection nor the end of the program."""
    with broken_network(name="studio.test", notice_silent_client_s=0.0) as it:
        broken_at = boot_s()
        it.net.drop(up="udp dport 53")
        it.net.change_address()
        it.window.until_live(episode=1, since_at=broken_at)

"""The faults that last, on real sockets."""

from __future__ import annotations

import dataclasses

from helpers.game_hosts import (
    SETTINGS,
    Player,
    counter_of,
    joined,
    media_of,
    relay_of,
    running,
    still,
)
from helpers.leaves_nothing import leaves_nothing
from helpers.waiting import eventually
from rejoin.clock import boot_s
from rejoin.emulator.service.faults import Fault, FaultKind
from rejoin.emulator.service.settings import EmulatorSettings


@leaves_nothing
async def test_no_media_leaves_everything_else_working() -> None:
    async with running() as (host, listener):
        player = await joined(host, 1)
        await host.inject(Fault(FaultKind.NO_MEDIA))
        assert host.game_state()["fault"] == "no_media"
        assert await still(player)
        player.message_channel.send("are you there")
        await player.until(lambda: player.messages == ["are you there"])
        player.press(1, {0x4F})
        await listener.wait("input", None)
        # once cleared, new pictures arrive: nothing was lost, so no key frame is needed
        await host.inject(Fault(FaultKind.NONE))
        await player.shows(counter_of(host))
        assert listener.values("gone") == []
        await player.close()


@leaves_nothing
async def test_without_a_picture_sound_goes_on() -> None:
    async with running() as (host, _):
        player = await joined(host, 1)
        await host.inject(Fault(FaultKind.NO_PICTURE))
        assert host.game_state()["fault"] == "no_picture"
        assert await still(player)
        sent = media_of(host)["packets"]
        await eventually(lambda: media_of(host)["packets"] > sent + 20)
        await host.inject(Fault(FaultKind.NONE))
        await player.shows(counter_of(host))
        await player.close()


@leaves_nothing
async def test_no_media_for_all_affects_new_connections_and_ends_by_itself() -> None:
    async with running() as (host, _):
        await host.inject(Fault(FaultKind.NO_MEDIA, scope="all"))
        player = Player()
        await player.accept(await host.answer(1, await player.offer()))
        await eventually(lambda: host.game_state()["connected"] is True)
        assert await still(player)
        assert player.readings == []
        await host.inject(Fault(FaultKind.NO_MEDIA, duration_s=0.2))
        await player.frames(2)
        assert host.game_state()["fault"] is None
        await player.close()


@leaves_nothing
async def test_a_slow_start_shows_the_first_picture_late() -> None:
    async with running() as (host, _):
        await host.inject(Fault(FaultKind.SLOW_START, duration_s=0.8))
        player = Player()
        await player.accept(await host.answer(1, await player.offer()))
        await eventually(lambda: host.game_state()["connected"] is True)
        connected_at = boot_s()
        await player.frames(1)
        assert boot_s() - connected_at > 0.6
        await player.close()


@leaves_nothing
async def test_a_lossy_profile_is_played_through_by_resending() -> None:
    async with running() as (host, listener):
        player = await joined(host, 1)
        fault = Fault(FaultKind.PROFILE, profile="bursty_10_short", seed=3)
        await host.inject(fault)
        state = host.game_state()
        assert (state["fault"], state["profile"]) == ("profile", "bursty_10_short")
        await player.frames(30)
        assert relay_of(host)["packets_dropped"] > 0
        assert media_of(host)["resent"] > 0
        # it also affects new connections
        second = await joined(host, 2)
        await second.frames(5)
        await host.inject(Fault(FaultKind.NONE))
        dropped = relay_of(host)["packets_dropped"]
        await second.frames(5)
        assert relay_of(host)["packets_dropped"] == dropped
        assert listener.values("gone") == []
        await player.close()
        await second.close()


@leaves_nothing
async def test_a_cut_is_noticed_like_a_silence_and_a_short_one_is_not() -> None:
    async with running() as (host, listener):
        player = await joined(host, 1)
        at = await host.inject(Fault(FaultKind.PROFILE, profile="cut_0.4s"))
        await player.shows(counter_of(host) + 1)
        assert boot_s() - at > 0.4
        assert listener.values("gone") == []
        host.settings_changed(dataclasses.replace(SETTINGS, notice_silent_client_s=0.7))
        at = await host.inject(Fault(FaultKind.PROFILE, profile="cut_forever"))
        gone_at = await listener.wait("gone", (1, False))
        assert gone_at - at >= 0.7
        await player.close()


@leaves_nothing
async def test_one_way_cuts_affect_one_direction() -> None:
    settings = EmulatorSettings(
        width=640,
        height=360,
        fps=30,
        bitrate_bps=2_000_000,
        relay_ports=(0, 0),
        notice_silent_client_s=0.3,
    )

    async with running(settings) as (host, listener):
        player = await joined(host, 1)
        await host.inject(Fault(FaultKind.PROFILE, profile="oneway_down"))
        assert await still(player, 0.5)
        # the host still receives from the client
        player.press(1, {0x4F})
        await listener.wait("input", None)
        assert listener.values("gone") == []
        # the same cut of the other direction alone does nothing
        await host.inject(Fault(FaultKind.PROFILE, profile="oneway_down", direction="up"))
        await player.frames(2)
        await host.inject(Fault(FaultKind.PROFILE, profile="oneway_up"))
        await listener.wait("gone", (1, False))
        await player.close()


@leaves_nothing
async def test_a_cut_until_the_window_ends_lasts_until_then() -> None:
    """The cut ends 1 s before the window, after 0.5 s, and pictures arrive again."""

    async with running() as (host, listener):
        player = await joined(host, 1)
        fault = Fault(FaultKind.PROFILE, profile="cut_until_window-1", window_s=1.5)
        at = await host.inject(fault)
        await player.shows(counter_of(host) + 1)
        assert boot_s() - at > 0.5
        assert listener.values("gone") == []
        await player.close()


@leaves_nothing
async def test_a_graceful_close_arrives_through_a_delayed_path() -> None:
    async with running() as (host, _):
        player = await joined(host, 1)
        await host.inject(Fault(FaultKind.PROFILE, profile="geo_sat"))
        await eventually(lambda: relay_of(host)["packets_waiting"] > 20)
        await eventually(lambda: relay_of(host)["median_lateness_s"] is not None)
        await host.inject(Fault(FaultKind.GRACEFUL_CLOSE))
        await eventually(lambda: player.pc.connectionState == "closed")
        await player.close()


@leaves_nothing
async def test_after_a_rebind_a_client_that_does_not_nominate_again_receives_nothing() -> None:
    """A plain aiortc client, as `Player` is one, does not nominate again."""

    async with running() as (host, listener):
        player = await joined(host, 1)
        await host.inject(Fault(FaultKind.PROFILE, profile="nat_rebind"))
        await eventually(lambda: relay_of(host)["flows_rebound"] == 1)
        up = relay_of(host)["packets_up"]
        player.press(1, {0x4F})
        await listener.wait("input", None)
        assert relay_of(host)["packets_up"] > up
        assert await still(player)
        second = await joined(host, 2)
        await second.frames(2)
        await player.close()
        await second.close()

from __future__ import annotations

from rejoin.media.receive.sources import ReceivedSources

SOUND, VIDEO, NEW_VIDEO, UNSEEN = 1, 2, 3, 4


class Scene:
    def __init__(self, *ssrcs: int) -> None:
        self.ended = 0
        self.sources = ReceivedSources(self._end)
        for ssrc in ssrcs:
            self.sources.on_rtp(ssrc)

    def _end(self) -> None:
        self.ended += 1

    def ends_after(self, *ssrcs: int) -> bool:
        """Whether this BYE was the end of all."""
        before = self.ended
        self.sources.on_bye(ssrcs)
        return self.ended > before


def test_the_end_of_one_source_is_not_the_end_of_all() -> None:
    scene = Scene(SOUND, VIDEO)
    assert not scene.ends_after(SOUND)
    assert scene.ends_after(VIDEO)


def test_one_bye_may_end_all_sources() -> None:
    assert Scene(SOUND, VIDEO).ends_after(VIDEO, SOUND)


def test_the_end_of_all_is_reported_once() -> None:
    scene = Scene(SOUND)
    assert scene.ends_after(SOUND)
    assert not scene.ends_after(SOUND)


def test_later_rtp_revokes_a_bye() -> None:
    scene = Scene(SOUND, VIDEO)
    assert not scene.ends_after(SOUND)
    scene.sources.on_rtp(SOUND)
    assert not scene.ends_after(VIDEO)
    assert scene.ends_after(SOUND)
    scene.sources.on_rtp(VIDEO)
    assert scene.ends_after(VIDEO), "the end can come again"


def test_the_bye_of_a_source_that_was_replaced_ends_nothing() -> None:
    scene = Scene(VIDEO, NEW_VIDEO)
    assert not scene.ends_after(VIDEO)
    assert scene.ends_after(NEW_VIDEO)


def test_a_bye_of_nobody_or_of_a_source_never_received_ends_nothing() -> None:
    assert not Scene(VIDEO).ends_after()
    assert not Scene(VIDEO).ends_after(UNSEEN)
    assert not Scene().ends_after(UNSEEN)
    assert Scene(VIDEO).ends_after(UNSEEN, VIDEO)

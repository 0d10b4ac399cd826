from __future__ import annotations

from rejoin.media.audio.output import NullOutput


def test_the_null_output_takes_sound_plays_none_and_says_why() -> None:
    output = NullOutput("No sound: a test.")
    heard_in_s = output.play(bytes(960))
    output.adjust_sync_delay(0.1)
    output.set_volume(0.5)
    assert heard_in_s is None, "no device plays it"
    assert output.problem == "No sound: a test."
    assert (output.buffered_s, output.sync_delay_s) == (0.0, 0.0)
    output.close()

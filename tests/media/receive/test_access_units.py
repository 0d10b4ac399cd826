from __future__ import annotations

import random

import pytest
from av.packet import Packet
from hypothesis import given
from hypothesis import strategies as st

from helpers.h264_streams import (
    ACCESS_UNIT_DELIMITER,
    FILLER,
    SEI_TEXT,
    NeverCompared,
    Sps,
    Vui,
    kind,
    recovery_point,
    through,
    units_of,
    without,
    x264,
)
from rejoin.media.receive.access_units import MAX_RECOVERY_FRAMES, AccessUnit, AccessUnits
from rejoin.media.receive.h264_bits import bytes_of, escape, ue_text, unescape
from rejoin.media.receive.h264_parameters import read_sps
from rejoin.media.video.codec_context import open_codec

REORDERS = "bframes=2:b-adapt=0:b-pyramid=0:keyint=9:min-keyint=9:scenecut=0"


def decoded(units: list[AccessUnit]) -> list[list[int]]:
    """Which pictures come out of the decoder after each access unit, by their number."""
    codec, out = open_codec(), []
    for number, unit in enumerate(units):
        if unit.flush:
            codec.flush_buffers()
        packet = Packet(unit.data)
        packet.pts = number
        out.append([frame.pts for frame in codec.decode(packet) if frame.pts is not None])
    return out


def kinds(unit: AccessUnit) -> list[int]:
    return [kind(each) for each in units_of(unit.data)]


def announcing(pictures: list[list[bytes]], vui: Vui | None) -> list[list[bytes]]:
    """The same pictures, with an SPS that announces something else. Baseline of x264."""
    [old] = [unit for unit in pictures[0] if kind(unit) == 7]
    read = read_sps(old)
    bits = Sps(
        profile_idc=read.profile_idc,
        constraints=read.constraints,
        reference_frames=read.reference_frames,
        picture_order=2,
        vui=vui,
    ).unit()
    return [[bits if unit == old else unit for unit in units] for units in pictures]


# --- key frames -------------------------------------------------------------------------------


def test_parameter_sets_alone_make_no_key_frame() -> None:
    pictures = x264(4)
    sets = [unit for unit in pictures[0] if kind(unit) in (7, 8)]
    repeated = [pictures[0], *([*sets, *units] for units in pictures[1:])]
    assert [unit.key for unit in through(repeated)] == [True, False, False, False]


@pytest.mark.parametrize("frames", [0, 17, MAX_RECOVERY_FRAMES])
def test_a_recovery_point_is_a_key_frame_that_is_whole_later(frames: int) -> None:
    pictures = x264(3)
    pictures[1] = [recovery_point(frames), *pictures[1]]
    units = through(pictures)
    assert [unit.key for unit in units] == [True, True, False]
    assert units[1].recovers_after == frames


def test_a_recovery_that_takes_too_long_is_not_waited_for() -> None:
    pictures = x264(2)
    pictures[1] = [recovery_point(MAX_RECOVERY_FRAMES + 1), *pictures[1]]
    assert not through(pictures)[1].key


def test_intra_refresh_and_open_gop_of_x264_are_recovery_points() -> None:
    refresh = through(x264(40, "intra-refresh=1:keyint=30"))
    assert [unit.recovers_after for unit in refresh if unit.key] == [0, 18]
    open_gop = x264(24, "bframes=2:b-adapt=0:open-gop=1:keyint=10", low_delay=False)
    at = [number for number, unit in enumerate(through(open_gop)) if unit.key]
    assert at == [0, 10, 20]
    assert all(unit.recovers_after == 0 for unit in through(open_gop))


def test_a_key_frame_whose_first_slices_were_lost_is_none() -> None:
    key = without(x264(1, "slices=4")[0], 6)
    slices = [unit for unit in key if kind(unit) == 5]
    for lost, is_key in ((0, True), (2, True), (3, False)):
        access_units = AccessUnits(key[:2])
        unit = access_units.add(key[lost:], after_loss=lost > 0)
        assert unit is not None
        assert unit.key == is_key, f"{lost} of {len(key)} units lost"
    headless = AccessUnits(key[:2]).add(slices[1:])
    assert headless is not None
    assert not headless.key, "joined in mid-picture: no loss is known, and its top is missing"


def test_a_key_frame_without_known_parameter_sets_is_none() -> None:
    key = x264(1)[0]
    for known, is_key in (([], False), (key[:1], False), (key[1:2], False), (key[:2], True)):
        unit = AccessUnits(known).add(without(key, 6, 7, 8))
        assert unit is not None
        assert unit.key == is_key


def test_which_pictures_others_depend_on() -> None:
    units = through(x264(7, REORDERS, low_delay=False))
    assert [unit.reference for unit in units] == [True, True, False, False, True, False, False]


def test_a_key_frame_after_a_loss_may_lack_new_parameter_sets() -> None:
    """Where each key frame brings its own. What was lost may have announced another size."""
    small, large = x264(1, size=(192, 108))[0], x264(1)[0]
    bare = without(large, 6, 7, 8)
    for first, after_loss, is_key in ((small, True, False), (small, False, True)):
        access_units = AccessUnits()
        access_units.add(first)
        unit = access_units.add(bare, after_loss=after_loss)
        assert unit is not None
        assert unit.key == is_key
    access_units = AccessUnits(large[:2])
    for _ in range(2):
        unit = access_units.add(bare, after_loss=True)
        assert unit is not None
        assert unit.key, "this host never sends them"


@pytest.mark.parametrize("damaged", [5, 7, 8])
@pytest.mark.parametrize("which", [0, -1])
def test_a_key_frame_with_a_unit_that_is_marked_as_damaged_is_none(
    damaged: int, which: int
) -> None:
    key = x264(1, "slices=4")[0]
    at = [at for at, unit in enumerate(key) if kind(unit) == damaged][which]
    key[at] = bytes([key[at][0] | 0x80]) + key[at][1:]
    [unit] = through([key])
    assert (unit.key, unit.damaged) == (False, True)
    assert kinds(unit).count(damaged) == sum(kind(each) == damaged for each in key) - 1


def test_a_picture_that_is_damaged_as_a_whole_is_told_by_the_next() -> None:
    key, lost, delta, last = x264(4)
    damaged = [bytes([unit[0] | 0x80]) + unit[1:] for unit in lost]
    units = through([key, damaged, delta, last])
    assert [unit.damaged for unit in units] == [False, True, False]
    units = through([key, damaged, *[[ACCESS_UNIT_DELIMITER]] * 100, delta, last])
    assert [unit.damaged for unit in units] == [False, True, False]


# --- what has no picture ------------------------------------------------------------------------


@pytest.mark.parametrize("extra", [SEI_TEXT, ACCESS_UNIT_DELIMITER, FILLER, b"\x0b", b"\x0a"])
def test_what_has_no_slice_waits_for_the_next_picture(extra: bytes) -> None:
    access_units = AccessUnits()
    key, delta, last = x264(3)
    assert access_units.add(key) is not None
    assert access_units.add([extra]) is None
    assert access_units.add([extra, extra]) is None
    unit = access_units.add(delta)
    assert unit is not None
    assert kinds(unit) == [kind(extra)] * (0 if extra == FILLER else 3) + [1, 1][: len(delta)]
    after = access_units.add(last)
    assert after is not None
    assert kind(extra) not in kinds(after)


def test_parameter_sets_and_a_recovery_point_with_a_time_of_their_own_count_for_the_next() -> None:
    access_units = AccessUnits()
    key, delta = x264(2)
    sets, slices = key[:2], without(key, 6, 7, 8)
    assert access_units.add(sets) is None
    unit = access_units.add(slices)
    assert unit is not None
    assert kinds(unit)[:2] == [7, 8]
    assert access_units.add([recovery_point(4)]) is None
    later = access_units.add(delta)
    assert later is not None
    assert (later.key, later.recovers_after) == (True, 4)


def test_what_waited_for_a_lost_picture_does_not_count_for_another() -> None:
    access_units = AccessUnits()
    key, _, delta = x264(3)
    access_units.add(key)
    access_units.add([recovery_point(0), key[1]])
    unit = access_units.add(delta, after_loss=True)
    assert unit is not None
    assert not unit.key
    assert kinds(unit)[0] == 8, "parameter sets are for all that follow"


@pytest.mark.parametrize("extra", [b"\x06" + bytes(30_000), b"\x09\xf0"])
def test_what_waits_is_bounded(extra: bytes) -> None:
    access_units = AccessUnits()
    key, delta = x264(2)
    access_units.add(key)
    for _ in range(65):
        access_units.add([extra])
    unit = access_units.add(delta)
    assert unit is not None
    assert len(unit.data) < 100_000


def test_layers_and_pictures_for_other_decoders_are_left_out() -> None:
    key = x264(1)[0]
    extra = [b"\x6e\0", b"\x6f\x01", b"\x74\x01", b"\x13\x88", b"\x1e\1", b"\0", b""]
    [unit] = through([[*extra, *key, *extra]])
    assert kinds(unit) == [kind(each) for each in key]


# --- reordering ---------------------------------------------------------------------------------


@pytest.mark.parametrize("vui", [None, Vui(), Vui(full=True)] + [Vui(True, n) for n in (1, 2, 16)])
def test_without_b_slices_each_picture_comes_out_at_once(vui: Vui | None) -> None:
    """Whatever the SPS announces; and pictures that the host leaves out change nothing."""
    pictures = announcing(x264(40, "bframes=0:ref=1"), vui)
    units = through(pictures)
    assert [len(out) for out in decoded(units)] == [1] * 40
    some = [unit for number, unit in enumerate(units) if number % 5 != 4]
    assert [len(out) for out in decoded(some)] == [1] * 32
    assert {unit.reorder_frames for unit in units} == {0}


def test_the_streams_announcement_really_delays() -> None:
    """The same stream without our change: else the test above would show nothing."""
    pictures = announcing(x264(20, "bframes=0:ref=1"), Vui(reorder_frames=2))
    codec = open_codec()
    joined = [b"".join(b"\0\0\0\1" + unit for unit in units) for units in pictures]
    assert [len(codec.decode(Packet(data))) for data in joined][:3] == [0, 0, 1]


def test_from_the_key_frame_after_a_b_slice_on_pictures_are_reordered_as_announced() -> None:
    units = through(x264(27, REORDERS, low_delay=False))
    keys = [number for number, unit in enumerate(units) if unit.key]
    assert keys == [0, 9, 18]
    assert [unit.reorder_frames for unit in units] == [0] * 9 + [1] * 18
    assert [number for number, unit in enumerate(units) if unit.flush] == [9]
    out = decoded(units)
    assert all(len(each) == 1 for each in out[:2])
    late = [number for each in out[9:] for number in each]
    assert len(set(late)) == len(late) == 17, "one of 18 is still held back"
    assert late != sorted(late), "they were not in the order in which they are shown"


def test_streams_that_reorder_and_never_send_an_idr_are_reordered_too() -> None:
    """The key frames after the first are recovery points."""
    for parameters in ("intra-refresh=1:keyint=12", "open-gop=1:keyint=12"):
        reordering = f"bframes=2:b-adapt=0:b-pyramid=0:scenecut=0:{parameters}"
        units = through(x264(60, reordering, low_delay=False))
        second = [number for number, unit in enumerate(units) if unit.key][1]
        assert not any(unit.flush for unit in units)
        out = [number for each in decoded(units)[second + 3 :] for number in each]
        assert len(out) >= 60 - second - 4


# --- parameter sets -----------------------------------------------------------------------------


def test_announced_parameter_sets_are_put_before_the_first_key_frame() -> None:
    pictures = x264(3)
    sets = [unit for unit in pictures[0] if kind(unit) in (7, 8)]
    bare = [without(units, 6, 7, 8) for units in pictures]
    units = through(bare, AccessUnits([b"", b"\x41\x01", *sets, b"\x67\1", b"\x68"]))
    assert kinds(units[0])[:2] == [7, 8]
    assert [len(out) for out in decoded(units)] == [1, 1, 1]
    assert 7 not in kinds(units[1])


def test_every_key_frame_carries_its_parameter_sets() -> None:
    """So that a decoder can begin with any: after an overflow, or in software after hardware."""
    pictures = x264(30, "keyint=10:min-keyint=10:scenecut=0")
    bare = [pictures[0], *(without(units, 6, 7, 8) for units in pictures[1:])]
    units = through(bare)
    assert [len(out) for out in decoded(units[20:])] == [1] * 10


def test_parameter_sets_in_the_stream_win_over_announced_ones() -> None:
    other = x264(1, size=(192, 108))[0]
    units = through(x264(2), AccessUnits(other[:2]))
    assert kinds(units[0]).count(7) == 1
    [frame] = open_codec().decode(Packet(units[0].data))
    assert (frame.width, frame.height) == (320, 180)


def test_two_sets_of_parameters_are_kept_apart() -> None:
    small = x264(1, "sps-id=1", size=(192, 108))[0]
    large = x264(1)[0]
    access_units = AccessUnits([*small[:2], *large[:2]])
    sizes = []
    for units in (small, large, small):
        unit = access_units.add(without(units, 6, 7, 8))
        assert unit is not None
        [frame] = open_codec().decode(Packet(unit.data))
        sizes.append(frame.width)
    assert sizes == [192, 320, 192]


@pytest.mark.parametrize(
    ("pixels", "parameters", "why"),
    [
        ("yuv420p10le", "", "10 bits"),
        ("yuv422p", "", "4:2:2"),
        ("yuv444p", "", "4:4:4"),
        ("yuv420p", "qp=0", "lossless"),
        ("yuv420p", "interlaced=1", "interlaced"),
        ("yuv420p", "fake-interlaced=1", "interlaced"),
    ],
)
def test_every_picture_of_what_is_not_supported_says_so(
    pixels: str, parameters: str, why: str
) -> None:
    units = through([*x264(3, parameters, pixels=pixels), *x264(2)])
    assert [why in (unit.unsupported or "") for unit in units] == [True] * 3 + [False] * 2


def test_a_slice_of_an_unsupported_stream_does_not_hide_behind_another() -> None:
    plain, odd = x264(1)[0], x264(1, "sps-id=1", pixels="yuv444p")[0]
    [unit] = through([[*plain, *odd]])
    assert unit.unsupported is not None


def test_an_unsupported_parameter_set_does_not_hide_behind_one_with_its_number() -> None:
    """Behind the slices, or before them, in units of one RTP time."""
    sps, pps, *slices = without(x264(1)[0], 6)
    odd = Sps(frames_only=False, columns=1000, rows=1000).unit()
    assert read_sps(odd).number == read_sps(sps).number
    behind = through([[odd, pps, *slices, sps]])[0]
    assert behind.unsupported is not None
    for units in ([odd, sps, pps, *slices], [odd, pps, *slices, sps, *slices]):
        [unit] = through([units])
        assert unit.unsupported is None
        assert [
            read_sps(each).unsupported() for each in units_of(unit.data) if kind(each) == 7
        ] == [None]


def test_what_follows_the_last_slice_belongs_to_the_next_picture() -> None:
    pictures = [without(units, 6, 9) for units in x264(4)]
    sets = [unit for unit in pictures[0] if kind(unit) in (7, 8)]
    pictures[1] += [NeverCompared(ACCESS_UNIT_DELIMITER), *sets, NeverCompared(recovery_point(2))]
    units = through(pictures)
    assert [unit.key for unit in units] == [True, False, True, False]
    assert set(kinds(units[1])) == {1}
    assert kinds(units[2])[:5] == [9, 7, 8, 6, 1]
    assert decoded(units) == [[0], [1], [2], [3]]


unit_bytes = st.builds(
    lambda head, rest: bytes([head]) + rest,
    st.sampled_from([0x67, 0x68, 0x65, 0x41, 0x01, 0x06, 0x09, 0x0C, 0x6E]),
    st.binary(max_size=30),
)


@given(st.lists(st.tuples(st.lists(unit_bytes | st.binary(max_size=3), max_size=6), st.booleans())))
def test_no_units_break_it(stream: list[tuple[list[bytes], bool]]) -> None:
    access_units = AccessUnits()
    for units, after_loss in stream:
        access_units.add(units, after_loss=after_loss)


@pytest.mark.parametrize("kind_of_set", [7, 8])
def test_a_parameter_set_that_cannot_be_read_reaches_no_decoder(kind_of_set: int) -> None:
    key = x264(1)[0]
    for broken in (bytes([0x60 | kind_of_set]), bytes([0x60 | kind_of_set]) + bytes(5000)):
        units = [broken if kind(unit) == kind_of_set else unit for unit in key]
        [unit] = through([units])
        assert not unit.key
        assert kind_of_set not in kinds(unit)


def test_a_key_frame_gets_every_known_picture_parameter_set_of_its_sequence() -> None:
    """One that later pictures use may have come before, or with the answer alone."""
    pictures = x264(3)
    sps, pps = pictures[0][:2]
    other = b"\x68" + bytes_of(ue_text(3) + ue_text(0) + "00" + ue_text(0) + "1")
    [unit, *_] = through(pictures, AccessUnits([sps, pps, other]))
    assert kinds(unit)[:3] == [7, 8, 8]
    of_another = b"\x68" + bytes_of(ue_text(3) + ue_text(1) + "00" + ue_text(0) + "1")
    [unit, *_] = through(pictures, AccessUnits([sps, pps, of_another]))
    assert kinds(unit)[:3] == kinds(through(pictures)[0])[:3]


def test_flexible_macroblock_ordering_is_not_supported() -> None:
    """Baseline allows it (A.2.1), FFmpeg does not decode it."""
    pictures = x264(2)
    sets = without(pictures[0], 5, 6)
    several = b"\x68" + bytes_of(ue_text(0) + ue_text(0) + "00" + ue_text(1) + "1" * 20)
    units = through([[sets[0], several, *without(pictures[0], 6, 7, 8)], pictures[1]])
    assert ["FMO" in (unit.unsupported or "") for unit in units] == [True, True]


def test_slices_in_partitions_are_not_supported() -> None:
    key, delta = x264(2)
    parts = [bytes([0x40 | kind]) + without(delta, 6)[0][1:] for kind in (2, 3, 4)]
    assert through([key, parts])[1].unsupported == "slices in partitions"


def test_packets_in_interleaved_order_are_not_supported() -> None:
    [unit] = through([[b"\x19"]])
    assert (unit.unsupported, unit.data, unit.key) == ("packets in interleaved order", b"", False)


@pytest.mark.parametrize("parameters", ["slices=4", "slices=4:cabac=1", "slice-max-mbs=37"])
def test_slices_in_any_order_make_the_same_pictures(parameters: str) -> None:
    """Arbitrary slice order, which Baseline allows."""
    pictures = x264(8, parameters)
    chance = random.Random(1)
    shuffled = []
    for units in pictures:
        slices = [unit for unit in units if kind(unit) in (1, 5)]
        chance.shuffle(slices)
        shuffled.append([unit for unit in units if kind(unit) not in (1, 5)] + slices)
    assert shuffled != pictures
    assert pixels_of(through(shuffled)) == pixels_of(through(pictures))


def pixels_of(units: list[AccessUnit]) -> list[bytes]:
    codec = open_codec()
    frames = [frame for unit in units for frame in codec.decode(Packet(unit.data))]
    return [frame.to_ndarray().tobytes() for frame in frames]


@pytest.mark.parametrize(
    ("pixels", "parameters", "form"),
    [
        ("yuv444p", "", "yuv444p"),
        ("yuv444p", "qp=0", "yuv444p"),
        ("yuv422p", "", "yuv422p"),
        ("yuv420p", "qp=0", "yuv420p"),
    ],
)
def test_where_444_is_offered_its_profile_is_decoded(
    pixels: str, parameters: str, form: str
) -> None:
    pictures = x264(3, parameters, pixels=pixels)
    # x264 writes the smallest profile; the parameter sets of all that have colour are alike
    pictures[0] = [b"\x67\xf4" + unit[2:] if kind(unit) == 7 else unit for unit in pictures[0]]
    units = through(pictures, AccessUnits(allow_444=True))
    assert [unit.unsupported for unit in units] == [None] * 3
    codec = open_codec()
    frames = [frame for unit in units for frame in codec.decode(Packet(unit.data))]
    assert [frame.format.name for frame in frames] == [form] * 3


@pytest.mark.parametrize("announced", [40, 1000])
def test_an_absurd_reordering_depth_delays_nothing(announced: int) -> None:
    pictures = announcing(x264(12, "bframes=0:ref=1"), Vui(reorder_frames=announced))
    assert [len(out) for out in decoded(through(pictures))] == [1] * 12


def test_an_absurd_reordering_depth_with_b_slices_is_the_largest_allowed() -> None:
    """As a decoder would refuse the SPS, every picture would be lost."""
    pictures = x264(60, REORDERS, low_delay=False)
    sets = [unit for unit in pictures[0] if kind(unit) == 7]
    read = read_sps(sets[0])
    assert read.reorder_frames == 1
    bits = read.with_no_reordering()
    absurd = absurd_depth(bits)
    units = through([[absurd if kind(u) == 7 else u for u in each] for each in pictures])
    out = [number for each in decoded(units) for number in each]
    assert len([number for number in out if number >= 9]) >= 60 - 9 - 16


def absurd_depth(sps: bytes) -> bytes:
    """The SPS, whose reordering depth is 0, with one of 40."""
    rbsp = unescape(sps)
    bits = "".join(format(byte, "08b") for byte in rbsp).rstrip("0")[:-1]  # without the stop bit
    buffered = ue_text(read_sps(sps).reference_frames)
    assert bits.endswith(ue_text(0) + buffered)
    return escape(bytes_of(bits[: -len(buffered) - 1] + ue_text(40) + buffered))


def test_what_waits_is_not_read_again_and_again() -> None:
    """Units without a picture come one by one: each is read once, or their time would add up."""
    access_units, reads = AccessUnits(), list[bytes]()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "rejoin.media.receive.access_units.recovery_frame_count",
            reads.append,
        )
        for _ in range(60):
            access_units.add([SEI_TEXT])
    assert len(reads) == 60

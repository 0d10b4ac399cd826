"""Tests for the check of what the sandbox says; the fuzz tests throw anything at it."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rejoin.errors import InputModuleError
from rejoin.input_module import outbox
from rejoin.input_module.outbox import Answer, Sent, Status, parse
from rejoin.input_module.port import Channel


def answer(*lines: str) -> str:
    return "ok\n-1\n0\n" + "\n".join(lines)


def test_an_answer_has_a_status_errors_and_lines() -> None:
    assert parse("ok\n-1\n0\n") == Answer(Status.OK)
    assert parse("threw\n12.5\n3\n") == Answer(Status.THREW, 3)
    assert parse("no module\n-1\n99999999\n") == Answer(Status.NO_MODULE, outbox.MAX_ERRORS)


def test_each_operation_is_one_value() -> None:
    assert parse(
        answer(
            *("i3 00ff", "m3 ", 'I3 "text"', 'M3 "\\u0000"', 'd3 "idle"', "a3 01", 'p3 {"x":1.5}'),
            *("l3 1", "f3 0", 'c3 "none"', 'c3 "url(x)"', "v 1", '? "WebAssembly"'),
            *("h3 [2,250,1,0.5]", "h3 [0,0.5,0,0]"),
        )
    ).said == (
        Sent(3, Channel.INPUT, b"\x00\xff"),
        Sent(3, Channel.MESSAGES, b""),
        Sent(3, Channel.INPUT, "text"),
        Sent(3, Channel.MESSAGES, "\0"),
        outbox.Disconnected(3, "idle"),
        outbox.ApplicationMessage(3, b"\x01"),
        outbox.Performance(3, {"x": 1.5}),
        outbox.PointerLockAsked(3, True),
        outbox.FullScreenAsked(3, False),
        outbox.CursorChanged(3, "none"),
        outbox.CursorChanged(3, "default"),
        outbox.FramesAsked(True),
        outbox.Missing("WebAssembly"),
        outbox.Vibrated(3, 2, 1.0, 0.5, 0.25),
        outbox.Vibrated(3, 0, 0.0, 0.0, 0.0005),
    )


@pytest.mark.parametrize(
    "text",
    [
        *("", "ok", "ok\n-1\n0", "good\n-1\n0\n", "ok\n-1\n-1\n", "ok\n-1\nx\n", "ok\n-1\n٣\n"),
        *map(
            answer,
            [
                *("", "i 00", "i1 0", "i1 0g", "i1 0G", "i1  00", "z1 00", "i1", "i9999999999 00"),
                *("i-1 00", "d1 idle", "d1 5", "l1 2", "l1 true", "v1 1", "v ", "?x"),
                *('p1 []', 'p1 {"x": []}', 'p1 {"x": null}', 'p1 {"x": NaN}', 'p1 {"x": 1e999}'),
                *("p1 " + json.dumps({str(at): 1 for at in range(65)}), 'p1 {"x": 1', "c1 5"),
                *('p1 {"' + "x" * 65 + '": 1}', 'p1 {"x": "' + "y" * 257 + '"}'),
                "p1 " + "[" * 9999,
                *("h1 [4,1,1,1]", "h1 [-1,1,1,1]", "h1 [0,5001,1,1]", "h1 [0,-1,1,1]"),
                *("h1 [0,1,1.5,1]", "h1 [0,1,1,NaN]", "h1 [0,1,1]", "h1 {}", 'h1 [0,1,1,"1"]'),
                *('d1 "' + "x" * 1025 + '"', "a1 " + "00" * 65_537, "i1 " + "00" * 262_145),
                *('c1 "' + "x" * 65 + '"', '? "' + "x" * 65 + '"', "p1 " + "9" * 5000),
            ],
        ),
    ],
)  # fmt: skip
def test_whatever_has_no_meaning_is_an_error(text: str) -> None:
    if text == answer(""):
        text = answer("", "i1 00")
    with pytest.raises(InputModuleError) as caught:
        parse(text)
    assert "xxx" not in str(caught.value)


def test_too_many_lines_are_an_error() -> None:
    parse(answer(*["v 1"] * outbox.MAX_LINES))
    with pytest.raises(InputModuleError):
        parse(answer(*["v 1"] * (outbox.MAX_LINES + 1)))


def test_names_that_cannot_be_printed_are_not_kept() -> None:
    [said] = parse(answer('? "\\u001b[2J"')).said
    assert said == outbox.Missing("(a name that is not printable)")


def test_half_of_a_surrogate_pair_becomes_a_replacement() -> None:
    [said] = parse(answer('I1 "a\\ud800b"')).said
    assert isinstance(said, Sent)
    assert str(said.data).encode()


LINES = st.one_of(
    st.text(max_size=30),
    st.from_regex(r"[imIMdaplfchv?]\d{0,9} ?[^\n]{0,30}", fullmatch=True),
    st.builds(
        lambda operation, value: f"{operation} {json.dumps(value)}",
        st.sampled_from(["d1", "p1", "I1", "M1", "c1", "?", "l1", "i1", "h1"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
            max_leaves=5,
        ),
    ),
)


@given(st.lists(LINES, max_size=5).map(lambda lines: answer(*lines)) | st.text())
@example('ok\n-1\n0\nI1 "\\udfff\\ud800"')
def test_anything_is_an_answer_within_its_bounds_or_an_error(text: str) -> None:
    try:
        parsed = parse(text)
    except InputModuleError:
        return
    assert 0 <= parsed.errors <= outbox.MAX_ERRORS
    for said in parsed.said:
        match said:
            case Sent(_, _, str() as data):
                assert len(data) <= outbox.MAX_MESSAGE_BYTES
                data.encode()
            case outbox.Disconnected(_, reason):
                assert len(reason) <= outbox.MAX_REASON
            case outbox.Performance(_, statistics):
                assert all(isinstance(value, int | float | str) for value in statistics.values())
                json.dumps(statistics, allow_nan=False)
            case outbox.CursorChanged(_, keyword):
                assert keyword in outbox.CURSORS
            case outbox.Vibrated(_, index, strong, weak, duration_s):
                assert 0 <= index < 4
                assert 0 <= min(strong, weak) <= max(strong, weak) <= 1
                assert 0 <= duration_s <= 5
            case outbox.Missing(name):
                assert name.isprintable()
            case _:
                pass

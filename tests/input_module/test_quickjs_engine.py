"""Tests for the engine: scripts, texts both ways, promises, memory."""

from __future__ import annotations

import subprocess
import sys

import pytest

from rejoin.input_module.engine import EngineFactory, ScriptFailedError
from rejoin.input_module.quickjs_engine import MEMORY_BYTES, QuickJS

ECHO = """(() => {
  const { entropy } = globalThis;
  return (text) => text.startsWith("e") ? entropy(4) : text + text;
})()"""
FACTORY: EngineFactory = QuickJS


def test_a_text_goes_in_and_a_text_comes_out() -> None:
    engine = QuickJS(ECHO)
    assert engine.call('["ä\\u0000😀"]') == '["ä\\u0000😀"]' * 2
    assert len(bytes.fromhex(str(engine.call("e")))) == 4
    assert engine.call("e") != engine.call("e")


@pytest.mark.parametrize(
    "script",
    ["throw 1", "throw new Error('x')", "not a script", "a\0b", "new ArrayBuffer(2 ** 30)"],
)
def test_a_script_that_fails_raises_one_error(script: str) -> None:
    with pytest.raises(ScriptFailedError):
        QuickJS(ECHO).evaluate(script)


@pytest.mark.parametrize(
    "function",
    [
        "() => { throw 1; }",
        "() => { throw { toString() { throw 2; } }; }",
        "() => '\\ud800'",
        "() => { const f = () => f() + 1; return f(); }",
        "() => { const a = []; while (true) a.push('x'.repeat(1e6) + a.length); }",
        "() => { let s = 'x'.repeat(9999); return s + s + a.b; }",
    ],
)
def test_a_call_that_fails_raises_one_error(function: str) -> None:
    engine = QuickJS(function)
    for _ in range(2):
        with pytest.raises(ScriptFailedError):
            engine.call("x")


def test_numbers_go_in_and_come_out() -> None:
    assert QuickJS("(text, ...numbers) => numbers[1]").call("x", 3, 0.25) == 0.25


@pytest.mark.parametrize("function", ["() => [5]", "() => undefined", "() => ({})", "() => null"])
def test_what_is_no_text_is_none(function: str) -> None:
    assert QuickJS(function).call("x") == ""


def test_jobs_of_promises_run_when_they_are_asked_to() -> None:
    engine = QuickJS("(text) => String(globalThis.count)")
    engine.evaluate("""
      count = 0;
      const more = () => { count += 1; };
      Promise.resolve().then(more).then(more);
      Promise.reject(new Error("nobody catches it"));
      Promise.resolve().then(() => { throw 1; });
    """)
    assert engine.call("") == "0"
    engine.run_jobs()
    assert engine.call("") == "2"


def test_memory_is_limited_and_the_realm_survives() -> None:
    engine = QuickJS(ECHO)
    for _ in range(3):
        with pytest.raises(ScriptFailedError):
            engine.evaluate(f"globalThis.kept = new Uint8Array({MEMORY_BYTES})")
    assert engine.call("x") == "xx"


def test_importing_the_engine_starts_no_thread() -> None:
    script = (
        "import threading, os; from rejoin.input_module import quickjs_engine;"
        "print(threading.active_count(), len(os.listdir('/proc/self/task')))"
    )
    if sys.platform != "linux":
        script = script.replace("len(os.listdir('/proc/self/task'))", "1")
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert ended.stdout == "1 1\n"

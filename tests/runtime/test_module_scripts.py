"""Scripts are in memory alone: the last one is used at once, and fetched again beside that."""

from __future__ import annotations

import pytest

from rejoin.runtime import module_scripts
from rejoin.runtime.module_scripts import ModuleScripts, Script
from rejoin.signaling.module_script import ScriptUnavailableError

URL = "https://service.example/x.js?Signature=CANARY-1"
SIGNED_ANEW = "https://service.example/x.js?Signature=CANARY-2"


class Fetcher:
    """Answers with these, one after another; the last one stays."""

    def __init__(self, *answers: str | ScriptUnavailableError) -> None:
        self.answers = list(answers)
        self.urls: list[str] = []
        self.prepared = 0

    async def prepare(self) -> None:
        self.prepared += 1

    async def fetch(self, url: str, *, within_s: float) -> str:
        assert 0 < within_s < 10
        self.urls.append(url)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, ScriptUnavailableError):
            raise answer
        return answer


PASSING = ScriptUnavailableError("could not be fetched", final=False)
FINAL = ScriptUnavailableError("must come by https")


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module_scripts, "AGAIN_AFTER_S", (0.0, 0.0))
    monkeypatch.setattr(module_scripts, "REFRESH_AFTER_S", 0.0)


async def test_a_script_is_known_by_origin_and_path_once_it_was_fetched() -> None:
    scripts = ModuleScripts(Fetcher("1"))
    assert scripts.known(URL) is None
    script = await scripts.fetch(URL)
    assert scripts.known(SIGNED_ANEW) == script
    assert scripts.known("https://service.example/y.js") is None
    with pytest.raises(ScriptUnavailableError):
        scripts.known("no URL")


async def test_nothing_of_a_script_is_in_its_repr() -> None:
    script = await ModuleScripts(Fetcher("SECRET")).fetch(URL)
    assert "SECRET" not in repr(script)
    assert "service.example" not in repr(script)


async def test_what_may_have_failed_by_chance_is_tried_three_times() -> None:
    fetcher = Fetcher(PASSING, PASSING, "1")
    assert (await ModuleScripts(fetcher).fetch(URL)).text == "1"
    assert len(fetcher.urls) == 3
    fetcher = Fetcher(PASSING)
    with pytest.raises(ScriptUnavailableError):
        await ModuleScripts(fetcher).fetch(URL)
    assert len(fetcher.urls) == 3
    fetcher = Fetcher(FINAL)
    with pytest.raises(ScriptUnavailableError):
        await ModuleScripts(fetcher).fetch(URL)
    assert len(fetcher.urls) == 1


@pytest.mark.parametrize(("second", "newer"), [("1", []), ("2", ["2"]), (FINAL, []), (PASSING, [])])
async def test_a_refreshed_script_is_passed_on_if_it_has_changed(
    second: str | ScriptUnavailableError, newer: list[str]
) -> None:
    scripts = ModuleScripts(Fetcher("1", second))
    await scripts.fetch(URL)
    seen: list[Script] = []
    await scripts.refresh(SIGNED_ANEW, seen.append)
    assert [script.text for script in seen] == newer
    known = scripts.known(URL)
    assert known is not None
    assert known.text == (newer or ["1"])[0]


async def test_it_gets_ready_without_a_url() -> None:
    fetcher = Fetcher("1")
    await ModuleScripts(fetcher).prepare()
    assert (fetcher.prepared, fetcher.urls) == (1, [])

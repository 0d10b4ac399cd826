"""`dev.py release` in a throwaway clone with a throwaway key; minisign and Rejoin verify it."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest

from rejoin.runtime.updates.build_info import UpdateSource, read_source
from rejoin.runtime.updates.feed import judge
from rejoin.runtime.updates.minisign import PublicKey, verify

ROOT = Path(__file__).parent.parent
RECIPE = ROOT / "packaging" / "release" / "release.py"
NOTES = "https://rejoin.example/notes"
FEED_URL = "https://rejoin.example/rejoin-feed.json"
needs_minisign = pytest.mark.skipif(shutil.which("minisign") is None, reason="no minisign here")


def loaded(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("release_under_test", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(name="recipe")
def _recipe() -> ModuleType:
    return loaded(RECIPE)


# --- version and changelog ------------------------------------------------------------------------


def test_the_version_is_written_in_its_one_place(recipe: ModuleType) -> None:
    text = (ROOT / recipe.VERSION_FILE).read_text(encoding="utf-8")
    changed = recipe.with_version(text, "12.0.3")
    assert recipe.version_in(changed) == "12.0.3"
    assert len(changed.splitlines()) == len(text.splitlines())
    with pytest.raises(recipe.Refused, match="does not say"):
        recipe.version_in("VERSION = 1")


@pytest.mark.parametrize("version", ["1", "1.2", "v1.2.3", "1.2.3rc1", "01.2.3", "1.2.3\n", ""])
def test_a_version_is_three_numbers(recipe: ModuleType, version: str) -> None:
    with pytest.raises(recipe.Refused, match="three numbers"):
        recipe.numbers(version)


def test_the_changelog_is_cut_under_unreleased(recipe: ModuleType) -> None:
    text = (
        "# Changelog\n\n## [Unreleased]\n\n### New\n\n- It.\n\n## [0.1.0] - 2026-01-01\n\n- Old.\n"
    )
    assert recipe.cut(text, "0.2.0", "2026-12-01") == (
        "# Changelog\n\n## [Unreleased]\n\n## [0.2.0] - 2026-12-01\n\n### New\n\n- It.\n\n"
        "## [0.1.0] - 2026-01-01\n\n- Old.\n"
    )
    with pytest.raises(recipe.Refused, match="already"):
        recipe.cut(text, "0.1.0", "2026-12-01")
    empty = "# Changelog\n\n## [Unreleased]\n\n## [0.1.0] - 2026-01-01\n\n- Old.\n"
    for each in (empty, "# Changelog\n"):
        with pytest.raises(recipe.Refused, match="nothing under"):
            recipe.cut(each, "0.2.0", "2026-12-01")


def with_news(changelog: str) -> str:
    """With an entry: right after a release there is none."""
    return changelog.replace("## [Unreleased]\n", "## [Unreleased]\n\n- A change.\n", 1)


def test_this_changelog_can_be_cut(recipe: ModuleType) -> None:
    text = with_news((ROOT / recipe.CHANGELOG).read_text(encoding="utf-8"))
    assert recipe.cut(text, "999.0.0", "2026-12-01").count("\n## [999.0.0] - 2026-12-01\n") == 1


def test_no_other_file_says_the_version_of_the_wheel() -> None:
    """A release would have to change it there, too."""
    said = re.compile(r"rejoin(_client)?[-_]\d+\.\d+\.\d+\b")
    folders = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "dev.py")]
    for folder in ("docs", "packaging", ".github"):
        folders += (path for path in (ROOT / folder).rglob("*") if path.is_file())
    for path in folders:
        if path.suffix in {".md", ".py", ".yml", ".yaml", ".json", ".xml", ".nsi", ""}:
            text = path.read_text(encoding="utf-8", errors="replace")
            assert not said.search(text), path


# --- the whole ------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _committer(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("NAME", "A B"), ("EMAIL", "a@b.example")):
        monkeypatch.setenv(f"GIT_AUTHOR_{name}", value)
        monkeypatch.setenv(f"GIT_COMMITTER_{name}", value)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)


def repository(recipe: ModuleType, folder: Path, names: list[str]) -> Path:
    """One of its own, with these files as they are now, but before a release: this checkout may be
    the commit of one."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, folder / name)
    version = folder / recipe.VERSION_FILE
    version.write_text(recipe.with_version(version.read_text(encoding="utf-8"), "0.1.0"))
    changelog = folder / recipe.CHANGELOG
    changelog.write_text(with_news(changelog.read_text(encoding="utf-8")), encoding="utf-8")
    git(folder, "init", "--quiet", "--initial-branch", "main")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "-m", "All of it")
    return folder


@pytest.fixture(name="clone")
def _clone(recipe: ModuleType, tmp_path: Path) -> Path:
    """What the wheel is made of, and the recipes."""
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        check=False,
        capture_output=True,
    )
    if listed.returncode:
        pytest.skip("this is no checkout")
    files = [name for name in listed.stdout.decode().split("\0") if (ROOT / name).is_file()]
    needed = ("app/", "resources/", "packaging/")
    return repository(
        recipe,
        tmp_path / "clone",
        [name for name in files if "/" not in name or name.startswith(needed)],
    )


@pytest.fixture(name="small")
def _small(recipe: ModuleType, tmp_path: Path) -> Path:
    """What a release changes, alone."""
    return repository(
        recipe,
        tmp_path / "small",
        ["app/rejoin/version.py", str(recipe.CHANGELOG), "README.md", ".gitignore"],
    )


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def new_key(folder: Path) -> Path:
    folder.mkdir()
    key = folder / "release.key"
    make = ["minisign", "-G", "-W", "-p", str(key.with_suffix(".pub")), "-s", str(key)]
    subprocess.run(make, check=True, capture_output=True)
    return key


def released(recipe: ModuleType, clone: Path, monkeypatch: pytest.MonkeyPatch, *flags: str) -> int:
    """As the command line, in the clone; of the artefacts wheel and sdist alone, or a stand-in."""

    def package(root: Path, *, verify: bool) -> None:
        build = root / "packaging" / "wheel" / "build.py"
        if build.exists():
            subprocess.run([sys.executable, str(build)], check=True, cwd=root, capture_output=True)
            (root / "dist" / "sources").mkdir()
            (root / "dist" / "sources" / "ffmpeg.tar.xz").write_text("a tarball")
        else:
            (root / "dist").mkdir()
            (root / "dist" / "an-artefact").write_text("x")

    monkeypatch.setattr(recipe, "ROOT", clone)
    monkeypatch.setattr(recipe, "package", package)
    monkeypatch.setattr(sys, "argv", ["release", *flags])
    code: int = recipe.run_main(recipe.main)
    return code


@needs_minisign
def test_a_release_is_committed_signed_verified_and_tagged_and_a_feed_is_renewed(
    recipe: ModuleType,
    clone: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    key = new_key(tmp_path / "keys")
    flags = ("7.8.9", "--key", str(key), "--notes-url", NOTES, "--updates-url", FEED_URL)
    assert released(recipe, clone, monkeypatch, *flags) == 0
    assert "Nothing was pushed" in capsys.readouterr().out
    assert git(clone, "describe", "HEAD") == "v7.8.9"
    assert git(clone, "status", "--porcelain") == ""
    assert git(clone, "diff", "--name-only", "HEAD~1").split() == [
        recipe.CHANGELOG,
        recipe.VERSION_FILE,
        recipe.UPDATES,
    ]
    source = read_source(git(clone, "show", f"v7.8.9:{recipe.UPDATES}"))
    assert source == UpdateSource(
        FEED_URL, PublicKey.from_text(key.with_suffix(".pub").read_text())
    )
    dist = clone / "dist"
    names = ["rejoin_client-7.8.9-py3-none-any.whl", "rejoin_client-7.8.9.tar.gz"]
    all_of_it = [*names, "ffmpeg.tar.xz"]
    assert [path.name for path in recipe.artefacts(dist)] == all_of_it
    assert " sources/ffmpeg.tar.xz\n" in (dist / "SHA256SUMS").read_text()
    check = ["sha256sum", "--check", "--strict", "SHA256SUMS"]
    subprocess.run(check, check=True, cwd=dist, capture_output=True)

    public = PublicKey.from_text(key.with_suffix(".pub").read_text())
    signed = sorted(dist.rglob("*.minisig"))
    assert sorted(path.stem for path in signed) == sorted(
        [*all_of_it, "SHA256SUMS", "rejoin-feed.json"]
    )
    for path in signed:
        content = path.with_suffix("")
        verify(public, content.read_bytes(), path.read_text())
        by_minisign = ["minisign", "-V", "-q", "-p", str(key.with_suffix(".pub")), "-m"]
        subprocess.run([*by_minisign, str(content)], check=True)

    feed = dist / "rejoin-feed.json"

    def says(now: float) -> str:
        signature = feed.with_name("rejoin-feed.json.minisig").read_bytes()
        found = judge(feed.read_bytes(), signature, public, baseline="0.1.0", now=now)
        assert [name for name, _ in found.hashes] == names
        assert found.newest.notes == NOTES
        return found.newest.version

    assert says(time.time() + 89 * 86400) == "7.8.9"
    content = json.loads(feed.read_text())
    content["expires"] = "2020-01-01T00:00:00Z"
    feed.write_text(json.dumps(content))
    renew = [
        sys.executable,
        str(clone / "packaging/release/renew.py"),
        str(feed),
        "--key",
        str(key),
    ]
    refused = subprocess.run(renew, check=False, capture_output=True, text=True)
    assert refused.returncode == 1
    assert "is not that of" in refused.stderr
    recipe.sign([feed], key, "an old one")
    subprocess.run(renew, check=True, capture_output=True)
    assert says(time.time() + 89 * 86400) == "7.8.9"


@needs_minisign
@pytest.mark.parametrize("what", ["Refused", "OSError", "KeyboardInterrupt"])
def test_what_fails_leaves_no_tag_and_says_how_to_undo_the_commit(
    recipe: ModuleType,
    small: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    what: str,
) -> None:
    key = new_key(tmp_path / "keys")
    before = git(small, "rev-parse", "HEAD")
    kinds = (recipe.Refused, OSError, KeyboardInterrupt)
    [kind] = (each for each in kinds if each.__name__ == what)

    def sums(_: Path) -> str:
        raise kind("the disk is full")

    monkeypatch.setattr(recipe, "sha256", sums)
    code = released(recipe, small, monkeypatch, "7.8.9", "--key", str(key))
    assert code == (130 if what == "KeyboardInterrupt" else 1)
    said = capsys.readouterr().err
    assert ("the disk is full" in said) == (what != "KeyboardInterrupt")
    assert "There is no tag." in said
    assert git(small, "tag", "--list") == ""

    # Begun again, it says the same.
    assert released(recipe, small, monkeypatch, "7.8.9", "--key", str(key)) == 1
    assert "undo it: git reset --keep HEAD~1" in capsys.readouterr().err
    subprocess.run(said.partition("undo it: ")[2].split(), check=True, cwd=small)
    assert git(small, "rev-parse", "HEAD") == before
    assert git(small, "status", "--porcelain") == ""


@needs_minisign
def test_a_commit_that_fails_says_how_to_undo_what_was_written(
    recipe: ModuleType,
    small: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    key = str(new_key(tmp_path / "keys"))
    hook = small / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    flags = ("7.8.9", "--key", key, "--notes-url", NOTES, "--updates-url", FEED_URL)
    assert released(recipe, small, monkeypatch, *flags) == 1
    assert recipe.UPDATES in git(small, "status", "--porcelain")
    undo = capsys.readouterr().err.partition("was written: ")[2].split()
    subprocess.run(undo, check=True, cwd=small)
    assert git(small, "status", "--porcelain") == ""


@needs_minisign
def test_what_cannot_be_released_is_refused_before_anything_changes(
    recipe: ModuleType,
    small: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    key = str(new_key(tmp_path / "keys"))
    mixed = new_key(tmp_path / "others")
    shutil.copyfile(Path(key).with_suffix(".pub"), mixed.with_suffix(".pub"))
    monkeypatch.delenv(recipe.KEY_VARIABLE, raising=False)
    git(small, "tag", "v3.0.0")
    before = git(small, "rev-parse", "HEAD")
    url = ("--updates-url", FEED_URL)
    no_url = ("--updates-url", "http://rejoin.example/rejoin-feed.json")
    for flags, why in (
        (("7.8.9",), "name the secret key"),
        (("7.8.9", "--key", str(tmp_path / "none.key")), "There is no key"),
        (("7.8.9", "--key", str(mixed)), "is not the public key of"),
        (("0.0.9", "--key", key), "newer than 0.0.9"),
        (("3.0.0", "--key", key), "exists already"),
        (("3.0", "--key", key), "three numbers"),
        (("7.8.9", "--key", key, "--notes-url", "http://rejoin.example"), "by https"),
        (("7.8.9", "--key", key, "--notes-url", "https://a@rejoin.example"), "by https"),
        (("7.8.9", "--key", key, *url, "--notes-url", NOTES, *no_url), "--updates-url: "),
        (("7.8.9", "--key", key, *url), "give --notes-url"),
    ):
        assert released(recipe, small, monkeypatch, *flags) == 1
        assert why in capsys.readouterr().err
    with monkeypatch.context() as without:
        git(small, "config", "user.useConfigOnly", "true")
        for name in ("NAME", "EMAIL"):
            without.delenv(f"GIT_COMMITTER_{name}")
        assert released(recipe, small, monkeypatch, "7.8.9", "--key", key) == 1
        assert "git var:" in capsys.readouterr().err
    (small / "README.md").write_text("changed")
    assert released(recipe, small, monkeypatch, "7.8.9", "--key", key) == 1
    assert "not committed" in capsys.readouterr().err
    assert git(small, "rev-parse", "HEAD") == before
    assert git(small, "diff", "--name-only") == "README.md"


def test_the_key_may_come_from_the_environment(
    recipe: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recipe.shutil, "which", lambda name: f"/usr/bin/{name}")
    for name in ("a.key", "a.pub"):
        (tmp_path / name).write_text("")
    monkeypatch.setenv(recipe.KEY_VARIABLE, str(tmp_path / "a.key"))

    class Arguments:
        key = None

    assert recipe.key_of(Arguments) == tmp_path / "a.key"
    monkeypatch.setattr(recipe.shutil, "which", lambda name: None)
    with pytest.raises(recipe.Refused, match="not installed"):
        recipe.key_of(Arguments)

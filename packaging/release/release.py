"""Make a release of this checkout: version, changelog, artefacts, checksums, signatures, tag.

    python packaging/release/release.py VERSION --key FILE [--notes-url URL] [--updates-url URL]
                                        [--verify]

`dev.py release` runs it. In this order, so that what fails leaves no tag: everything that can be
wrong is checked, and the key signs a trial; the version, the changelog and the feed's address with
its key are written and committed; `dev.py package` makes the artefacts from that commit, and proves
them with `--verify`; SHA256SUMS and the feed of newer versions are made; minisign signs and
verifies all of it; the commit is tagged. What fails or is interrupted says how to undo what it has
written. Nothing is pushed or uploaded. Needs git, minisign and Rejoin, which reads addresses and
feed as a build will.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "packaging"))

from shared import run_main  # noqa: E402

VERSION_FILE = "app/rejoin/version.py"
CHANGELOG = "CHANGELOG.md"
UPDATES = "packaging/release/updates.json"
"""What the version's commit says of the feed that its builds ask: address and key. Not there:
they ask nobody."""
SUMS = "SHA256SUMS"
FEED = "rejoin-feed.json"
SOURCES = "sources"
KEY_VARIABLE = "REJOIN_RELEASE_KEY"
CLEANS_UP_WITHIN_S = 20.0
"""Longer than `dev.py package` gives its own children."""
FEED_DAYS = 90
"""How long a feed counts; `renew.py` signs it anew before that."""

_VERSION = re.compile(r"(0|[1-9][0-9]{0,5})\.(0|[1-9][0-9]{0,5})\.(0|[1-9][0-9]{0,5})")
_IN_FILE = re.compile(r'^VERSION: Final = "([^"]+)"$', re.MULTILINE)
_UNRELEASED = "## [Unreleased]\n"


class Refused(Exception):
    """No release; the text is a sentence for a person."""


# --- version and changelog ------------------------------------------------------------------------


def numbers(version: str) -> tuple[int, int, int]:
    """Raises Refused."""
    found = _VERSION.fullmatch(version)
    if found is None:
        raise Refused(f"A version is three numbers, such as 1.2.3, and this is {version!r}.")
    return int(found[1]), int(found[2]), int(found[3])


def version_in(text: str) -> str:
    """Of the text of version.py. Raises Refused."""
    found = _IN_FILE.findall(text)
    if len(found) != 1:
        raise Refused(f"{VERSION_FILE} does not say the version once.")
    return str(found[0])


def with_version(text: str, version: str) -> str:
    """The text of version.py with another version."""
    return _IN_FILE.sub(f'VERSION: Final = "{version}"', text)


def cut(changelog: str, version: str, date: str) -> str:
    """The changelog with what is unreleased as this version's. Raises Refused."""
    before, found, after = changelog.partition(_UNRELEASED)
    entries = re.split(r"^## ", after, maxsplit=1, flags=re.MULTILINE)[0]
    if not found or not entries.strip():
        raise Refused(f"{CHANGELOG} has nothing under [Unreleased].")
    if f"## [{version}]" in changelog:
        raise Refused(f"{CHANGELOG} has a section {version} already.")
    return f"{before}{_UNRELEASED}\n## [{version}] - {date}\n{after}"


# --- checksums, feed, signatures ------------------------------------------------------------------


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def artefacts(dist: Path) -> list[Path]:
    """The files that are published, and the sources that the LGPL wants beside them; the frozen
    program's folder is in the packages."""
    made = [path for path in dist.iterdir() if path.is_file()]
    if (dist / SOURCES).is_dir():
        made += (dist / SOURCES).iterdir()
    ours = {SUMS, FEED}
    return sorted(path for path in made if path.name not in ours and path.suffix != ".minisig")


def feed(version: str, notes_url: str, hashes: dict[str, str], now: datetime) -> str:
    """The text of the feed of newer versions (`rejoin/runtime/updates/feed.py` reads it)."""
    expires = (now + timedelta(days=FEED_DAYS)).strftime("%Y-%m-%dT%H:%M:%SZ")
    content = {
        "product": "rejoin",
        "version": version,
        "notes": notes_url,
        "expires": expires,
        "artefacts": hashes,
    }
    return json.dumps(content, indent=2) + "\n"


def sign(paths: list[Path], key: Path, comment: str) -> None:
    """Writes PATH.minisig beside each; minisign asks for the key's password. Raises Refused."""
    command = ["minisign", "-S", "-s", str(key), "-t", comment, "-m", *map(str, paths)]
    if subprocess.run(command, check=False, stdout=subprocess.DEVNULL).returncode:
        raise Refused("minisign could not sign; see above.")


def verify(paths: list[Path], public: Path) -> None:
    """By minisign itself. Raises Refused."""
    for path in paths:
        command = ["minisign", "-V", "-q", "-p", str(public), "-m", str(path)]
        if subprocess.run(command, check=False).returncode:
            raise Refused(f"The signature of {path.name} is not that of {public}.")


def try_key(key: Path) -> None:
    """Sign and verify something that is not kept, so that a wrong key is noticed before the work.

    Raises Refused.
    """
    with tempfile.TemporaryDirectory() as folder:
        trial = Path(folder) / "a-trial-of-the-key"
        trial.write_bytes(b"")
        print("Trying the key", flush=True)
        sign([trial], key, "a trial")
        try:
            verify([trial], public_of(key))
        except Refused:
            raise Refused(f"{public_of(key)} is not the public key of {key}.") from None


def check_addresses(notes_url: str | None, updates: str | None) -> None:
    """Raises Refused for what a build would not read. `updates`: the text of UPDATES."""
    from rejoin.errors import RejoinError
    from rejoin.runtime.updates.build_info import read_source
    from rejoin.runtime.updates.feed import is_notes_url

    if notes_url is not None and not is_notes_url(notes_url):
        raise Refused(f"The page of notes is at an address by https, and this is {notes_url!r}.")
    if updates is None:
        return
    if notes_url is None:
        raise Refused("A build that asks for a feed needs one: give --notes-url as well.")
    try:
        read_source(updates)
    except RejoinError as error:
        raise Refused(f"--updates-url: {error}") from None


def check_feed(news: Path, key: Path, now: datetime) -> None:
    """Whether a build with this key accepts the signed feed. Raises Refused."""
    from rejoin.errors import RejoinError
    from rejoin.runtime.updates.feed import judge
    from rejoin.runtime.updates.minisign import PublicKey

    signature = news.with_name(news.name + ".minisig").read_bytes()
    content = news.read_bytes()
    version = str(json.loads(content)["version"])
    try:
        public = PublicKey.from_text(public_of(key).read_text(encoding="utf-8"))
        judge(content, signature, public, baseline=version, now=now.timestamp())
    except RejoinError as error:
        raise Refused(f"Rejoin does not accept the feed: {error}") from None


def public_of(key: Path) -> Path:
    """The public key beside the secret one, as `minisign -G -s NAME.key -p NAME.pub` makes them."""
    return key.with_suffix(".pub")


def checked_key(key: Path | None) -> Path:
    """The secret key, if all that is needed to sign is here. Raises Refused."""
    if shutil.which("minisign") is None:
        raise Refused("minisign is not installed (Debian: apt-get install minisign).")
    if key is None:
        raise Refused(
            f"A release is signed: name the secret key of minisign by --key or {KEY_VARIABLE}."
        )
    for each in (key, public_of(key)):
        if not each.is_file():
            raise Refused(f"There is no key {each}.")
    return key


def key_of(arguments: argparse.Namespace) -> Path:
    """From the option or the environment. Raises Refused."""
    named = arguments.key or os.environ.get(KEY_VARIABLE)
    return checked_key(Path(named).expanduser().resolve() if named else None)


# --- git ------------------------------------------------------------------------------------------


def git(root: Path, *arguments: str) -> str:
    """What git says. Raises Refused."""
    done = subprocess.run(
        ["git", "-C", str(root), *arguments], check=False, capture_output=True, text=True
    )
    if done.returncode:
        raise Refused(f"git {arguments[0]}: {done.stderr.strip()}")
    return done.stdout.strip()


def subject(version: str) -> str:
    """Of the commit and the tag."""
    return f"Rejoin {version}"


@contextmanager
def or_undone_by(undo: str) -> Iterator[None]:
    """What fails in here raises Refused, which says how to undo what was written; an interrupt says
    that on standard error."""
    no_tag = f"There is no tag. {undo}"
    try:
        yield
    except (Refused, OSError) as error:  # such as a full disk
        raise Refused(f"{error}\n{no_tag}") from None
    except KeyboardInterrupt:
        print(no_tag, file=sys.stderr)
        raise


def check_tree(root: Path, version: str) -> None:
    """Raises Refused for a tree that cannot be released as this version."""
    if git(root, "status", "--porcelain"):
        raise Refused("There are changes that are not committed; a release is made of a commit.")
    git(root, "var", "GIT_COMMITTER_IDENT")  # root may have no name
    if git(root, "tag", "--list", f"v{version}"):
        raise Refused(f"The tag v{version} exists already.")
    if git(root, "log", "-1", "--format=%s") == subject(version):
        raise Refused(
            f"The last commit is that of a release of {version} that was not finished. To undo it:"
            " git reset --keep HEAD~1"
        )
    now = version_in((root / VERSION_FILE).read_text(encoding="utf-8"))
    if numbers(version) < numbers(now):
        raise Refused(f"The version is {now} already, which is newer than {version}.")


# --- the whole ------------------------------------------------------------------------------------


def package(root: Path, *, verify: bool) -> None:
    """Make the artefacts in `dist/`. Raises Refused."""
    command = [sys.executable, str(root / "dev.py"), "package", "--as-released"]
    command += ["--verify"] if verify else []
    with subprocess.Popen(command, cwd=str(root)) as making:
        try:
            code = making.wait()
        except KeyboardInterrupt:  # reaches it as well, and it cleans up
            with suppress(subprocess.TimeoutExpired):
                making.wait(timeout=CLEANS_UP_WITHIN_S)
            making.kill()
            raise
    if code:
        raise Refused("The artefacts could not be made or proved; see above.")


def updates_of(updates_url: str | None, key: Path) -> str | None:
    """What this version's builds ask, wherever they are made from its commit: the text of UPDATES;
    None: they ask nobody."""
    if updates_url is None:
        return None
    line = public_of(key).read_text(encoding="utf-8").strip().splitlines()[-1]
    content = {"updates_url": updates_url, "updates_key": line}
    return json.dumps(content, indent=2) + "\n"


def write_updates(root: Path, updates: str | None) -> None:
    """`updates`: as `updates_of` returns it."""
    file = root / UPDATES
    if updates is None:
        file.unlink(missing_ok=True)
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(updates, encoding="utf-8")


def release(arguments: argparse.Namespace, root: Path, key: Path) -> None:
    """Raises Refused."""
    version = str(arguments.version)
    numbers(version)
    check_tree(root, version)
    now = datetime.now(UTC)
    file, changelog = root / VERSION_FILE, root / CHANGELOG
    cut_one = cut(changelog.read_text(encoding="utf-8"), version, now.strftime("%Y-%m-%d"))
    updates = updates_of(arguments.updates_url, key)
    check_addresses(arguments.notes_url, updates)
    try_key(key)
    # Nothing but this was changed when it began.
    with or_undone_by("To undo what was written: git restore --staged --worktree :/"):
        changelog.write_text(cut_one, encoding="utf-8")
        file.write_text(with_version(file.read_text(encoding="utf-8"), version), encoding="utf-8")
        write_updates(root, updates)
        git(root, "add", "--all")
        git(root, "commit", "--quiet", "-m", subject(version))
        commit = git(root, "rev-parse", "HEAD")
    undo = f"The commit of the version stays; to undo it: git reset --keep {commit}~1"
    with or_undone_by(undo):
        publish(arguments, root, key, now)
        git(root, "tag", "-a", f"v{version}", "-m", subject(version), commit)


def publish(arguments: argparse.Namespace, root: Path, key: Path, now: datetime) -> None:
    """The artefacts, and what proves them. Raises Refused."""
    dist = root / "dist"
    package(root, verify=arguments.verify)
    made = artefacts(dist)
    hashes = {path.relative_to(dist).as_posix(): sha256(path) for path in made}
    sums = dist / SUMS
    sums.write_text("".join(f"{hashes[each]}  {each}\n" for each in hashes), encoding="utf-8")
    to_sign = [*made, sums]
    if arguments.notes_url is not None:
        news = dist / FEED
        programs = {name: hashes[name] for name in hashes if "/" not in name}
        text = feed(arguments.version, arguments.notes_url, programs, now)
        news.write_text(text, encoding="utf-8")
        to_sign.append(news)
    print("Signing", flush=True)
    sign(to_sign, key, f"rejoin {arguments.version}")
    verify(to_sign, public_of(key))
    if arguments.notes_url is not None:
        check_feed(dist / FEED, key, now)
    for path in to_sign:
        name = path.relative_to(dist).as_posix()
        print(f"{path.stat().st_size:>12}  {name}  signed and verified")


def main() -> int:
    parser = argparse.ArgumentParser(prog="dev.py release", description="Make a release.")
    parser.add_argument("version", help="three numbers: 1.2.3")
    parser.add_argument(
        "--key", help=f"minisign's secret key, with NAME.pub beside it (or {KEY_VARIABLE})"
    )
    parser.add_argument("--notes-url", help="the page that says what is new; without it no feed")
    parser.add_argument("--updates-url", help="where the feed will be; put into the build")
    parser.add_argument(
        "--verify", action="store_true", help="prove the artefacts before they are signed"
    )
    arguments = parser.parse_args()
    try:
        release(arguments, ROOT, key_of(arguments))
    except (Refused, OSError) as error:
        print(str(error), file=sys.stderr)
        return 1
    print(f"v{arguments.version} is tagged. Nothing was pushed: publish dist/, then push the tag.")
    return 0


if __name__ == "__main__":
    sys.exit(run_main(main))

"""What `dev.py package` makes: wheel and sdist in full; of the frozen program its entry and recipe;
the Debian package around a stand-in for the frozen program.

PyInstaller does not run here: `dev.py package --verify` proves the real package, and takes minutes.
"""

from __future__ import annotations

import configparser
import hashlib
import importlib.util
import io
import json
import os
import re
import runpy
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree as ET

import pytest
from PySide6.QtCore import QLibraryInfo

from rejoin.child_program import CHILD, PROGRAMS
from rejoin.runtime.deep_link import SCHEME
from rejoin.version import VERSION

ROOT = Path(__file__).parent.parent
DEB = ROOT / "packaging" / "deb"
needs_dpkg = pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="dpkg is not here")


def recipe(name: str) -> ModuleType:
    """The module packaging/NAME/build.py."""
    return loaded(f"{name}/build")


def loaded(name: str) -> ModuleType:
    """A module of packaging."""
    path = ROOT / "packaging" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name.replace("/", "_"), path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


# --- wheel and sdist ------------------------------------------------------------------------------


def copy_of_the_sources(to: Path) -> Path:
    """Another folder, with other dates."""
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        check=False,
        capture_output=True,
    )
    if listed.returncode:
        pytest.skip("this is no checkout")
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, to / name)
    return to


def test_wheel_and_sdist_are_the_same_bytes_from_two_folders(tmp_path: Path) -> None:
    build = recipe("wheel").build
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    older = first / "rejoin_client-0.0.1-py3-none-any.whl"  # is left alone
    older.write_text("")
    here = build(copy_of_the_sources(tmp_path / "a"), first, "1790000000")
    (tmp_path / "b" / "deeper").mkdir(parents=True)
    elsewhere = copy_of_the_sources(tmp_path / "b" / "deeper")
    for path in elsewhere.rglob("*"):  # another umask
        path.chmod(0o700 if path.is_dir() else 0o600)
    there = build(elsewhere, second, "1790000000")
    assert [each.name for each in here] == [
        f"rejoin_client-{VERSION}.tar.gz",
        f"rejoin_client-{VERSION}-py3-none-any.whl",
    ]
    assert set(first.iterdir()) == {older, *here}
    for one, other in zip(here, there, strict=True):
        assert one.read_bytes() == other.read_bytes(), one.name


def test_the_sdist_has_what_a_checkout_has_and_no_caches(tmp_path: Path) -> None:
    source = copy_of_the_sources(tmp_path / "source")
    (source / ".import_linter_cache").mkdir()
    (source / ".import_linter_cache" / "x.json").write_text("{}")
    sdist, _ = recipe("wheel").build(source, tmp_path / "dist", "1790000000")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"dev.py", "requirements.lock", ".ci/run", "tests/test_artefacts.py"} <= names
    assert not [name for name in names if "cache" in name.split("/")[0]]


# --- the frozen program ---------------------------------------------------------------------------


def run_entry(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The frozen program's first script, with an interpreter that says that it is frozen."""
    entry = str(ROOT / "packaging" / "frozen" / "entry.py")
    script = (
        "import runpy, sys; sys.frozen = True; sys.argv = [sys.argv[1], *sys.argv[2:]]; "
        "runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    return subprocess.run(
        [sys.executable, "-c", script, entry, *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=240,
    )


def test_the_entry_is_the_command_line() -> None:
    done = run_entry("--version")
    assert (done.returncode, done.stdout) == (0, f"rejoin, version {VERSION}\n")


def test_the_entry_runs_child_programs() -> None:
    """A frozen Rejoin has no `python -m`: it starts itself."""
    done = run_entry(CHILD, "no-such-program")
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    for name in PROGRAMS:
        assert importlib.util.find_spec(PROGRAMS[name]) is not None


def test_a_browser_gets_the_environment_that_the_program_was_started_with(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "QT_PLUGIN_PATH", "QML2_IMPORT_PATH"):
        monkeypatch.setenv(name, "/opt/rejoin/_internal")
    monkeypatch.setenv("LD_LIBRARY_PATH_ORIG", "/home/me/lib")
    monkeypatch.setenv("_PYI_ARCHIVE_FILE", "/opt/rejoin/rejoin")
    monkeypatch.setenv("_PYI_PARENT_PROCESS_LEVEL", "1")
    entry = runpy.run_path(str(ROOT / "packaging" / "frozen" / "entry.py"), run_name="entry")
    entry["restore_environment"]()
    assert "/opt/rejoin/_internal" not in os.environ.values()
    assert os.environ["LD_LIBRARY_PATH"] == "/home/me/lib"
    assert "LD_LIBRARY_PATH_ORIG" not in os.environ
    assert not [name for name in os.environ if name.startswith("_PYI_")]


def test_the_recipe_leaves_out_what_nobody_uses_and_keeps_what_is_used() -> None:
    left_out = loaded("shared").LEFT_OUT
    plugins = "PySide6/Qt/plugins"
    for name in (
        f"{plugins}/platformthemes/libqgtk3.so",
        f"{plugins}/platforms/libqeglfs.so",
        f"{plugins}/platforms/libqvnc.so",
        "PySide6/Qt/translations/qtbase_fr.qm",
        "PySide6/Qt/translations/qt_de.qm",
        "PySide6/translations/designer_ja.qm",
        "PySide6/Qt/lib/libQt6EglFsKmsSupport.so.6",
        "sdl2dll/dll/libSDL2_mixer-2.0.so",
        "sdl2dll/dll/SDL2_ttf.dll",
        "sdl2dll/dll/libtiff.so.5",
        "_sounddevice_data/portaudio-binaries/libportaudio64bit-asio.dll",
        "PySide6/Qt/lib/QtQml.framework/Versions/A/QtQml",
        "PySide6/Qt6QuickWidgets.dll",
        "av-18.1.0.dist-info/direct_url.json",
        "av-18.1.0.dist-info/licenses/__pycache__/AUTHORS.cpython-311.pyc",
    ):
        assert left_out.search(name), name
    for name in (
        f"{plugins}/platforms/libqxcb.so",
        f"{plugins}/platforms/libqwayland.so",
        f"{plugins}/platforms/libqoffscreen.so",
        f"{plugins}/platformthemes/libqxdgdesktopportal.so",
        f"{plugins}/xcbglintegrations/libqxcb-glx-integration.so",
        "PySide6/Qt/lib/libQt6Widgets.so.6",
        "sdl2dll/dll/libSDL2-2.0.so",
        "sdl2dll/dll/SDL2.dll",
        "sdl2dll/dll/SDL2.framework/Versions/A/SDL2",
        "_sounddevice_data/portaudio-binaries/libportaudio64bit.dll",
        "PySide6/plugins/platforms/qwindows.dll",
        "av-18.1.0.dist-info/METADATA",
        "av-18.1.0.dist-info/licenses/AUTHORS.py",
    ):
        assert not left_out.search(name), name
    # Qt's own texts, in every language that Rejoin speaks and Qt has.
    qt = Path(QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath))
    for catalogue in (ROOT / "resources" / "languages").glob("*.po"):
        texts = f"qtbase_{catalogue.stem}.qm"
        assert (qt / texts).exists(), texts
        assert not left_out.search(f"PySide6/Qt/translations/{texts}"), texts


def test_libraries_look_for_others_in_no_folder_of_the_machine_that_built_them(
    tmp_path: Path,
) -> None:
    module = recipe("frozen")
    assert module.without_absolute("/home/a/lib:$ORIGIN/../lib") == "$ORIGIN/../lib"
    assert module.without_absolute("") == ""
    if shutil.which("patchelf") is None or shutil.which("gcc") is None:
        pytest.skip("no patchelf or no gcc here")
    runpaths = {"bad.so": "/home/a/lib", "both.so.1": "$ORIGIN:/opt/x", "good.so": "$ORIGIN/../lib"}
    for name, runpath in runpaths.items():
        made = ["gcc", "-shared", "-x", "c", "/dev/null", f"-Wl,-rpath={runpath}"]
        subprocess.run([*made, "-o", str(tmp_path / name)], check=True)
    assert module.clean_runpaths(tmp_path) == 2
    for name, runpath in (("bad.so", ""), ("both.so.1", "$ORIGIN"), ("good.so", "$ORIGIN/../lib")):
        asked = ["patchelf", "--print-rpath", str(tmp_path / name)]
        assert subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip() == (
            runpath
        )
    assert b"/home/a" not in (tmp_path / "bad.so").read_bytes()


# --- the Debian package ---------------------------------------------------------------------------


@pytest.fixture
def packaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Builds the package around a program that only knows shell completion."""
    module = recipe("deb")
    frozen = tmp_path / "rejoin"
    frozen.mkdir()
    program = frozen / "rejoin"
    program.write_text('#!/bin/sh\necho "completes for $_REJOIN_COMPLETE"\n')
    program.chmod(0o700)
    (frozen / "_internal").mkdir()
    (frozen / "_internal" / "a.txt").write_text("a file")
    (frozen / "_internal" / "a.txt").chmod(0o600)
    licences = frozen / "_internal" / "rejoin" / "_resources" / "licences"
    licences.mkdir(parents=True)
    (licences / "NOTICE.txt").write_text("all licences")
    (licences / "sbom.cdx.json").write_text("{}")
    monkeypatch.setattr(module, "depends", lambda tree, work: "libc6 (>= 2.36)")

    def build() -> Path:
        made: Path = module.build(frozen, tmp_path / "dist", tmp_path / "work", "A B <a@b.example>")
        return made

    return build


@needs_dpkg
def test_the_package_puts_everything_in_its_place(packaged: Callable[..., Path]) -> None:
    package = packaged()
    listed = subprocess.run(
        ["dpkg-deb", "--contents", str(package)], check=True, capture_output=True, text=True
    ).stdout
    rows = {line.split()[5].lstrip("."): line.split()[:2] for line in listed.splitlines()}
    assert rows["/usr/lib/rejoin/_internal/a.txt"] == ["-rw-r--r--", "root/root"]
    assert rows["/usr/lib/rejoin/rejoin"][1] == "root/root"
    assert rows["/usr/bin/rejoin"][0].startswith("l")
    for place in (
        "/usr/share/applications/rejoin.desktop",
        "/usr/share/icons/hicolor/256x256/apps/rejoin.png",
        "/usr/share/icons/hicolor/scalable/apps/rejoin.svg",
        "/usr/share/bash-completion/completions/rejoin",
        "/usr/share/doc/rejoin/copyright",
        "/usr/share/doc/rejoin/NOTICE.txt.gz",
        "/usr/share/doc/rejoin/sbom.cdx.json.gz",
        "/usr/share/doc/rejoin/NEWS.gz",
        "/usr/share/lintian/overrides/rejoin",
        "/usr/share/man/man1/rejoin.1.gz",
    ):
        assert place in rows


@needs_dpkg
def test_the_package_has_the_same_bytes_whenever_it_is_made(
    packaged: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1790000000")
    first = packaged().read_bytes()
    for path in (tmp_path / "rejoin").rglob("*"):
        os.utime(path, (1_500_000_000, 1_500_000_000))
    umask = os.umask(0o077)
    try:
        assert packaged().read_bytes() == first
    finally:
        os.umask(umask)
    listed = subprocess.run(
        ["dpkg-deb", "--contents", str(tmp_path / "dist" / packaged().name)],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "TZ": "UTC"},
    ).stdout
    assert {line.split()[3] for line in listed.splitlines()} == {"2026-09-21"}


@needs_dpkg
def test_the_package_says_what_it_is(packaged: Callable[..., Path]) -> None:
    package = packaged()
    fields = subprocess.run(
        ["dpkg-deb", "--field", str(package)], check=True, capture_output=True, text=True
    ).stdout
    architecture = subprocess.run(
        ["dpkg", "--print-architecture"], check=True, capture_output=True, text=True
    ).stdout.strip()
    assert package.name == f"rejoin_{VERSION}_{architecture}.deb"
    assert f"\nVersion: {VERSION}\n" in fields
    assert "\nDepends: libc6 (>= 2.36)\n" in fields
    assert "\nMaintainer: A B <a@b.example>\n" in fields
    assert "\nDescription: play games streamed by" in fields
    scripts = subprocess.run(
        ["dpkg-deb", "--ctrl-tarfile", str(package)], check=True, capture_output=True
    ).stdout
    assert b"postinst" not in scripts
    with tarfile.open(fileobj=io.BytesIO(scripts)) as archive:
        sums = archive.extractfile("./md5sums")
        assert sums is not None
        lines = [line.partition("  ") for line in sums.read().decode().splitlines()]
    rows = {name: digest for digest, _, name in lines}
    file = "usr/lib/rejoin/_internal/a.txt"
    assert rows[file] == hashlib.md5(b"a file", usedforsecurity=False).hexdigest()
    assert "usr/bin/rejoin" not in rows, "a link has no sum"


@pytest.mark.skipif(shutil.which("dpkg-parsechangelog") is None, reason="no dpkg-dev here")
def test_the_changelog_is_one_of_debian(tmp_path: Path) -> None:
    file = tmp_path / "changelog"
    file.write_text(recipe("deb").changelog("A B <a@b.example>", 1790000000))
    read = ["dpkg-parsechangelog", "--all", "-l", str(file)]
    done = subprocess.run(read, check=True, capture_output=True, text=True)
    assert done.stderr == ""
    assert f"\nVersion: {VERSION}\n" in done.stdout
    assert "\nTimestamp: 1790000000\n" in done.stdout


def test_the_man_page_has_what_help_says_and_no_line_is_a_request() -> None:
    page = recipe("deb").man_page("Usage: rejoin\n\n.dot 'a\n'quote\n  -v  C:\\x\n")
    for line in ("\\&.dot 'a", "\\&'quote", "  \\-v  C:\\ex"):
        assert f"\n{line}\n" in page
    requests = {line.split()[0] for line in page.splitlines() if line.startswith((".", "'"))}
    assert requests == {".TH", ".SH", ".nf", ".fi", ".PP"}


@needs_dpkg
def test_the_proof_upgrades_from_a_lower_version_with_one_file_more(
    packaged: Callable[..., Path], tmp_path: Path
) -> None:
    verify = loaded("deb/verify")
    package = packaged()
    older = verify.older_of(package, tmp_path)

    def asked(path: Path, *question: str) -> str:
        command = ["dpkg-deb", *question, str(path)]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    old, new = (asked(path, "--show", "--showformat=${Version}") for path in (older, package))
    subprocess.run(["dpkg", "--compare-versions", old, "lt", new], check=True)
    listed = [
        {line.split()[5] for line in asked(path, "--contents").splitlines()}
        for path in (older, package)
    ]
    assert listed[0] - listed[1] == {f".{verify.ONLY_IN_OLDER}"}
    assert listed[1] <= listed[0]


def test_a_package_that_is_too_large_is_refused(tmp_path: Path) -> None:
    module = recipe("deb")
    package = tmp_path / "rejoin.deb"
    with package.open("wb") as file:
        file.truncate(module.LARGEST)
    module.check_size(package)
    with package.open("ab") as file:
        file.write(b"1")
    with pytest.raises(module.Refused, match="more than 80 MB"):
        module.check_size(package)


def test_the_menu_entry_opens_links() -> None:
    entry = configparser.ConfigParser(interpolation=None, delimiters=("=",))
    entry.optionxform = str  # type: ignore[assignment,method-assign]
    entry.read(DEB / "rejoin.desktop", encoding="utf-8")
    section = entry["Desktop Entry"]
    assert section["Exec"] == "rejoin home %u"
    assert section["MimeType"] == f"x-scheme-handler/{SCHEME};"


def test_the_menu_entry_is_valid() -> None:
    said = _said_by("desktop-file-validate", str(DEB / "rejoin.desktop"))
    assert said == ""


def test_the_metadata_are_valid() -> None:
    """appstreamcli 1.0 (Debian 13) misses a homepage, which Rejoin does not have yet; that of
    Debian 12 does not know how to be told so."""
    file = str(DEB / "invalid.rejoin.Rejoin.metainfo.xml")
    said = _said_by("appstreamcli", "validate", "--no-net", "--no-color", file)
    assert "Validation" in said
    warned = re.findall(r"^[EW]: \S+ (\S+)", said, re.MULTILINE)
    assert set(warned) <= {"url-homepage-missing"}, said


def _said_by(*command: str) -> str:
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not here")
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=240)
    return done.stdout + done.stderr


def test_the_metadata_names_the_menu_entry_and_the_scheme() -> None:
    root = ET.parse(DEB / "invalid.rejoin.Rejoin.metainfo.xml").getroot()
    assert root.findtext("launchable") == "rejoin.desktop"
    assert root.findtext("provides/mediatype") == f"x-scheme-handler/{SCHEME}"
    assert json.dumps(root.findtext("id")) == '"invalid.rejoin.Rejoin"'

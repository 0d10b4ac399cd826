"""What a packaged program says it is made of, and the recipe of its FFmpeg: nothing is built here.

The program is a stand-in of a few files; the distributions are those of this environment.
"""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.util
import json
import re
import subprocess
import sys
import sysconfig
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from rejoin.runtime.licences import TEXTS_FOLLOW
from rejoin.version import VERSION

ROOT = Path(__file__).parent.parent
SITE = Path(sysconfig.get_path("platlib"))
AT = datetime(2026, 11, 30, tzinfo=UTC)
OPTIONS = ("--disable-everything", "--enable-decoder=h264,libopus")

OTHER_SYSTEMS = {
    "darwin": [
        "PySide6/Qt/lib/QtCore.framework/Versions/A/QtCore",
        "PySide6/Qt/plugins/imageformats/libqjpeg.dylib",
        "PySide6/Qt/plugins/platforms/libqcocoa.dylib",
        "PySide6/Qt/plugins/styles/libqmacstyle.dylib",
        "PySide6/QtCore.abi3.so",
        "PySide6/libpyside6.abi3.6.11.dylib",
        "shiboken6/libshiboken6.abi3.6.11.dylib",
        "google_crc32c/.dylibs/libcrc32c.1.1.0.dylib",
        "sdl2dll/dll/SDL2.framework/Versions/A/SDL2",
        "_sounddevice_data/portaudio-binaries/libportaudio.dylib",
        *("Python.framework/Versions/3.11/Python", "libavcodec.62.dylib", "libopus.0.dylib"),
        *("libssl.3.dylib", "libcrypto.3.dylib"),
    ],
    "win32": [
        *("PySide6/Qt6Core.dll", "PySide6/pyside6.abi3.dll", "PySide6/vcruntime140_1.dll"),
        *("PySide6/msvcp140_codecvt_ids.dll", "PySide6/vccorlib140.dll"),
        "PySide6/plugins/platforms/qwindows.dll",
        *("shiboken6/shiboken6.abi3.dll", "shiboken6/concrt140.dll"),
        *("numpy.libs/libscipy_openblas64_-63c8.dll", "numpy.libs/msvcp140-a4c2.dll"),
        *("google_crc32c/extra-dll/crc32c.dll", "sdl2dll/dll/SDL2.dll"),
        "_sounddevice_data/portaudio-binaries/libportaudio64bit.dll",
        *("python311.dll", "vcruntime140.dll", "libcrypto-3.dll", "libffi-8.dll", "sqlite3.dll"),
        *("avcodec-62.dll", "avutil-60.dll", "swscale-9.dll", "swresample-6.dll"),
    ],
}
"""Libraries in the wheels of the player's lock (seen), and what FFmpeg and Python are called."""

PROGRAM = {
    "libavcodec.so.62": b"FFmpeg",
    "libavutil.so.60": b"FFmpeg",
    "rejoin/_resources/report/uPlot.iife.min.js": b"/*! https://.../uPlot (v1.6.32) */",
    "libpython3.11.so.1.0": b"CPython",
    "PySide6/Qt/lib/libQt6Gui.so.6": b"..libpng version 1.6.59..",
    "PySide6/Qt/lib/libicuuc.so.73": b"..73.2..",
    "pylibsrtp/_binding.abi3.so": b"..libsrtp2 2.7.0..OpenSSL 3.5.4..",
    "numpy.libs/libquadmath-1f.so.0.0.0": b"GCC",
}


def recipe(name: str) -> ModuleType:
    """The module packaging/NAME/build.py."""
    spec = importlib.util.spec_from_file_location(
        f"recipe_{name}", ROOT / "packaging" / name / "build.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module", name="licences")
def _licences() -> ModuleType:
    return recipe("licences")


@pytest.fixture(scope="module", name="ffmpeg")
def _ffmpeg() -> ModuleType:
    return recipe("ffmpeg")


@pytest.fixture(scope="module", name="what")
def _what(licences: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Any:
    internal = tmp_path_factory.mktemp("frozen")
    for name, content in PROGRAM.items():
        (internal / name).parent.mkdir(parents=True, exist_ok=True)
        (internal / name).write_bytes(content)
    return licences.contents(internal, SITE, {"aiortc": "ab" * 32}, OPTIONS)


@pytest.fixture(scope="module", name="bill")
def _bill(licences: ModuleType, what: Any) -> str:
    text: str = licences.bill(what, AT)
    return text


def named(components: list[dict[str, Any]], name: str) -> dict[str, Any]:
    [found] = (each for each in components if each["name"] == name)
    return found


# --- the bill of materials ------------------------------------------------------------------------


def test_the_bill_is_valid_by_the_schema(bill: str) -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(bill) is None


def test_the_bill_is_the_same_for_the_same_program(
    licences: ModuleType, what: Any, bill: str
) -> None:
    assert licences.bill(what, AT) == bill


def test_the_time_in_the_bill_is_that_of_the_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = importlib.util.spec_from_file_location("shared_by_recipes", ROOT / "packaging/shared.py")
    assert spec is not None
    assert spec.loader is not None
    shared = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(shared)
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    monkeypatch.setenv("GIT_COMMITTER_DATE", "1790000000 +0200")
    assert shared.date_of(tmp_path) == shared.NO_CHECKOUT
    for command in (
        ("init", "--quiet"),
        (
            "-c",
            "user.name=A",
            "-c",
            "user.email=a@b.example",
            "commit",
            "--allow-empty",
            "-qm",
            "x",
        ),
    ):
        subprocess.run(["git", "-C", str(tmp_path), *command], check=True)
    assert shared.date_of(tmp_path) == 1790000000
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1234567890")
    assert shared.date_of(tmp_path) == 1234567890
    for name in ("licences/build.py", "flatpak/finish.py"):
        text = (ROOT / "packaging" / name).read_text(encoding="utf-8")
        assert "fromtimestamp(date_of(), UTC)" in text
        assert ".now(" not in text


def test_the_bill_names_distributions_with_licences_and_hashes(bill: str) -> None:
    content = json.loads(bill)
    assert content["metadata"]["component"]["version"] == VERSION
    assert content["metadata"]["timestamp"].startswith("2026-11-30")
    aiortc = named(content["components"], "aiortc")
    assert aiortc["licenses"] == [{"license": {"id": "BSD-3-Clause"}}]
    assert aiortc["purl"].startswith("pkg:pypi/aiortc@")
    assert aiortc["hashes"] == [{"alg": "SHA-256", "content": "ab" * 32}]
    assert "rejoin-client" not in {each["name"] for each in content["components"]}
    unsaid = [each["name"] for each in content["components"] if not each.get("licenses")]
    assert not unsaid


def test_the_bill_names_the_c_libraries_inside_of_wheels(bill: str) -> None:
    components = json.loads(bill)["components"]
    srtp = named(components, "pylibsrtp")["components"]
    assert named(srtp, "libsrtp")["version"] == "2.7.0"
    assert named(srtp, "OpenSSL")["version"] == "3.5.4"
    qt = named(components, "PySide6_Essentials")
    assert named(qt["components"], "Qt")["version"] == qt["version"]
    assert named(qt["components"], "libpng")["version"] == "1.6.59"
    assert named(qt["components"], "ICU")["version"] == "73.2"
    # By the wheels' own bills (PEP 770):
    rust = named(components, "cryptography")["components"]
    assert [
        each["version"] for each in rust if each.get("purl", "").startswith("pkg:generic/openssl")
    ]
    assert [each for each in rust if each.get("purl", "").startswith("pkg:cargo/")]


def test_the_bill_says_how_ffmpeg_was_made(bill: str, ffmpeg: ModuleType) -> None:
    found = named(json.loads(bill)["components"], "FFmpeg")
    assert found["version"] == ffmpeg.FFMPEG.version
    assert found["licenses"] == [{"license": {"id": "LGPL-2.1-or-later"}}]
    assert found["hashes"][0]["content"] == hashlib.sha256(PROGRAM["libavcodec.so.62"]).hexdigest()
    [source] = found["externalReferences"]
    assert source["hashes"][0]["content"] == ffmpeg.FFMPEG.sha256
    assert found["properties"][0]["value"] == " ".join(OPTIONS)


def test_bill_and_notice_name_the_files_with_the_source_of_this_qt(
    licences: ModuleType, what: Any, bill: str
) -> None:
    components = json.loads(bill)["components"]
    notice = licences.notice(what).split(TEXTS_FOLLOW)[0]
    version = named(components, "PySide6_Essentials")["version"]
    files = {}
    for name in ("PySide6_Essentials", "shiboken6"):
        found = named(components, name)["externalReferences"]
        assert {each["type"] for each in found} == {"source-distribution"}
        files[name] = [each["url"] for each in found]
        for url in files[name]:
            assert url.startswith("https://download.qt.io/official_releases/")
            assert url.endswith(f"-everywhere-src-{version}.tar.xz")
            assert notice.count(f"  {url}\n") == 1
    modules = {url.rpartition("/")[2].partition("-")[0] for url in files["PySide6_Essentials"]}
    assert modules == {"qtbase", "qtsvg", "qttranslations", "qtwayland", "pyside"}
    assert set(files["shiboken6"]) <= set(files["PySide6_Essentials"])


def test_a_library_that_nobody_names_stops_the_packaging(licences: ModuleType) -> None:
    recorded = {"mine/_speed.cpython-311-x86_64-linux-gnu.so", "mine.libs/libx264-1f.so.165"}
    licences.check_named([min(recorded - {"mine.libs/libx264-1f.so.165"})], [], recorded)
    with pytest.raises(licences.Unnamed, match=r"libx264-1f\.so\.165$"):
        licences.check_named(sorted(recorded), licences.libraries(), recorded)
    with pytest.raises(licences.Unnamed, match="stranger"):
        licences.check_named(["stranger.abi3.so"], licences.libraries(), recorded)


@pytest.mark.parametrize("system", OTHER_SYSTEMS)
def test_what_the_recipe_keeps_of_wheels_for_other_systems_is_named(
    licences: ModuleType, system: str
) -> None:
    names = OTHER_SYSTEMS[system]
    assert all(licences.SHARED.search(name) for name in names)
    licences.check_named(names, licences.libraries(), set(names))
    for strange in ("libx264.164.dylib", "x264.dll", "A.framework/Versions/A/A"):
        with pytest.raises(licences.Unnamed, match=r"x264|A$"):
            licences.check_named([*names, strange], licences.libraries(), set(names))


def test_the_notice_says_where_the_replaceable_libraries_are_on_each_system(
    licences: ModuleType, ffmpeg: ModuleType, what: Any
) -> None:
    assert set(licences.PLACES) == {*ffmpeg.SOURCES, "flatpak"}
    for system, place in (
        ("darwin", "Contents/Frameworks/libav*.dylib"),
        ("win32", "sw*.dll"),
        ("flatpak", "/app/lib/libav*.so.*"),
    ):
        assert place in licences.notice(dataclasses.replace(what, system=system))
    assert "_internal/libav*.so.*" in licences.notice(what)


def test_the_table_has_texts_sources_and_distributions_that_exist(licences: ModuleType) -> None:
    lock = (ROOT / "packaging" / "locks" / "player.lock").read_text(encoding="utf-8")
    used = set()
    for library in licences.libraries():
        assert library.source.startswith(("https://", "http://www.libpng.org/"))
        if library.brought_by not in licences.tables.OWN:
            assert f"\n{library.brought_by}==" in lock, library.name
        assert library.texts or library.brought_by == "numpy", library.name
        used |= set(library.texts)
    for row in (
        *licences.tables.qt_parts(),
        *licences.tables.crates(),
        *licences.tables.standard(),
    ):
        used |= set(row.texts)
    assert {f"{name}.txt" for name in used} == {
        path.relative_to(licences.TEXTS).as_posix() for path in licences.TEXTS.rglob("*.txt")
    }


# --- the notice -----------------------------------------------------------------------------------


def test_the_notice_has_everything_that_a_lawyer_looks_for(
    licences: ModuleType, ffmpeg: ModuleType, what: Any
) -> None:
    text = licences.notice(what)
    table, texts = text.split(TEXTS_FOLLOW)
    for words in (
        "not made, approved or supported by Amazon",
        "H.264/AVC may need a licence of patents",
        "put a library of your own",
        ffmpeg.FFMPEG.sha256,
        "--enable-decoder=h264,libopus",
        "Independent JPEG",
    ):
        assert words in table, words
    assert re.search(r"^FFmpeg +8\.\S+ +LGPL-2.1-or-later$", table, re.MULTILINE)
    assert re.search(r"^aiortc +\S+ +BSD-3-Clause$", table, re.MULTILINE)
    assert "https://pypi.org/project/certifi/" in table
    assert re.search(r"^shiboken6 +\S+ +LGPL-3.0-only, of: LGPL-3.0-only OR", table, re.MULTILINE)
    assert re.search(r"^  WebGradients +MIT$", table, re.MULTILINE)
    assert re.search(r"^  Rust's standard library +1\.\S+ +MIT, of: MIT OR", table, re.MULTILINE)
    assert re.search(r"^  self_cell +\S+ +Apache-2.0, of: Apache-2.0 OR", table, re.MULTILINE)
    assert re.search(r"^  libquadmath +LGPL-3.0-or-later, of: LGPL-2.1-or-later$", table, re.M)
    assert re.search(r"^uPlot +1\.6\.32 +MIT$", table, re.MULTILINE)
    for words in ("GNU LESSER GENERAL PUBLIC LICENSE", "Apache License", "Mozilla Public License"):
        assert words in texts, words
    assert "{" not in table


def test_crates_and_parts_of_qt_have_their_lines_of_copyright_and_one_text(
    licences: ModuleType, what: Any
) -> None:
    _, texts = licences.notice(what).split(TEXTS_FOLLOW)
    assert re.search(r"^ahash \S+ in pydantic_core: MIT\n    Copyright .* Kaitchuck$", texts, re.M)
    assert "WebGradients in Qt: MIT\n    Copyright (c) 2017 itmeo\n" in texts
    assert "QEventDispatcher on macOS" not in texts
    words = " ".join(texts.split())
    mit = " ".join((licences.TEXTS / "MIT.txt").read_text(encoding="utf-8").split())
    before = words.split(mit)
    # Distributions have it with their own names in front.
    assert sum("crate ahash (MIT)" in each for each in before) == 1
    own = (licences.TEXTS / "rust" / "foldhash.txt").read_text(encoding="utf-8")
    assert own in texts


def test_the_bill_has_the_crates_lines_and_what_is_taken(bill: str) -> None:
    crates = named(json.loads(bill)["components"], "pydantic_core")["components"]
    ahash = named(crates, "ahash")
    assert ahash["copyright"] == "Copyright (c) 2018 Tom Kaitchuck"
    assert ahash["licenses"] == [{"expression": "MIT OR Apache-2.0"}]
    assert ahash["properties"] == [{"name": "rejoin:licence-taken", "value": "MIT"}]
    std = named(crates, "Rust's standard library")
    assert std["purl"] == f"pkg:generic/rust-std@{std['version']}"


def test_texts_of_libraries_that_are_left_out_are_not_in_the_notice(what: Any) -> None:
    [sdl] = (part for part in what.parts if part.name == "pysdl2-dll")
    assert {name.split("/")[1] for name in sdl.texts if name.startswith("libs/")} == {"SDL2"}


# --- FFmpeg ---------------------------------------------------------------------------------------


def source_of(ffmpeg: ModuleType, content: bytes, folder: Path) -> Any:
    """A source whose address is a file of this machine."""
    (folder / "there").mkdir()
    (folder / "there" / "it.tar").write_bytes(content)
    urls = ((folder / "gone" / "it.tar").as_uri(), (folder / "there" / "it.tar").as_uri())
    return ffmpeg.Source("It", "1", "it.tar", hashlib.sha256(b"right").hexdigest(), urls)


def test_a_source_is_fetched_once_from_the_first_address_that_has_it(
    ffmpeg: ModuleType, tmp_path: Path
) -> None:
    source, kept = source_of(ffmpeg, b"right", tmp_path), tmp_path / "kept"
    assert ffmpeg.fetch(source, kept).read_bytes() == b"right"
    (tmp_path / "there" / "it.tar").unlink()
    assert ffmpeg.fetch(source, kept) == kept / "it.tar"


def test_a_source_with_other_bytes_is_refused_also_when_it_was_there_before(
    ffmpeg: ModuleType, tmp_path: Path
) -> None:
    source, kept = source_of(ffmpeg, b"wrong", tmp_path), tmp_path / "kept"
    for _ in range(2):
        with pytest.raises(ffmpeg.Refused, match="is not It 1: its SHA-256 is"):
            ffmpeg.fetch(source, kept)


def test_a_source_that_nobody_has_is_named_with_its_addresses(
    ffmpeg: ModuleType, tmp_path: Path
) -> None:
    source = source_of(ffmpeg, b"right", tmp_path)
    (tmp_path / "there" / "it.tar").unlink()
    with pytest.raises(ffmpeg.Refused, match=r"it\.tar cannot be fetched:\n.*gone.*\n.*there"):
        ffmpeg.fetch(source, tmp_path / "kept")
    assert not (tmp_path / "kept" / "it.tar").exists()


def test_the_ffmpeg_of_packages_is_under_the_lgpl_and_has_what_the_player_needs(
    ffmpeg: ModuleType,
) -> None:
    for platform, hardware in ffmpeg.HARDWARE.items():
        options = " ".join((*ffmpeg.OPTIONS, *hardware))
        assert not re.search(r"enable-(gpl|nonfree|version3|libx26)", options)
        assert "--disable-everything" in options
        assert "--disable-autodetect" in options
        assert "--enable-shared" in options
        for needed in ("h264,libopus", "--enable-encoder=png"):
            assert needed in options, platform
    assert "h264_vaapi,h264_nvdec" in " ".join(ffmpeg.HARDWARE["linux"])


def test_pyav_is_the_locked_one(ffmpeg: ModuleType) -> None:
    lock = (ROOT / "packaging" / "locks" / "player.lock").read_text(encoding="utf-8")
    assert f"\nav=={ffmpeg.PYAV.version} " in lock
    assert f"sha256:{ffmpeg.PYAV.sha256}" in lock


def test_the_environment_that_is_frozen_gets_pyav_from_here_alone() -> None:
    lock = "a==1 \\\n    --hash=sha256:0\n    # via b\nav==2 ; x \\\n    --hash=sha256:1\nb==3\n"
    frozen = recipe("frozen")  # and the Flatpak
    assert frozen.without("av", lock) == "a==1 \\\n    --hash=sha256:0\n    # via b\nb==3\n"
    with pytest.raises(ValueError, match="names c 0 times"):
        frozen.without("c", lock)

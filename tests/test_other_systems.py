"""The recipes for Windows, macOS and Flatpak, as far as Linux can judge them.

The installer for Windows is compiled where there is makensis; `packaging/windows/try_with_wine.py`
installs and removes it. None of the three was built on its own system yet.
"""

from __future__ import annotations

import importlib.util
import json
import plistlib
import re
import shutil
import struct
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml

from rejoin.runtime.deep_link import SCHEME
from rejoin.version import VERSION

ROOT = Path(__file__).parent.parent
RECIPES = ROOT / "packaging"
COMPONENT = "invalid.rejoin.Rejoin"
WINDOWS, MACOS, FLATPAK = RECIPES / "windows", RECIPES / "macos", RECIPES / "flatpak"
MANIFEST = FLATPAK / f"{COMPONENT}.yml"


def loaded(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"{path.parent.name}_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# --- what they share ------------------------------------------------------------------------------


def size_of(png: bytes) -> tuple[int, int]:
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def test_the_icon_of_windows_has_every_size() -> None:
    shared = loaded(RECIPES / "shared.py")
    assert shared.version() == VERSION
    icon = shared.ico()
    assert struct.unpack_from("<HHH", icon) == (0, 1, len(shared.ICO_SIZES))
    for number, size in enumerate(shared.ICO_SIZES):
        width, height, _, _, _, bits, length, at = struct.unpack_from(
            "<BBBBHHII", icon, 6 + 16 * number
        )
        assert (width or 256, height or 256, bits) == (size, size, 32)
        assert size_of(icon[at : at + length]) == (size, size)
    assert at + length == len(icon)


def test_the_icon_of_macos_has_every_size() -> None:
    shared = loaded(RECIPES / "shared.py")
    icon = shared.icns()
    assert icon.startswith(b"icns" + struct.pack(">I", len(icon)))
    at, found = 8, {}
    while at < len(icon):
        kind, length = struct.unpack_from(">4sI", icon, at)
        found[kind.decode()] = size_of(icon[at + 8 : at + length])[0]
        at += length
    assert found == shared.ICNS_TYPES


def test_the_frozen_programs_recipe_can_be_read() -> None:
    path = RECIPES / "frozen" / "rejoin.spec"
    compile(path.read_text(encoding="utf-8"), str(path), "exec")


# --- Windows --------------------------------------------------------------------------------------


def frozen(folder: Path) -> Path:
    """A stand-in for the frozen program."""
    for name in ("rejoin.exe", "rejoin-home.exe", "_internal/a b/ü.txt", "_internal/base.zip"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"MZ")
    return folder


def test_the_installer_removes_exactly_what_it_puts(tmp_path: Path) -> None:
    build = loaded(WINDOWS / "build.py")
    put, remove = build.lists(frozen(tmp_path))
    assert put.splitlines()[:3] == [
        'SetOutPath "$INSTDIR"',
        f'File "{tmp_path}/rejoin-home.exe"',
        f'File "{tmp_path}/rejoin.exe"',
    ]
    assert f'SetOutPath "$INSTDIR\\_internal\\a b"\nFile "{tmp_path}/_internal/a b/ü.txt"\n' in put
    assert remove.splitlines() == [
        'Delete "$INSTDIR\\rejoin-home.exe"',
        'Delete "$INSTDIR\\rejoin.exe"',
        'Delete "$INSTDIR\\_internal\\base.zip"',
        'Delete "$INSTDIR\\_internal\\a b\\ü.txt"',
        'RMDir "$INSTDIR\\_internal\\a b"',
        'RMDir "$INSTDIR\\_internal"',
    ]


@pytest.mark.parametrize("name", ["a$b", 'a"b', "a\nb"])
def test_a_name_that_nsis_would_read_otherwise_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("")
    with pytest.raises(ValueError, match="cannot be the name"):
        loaded(WINDOWS / "build.py").lists(tmp_path)


def test_the_installer_is_for_one_user_and_deletes_no_whole_folder() -> None:
    text = (WINDOWS / "rejoin.nsi").read_text(encoding="utf-8")
    code = "\n".join(line.partition(";")[0] for line in text.splitlines())
    assert "RequestExecutionLevel user" in code
    assert "HKLM" not in code
    assert not re.search(r"RMDir\s+/", code)
    assert f'"Software\\Classes\\{SCHEME}"' in code
    texts = dict(re.findall(r"LangString IN_USE \$\{LANG_(\w+)\} \"(.+)\"", code))
    assert set(texts) == set(re.findall(r'MUI_LANGUAGE "(\w+)"', code.upper()))


@pytest.mark.skipif(shutil.which("makensis") is None, reason="makensis is not here")
def test_the_installer_is_compiled(tmp_path: Path) -> None:
    build = loaded(WINDOWS / "build.py")
    made = build.build(frozen(tmp_path / "frozen"), tmp_path / "dist", tmp_path / "work")
    assert made.name == f"rejoin-{VERSION}-setup.exe"
    content = made.read_bytes()
    assert content.startswith(b"MZ")
    assert VERSION.encode("utf-16-le") in content, "the resource that Explorer shows"


# --- macOS ----------------------------------------------------------------------------------------


def test_the_bundle_opens_links_and_says_what_it_asks_for() -> None:
    with (MACOS / "Info.plist").open("rb") as file:
        properties = plistlib.load(file)
    [kind] = properties["CFBundleURLTypes"]
    assert kind["CFBundleURLSchemes"] == [SCHEME]
    assert kind["CFBundleURLName"] == COMPONENT
    assert properties["NSMicrophoneUsageDescription"].endswith(".")
    languages = {path.stem for path in (ROOT / "resources" / "languages").glob("*.po")}
    assert set(properties["CFBundleLocalizations"]) == {"en", *languages}


def test_the_entitlements_are_few() -> None:
    with (MACOS / "entitlements.plist").open("rb") as file:
        rights = plistlib.load(file)
    assert rights == {
        "com.apple.security.device.audio-input": True,
        "com.apple.security.network.client": True,
        "com.apple.security.network.server": True,
        "com.apple.security.cs.disable-library-validation": True,
    }


def test_the_image_is_made_of_a_signed_bundle() -> None:
    build = loaded(MACOS / "build.py")
    paths = (Path("image/Rejoin.app"), Path("a.dmg"), Path("image"))
    prints, proves, sign, check, image = build.commands(*paths, "Developer ID")
    program = "image/Rejoin.app/Contents/MacOS/rejoin"
    assert (prints, proves) == (
        [program, "licences", "--sbom"],
        [program, "doctor", "--selftest"],
    ), "before it is signed"
    assert sign[0] == check[0] == "codesign"
    assert Path(sign[sign.index("--entitlements") + 1]).is_file()
    assert "runtime" in sign
    assert "runtime" not in build.commands(*paths, "-")[2]
    assert image[:2] == ["hdiutil", "create"]
    assert image[-1] == "a.dmg"


def test_the_bundle_has_the_notice_of_the_frozen_program_and_asks_for_updates(
    tmp_path: Path,
) -> None:
    build = loaded(MACOS / "build.py")
    updates = ["--updates-url", "https://a.example/f.json", "--updates-key", "RWT"]
    freeze, name = build.recipes(Path("a.whl"), Path("dist"), Path("work"), updates)
    assert freeze[-4:] == updates
    for command in (freeze, name):
        assert Path(command[1]).is_file()
    assert name[name.index("--frozen") + 1] == "dist/rejoin"
    made = tmp_path / "frozen" / "_internal" / "rejoin" / "_resources" / "licences"
    made.mkdir(parents=True)
    (made / "NOTICE.txt").write_text("all of it")
    app = tmp_path / "Rejoin.app"
    with pytest.raises(FileNotFoundError):
        build.put_notice(tmp_path / "frozen", app)
    (app / build.RESOURCES).mkdir(parents=True)
    build.put_notice(tmp_path / "frozen", app)
    place = app / "Contents/Resources/rejoin/_resources/licences/NOTICE.txt"
    assert place.read_text() == "all of it"


@pytest.mark.skipif(sys.platform == "darwin", reason="this is a Mac")
def test_the_image_is_not_made_elsewhere() -> None:
    command = [sys.executable, str(MACOS / "build.py"), "--wheel", "x.whl"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=240)
    assert (done.returncode, done.stderr) == (1, "A disk image for macOS is made on macOS.\n")


# --- Flatpak --------------------------------------------------------------------------------------


def test_the_manifest_is_of_this_component_and_opens_no_folder() -> None:
    manifest = yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))
    metainfo = ET.parse(RECIPES / "deb" / f"{COMPONENT}.metainfo.xml").getroot()
    assert manifest["id"] == metainfo.findtext("id") == COMPONENT
    assert manifest["rename-desktop-file"] == metainfo.findtext("launchable")
    for each in manifest["finish-args"]:
        assert not each.startswith(("--filesystem", "--socket=session-bus", "--device=all"))


def test_what_the_manifest_takes_is_here_or_pinned() -> None:
    manifest = yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))
    for source in (source for module in manifest["modules"] for source in module["sources"]):
        if source["type"] == "git":
            assert re.fullmatch(r"[0-9a-f]{40}", source["commit"])
        elif "build/" not in source["path"]:  # made by wheels.py
            assert (FLATPAK / source["path"]).exists(), source
    wheels = loaded(FLATPAK / "wheels.py")
    command = wheels.download(Path("w"), Path("a.lock"), "x86_64")
    assert "--require-hashes" in command
    assert command[command.index("-r") + 1] == "a.lock"
    installs = [step for step in commands(manifest) if "pip3 install" in step]
    assert installs
    for step in installs:
        assert "--no-index" in step
        assert "--require-hashes" in step or step.endswith(
            "work/*/wheels/av-*.whl wheels/rejoin_client-*.whl"
        )


def commands(manifest: dict[str, Any]) -> list[str]:
    found: list[str] = manifest["modules"][1]["build-commands"]
    return found


def test_the_flatpak_makes_its_own_ffmpeg_and_takes_no_wheel_of_pyav(tmp_path: Path) -> None:
    wheels = loaded(FLATPAK / "wheels.py")
    lock = wheels.player_lock(tmp_path).read_text(encoding="utf-8")
    names = re.findall(r"^([\w.-]+)==", lock, re.MULTILINE)
    assert "av" not in names
    assert "aiortc" in names
    steps = commands(yaml.safe_load(MANIFEST.read_text(encoding="utf-8")))
    made, put, locked, ours, finished = (
        next(number for number, step in enumerate(steps) if words in step)
        for words in (
            "packaging/ffmpeg/build.py",
            "/ffmpeg/lib/lib*.so* /app/lib/",
            "-r wheels/player.lock",
            "work/*/wheels/av-*.whl",
            "packaging/flatpak/finish.py",
        )
    )
    assert made < put < locked < ours < finished


def test_the_flatpak_is_finished_without_what_nobody_uses(tmp_path: Path) -> None:
    finish = loaded(FLATPAK / "finish.py")
    kept = [
        "PySide6/Qt/lib/libQt6Widgets.so.6",
        "PySide6/Qt/plugins/platforms/libqwayland.so",
        "PySide6/Qt/translations/qtbase_de.qm",
        "PySide6/QtWidgets.abi3.so",
        "PySide6/__init__.py",
        "rejoin/runtime/licences.py",
        "sdl2dll/dll/libSDL2-2.0.so",
    ]
    removed = [
        "PySide6/Qt/qml/QtQuick/libqtquick2plugin.so",
        "PySide6/Qt/lib/libQt6Designer.so.6",
        "PySide6/designer",
        "PySide6/Qt/translations/qtbase_fr.qm",
        "sdl2dll/dll/libSDL2_mixer-2.0.so",
    ]
    for name in (*kept, *removed):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("12345")
    assert finish.remove(tmp_path) == 5 * len(removed)
    left = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*"))
    assert [name for name in left if (tmp_path / name).is_file()] == sorted(kept)


@pytest.mark.skipif(shutil.which("flatpak-builder") is None, reason="flatpak-builder is not here")
def test_flatpak_builder_reads_the_manifest(tmp_path: Path) -> None:
    command = ["flatpak-builder", "--show-manifest", str(MANIFEST)]
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, timeout=240, cwd=tmp_path
    )  # it writes a folder of its own there
    assert json.loads(done.stdout)["id"] == COMPONENT


@pytest.mark.parametrize("recipe", [WINDOWS, MACOS, FLATPAK], ids=lambda path: path.name)
def test_what_was_not_built_says_so(recipe: Path) -> None:
    assert re.search(
        r"\*\*(Not built yet|No frozen program was made)", (recipe / "README.md").read_text()
    )

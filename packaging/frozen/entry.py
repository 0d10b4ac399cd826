"""What the frozen program starts with: the same as `python -m rejoin`."""

import multiprocessing
import os


def restore_environment() -> None:
    """What PyInstaller has set for this process, which has read it by now: a browser that it starts
    would load our libraries and Qt's plugins.

    A Rejoin that it starts, or that such a browser starts with a link, gets all of it anew: by
    _PYI_ARCHIVE_FILE it would take itself for a part of this process and set no library path.
    """
    for name in ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"):
        before = os.environ.pop(f"{name}_ORIG", None)
        if before is not None:
            os.environ[name] = before
        else:
            os.environ.pop(name, None)
    for name in ("QT_PLUGIN_PATH", "QML2_IMPORT_PATH"):  # the wheel of PySide6 finds its own
        os.environ.pop(name, None)
    for name in [name for name in os.environ if name.startswith("_PYI_")]:
        del os.environ[name]


if __name__ == "__main__":
    restore_environment()
    multiprocessing.freeze_support()

    from rejoin.__main__ import start

    start()

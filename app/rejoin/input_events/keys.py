"""The keys of a keyboard: one table of W3C code, HID usage, and scan code of each system.

Sources: UI Events KeyboardEvent code Values (code), HID Usage Tables 1.5 page 0x07 (usage), Linux
input-event-codes.h (evdev), scan code set 1 as Windows reports it in WM_KEYDOWN, with 0x100 for the
E0 prefix (windows; never run by us), kVK_* of Apple's HIToolbox/Events.h (mac; never run by us).

A key that is not in the table is no key of a game: media keys belong to the desktop.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from rejoin.input_events.events import Location


@dataclass(frozen=True, slots=True)
class Key:
    """One position on the keyboard. `evdev`, `windows`, `mac`: its scan codes; () for none.

    The first scan code is the usual one.
    """

    code: str
    usage: int
    evdev: tuple[int, ...]
    windows: tuple[int, ...]
    mac: tuple[int, ...]

    @property
    def location(self) -> Location:
        """KeyboardEvent.location: side of a modifier, or numeric keypad."""
        return _location(self.code)


_MODIFIERS = ("Shift", "Control", "Alt", "Meta")


def _location(code: str) -> Location:
    if code.startswith("Numpad"):
        return Location.NUMPAD
    if code.startswith(_MODIFIERS):
        return Location.LEFT if code.endswith("Left") else Location.RIGHT
    return Location.STANDARD


# Code, usage (hex), evdev (decimal), windows (hex), mac (decimal); "-" for none.
_TABLE: Final = """
KeyA                04   30    1E    0
KeyB                05   48    30    11
KeyC                06   46    2E    8
KeyD                07   32    20    2
KeyE                08   18    12    14
KeyF                09   33    21    3
KeyG                0A   34    22    5
KeyH                0B   35    23    4
KeyI                0C   23    17    34
KeyJ                0D   36    24    38
KeyK                0E   37    25    40
KeyL                0F   38    26    37
KeyM                10   50    32    46
KeyN                11   49    31    45
KeyO                12   24    18    31
KeyP                13   25    19    35
KeyQ                14   16    10    12
KeyR                15   19    13    15
KeyS                16   31    1F    1
KeyT                17   20    14    17
KeyU                18   22    16    32
KeyV                19   47    2F    9
KeyW                1A   17    11    13
KeyX                1B   45    2D    7
KeyY                1C   21    15    16
KeyZ                1D   44    2C    6
Digit1              1E   2     02    18
Digit2              1F   3     03    19
Digit3              20   4     04    20
Digit4              21   5     05    21
Digit5              22   6     06    23
Digit6              23   7     07    22
Digit7              24   8     08    26
Digit8              25   9     09    28
Digit9              26   10    0A    25
Digit0              27   11    0B    29
Enter               28   28    1C    36
Escape              29   1     01    53
Backspace           2A   14    0E    51
Tab                 2B   15    0F    48
Space               2C   57    39    49
Minus               2D   12    0C    27
Equal               2E   13    0D    24
BracketLeft         2F   26    1A    33
BracketRight        30   27    1B    30
Backslash           31   43    2B    42
Semicolon           33   39    27    41
Quote               34   40    28    39
Backquote           35   41    29    50
Comma               36   51    33    43
Period              37   52    34    47
Slash               38   53    35    44
CapsLock            39   58    3A    57
F1                  3A   59    3B    122
F2                  3B   60    3C    120
F3                  3C   61    3D    99
F4                  3D   62    3E    118
F5                  3E   63    3F    96
F6                  3F   64    40    97
F7                  40   65    41    98
F8                  41   66    42    100
F9                  42   67    43    101
F10                 43   68    44    109
F11                 44   87    57    103
F12                 45   88    58    111
PrintScreen         46   99    137,54    -
ScrollLock          47   70    46    -
Pause               48   119   45,146    -
Insert              49   110   152   114
Home                4A   102   147   115
PageUp              4B   104   149   116
Delete              4C   111   153   117
End                 4D   107   14F   119
PageDown            4E   109   151   121
ArrowRight          4F   106   14D   124
ArrowLeft           50   105   14B   123
ArrowDown           51   108   150   125
ArrowUp             52   103   148   126
NumLock             53   69    145   71
NumpadDivide        54   98    135   75
NumpadMultiply      55   55    37    67
NumpadSubtract      56   74    4A    78
NumpadAdd           57   78    4E    69
NumpadEnter         58   96    11C   76
Numpad1             59   79    4F    83
Numpad2             5A   80    50    84
Numpad3             5B   81    51    85
Numpad4             5C   75    4B    86
Numpad5             5D   76    4C    87
Numpad6             5E   77    4D    88
Numpad7             5F   71    47    89
Numpad8             60   72    48    91
Numpad9             61   73    49    92
Numpad0             62   82    52    82
NumpadDecimal       63   83    53    65
IntlBackslash       64   86    56    10
ContextMenu         65   127   15D   110
NumpadEqual         67   117   59    81
F13                 68   183   64    105
F14                 69   184   65    107
F15                 6A   185   66    113
F16                 6B   186   67    106
F17                 6C   187   68    64
F18                 6D   188   69    79
F19                 6E   189   6A    80
F20                 6F   190   6B    90
F21                 70   191   6C    -
F22                 71   192   6D    -
F23                 72   193   6E    -
F24                 73   194   76    -
NumpadComma         85   121,95    7E    95
IntlRo              87   89    73    94
KanaMode            88   93    70    -
IntlYen             89   124   7D    93
Convert             8A   92    79    -
NonConvert          8B   94    7B    -
Lang1               90   122   72,F2    104
Lang2               91   123   71,F1    102
Lang3               92   90    78    -
Lang4               93   91    77    -
Lang5               94   85    -     -
NumpadParenLeft     B6   179   -     -
NumpadParenRight    B7   180   -     -
ControlLeft         E0   29    1D    59
ShiftLeft           E1   42    2A    56
AltLeft             E2   56    38    58
MetaLeft            E3   125   15B   55
ControlRight        E4   97    11D   62
ShiftRight          E5   54    36    60
AltRight            E6   100   138   61
MetaRight           E7   126   15C   54
"""


def _numbers(text: str, base: int) -> tuple[int, ...]:
    return () if text == "-" else tuple(int(each, base) for each in text.split(","))


def _read(row: str) -> Key:
    code, usage, evdev, windows, mac = row.split()
    return Key(code, int(usage, 16), _numbers(evdev, 10), _numbers(windows, 16), _numbers(mac, 10))


KEYS: Final = tuple(_read(row) for row in _TABLE.strip().splitlines())

BY_CODE: Final = {key.code: key for key in KEYS}
BY_EVDEV: Final = {scan_code: key for key in KEYS for scan_code in key.evdev}
BY_WINDOWS: Final = {scan_code: key for key in KEYS for scan_code in key.windows}
BY_MAC: Final = {scan_code: key for key in KEYS for scan_code in key.mac}

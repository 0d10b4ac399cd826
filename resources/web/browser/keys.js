// The legacy numbers of keys: KeyboardEvent.keyCode, as Chromium gives it (UI Events, appendix A).

const CODES = {
  Backspace: 8, Tab: 9, Enter: 13, NumpadEnter: 13, ShiftLeft: 16, ShiftRight: 16, ControlLeft: 17,
  ControlRight: 17, AltLeft: 18, AltRight: 18, Pause: 19, CapsLock: 20, Escape: 27, Space: 32,
  PrintScreen: 44, MetaLeft: 91, MetaRight: 92, ContextMenu: 93, NumpadMultiply: 106,
  NumpadAdd: 107, NumpadComma: 110, NumpadSubtract: 109, NumpadDivide: 111, NumLock: 144,
  ScrollLock: 145, Semicolon: 186, Equal: 187, NumpadEqual: 187, Comma: 188, Minus: 189, Period: 190, Slash: 191,
  Backquote: 192, BracketLeft: 219, Backslash: 220, BracketRight: 221, Quote: 222,
  IntlBackslash: 226, IntlRo: 226, IntlYen: 220, Convert: 28, NonConvert: 29, Lang1: 21, Lang2: 25,
  Lang5: 244,
};
for (let digit = 0; digit <= 9; digit += 1) CODES[`Digit${digit}`] = 48 + digit;
for (let number = 1; number <= 24; number += 1) CODES[`F${number}`] = 111 + number;

const KEYS = {
  Clear: 12, PageUp: 33, PageDown: 34, End: 35, Home: 36, ArrowLeft: 37, ArrowUp: 38,
  ArrowRight: 39, ArrowDown: 40, Insert: 45, Delete: 46, AltGraph: 225,
};

const keyCodeOf = (code, key) => {
  if (/^[a-z]$/i.test(key)) return key.toUpperCase().charCodeAt(0);
  if (Object.hasOwn(KEYS, key)) return KEYS[key];
  if (Object.hasOwn(CODES, code)) return CODES[code];
  const [, digit] = /^Numpad(\d)$/.exec(code) ?? [];
  if (digit !== undefined) return 96 + Number(digit);
  if (code === "NumpadDecimal") return 110;
  const [, letter] = /^Key([A-Z])$/.exec(code) ?? [];
  return letter === undefined ? 0 : letter.charCodeAt(0);
};

/** The character that a key types: Enter types a carriage return; 0 where it types none. */
const charCodeOf = (key, modifiers) => {
  if (modifiers.metaKey || (modifiers.ctrlKey && !modifiers.modifierAltGraph)) return 0;
  if (key === "Enter") return 13;
  const point = key.codePointAt(0) ?? 0;
  return key.length === (point > 0xffff ? 2 : 1) ? point : 0;
};

// Values that browsers have and the engine has not: text, binary large objects, URLs, copies.

class TextEncoder {
  get encoding() { return "utf-8"; }

  encode(text = "") {
    // encodeURIComponent throws at half of a surrogate pair; an encoder writes U+FFFD instead.
    const whole = String(text).toWellFormed();
    const bytes = new Uint8Array(whole.length * 3);
    let size = 0;
    for (let at = 0; at < whole.length; at += 1) {
      const point = whole.codePointAt(at);
      if (point > 0xffff) at += 1;
      size = putPoint(bytes, size, point);
    }
    return bytes.slice(0, size);
  }

  encodeInto(text, target) {
    let read = 0;
    let written = 0;
    for (const character of String(text).toWellFormed()) {
      const bytes = this.encode(character);
      if (written + bytes.length > target.length) break;
      target.set(bytes, written);
      written += bytes.length;
      read += character.length;
    }
    return { read, written };
  }
}

const putPoint = (bytes, start, point) => {
  let at = start;
  if (point < 0x80) {
    bytes[at++] = point;
  } else if (point < 0x800) {
    bytes[at++] = 0xc0 | (point >> 6);
    bytes[at++] = 0x80 | (point & 63);
  } else if (point < 0x10000) {
    bytes[at++] = 0xe0 | (point >> 12);
    bytes[at++] = 0x80 | ((point >> 6) & 63);
    bytes[at++] = 0x80 | (point & 63);
  } else {
    bytes[at++] = 0xf0 | (point >> 18);
    bytes[at++] = 0x80 | ((point >> 12) & 63);
    bytes[at++] = 0x80 | ((point >> 6) & 63);
    bytes[at++] = 0x80 | (point & 63);
  }
  return at;
};

const ENCODINGS = {
  "utf-8": "utf-8", utf8: "utf-8", "unicode-1-1-utf-8": "utf-8",
  "utf-16le": "utf-16le", "utf-16": "utf-16le",
};

/** How many bytes follow the first one, its bits, and the bounds of the second (Encoding, UTF-8). */
const lead = (first) => {
  if (first >= 0xc2 && first <= 0xdf) return [1, first & 31, 0x80, 0xbf];
  if (first === 0xe0) return [2, first & 15, 0xa0, 0xbf];
  if (first === 0xed) return [2, first & 15, 0x80, 0x9f];
  if (first >= 0xe1 && first <= 0xef) return [2, first & 15, 0x80, 0xbf];
  if (first === 0xf0) return [3, first & 7, 0x90, 0xbf];
  if (first === 0xf4) return [3, first & 7, 0x80, 0x8f];
  if (first >= 0xf1 && first <= 0xf3) return [3, first & 7, 0x80, 0xbf];
  return null;
};

class TextDecoder {
  #encoding;
  #fatal;
  #ignoreBOM;
  #rest = new Uint8Array(0);
  #begun = false;

  constructor(label = "utf-8", { fatal = false, ignoreBOM = false } = {}) {
    this.#encoding = ENCODINGS[String(label).trim().toLowerCase()];
    if (this.#encoding === undefined) {
      missed(`TextDecoder ${String(label).slice(0, 32)}`);
      throw new RangeError("The encoding is not supported.");
    }
    this.#fatal = Boolean(fatal);
    this.#ignoreBOM = Boolean(ignoreBOM);
  }

  get encoding() { return this.#encoding; }
  get fatal() { return this.#fatal; }
  get ignoreBOM() { return this.#ignoreBOM; }

  decode(data, { stream = false } = {}) {
    const fresh = data === undefined ? new Uint8Array(0) : bytesOf(data);
    if (fresh === null) throw new TypeError("The data is not a buffer.");
    const bytes = new Uint8Array(this.#rest.length + fresh.length);
    bytes.set(this.#rest);
    bytes.set(fresh, this.#rest.length);
    this.#rest = new Uint8Array(0);
    const parts = this.#encoding === "utf-8" ? this.#utf8(bytes, stream) : this.#utf16(bytes, stream);
    let text = parts.join("");
    if (!this.#begun && !this.#ignoreBOM && text.charCodeAt(0) === 0xfeff) text = text.slice(1);
    this.#begun = stream && (this.#begun || text !== "");
    return text;
  }

  #bad() {
    if (this.#fatal) throw new TypeError("The data is not valid.");
    return "\ufffd";
  }

  #utf8(bytes, stream) {
    const parts = [];
    for (let at = 0; at < bytes.length;) {
      const first = bytes[at];
      if (first < 0x80) {
        parts.push(String.fromCharCode(first));
        at += 1;
        continue;
      }
      const [more, bits, low, high] = lead(first) ?? [0, 0, 0, 0];
      let point = bits;
      let got = 0;
      while (got < more && at + 1 + got < bytes.length) {
        const next = bytes[at + 1 + got];
        if (next < (got === 0 ? low : 0x80) || next > (got === 0 ? high : 0xbf)) break;
        point = (point << 6) | (next & 63);
        got += 1;
      }
      if (more > 0 && got === more) {
        parts.push(String.fromCodePoint(point));
      } else if (more > 0 && at + 1 + got === bytes.length && stream) {
        this.#rest = bytes.slice(at);
        return parts;
      } else {
        parts.push(this.#bad());
      }
      at += 1 + got;
    }
    return parts;
  }

  #utf16(bytes, stream) {
    const parts = [];
    let at = 0;
    for (; at + 1 < bytes.length; at += 2) {
      parts.push(String.fromCharCode(bytes[at] | (bytes[at + 1] << 8)));
    }
    if (at < bytes.length && stream) this.#rest = bytes.slice(at);
    else if (at < bytes.length) parts.push(this.#bad());
    const text = parts.join("");
    if (this.#fatal && !text.isWellFormed()) this.#bad();
    return [text.toWellFormed()];
  }
}

let blobBytes;

class Blob {
  #bytes;
  #type;

  constructor(parts = [], { type = "" } = {}) {
    const chunks = [];
    for (const part of parts) {
      chunks.push(
        part instanceof Blob ? part.#bytes : bytesOf(part) ?? new TextEncoder().encode(part),
      );
    }
    this.#bytes = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
    let at = 0;
    for (const chunk of chunks) {
      this.#bytes.set(chunk, at);
      at += chunk.length;
    }
    this.#type = String(type).toLowerCase();
  }

  get size() { return this.#bytes.length; }
  get type() { return this.#type; }
  async arrayBuffer() { return this.#bytes.slice().buffer; }
  async bytes() { return this.#bytes.slice(); }
  async text() { return new TextDecoder().decode(this.#bytes); }
  slice(from, to, type = "") { return new Blob([this.#bytes.slice(from, to)], { type }); }

  static {
    blobBytes = (blob) => blob.#bytes;
  }
}

const COPIED = [Boolean, Number, String, Date];

const clone = (value, seen) => {
  if (typeof value === "symbol" || typeof value === "function") {
    throw new DOMException("The value could not be cloned.", "DataCloneError");
  }
  if (typeof value !== "object" || value === null) return value;
  if (seen.has(value)) return seen.get(value);
  const keep = (copy) => {
    seen.set(value, copy);
    return copy;
  };
  const Simple = COPIED.find((Class) => value instanceof Class);
  if (Simple !== undefined) return keep(new Simple(value.valueOf()));
  if (value instanceof RegExp) return keep(new RegExp(value.source, value.flags));
  if (value instanceof ArrayBuffer) return keep(value.slice(0));
  if (ArrayBuffer.isView(value)) {
    const buffer = clone(value.buffer, seen);
    const length = value instanceof DataView ? value.byteLength : value.length;
    return keep(new value.constructor(buffer, value.byteOffset, length));
  }
  if (value instanceof Map) {
    const copy = keep(new Map());
    for (const [key, item] of [...value]) copy.set(clone(key, seen), clone(item, seen));
    return copy;
  }
  if (value instanceof Set) {
    const copy = keep(new Set());
    for (const item of [...value]) copy.add(clone(item, seen));
    return copy;
  }
  if (value instanceof Error) {
    const Class = { EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError }[value.name];
    return keep(new (Class ?? Error)(value.message));
  }
  if (value instanceof EventTarget || value instanceof Event || value instanceof Promise) {
    throw new DOMException("The value could not be cloned.", "DataCloneError");
  }
  const copy = keep(Array.isArray(value) ? new Array(value.length) : {});
  for (const name of Object.keys(value)) copy[name] = clone(value[name], seen);
  return copy;
};

const MAX_RANDOM = 65_536;

const crypto = {
  getRandomValues(view) {
    const bytes = bytesOf(view);
    if (bytes === null || view instanceof ArrayBuffer || view instanceof DataView) {
      throw new DOMException("The array is not of integers.", "TypeMismatchError");
    }
    if (bytes.length > MAX_RANDOM) {
      throw new DOMException("More than 65536 bytes were asked for.", "QuotaExceededError");
    }
    bytes.set(fromHex(entropy(bytes.length)));
    return view;
  },
  randomUUID() {
    const bytes = fromHex(entropy(16));
    bytes[6] = (bytes[6] & 15) | 64;
    bytes[8] = (bytes[8] & 63) | 128;
    return toHex(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  },
};

/** The console counts; what a module writes there is never shown or kept. */
const console = Object.fromEntries(
  (
    "assert clear count countReset debug dir dirxml error group groupCollapsed groupEnd info log " +
    "table time timeEnd timeLog timeStamp trace warn"
  )
    .split(" ")
    .map((name) => [name, () => undefined]),
);

exposeAll({
  TextEncoder, TextDecoder, Blob, crypto: watch(crypto, "crypto"), console,
  structuredClone: (value) => clone(value, new Map()),
});
watch(performance, "performance");

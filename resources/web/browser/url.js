// URL and URLSearchParams, for URLs with a host and for simple ones; names are ASCII.

const PORTS = { "http:": "80", "https:": "443", "ws:": "80", "wss:": "443", "ftp:": "21" };

const badUrl = () => new TypeError("Invalid URL");

const encodePart = (text, allowed) =>
  String(text).toWellFormed().replace(/[^!-~]|["<>`{}\s]/gu, (character) =>
    allowed.includes(character) ? character : encodeURIComponent(character),
  );

const segmentsOf = (path) => {
  const segments = [];
  const parts = path.split("/");
  parts.forEach((part, at) => {
    const plain = part.replace(/%2e/gi, ".");
    const last = at === parts.length - 1;
    if (plain === "..") {
      segments.pop();
      if (last) segments.push("");
    } else if (plain === ".") {
      if (last) segments.push("");
    } else {
      segments.push(encodePart(part, "").replace(/[?#]/g, encodeURIComponent));
    }
  });
  return segments;
};

const normalPath = (path) => `/${segmentsOf(path.replace(/\\/g, "/").replace(/^\//, "")).join("/")}`;

const parseAbsolute = (text) => {
  const match = /^([a-z][a-z0-9+.-]*):([^]*)$/i.exec(text);
  if (match === null) return null;
  const protocol = `${match[1].toLowerCase()}:`;
  const [, beforeHash, hash] = /^([^#]*)(#[^]*)?$/.exec(match[2]);
  const [, beforeQuery, search] = /^([^?]*)(\?[^]*)?$/.exec(beforeHash);
  const url = {
    protocol, username: "", password: "", hostname: "", port: "", pathname: "",
    search: encodePart(search ?? "", "").replace(/'/g, "%27"), hash: encodePart(hash ?? "", "{}"),
  };
  if (url.search === "?") url.search = "";
  if (url.hash === "#") url.hash = "";
  const special = protocol in PORTS;
  const authority = special
    ? /^[/\\]*([^/\\]*)([^]*)$/.exec(beforeQuery)
    : /^\/\/([^/]*)([^]*)$/.exec(beforeQuery);
  if (authority === null) {
    url.pathname = encodePart(beforeQuery, "{}\"`<> ");
    return url;
  }
  const [, user, password, host, port] =
    /^(?:([^:@]*)(?::([^@]*))?@)?(\[[0-9a-f:.]+\]|[^:@[\]]*)(?::(\d*))?$/i.exec(authority[1]) ?? [];
  if (host === undefined || (special && host === "") || Number(port ?? 0) > 65_535) throw badUrl();
  if (/[\s#%/<>?@\\^|]/.test(host) || /[^\x00-\x7f]/.test(host)) throw badUrl();
  url.username = encodePart(user ?? "", "");
  url.password = encodePart(password ?? "", "");
  url.hostname = special ? host.toLowerCase() : host;
  url.port = port === undefined || port === "" ? "" : String(Number(port));
  if (url.port === PORTS[protocol]) url.port = "";
  url.pathname = special || authority[2] !== "" ? normalPath(authority[2]) : "";
  return url;
};

const hrefOf = ({ protocol, username, password, hostname, port, pathname, search, hash }) => {
  if (hostname === "") return `${protocol}${pathname}${search}${hash}`;
  const secret = password === "" ? "" : `:${password}`;
  const user = username === "" && secret === "" ? "" : `${username}${secret}@`;
  return `${protocol}//${user}${hostname}${port === "" ? "" : `:${port}`}${pathname}${search}${hash}`;
};

const resolve = (text, base) => {
  const trimmed = String(text).trim().replace(/[\t\n\r]/g, "");
  const absolute = parseAbsolute(trimmed);
  if (absolute !== null) return absolute;
  if (base === undefined) throw badUrl();
  const from = parseAbsolute(String(base).trim());
  if (from === null || from.hostname === "") throw badUrl();
  if (/^[/\\]{2}/.test(trimmed)) return parseAbsolute(from.protocol + trimmed);
  const origin = hrefOf({ ...from, pathname: "", search: "", hash: "" });
  if (/^[/\\]/.test(trimmed)) return parseAbsolute(origin + trimmed);
  const { pathname, search } = from;
  if (trimmed === "" || trimmed.startsWith("#")) return parseAbsolute(origin + pathname + search + trimmed);
  if (trimmed.startsWith("?")) return parseAbsolute(origin + pathname + trimmed);
  return parseAbsolute(origin + pathname.replace(/[^/]*$/, "") + trimmed);
};

const formEncode = (text) =>
  encodeURIComponent(String(text).toWellFormed())
    .replace(/%20/g, "+")
    .replace(/[!'()~]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);

const formDecode = (text) => {
  const bytes = [];
  const encoded = new TextEncoder().encode(text.replace(/\+/g, " "));
  for (let at = 0; at < encoded.length; at += 1) {
    const digits = String.fromCharCode(...encoded.slice(at + 1, at + 3));
    if (encoded[at] === 37 && /^[0-9a-f]{2}$/i.test(digits)) {
      bytes.push(parseInt(digits, 16));
      at += 2;
    } else {
      bytes.push(encoded[at]);
    }
  }
  return new TextDecoder().decode(new Uint8Array(bytes));
};

let paramsOf;

class URLSearchParams {
  #pairs = [];
  #changed = () => undefined;

  constructor(init = "") {
    if (typeof init === "object" && init !== null) {
      const pairs = typeof init[Symbol.iterator] === "function" ? [...init] : Object.entries(init);
      this.#pairs = pairs.map(([name, value]) => [`${name}`, `${value}`]);
    } else {
      for (const part of String(init).replace(/^\?/, "").split("&")) {
        if (part === "") continue;
        const [, name, value] = /^([^=]*)=?([^]*)$/.exec(part);
        this.#pairs.push([formDecode(name), formDecode(value)]);
      }
    }
  }

  get size() { return this.#pairs.length; }
  get(name) { return this.#pairs.find((pair) => pair[0] === `${name}`)?.[1] ?? null; }
  getAll(name) { return this.#pairs.filter((pair) => pair[0] === `${name}`).map((pair) => pair[1]); }
  has(name) { return this.#pairs.some((pair) => pair[0] === `${name}`); }

  append(name, value) {
    this.#pairs.push([`${name}`, `${value}`]);
    this.#changed(this);
  }

  delete(name) {
    this.#pairs = this.#pairs.filter((pair) => pair[0] !== `${name}`);
    this.#changed(this);
  }

  set(name, value) {
    const known = this.#pairs.find((pair) => pair[0] === `${name}`);
    if (known === undefined) this.#pairs.push([`${name}`, `${value}`]);
    else {
      known[1] = `${value}`;
      this.#pairs = this.#pairs.filter((pair) => pair === known || pair[0] !== `${name}`);
    }
    this.#changed(this);
  }

  sort() {
    this.#pairs.sort((one, other) => (one[0] < other[0] ? -1 : one[0] > other[0] ? 1 : 0));
    this.#changed(this);
  }

  forEach(action, self) { for (const [name, value] of this.#pairs) action.call(self, value, name, this); }
  keys() { return this.#pairs.map((pair) => pair[0]).values(); }
  values() { return this.#pairs.map((pair) => pair[1]).values(); }
  entries() { return this.#pairs.map((pair) => [...pair]).values(); }
  [Symbol.iterator]() { return this.entries(); }

  toString() {
    return this.#pairs.map(([name, value]) => `${formEncode(name)}=${formEncode(value)}`).join("&");
  }

  static {
    paramsOf = (text, changed) => {
      const params = new URLSearchParams(text);
      params.#changed = changed;
      return params;
    };
  }
}

class URL {
  #parts;
  #params = null;

  constructor(url, base) { this.#parts = resolve(url, base); }

  static canParse(url, base) { return URL.parse(url, base) !== null; }

  static parse(url, base) {
    try {
      return new URL(url, base);
    } catch {
      return null;
    }
  }

  get href() { return hrefOf(this.#parts); }
  set href(value) {
    this.#parts = resolve(value);
    this.#params = null;
  }
  get origin() {
    const { protocol, hostname, port } = this.#parts;
    return protocol in PORTS ? `${protocol}//${hostname}${port === "" ? "" : `:${port}`}` : "null";
  }
  get host() {
    const { hostname, port } = this.#parts;
    return port === "" ? hostname : `${hostname}:${port}`;
  }
  get search() { return this.#parts.search; }
  set search(value) {
    this.#change("search", value === "" ? "" : `?${`${value}`.replace(/^\?/, "")}`);
    this.#params = null;
  }
  get hash() { return this.#parts.hash; }
  set hash(value) { this.#change("hash", value === "" ? "" : `#${`${value}`.replace(/^#/, "")}`); }
  get searchParams() {
    this.#params ??= paramsOf(this.#parts.search, (params) => {
      const text = params.toString();
      this.#parts.search = text === "" ? "" : `?${text}`;
    });
    return this.#params;
  }
  toString() { return this.href; }
  toJSON() { return this.href; }

  #change(part, value) {
    this.#parts = resolve(hrefOf({ ...this.#parts, [part]: `${value}` }));
  }

  static {
    for (const part of ["protocol", "username", "password", "hostname", "port", "pathname"]) {
      Object.defineProperty(URL.prototype, part, {
        get() { return this.#parts[part]; },
        set(value) { this.#change(part, part === "protocol" ? `${value}`.replace(/:?$/, ":") : value); },
        enumerable: true,
        configurable: true,
      });
    }
  }
}

exposeAll({ URL, URLSearchParams });

// Places of this page: what follows the `#` of its address, as a path and a query.

/** Return the place that the address names: `{ parts, query }`, or null if it is malformed. */
export function place(hash = location.hash) {
  const [way, query = ""] = split(hash.replace(/^#/, ""), "?");
  try {
    const parts = way.split("/").filter(Boolean).map(decodeURIComponent);
    return { parts, query: new URLSearchParams(query) };
  } catch {
    return null;
  }
}

/** Return the link to a place. */
export function link(parts, query = {}) {
  const pairs = query instanceof URLSearchParams ? query : new URLSearchParams(query);
  const way = `#/${parts.map(encodeURIComponent).join("/")}`;
  return pairs.size ? `${way}?${pairs}` : way;
}

/** Return the values of a pattern such as `tenants/:tenant` at a place, or null if it is another. */
export function match(pattern, parts) {
  const wanted = pattern.split("/");
  if (wanted.length !== parts.length) return null;
  const values = {};
  for (const [at, part] of wanted.entries()) {
    if (part.startsWith(":")) values[part.slice(1)] = parts[at];
    else if (part !== parts[at]) return null;
  }
  return values;
}

function split(text, mark) {
  const at = text.indexOf(mark);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

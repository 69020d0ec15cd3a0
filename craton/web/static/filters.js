// The filters that choose hosts, as they are typed: `group=web vars=role:frontend "name=a b"`.

import { element } from "./dom.js";

/** Return the filters in a text as pairs of name and value; a bare word is a host's name. */
export function parse(text) {
  const words = text.match(/(?:"[^"]*"?|[^\s"])+/g) ?? [];
  return words.map((word) => {
    const bare = word.replaceAll('"', "");
    const at = bare.indexOf("=");
    return at < 0 ? ["name", bare] : [bare.slice(0, at), bare.slice(at + 1)];
  });
}

/** Return the text that means these pairs. */
export function format(pairs) {
  return pairs.map(([key, value]) => (/\s/.test(value) ? `"${key}=${value}"` : `${key}=${value}`)).join(" ");
}

/** Return filters as the body of a run has them: a list of values for each name. */
export function grouped(pairs) {
  const found = {};
  for (const [key, value] of pairs) (Object.hasOwn(found, key) ? found[key] : (found[key] = [])).push(value);
  return found;
}

/** Return the labelled field in which filters are typed. */
export function filterField(id, text) {
  return [
    element("label", { for: id }, "Filter hosts"),
    element("input", {
      id,
      name: "filter",
      type: "search",
      value: text,
      autocomplete: "off",
      autocapitalize: "off",
      spellcheck: "false",
      "aria-describedby": `${id}-help`,
    }),
    element(
      "p",
      { class: "soft help", id: `${id}-help` },
      "A name, or ",
      ["group=web", "vars=role:frontend", "active=true", "ip_address=192.0.2.1", "asset_id=…", "id=…", "resolved=true"].map(
        (example, at) => [at ? " " : "", element("code", {}, example)],
      ),
      ". The same twice: either of them; different ones: all of them.",
    ),
  ];
}

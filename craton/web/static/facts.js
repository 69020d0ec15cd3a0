// Words and what they stand for.

import { element } from "./dom.js";

/** Return pairs of a word and a node as a list. */
export function facts(pairs) {
  const rows = pairs.map(([word, value]) => element("div", {}, element("dt", {}, word), element("dd", {}, value)));
  return element("dl", { class: "facts" }, rows);
}

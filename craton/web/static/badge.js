// A state as a word with its sign, in its colour.

import { element } from "./dom.js";
import { SIGNS } from "./states.js";

export function badge(state, text = state) {
  return element(
    "span",
    { class: `badge is-${state}` },
    element("span", { class: "sign", "aria-hidden": "true" }, SIGNS[state] ?? ""),
    text,
  );
}

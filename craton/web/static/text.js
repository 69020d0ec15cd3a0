// What came from hosts and users, made fit to be shown: what nobody could see becomes visible.

import { element } from "./dom.js";

// What terminals take for commands: CSI sequences (colours, cursor), OSC sequences (titles, links)
// and the two-character escapes, as ECMA-48 has them.
const ESCAPES = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[ -/]*[0-Z\\^-~])/g;

// Controls but tab and line feed, marks that turn the direction of text, what has no width, and
// halves of surrogate pairs. Joiners stay: scripts and emoji need them.
const UNSEEN =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]|\p{Surrogate}/gu;

const LONGEST_LINE = 400;

/** Return a text without the colours of terminals, and with everything else that hides shown. */
export function visible(text) {
  return String(text)
    .replace(ESCAPES, "")
    .replace(/\r\n/g, "\n")
    .replace(UNSEEN, (mark) => `\u27e8U+${mark.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}\u27e9`);
}

/** Return a visible text on one line, cut where it would fill the page. */
export function line(text, longest = LONGEST_LINE) {
  const shown = visible(text).replace(/\s+/g, " ").trim();
  const characters = shown.length > longest ? [...shown] : [];
  return characters.length > longest ? `${characters.slice(0, longest).join("")}…` : shown;
}

/** Return an element with a name, which keeps its own direction of writing. */
export function name(text) {
  return element("bdi", { class: "name" }, line(text));
}

/** Return an element with a text of several lines as it was written. */
export function prose(text) {
  return element("pre", { class: "prose", dir: "auto", tabindex: "0" }, visible(text));
}

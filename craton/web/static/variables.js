// The variables of something, each with where its value comes from and what that overrode.

import { getExactly } from "./api.js";
import { element } from "./dom.js";
import { table } from "./table.js";
import { line, name, visible } from "./text.js";

// Longer values are folded.
const FOLDED = 240;

/** Return the variables at a path, as Ansible sees them. */
export async function variables(path, context) {
  const found = await getExactly(`${path}?resolved=true&explain=true`, context);
  const names = Object.keys(found).sort();
  if (!names.length) return element("p", { class: "empty" }, "There are none.");
  const rows = names.map((key) => [
    element("code", {}, name(key)),
    valueOf(found[key].value),
    source(found[key].source),
    overridden(found[key].overrides),
  ]);
  return table("Variables as Ansible sees them", ["Name", "Value", "From", "Overrides"], rows);
}

function valueOf(value) {
  const text = visible(JSON.stringify(value, null, 2));
  const code = () => element("pre", { class: "value", dir: "auto" }, text);
  if (text.length <= FOLDED) return code();
  return element("details", {}, element("summary", {}, line(text, 60)), code());
}

function source(one) {
  return element(
    "span",
    { class: "source" },
    element("span", { class: `kind kind-${one.kind}` }, one.kind),
    " ",
    name(one.name),
    one.field && [" (field ", element("code", {}, one.field), ")"],
    // Not a link: it leads away from here, and who wrote it is not known.
    one.url && element("span", { class: "soft" }, " ", name(one.url)),
    one.commit && element("span", { class: "soft" }, " at ", element("code", {}, line(one.commit, 12))),
    one.owner && element("span", { class: "soft" }, " owned by ", name(one.owner)),
  );
}

function overridden(sources) {
  if (!sources.length) return element("span", { class: "soft" }, "nothing");
  return element("ol", { class: "overrides" }, sources.map((one) => element("li", {}, source(one))));
}

// Tables, and lists of the API that are shown as one, a page at a time.

import { get, nextOf } from "./api.js";
import { element } from "./dom.js";
import { link } from "./router.js";

/**
 * Return a table.
 *
 * @param caption What it holds.
 * @param headings One for each column; the first column names its row.
 * @param rows Arrays of nodes or strings.
 */
export function table(caption, headings, rows) {
  const head = element("tr", {}, headings.map((text) => element("th", { scope: "col" }, text)));
  const body = rows.map(([first, ...rest]) =>
    element("tr", {}, element("th", { scope: "row" }, first), rest.map((cell) => element("td", {}, cell))),
  );
  const made = element(
    "table",
    {},
    element("caption", {}, caption),
    element("thead", {}, head),
    element("tbody", {}, body),
  );
  return element("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": caption }, made);
}

/**
 * Return a page of a list of the API as a table.
 *
 * @param options `path`, the list's path; `key`, its name in the answer; `caption`; `columns`, pairs
 *   of a heading and a function that makes a cell; `empty`, what to say when there is nothing.
 * @param context The view's; its query's `marker` says which page.
 */
export async function listing({ path, key, caption, columns, empty, query = new URLSearchParams() }, context) {
  const marker = context.query.get("marker");
  const wanted = new URLSearchParams(query);
  if (marker) wanted.set("marker", marker);
  const page = await get(`${path}?${wanted}`, context);
  const items = page[key];
  if (!items.length && !marker) return element("p", { class: "empty" }, empty);
  const rows = items.map((item) => columns.map(([, cell]) => cell(item)));
  return [table(caption, columns.map(([heading]) => heading), rows), pager(page, marker, context)];
}

function pager(page, marker, { parts, query }) {
  const next = nextOf(page);
  if (!next && !marker) return null;
  const first = new URLSearchParams(query);
  first.delete("marker");
  const on = new URLSearchParams(first);
  if (next) on.set("marker", new URL(next, location.href).searchParams.get("marker"));
  return element(
    "nav",
    { class: "pager", "aria-label": "Pages" },
    marker && element("a", { href: link(parts, first) }, "First page"),
    next ? element("a", { href: link(parts, on) }, "Next page") : element("span", {}, "The last page"),
  );
}

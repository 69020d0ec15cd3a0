// The hosts of a region.

import { path } from "./api.js";
import { badge } from "./badge.js";
import { element } from "./dom.js";
import { filterField, format, parse } from "./filters.js";
import { inRegion, regionHead } from "./region.js";
import { link } from "./router.js";
import { listing } from "./table.js";
import { name } from "./text.js";

export async function hosts(context) {
  const given = [...context.query].filter(([key]) => key !== "marker");
  const head = await regionHead(context, "hosts");
  const place = inRegion(context, "hosts");
  const search = element(
    "form",
    {
      class: "filter",
      role: "search",
      onsubmit: (event) => {
        event.preventDefault();
        location.hash = link(place, new URLSearchParams(parse(event.target.elements.filter.value)));
      },
    },
    filterField("filter", format(given)),
    element("button", { type: "submit" }, "Apply"),
    given.length > 0 && element("a", { href: link(place) }, "Show all"),
  );
  const found = listing(
    {
      path: path`/v1/hosts/${context.region}`,
      key: "hosts",
      query: new URLSearchParams(given),
      caption: "Hosts",
      empty: given.length ? "No host is chosen by these filters." : "This region has no host yet.",
      columns: [
        ["Name", (one) => element("a", { href: link(inRegion(context, "hosts", one.id)) }, name(one.name))],
        ["Address", (one) => name(one.ip_address ?? "")],
        ["Asset", (one) => name(one.asset_id ?? "")],
        ["State", (one) => (one.active ? "active" : badge("skipped", "inactive"))],
      ],
    },
    context,
  );
  return [head, search, await context.guarded(found)];
}

// The groups of a region, and one of them.

import { get, pageSize, path } from "./api.js";
import { element } from "./dom.js";
import { inRegion, regionHead } from "./region.js";
import { link } from "./router.js";
import { listing } from "./table.js";
import { name } from "./text.js";
import { variables } from "./variables.js";

export async function groups(context) {
  return [
    await regionHead(context, "groups"),
    await listing(
      {
        path: path`/v1/groups/${context.region}`,
        key: "groups",
        caption: "Groups",
        empty: "This region has no group yet.",
        columns: [
          ["Name", (one) => linkTo(context, "groups", one)],
          ["Priority", (one) => String(one.priority ?? "")],
          ["Part of", (one) => parents(context, one)],
        ],
      },
      context,
    ),
  ];
}

export async function group(context) {
  const where = path`/v1/groups/${context.region}/${context.group}`;
  const found = await get(where, context);
  const members = {
    path: `${where}/hosts`,
    key: "hosts",
    query: new URLSearchParams({ recursive: "true" }),
    caption: "Hosts",
    empty: "No host is in it.",
    columns: [
      ["Name", (one) => linkTo(context, "hosts", one)],
      ["Address", (one) => name(one.ip_address ?? "")],
    ],
  };
  const children = await get(`${where}/children?limit=${await pageSize(1000, context)}`, context);
  return [
    await regionHead(context, "groups", found.name),
    element("p", { class: "soft" }, "Subgroups: ", children.groups.length ? joined(children.groups.map((one) => linkTo(context, "groups", one))) : "none"),
    element(
      "p",
      {},
      element("a", { class: "button", href: link(inRegion(context, "runs", "new"), { group: found.id }) }, "Run a playbook on it"),
    ),
    element("h2", {}, "Variables"),
    await context.guarded(variables(`${where}/variables`, context)),
    element("h2", {}, "Hosts, with those of its subgroups"),
    await listing(members, context),
  ];
}

function linkTo(context, part, one) {
  return element("a", { href: link(inRegion(context, part, one.id)) }, name(one.name));
}

function parents(context, one) {
  return String(one.parents?.length || "");
}

/** Return nodes with commas between them. */
export function joined(nodes) {
  return nodes.map((node, at) => [at ? ", " : "", node]);
}

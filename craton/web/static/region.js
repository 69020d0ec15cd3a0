// What the pages of tenants and regions share: where they are, and the ways from there.

import { get, path } from "./api.js";
import { element, fill } from "./dom.js";
import { link } from "./router.js";
import { line, name } from "./text.js";

const PARTS = [
  ["hosts", "Hosts"],
  ["groups", "Groups"],
  ["variables", "Variables"],
  ["runs", "Runs"],
];

// Names on the way to a page, so that they are not asked for at each.
const known = new Map();

async function named(where, context) {
  if (!known.has(where)) known.set(where, (await get(where, context)).name);
  return known.get(where);
}

/** Return the name of a tenant. */
export const tenantName = (context) => named(path`/v1/tenants/${context.tenant}`, context);

/** Return the name of a region. */
export const regionName = (context) => named(path`/v1/regions/${context.tenant}/${context.region}`, context);

/** Return the place of something in the region of a page. */
export function inRegion(context, ...parts) {
  return ["tenants", context.tenant, "regions", context.region, ...parts];
}

/** Show the way to a page: pairs of a text and the parts of a place. */
export function crumbs(...steps) {
  const list = element(
    "ol",
    {},
    steps.map(([text, parts]) => element("li", {}, element("a", { href: link(parts) }, name(text)))),
  );
  fill(document.getElementById("crumbs"), steps.length ? list : null);
}

/** Return the heading of a tenant's page. */
export async function tenantHead(context, title) {
  const tenant = await tenantName(context);
  crumbs([tenant, ["tenants", context.tenant]]);
  return heading(title ?? tenant);
}

/**
 * Return the heading of a region's page, with the ways to its other pages.
 *
 * @param current The part of the region that the page belongs to.
 * @param title The heading; the region's name, if it is missing, and none if it is null.
 */
export async function regionHead(context, current, title) {
  const [tenant, region] = await Promise.all([tenantName(context), regionName(context)]);
  crumbs([tenant, ["tenants", context.tenant]], [region, inRegion(context, "hosts")]);
  const tabs = PARTS.map(([part, text]) =>
    element(
      "a",
      { href: link(inRegion(context, part)), "aria-current": part === current ? "page" : null },
      text,
    ),
  );
  return [title === null ? null : heading(title ?? region), element("nav", { class: "tabs", "aria-label": "The region" }, tabs)];
}

/** Return the heading of a page, which gets the focus when the page is opened. */
export function heading(text, ...more) {
  document.title = `${line(text, 80)} · Craton`;
  return element("h1", { tabindex: "-1" }, name(text), ...more);
}

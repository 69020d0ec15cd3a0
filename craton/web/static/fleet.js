// Tenants, the regions of one, and their variables.

import { path } from "./api.js";
import { element } from "./dom.js";
import { crumbs, heading, inRegion, regionHead, tenantHead } from "./region.js";
import { link } from "./router.js";
import { listing } from "./table.js";
import { line, name } from "./text.js";
import { moment } from "./time.js";
import { variables } from "./variables.js";

export async function tenants(context) {
  crumbs();
  return [
    heading("Tenants"),
    await listing(
      {
        path: "/v1/tenants",
        key: "tenants",
        caption: "Tenants",
        empty: "There is no tenant yet.",
        columns: [
          ["Name", (one) => element("a", { href: link(["tenants", one.id]) }, name(one.name))],
          ["Customer", (one) => name(one.customer ?? "")],
          ["Description", (one) => name(one.description ?? "")],
        ],
      },
      context,
    ),
  ];
}

export async function regions(context) {
  const place = (one) => inRegion({ tenant: context.tenant, region: one.id }, "hosts");
  return [
    await tenantHead(context),
    element("h2", {}, "Regions"),
    await listing(
      {
        path: path`/v1/regions/${context.tenant}`,
        key: "regions",
        caption: "Regions",
        empty: "This tenant has no region yet.",
        columns: [
          ["Name", (one) => element("a", { href: link(place(one)) }, name(one.name))],
          ["Runs", (one) => element("a", { href: link(inRegion({ ...context, region: one.id }, "runs")), "aria-label": `Runs of ${line(one.name)}` }, "Runs")],
          ["Changed", (one) => moment(one.updated_at)],
        ],
      },
      context,
    ),
    element("h2", {}, "Variables of the tenant"),
    await variables(path`/v1/tenants/${context.tenant}/variables`, context),
  ];
}

export async function regionVariables(context) {
  return [
    await regionHead(context, "variables"),
    element("h2", {}, "Variables that every host of the region has"),
    await variables(path`/v1/regions/${context.tenant}/${context.region}/variables`, context),
  ];
}

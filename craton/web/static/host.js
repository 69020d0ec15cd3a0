// One host: what it is, whether it was reached last, the runs that touched it, its variables.

import { get, pageSize, path } from "./api.js";
import { badge } from "./badge.js";
import { element } from "./dom.js";
import { facts } from "./facts.js";
import { joined } from "./groups.js";
import { inRegion, regionHead } from "./region.js";
import { link } from "./router.js";
import { runTable } from "./runs.js";
import { name, prose } from "./text.js";
import { moment } from "./time.js";
import { variables } from "./variables.js";

export async function host(context) {
  const where = path`/v1/hosts/${context.region}/${context.host}`;
  const found = await get(where, context);
  const head = await regionHead(context, "hosts", found.name);
  return [
    head,
    facts([
      ["Address", name(found.ip_address ?? "none")],
      ["SSH", name([found.ssh_user, found.ssh_port].filter((one) => one !== null).join(", port ") || "as Ansible has it")],
      ["Asset", name(found.asset_id ?? "none")],
      ["State", found.active ? "active" : "inactive: left out of bundles and runs"],
      ["Groups", joined(await groupLinks(found.groups, context))],
      ["Changed", moment(found.updated_at)],
    ]),
    element(
      "p",
      {},
      element("a", { class: "button", href: link(inRegion(context, "runs", "new"), { id: found.id }) }, "Run a playbook on it"),
    ),
    element("h2", {}, "Last reached"),
    await context.guarded(reachability(where, context)),
    element("h2", {}, "Runs that touched it"),
    await context.guarded(recentRuns(found.id, context)),
    element("h2", {}, "Variables"),
    await context.guarded(variables(`${where}/variables`, context)),
  ];
}

async function groupLinks(ids, context) {
  if (!ids.length) return ["none"];
  const query = new URLSearchParams(ids.slice(0, 100).map((id) => ["id", id]));
  query.set("limit", await pageSize(100, context));
  const page = await get(`${path`/v1/groups/${context.region}`}?${query}`, context);
  return page.groups.map((one) =>
    element("a", { href: link(inRegion(context, "groups", one.id)) }, name(one.name)),
  );
}

async function recentRuns(id, context) {
  return runTable(context, { host: id, limit: await pageSize(20, context) });
}

async function reachability(where, context) {
  const known = await get(`${where}/reachability`, context);
  if (known.reachable === null) return element("p", { class: "empty" }, "No run has tried to reach it yet.");
  return element(
    "div",
    { class: "reached" },
    element(
      "p",
      {},
      badge(known.reachable ? "ok" : "unreachable", known.reachable ? "reached" : "not reached"),
      " ",
      moment(known.time),
      " in ",
      element("a", { href: link(inRegion(context, "runs", known.run_id)) }, "a run"),
    ),
    known.message && prose(known.message),
  );
}

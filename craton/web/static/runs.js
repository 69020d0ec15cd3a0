// The runs of a region, newest first; the list keeps itself up to date.

import { get, nextOf, path } from "./api.js";
import { badge } from "./badge.js";
import { element, fill } from "./dom.js";
import { inRegion, regionHead } from "./region.js";
import { link } from "./router.js";
import { table } from "./table.js";
import { name } from "./text.js";
import { duration, moment } from "./time.js";

const AGAIN = 5000;

export async function runs(context) {
  const list = element("div", { class: "runs" });
  let shown = "";
  const query = context.query.has("marker") ? { marker: context.query.get("marker") } : {};
  const refresh = async () => {
    const page = await pageOf(context, query);
    const now = JSON.stringify(page);
    // Whoever is in the list with the keyboard is not thrown out of it for nothing.
    if (now === shown || (shown && list.contains(document.activeElement))) return;
    shown = now;
    fill(list, tableOf(page, context), more(page, context));
  };
  await refresh();
  const timer = setInterval(() => document.hidden || refresh().catch(() => {}), AGAIN);
  context.signal.addEventListener("abort", () => clearInterval(timer));
  return [
    await regionHead(context, "runs"),
    element("p", {}, element("a", { class: "button", href: link(inRegion(context, "runs", "new")) }, "Start a run")),
    list,
  ];
}

/** Return the runs that a query chooses as a table. */
export async function runTable(context, query) {
  return tableOf(await pageOf(context, query), context);
}

function pageOf(context, query) {
  return get(`${path`/v1/runs/${context.region}`}?${new URLSearchParams(query)}`, context);
}

function tableOf(page, context) {
  if (!page.runs.length) return element("p", { class: "empty" }, "There is none.");
  const rows = page.runs.map((run) => [
    element("a", { href: link(inRegion(context, "runs", run.id)) }, name(run.playbook), run.check && " (check)"),
    badge(run.state),
    `${done(run.progress)} of ${run.progress.total}`,
    trouble(run.progress),
    moment(run.created_at),
    duration(run.started_at, run.finished_at),
    name(run.requested_by),
  ]);
  return table("Runs", ["Playbook", "State", "Hosts done", "In trouble", "Asked for", "Took", "By"], rows);
}

function done(progress) {
  return progress.total - progress.pending - progress.running;
}

function trouble({ failed, unreachable }) {
  const parts = [
    failed > 0 && badge("failed", `${failed} failed`),
    unreachable > 0 && badge("unreachable", `${unreachable} unreachable`),
  ].filter(Boolean);
  return parts.length ? parts : element("span", { class: "soft" }, "none");
}

function more(page, context) {
  const next = nextOf(page);
  if (!next) return null;
  const marker = new URL(next, location.href).searchParams.get("marker");
  return element(
    "nav",
    { class: "pager", "aria-label": "Pages" },
    element("a", { href: link(context.parts, { marker }) }, "Older runs"),
  );
}

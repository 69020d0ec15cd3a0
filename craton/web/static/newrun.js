// Start a run: which playbook, on which hosts, and how.

import { Problem, get, pageSize, path, send } from "./api.js";
import { element, fill } from "./dom.js";
import { filterField, format, grouped, parse } from "./filters.js";
import { problemBox } from "./problems.js";
import { inRegion, regionHead } from "./region.js";
import { link } from "./router.js";
import { joined } from "./groups.js";
import { name, visible } from "./text.js";

export async function newRun(context) {
  const { playbooks } = await get("/v1/playbooks", context);
  const head = await regionHead(context, "runs", "Start a run");
  if (!playbooks.length) {
    return [head, element("p", { class: "empty" }, "This service has no playbooks: [runs] playbook_path names none.")];
  }
  const said = element("div");
  const form = element(
    "form",
    { class: "form", onsubmit: (event) => (event.preventDefault(), start(event.target, said, context)) },
    field("playbook", "Playbook", choice(playbooks.map((one) => one.name ?? one))),
    element("div", { class: "field" }, filterField("filter", format([...context.query]))),
    element(
      "p",
      {},
      element("button", { type: "button", onclick: () => preview(form, said, context) }, "Which hosts are these?"),
    ),
    element(
      "p",
      { class: "field inline" },
      element("input", { id: "check", name: "check", type: "checkbox" }),
      element("label", { for: "check" }, "Check only: say what would change, and change nothing"),
    ),
    field("batch_size", "Hosts to a batch", number(), "Left empty: as the service has it."),
    field("forks", "Hosts at once in a batch", number(), "Left empty: as the service has it."),
    field("tags", "Only tasks with one of these tags", element("input", { type: "text", autocomplete: "off" }), "Separated by commas."),
    field("extra_vars", "Extra variables, as a JSON object", element("textarea", { rows: "4", spellcheck: "false" })),
    said,
    element("button", { type: "submit", class: "primary" }, "Start the run"),
  );
  return [head, form];
}

function field(id, label, control, help) {
  control.id = id;
  control.setAttribute("name", id);
  if (help) control.setAttribute("aria-describedby", `${id}-help`);
  return element(
    "div",
    { class: "field" },
    element("label", { for: id }, label),
    control,
    help && element("p", { class: "soft help", id: `${id}-help` }, help),
  );
}

function choice(names) {
  return element("select", { required: true }, names.map((one) => element("option", { value: one }, visible(one))));
}

function number() {
  return element("input", { type: "number", min: "1", step: "1", inputmode: "numeric" });
}

async function preview(form, said, context) {
  const size = await pageSize(1000, context);
  const query = new URLSearchParams([...parse(form.elements.filter.value), ["limit", size]]);
  // What is inactive is left out of a run unless it is asked for.
  if (!query.has("active")) query.set("active", "true");
  await telling(said, async () => {
    const page = await get(`${path`/v1/hosts/${context.region}`}?${query}`, context);
    const number = page.hosts.length;
    const names = page.hosts.slice(0, 20).map((one) => name(one.name));
    return element(
      "p",
      { role: "status" },
      `${page.links.length ? `More than ${number}` : number} ${number === 1 ? "host" : "hosts"}`,
      names.length ? [": ", joined(names), number > 20 && ", …"] : ".",
    );
  });
}

async function start(form, said, context) {
  const button = form.querySelector("[type=submit]");
  button.disabled = true;
  await telling(said, async () => {
    const run = await send("POST", path`/v1/runs/${context.region}`, bodyOf(form.elements), context);
    location.hash = link(inRegion(context, "runs", run.id));
  });
  button.disabled = false;
}

function bodyOf({ playbook, filter, check, batch_size, forks, tags, extra_vars }) {
  const body = { playbook: playbook.value, filters: grouped(parse(filter.value)), check: check.checked };
  if (batch_size.value) body.batch_size = Number(batch_size.value);
  if (forks.value) body.forks = Number(forks.value);
  const wanted = tags.value.split(",").map((tag) => tag.trim()).filter(Boolean);
  if (wanted.length) body.tags = wanted;
  if (extra_vars.value.trim()) body.extra_vars = object(extra_vars.value);
  return body;
}

function object(text) {
  let found = null;
  try {
    // Numbers stay as they were typed.
    found = JSON.parse(text, (_, value, context) =>
      typeof value === "number" && context && JSON.rawJSON ? JSON.rawJSON(context.source) : value,
    );
  } catch (error) {
    throw new Problem({ title: "The extra variables are no JSON", detail: error.message });
  }
  if (typeof found === "object" && found !== null && !Array.isArray(found)) return found;
  throw new Problem({ title: "The extra variables are no JSON object", detail: 'Such as {"version": "1.2"}.' });
}

async function telling(said, work) {
  try {
    fill(said, await work());
  } catch (problem) {
    if (!(problem instanceof Problem) || problem.status === 401) throw problem;
    fill(said, problemBox(problem));
  }
}

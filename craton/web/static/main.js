// From the address of the page to what is shown.

import { Problem } from "./api.js";
import { element, fill } from "./dom.js";
import { regionVariables, regions, tenants } from "./fleet.js";
import { group, groups } from "./groups.js";
import { host } from "./host.js";
import { hosts } from "./hosts.js";
import { newRun } from "./newrun.js";
import { problemBox } from "./problems.js";
import { crumbs, heading } from "./region.js";
import { link, match, place } from "./router.js";
import { run } from "./run.js";
import { runs } from "./runs.js";
import { signOut, token } from "./session.js";
import { signInForm } from "./signin.js";

const REGION = "tenants/:tenant/regions/:region";

const VIEWS = [
  ["tenants", tenants],
  ["tenants/:tenant", regions],
  [`${REGION}/hosts`, hosts],
  [`${REGION}/hosts/:host`, host],
  [`${REGION}/groups`, groups],
  [`${REGION}/groups/:group`, group],
  [`${REGION}/variables`, regionVariables],
  [`${REGION}/runs`, runs],
  [`${REGION}/runs/new`, newRun],
  [`${REGION}/runs/:run`, run],
];

const main = document.getElementById("main");
let shown = new AbortController();

async function show() {
  shown.abort();
  const current = (shown = new AbortController());
  const { signal } = current;
  const failed = (error) => !signal.aborted && tell(error);
  main.setAttribute("aria-busy", "true");
  try {
    const nodes = await view({ signal, failed, guarded });
    if (signal.aborted) return;
    put(nodes);
  } catch (error) {
    if (!signal.aborted) tell(error);
  }
}

function view(context) {
  const at = place();
  if (at && !at.parts.length) at.parts.push("tenants");
  for (const [pattern, make] of at ? VIEWS : []) {
    const values = match(pattern, at.parts);
    if (values) return make({ ...values, ...at, ...context });
  }
  throw new Problem({ status: 404, title: "There is no such page", detail: "" });
}

function put(nodes) {
  fill(main, nodes);
  main.removeAttribute("aria-busy");
  fill(document.getElementById("session"), token() && element("button", { type: "button", class: "link", onclick: leave }, "Sign out"));
  // Who reads by ear or by keyboard goes on at the new page's head.
  (main.querySelector("h1:not([hidden] *)") ?? main).focus({ preventScroll: true });
  window.scrollTo(0, 0);
}

function tell(error) {
  if (!(error instanceof Problem)) {
    put([heading("This page failed"), problemBox(new Problem({ status: 0, title: "A fault of this page", detail: error.message }), show)]);
    throw error;
  }
  if (error.status === 401) {
    crumbs();
    put(signInForm(error, show));
  } else {
    put([heading(error.title), problemBox(error, show)]);
  }
}

function leave() {
  signOut();
  show();
}

/** Return what a part of a page comes to, or its problem in its place. */
async function guarded(part) {
  try {
    return await part;
  } catch (error) {
    if (!(error instanceof Problem) || error.status === 401) throw error;
    return problemBox(error);
  }
}

document.getElementById("skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
window.addEventListener("hashchange", show);
if (!location.hash) history.replaceState(null, "", link(["tenants"]));
show();

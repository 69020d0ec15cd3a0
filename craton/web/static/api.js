// Requests to the REST API, and the problems that it answers with.

import { token } from "./session.js";

/** What went wrong with a request, as RFC 9457 has it. Status 0: there was no answer. */
export class Problem extends Error {
  constructor({ status, title, detail, code, retryAfter, requestId, challenge }) {
    super(detail || title);
    Object.assign(this, { name: "Problem", status, title, detail, code, retryAfter, requestId, challenge });
  }
}

// The difference between the server's clock and this one, in milliseconds, from the newest answer.
let ahead = 0;

/** Return the time by the server's clock, in milliseconds. */
export function now() {
  return Date.now() + ahead;
}

/** Return a path with each of its parts quoted: `` path`/v1/hosts/${region}` ``. */
export function path(strings, ...values) {
  return strings.map((text, at) => text + (at < values.length ? encodeURIComponent(values[at]) : "")).join("");
}

/** Return what is at a path. */
export async function get(where, { signal } = {}) {
  return (await ask("GET", where, { signal })).json();
}

/** Return what is at a path, with every number as it is written there. */
export async function getExactly(where, { signal } = {}) {
  const text = await (await ask("GET", where, { signal })).text();
  // JavaScript knows doubles alone: 1.0 would be shown as 1, and long numbers as others.
  return JSON.parse(text, (_, value, context) =>
    typeof value === "number" && context && JSON.rawJSON ? JSON.rawJSON(context.source) : value,
  );
}

// The largest page that this service gives, once it was asked.
let largest;

/** Return the size of a page that is as large as this service gives, and no larger than wanted. */
export async function pageSize(wanted, context) {
  largest ??= (await get("/v1/capabilities", context)).limits.max_limit;
  return String(Math.min(wanted, largest));
}

/** Yield the items of every page of a list. */
export async function* all(where, key, { signal } = {}) {
  for (let next = where; next; ) {
    const page = await get(next, { signal });
    yield page[key];
    next = nextOf(page);
  }
}

/** Return where a list goes on, if it does. */
export function nextOf(page) {
  return page.links?.find((link) => link.rel === "next")?.href;
}

/** Send a body, or none, and return the answer as JSON, if it is some. */
export async function send(method, where, body, { signal } = {}) {
  const answer = await ask(method, where, { signal, body });
  const text = await answer.text();
  return text ? JSON.parse(text) : null;
}

/** Return the bytes of server-sent events that come after one. */
export async function follow(where, after, { signal } = {}) {
  const headers = { Accept: "text/event-stream", "Last-Event-ID": String(after) };
  return (await ask("GET", where, { signal, headers })).body;
}

async function ask(method, where, { signal, body, headers = {} } = {}) {
  const request = { method, signal, headers: { Accept: "application/json", ...headers } };
  if (token()) request.headers["X-Auth-Token"] = token();
  if (body !== undefined) {
    request.headers["Content-Type"] = "application/json";
    request.body = JSON.stringify(body);
  }
  const answer = await fetch(address(where), { ...request, cache: "no-store" }).catch((error) => {
    if (error.name === "AbortError") throw error;
    throw new Problem({ status: 0, title: "The server does not answer", detail: "" });
  });
  const date = Date.parse(answer.headers.get("Date"));
  if (date) ahead = date - Date.now();
  if (!answer.ok) throw await problem(answer);
  return answer;
}

function address(where) {
  // The API stands beside this page, wherever both are mounted; a link of it is a path already.
  const found = new URL(where.startsWith("/v1/") ? `..${where}` : where, new URL("./", location.href));
  if (found.origin !== location.origin) throw new TypeError(`not of this service: ${found.origin}`);
  return found;
}

async function problem(answer) {
  const document = await answer.json().catch(() => ({}));
  return new Problem({
    status: answer.status,
    title: document.title || answer.statusText || `Status ${answer.status}`,
    detail: document.detail || "",
    code: document.code,
    requestId: document.request_id,
    challenge: answer.headers.get("WWW-Authenticate") || "",
    retryAfter: Number(answer.headers.get("Retry-After")) || undefined,
  });
}

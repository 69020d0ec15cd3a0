// The states of runs and hosts: what they are called, and the sign that stands beside the colour.

/** The states of a host, those that want attention first: the order of lists. */
export const HOST_STATES = ["failed", "unreachable", "running", "changed", "ok", "skipped", "pending"];

/** States of a host that want attention. */
export const TROUBLE = new Set(["failed", "unreachable"]);

/** States of a host that it never leaves. */
export const FINAL = new Set(["ok", "changed", "failed", "unreachable", "skipped"]);

/** States that a run never leaves. */
export const RUN_ENDS = new Set(["succeeded", "failed", "cancelled", "lost"]);

export const SIGNS = {
  pending: "\u25a2",
  queued: "\u25a2",
  running: "\u25b6",
  ok: "\u2713",
  changed: "\u25b2",
  failed: "\u2715",
  unreachable: "!",
  skipped: "\u2013",
  succeeded: "\u2713",
  cancelled: "\u25a0",
  cancelling: "\u25a0",
  lost: "?",
};

/** Return the state under which a host is shown: trouble comes before it is final. */
export function shown(host) {
  return host.state === "running" && host.trouble ? host.trouble : host.state;
}

/** Return a host's state in words. */
export function words(host) {
  if (host.state !== "running" || !host.trouble) return host.state;
  return host.trouble === "failed" ? "failing, still running" : "unreachable, still running";
}

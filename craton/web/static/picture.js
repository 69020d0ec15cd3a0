// What is known of a run: its hosts, and what each event changes of them. It shows nothing itself.

import { FINAL, HOST_STATES, RUN_ENDS, TROUBLE, shown } from "./states.js";

// What is told of a host while it is worked on, and the trouble that it means.
const OUTCOMES = {
  "host.ok": null,
  "host.changed": null,
  "host.skipped": null,
  "host.failed": "failed",
  "host.unreachable": "unreachable",
};

// Events that tell of the run as a whole.
const NOTED = new Set(["run.state", "run.cancelling", "run.taken_over", "batch.restarted"]);

export class Picture {
  /** @param run The run as the API has it. */
  constructor(run) {
    this.run = run;
    this.hosts = [];
    this.counts = Object.fromEntries(HOST_STATES.map((state) => [state, run.progress[state] ?? 0]));
    this.total = run.progress.total;
    this.lastEvent = run.last_event;
    // What was said of the run itself, the newest last.
    this.notes = [];
    // Positions of hosts that changed since somebody looked.
    this.changed = new Set();
    this.positions = new Map();
  }

  /** Take all hosts, in the order in which they are shown from now on. */
  setHosts(hosts) {
    this.hosts = hosts;
    this.total = hosts.length;
    this.positions = new Map(hosts.map((host, at) => [host.host_id, at]));
    this.counts = Object.fromEntries(HOST_STATES.map((state) => [state, 0]));
    for (const host of hosts) this.counts[host.state] += 1;
    this.changed = new Set(hosts.keys());
  }

  /** Return whether the run has ended. */
  get ended() {
    return RUN_ENDS.has(this.run.state);
  }

  /** Return how many hosts are done. */
  get done() {
    return [...FINAL].reduce((sum, state) => sum + this.counts[state], 0);
  }

  /** Return how many hosts want attention; running ones that fail already are among them. */
  get troubled() {
    return this.hosts.length
      ? this.hosts.reduce((sum, host) => sum + TROUBLE.has(shown(host)), 0)
      : this.counts.failed + this.counts.unreachable;
  }

  /** Take an event; its number must be the next. Return whether it could be understood. */
  apply(event) {
    // Long data may have been left out, and with them the state.
    if (event.type === "host.finished" && !FINAL.has(event.data.state)) return false;
    this.lastEvent = event.id;
    if (event.type === "run.state") this.#runState(event);
    else if (event.type === "run.cancelling") this.run.cancelling = true;
    else if (event.type.startsWith("host.")) this.#host(event);
    if (NOTED.has(event.type)) this.notes.push(event);
    return true;
  }

  #host(event) {
    const at = this.positions.get(event.host_id);
    const host = this.hosts[at];
    if (!host || FINAL.has(host.state)) return;
    const finished = event.type === "host.finished";
    if (!finished && !(event.type in OUTCOMES)) return;
    this.#move(host, finished ? event.data.state : "running");
    host.trouble = finished ? null : OUTCOMES[event.type];
    // The last word may say nothing of its own: then that of the task before stands.
    if (!finished || event.task) host.task = event.task;
    if (!finished || event.message) host.message = event.message;
    host.updated_at = event.time;
    this.changed.add(at);
  }

  #move(host, state) {
    this.counts[host.state] -= 1;
    host.state = state;
    this.counts[state] += 1;
  }

  #runState(event) {
    this.run.state = event.data.state;
    this.run.reason = event.message;
    if (event.data.state === "running") this.run.started_at ??= event.time;
    if (this.ended) this.run.finished_at = event.time;
  }
}

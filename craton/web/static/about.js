// A run's facts, what was said of it as a whole, and its end by hand.

import { Problem, path, send } from "./api.js";
import { confirm } from "./confirm.js";
import { element, fill, write } from "./dom.js";
import { facts } from "./facts.js";
import { format } from "./filters.js";
import { problemBox } from "./problems.js";
import { name, prose, visible } from "./text.js";
import { moment } from "./time.js";

const SENTENCES = {
  "run.state": (event) => `The run is ${event.data.state}.`,
  "run.cancelling": () => "Somebody asked for its end.",
  "run.taken_over": (event) => `Another conductor took it over (attempt ${event.data.attempt}).`,
  "batch.restarted": (event) => `Batch ${event.data.batch} was interrupted, and is run again.`,
};

export class About {
  constructor(context) {
    this.context = context;
    this.body = element("div");
    this.problem = element("div");
    this.cancel = element("button", { type: "button", class: "danger", onclick: () => this.#cancel() }, "Cancel the run");
    this.node = element("section", { class: "about", "aria-label": "About the run" }, element("h2", {}, "About the run"), this.cancel, this.problem, this.body);
  }

  /** Show a picture's run. */
  show({ run, notes, ended }) {
    this.cancel.hidden = ended || this.frozen;
    this.cancel.disabled = run.cancelling;
    write(this.cancel, run.cancelling ? "Being cancelled…" : "Cancel the run");
    const key = JSON.stringify([run, notes.length]);
    if (key === this.key) return;
    this.key = key;
    fill(this.body, run.reason && prose(run.reason), factsOf(run), notesOf(notes));
  }

  /** Offer nothing any more. */
  freeze() {
    this.frozen = true;
    this.cancel.hidden = true;
  }

  async #cancel() {
    const { context } = this;
    const sure = await confirm({
      question: "Cancel this run?",
      explanation: "Whatever Ansible is doing is ended where it is; hosts may be left half done.",
      yes: "Cancel the run",
      no: "Let it go on",
    });
    if (!sure) return;
    this.cancel.disabled = true;
    try {
      await send("DELETE", path`/v1/runs/${context.region}/${context.run}`);
      fill(this.problem);
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      this.cancel.disabled = false;
      fill(this.problem, problemBox(problem));
    }
  }
}

function factsOf(run) {
  const filters = Object.entries(run.filters ?? {}).flatMap(([key, values]) => [values].flat().map((value) => [key, String(value)]));
  return facts([
    ["Playbook", name(run.playbook)],
    ["Hosts chosen by", filters.length ? element("code", {}, name(format(filters))) : "no filter: all of the region"],
    ["Only checked", run.check ? "yes: nothing is changed" : "no"],
    ["Tags", name((run.tags ?? []).join(", ") || "all")],
    ["Batches of", String(run.batch_size ?? "")],
    ["Hosts at once", String(run.forks ?? "")],
    ["Asked for by", name(run.requested_by ?? "")],
    ["Carried out by", run.origin === "reported" ? "somebody's own ansible-playbook" : "a conductor of Craton"],
    ["Asked for", moment(run.created_at)],
    ["Started", moment(run.started_at)],
    ["Ended", moment(run.finished_at)],
    ["Bundle", element("code", {}, visible(run.bundle_sha256 ?? "none"))],
    ["Id", element("code", {}, visible(run.id))],
  ]);
}

function notesOf(notes) {
  if (!notes.length) return null;
  const items = notes.map((event) =>
    element("li", {}, moment(event.time), " ", SENTENCES[event.type](event), " ", name(event.message ?? "")),
  );
  return [element("h3", {}, "What happened while you watched"), element("ol", { class: "notes" }, items)];
}

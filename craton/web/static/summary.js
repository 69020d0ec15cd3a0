// The run in one glance, from the other end of the room: how far, how well, how long.

import { badge } from "./badge.js";
import { element, fill, write } from "./dom.js";
import { HOST_STATES, SIGNS } from "./states.js";
import { line } from "./text.js";
import { duration } from "./time.js";

// Milliseconds between two messages to screen readers.
const SAID = 10_000;

export class Summary {
  /**
   * @param signal Ends it.
   * @param wanted Called with the state whose hosts somebody wants to see, or with null.
   */
  constructor(signal, wanted) {
    this.wanted = wanted;
    this.percent = element("span", { class: "percent" });
    this.playbook = element("bdi", { class: "name playbook" });
    const title = element("h1", { tabindex: "-1" }, this.playbook);
    this.state = element("span");
    this.words = element("span", { class: "words" });
    this.elapsed = element("span", { class: "elapsed" });
    this.bar = element("progress", { class: "unseen", "aria-label": "Hosts done" });
    this.said = element("p", { class: "unseen", role: "status" });
    this.saidAt = 0;
    this.counts = new Map(HOST_STATES.map((state) => [state, this.#count(state)]));
    this.node = element(
      "section",
      { class: "summary", "aria-label": "Summary" },
      element(
        "div",
        { class: "headline" },
        this.percent,
        element("div", {}, element("p", { class: "first" }, this.state, " ", title), element("p", {}, this.words)),
        this.elapsed,
      ),
      this.bar,
      element("div", { class: "counts", role: "group", "aria-label": "Hosts by state; choose one to list them" }, [...this.counts.values()].map((one) => one.button)),
      this.said,
    );
    const timer = setInterval(() => this.picture && this.#time(), 1000);
    signal.addEventListener("abort", () => clearInterval(timer));
  }

  /** Show a picture. */
  show(picture) {
    this.picture = picture;
    const { run, counts, total, done, troubled, ended } = picture;
    const state = run.cancelling && !ended ? "cancelling" : run.state;
    // Never 100 before all is done.
    write(this.percent, `${total ? Math.floor((100 * done) / total) : 100}\u202f%`);
    write(this.playbook, line(run.playbook, 120));
    if (this.shownState !== state) fill(this.state, badge(state));
    this.shownState = state;
    write(this.words, wordsOf({ total, done, troubled, run }));
    Object.assign(this.bar, { max: Math.max(1, total), value: done });
    for (const [name, { button, number }] of this.counts) {
      write(number, String(counts[name]));
      button.classList.toggle("is-none", counts[name] === 0);
    }
    this.node.dataset.tone = tone(state, troubled);
    document.title = `${this.percent.textContent}${troubled ? ` · ${SIGNS.failed} ${troubled}` : ""} · ${line(run.playbook, 60)} · Craton`;
    this.#time();
    this.#say(state);
  }

  /** Stop the clock: nobody knows any more. */
  freeze() {
    this.frozen = true;
  }

  #count(state) {
    const number = element("span", { class: "number" }, "0");
    const button = element(
      "button",
      { type: "button", class: `count is-${state}`, "aria-pressed": "false", onclick: () => this.#press(state) },
      element("span", { class: "sign", "aria-hidden": "true" }, SIGNS[state]),
      number,
      element("span", { class: "word" }, state),
    );
    return { button, number };
  }

  #press(state) {
    const on = this.counts.get(state).button.getAttribute("aria-pressed") !== "true";
    for (const [name, { button }] of this.counts) button.setAttribute("aria-pressed", String(on && name === state));
    this.wanted(on ? state : null);
  }

  #time() {
    const { started_at, finished_at } = this.picture.run;
    if (!this.frozen) write(this.elapsed, duration(started_at, finished_at));
  }

  #say(state) {
    // Screen readers are told now and then, and of each new state at once.
    if (state === this.saidState && Date.now() - this.saidAt < SAID) return;
    this.saidState = state;
    this.saidAt = Date.now();
    write(this.said, `${state}: ${this.words.textContent}`);
  }
}

function wordsOf({ total, done, troubled, run }) {
  const hosts = `${done} of ${total} hosts done`;
  if (troubled) return `${hosts} · ${troubled} in trouble`;
  if (run.state === "queued") return `${hosts} · waiting for a conductor`;
  return run.state === "lost" ? `${hosts} · nobody knows how it ended` : `${hosts} · all well`;
}

function tone(state, troubled) {
  if (troubled || state === "failed" || state === "lost") return "alarm";
  return state === "succeeded" ? "good" : "calm";
}

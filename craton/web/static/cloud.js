// The cloud: one cell a host on a canvas, and beside it, for keyboards and screen readers, a list box
// of which only the chosen host is in the document.

import { element, write } from "./dom.js";
import { layout } from "./layout.js";
import { Sprites, colours } from "./sprites.js";
import { SIGNS, TROUBLE, shown, words } from "./states.js";
import { line } from "./text.js";

const BEAT = 700;

export class Cloud {
  /**
   * @param chosen Called with a host's position when somebody chooses it.
   * @param signal Ends it.
   */
  constructor(chosen, signal) {
    this.hosts = [];
    this.at = -1;
    this.bright = true;
    this.choose = chosen;
    this.canvas = element("canvas", { class: "cells", "aria-hidden": "true" });
    // Two, because a screen reader says nothing of one whose text changed.
    this.options = ["cell-a", "cell-b"].map((id) => element("div", { id, role: "option", class: "unseen" }));
    this.node = element(
      "div",
      {
        class: "cloud",
        role: "listbox",
        tabindex: "0",
        "aria-label": "Hosts of the run, one cell each",
        "aria-describedby": "cloud-keys",
        onkeydown: (event) => this.#key(event),
        onfocus: () => this.at < 0 && this.hosts.length && this.select(0),
      },
      this.canvas,
      this.options[0],
    );
    this.under = element("p", { class: "under", "aria-hidden": "true" });
    this.#listen(signal);
  }

  /** Show other hosts; the list is kept, and its rows change in place. */
  show(hosts) {
    const before = this.hosts[this.at]?.host_id;
    this.hosts = hosts;
    this.at = hosts.findIndex((host) => host.host_id === before);
    this.place();
  }

  /** Lay the cells out anew. */
  place() {
    if (!this.hosts.length) return;
    const width = Math.floor(this.node.clientWidth);
    if (!width) return;
    this.width = this.node.clientWidth;
    const top = this.node.getBoundingClientRect().top + window.scrollY;
    const room = Math.max(240, window.innerHeight - Math.min(top, window.innerHeight / 2) - 72);
    this.layout = layout(this.hosts.length, width, room);
    const scale = Math.min(window.devicePixelRatio || 1, 2);
    this.sprites = new Sprites(this.layout, scale, colours(this.node));
    this.canvas.width = Math.ceil(width * scale);
    this.canvas.height = Math.ceil(this.layout.rows * this.layout.height * scale);
    // Through the object model, which the policy of the page allows; attributes it does not.
    this.canvas.style.width = `${width}px`;
    this.canvas.style.height = `${this.layout.rows * this.layout.height}px`;
    this.canvas.getContext("2d").scale(scale, scale);
    // Where which cell lies, for who looks from outside.
    Object.assign(this.node.dataset, { columns: this.layout.columns, width: this.layout.width, height: this.layout.height });
    const context = this.canvas.getContext("2d");
    for (const at of this.hosts.keys()) this.#cell(context, at);
    if (this.at >= 0) this.#describe();
  }

  /** Draw the cells at these positions. */
  draw(positions) {
    if (!this.layout) return;
    const context = this.canvas.getContext("2d");
    for (const at of positions) this.#again(context, at);
    if (this.at >= 0) this.#describe();
  }

  /** Choose a host by its position, as if by hand. */
  select(at) {
    const before = this.at;
    if (at === before || !this.hosts[at]) return;
    this.at = at;
    this.options.reverse();
    // The canvas stays where it is, or the click that leads here would be lost.
    this.options[1].replaceWith(this.options[0]);
    this.node.setAttribute("aria-activedescendant", this.options[0].id);
    this.draw(before < 0 ? [at] : [before, at]);
    this.choose(at);
  }

  #again(context, at) {
    const { columns, width, height } = this.layout;
    context.clearRect((at % columns) * width, Math.floor(at / columns) * height, width, height);
    this.#cell(context, at);
  }

  #cell(context, at) {
    const { columns, width, height, named } = this.layout;
    const [x, y] = [(at % columns) * width, Math.floor(at / columns) * height];
    const host = this.hosts[at];
    const state = shown(host);
    const options = {
      failing: state !== host.state,
      bright: host.state === "running" && this.bright,
    };
    this.sprites.put(context, state, x, y, options);
    if (named) this.#name(context, host, state, x, y);
    if (at !== this.at) return;
    context.lineWidth = 2;
    context.strokeStyle = this.sprites.colour("text");
    context.strokeRect(x + 1, y + 1, width - 2, height - 2);
  }

  #name(context, host, state, x, y) {
    const { width, height } = this.layout;
    context.save();
    context.beginPath();
    context.rect(x, y, width - 8, height);
    context.clip();
    context.font = "600 14px system-ui, sans-serif";
    context.textBaseline = "middle";
    context.fillStyle = this.sprites.colour(`ink-${state}`);
    context.fillText(line(host.host, 40), x + height * 0.85, y + height / 2);
    context.restore();
  }

  #describe() {
    const host = this.hosts[this.at];
    const [option] = this.options;
    option.setAttribute("aria-selected", "true");
    option.setAttribute("aria-setsize", this.hosts.length);
    option.setAttribute("aria-posinset", this.at + 1);
    const said = [line(host.host), words(host), line(host.task), line(host.message, 200)];
    write(option, said.filter(Boolean).join(", "));
  }

  #key(event) {
    const target = this.#target(event);
    if (target === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    this.select(Math.max(0, Math.min(this.hosts.length - 1, target)));
    this.#reveal();
  }

  #target({ key, shiftKey }) {
    const columns = this.layout?.columns ?? 1;
    const moves = {
      ArrowLeft: -1,
      ArrowRight: 1,
      ArrowUp: -columns,
      ArrowDown: columns,
      PageUp: -10 * columns,
      PageDown: 10 * columns,
    };
    if (key in moves) {
      const to = this.at + moves[key];
      return Math.abs(moves[key]) > 1 && (to < 0 || to >= this.hosts.length) ? this.at : to;
    }
    if (key === "Home") return 0;
    if (key === "End") return this.hosts.length - 1;
    if (key.toLowerCase() === "n") return this.#trouble(shiftKey ? -1 : 1);
    return undefined;
  }

  /** Return the position of the next host in trouble in a direction, around the end. */
  #trouble(step) {
    const total = this.hosts.length;
    for (let away = 1; away <= total; away += 1) {
      const at = (this.at + step * away + total * 2) % total;
      if (TROUBLE.has(shown(this.hosts[at]))) return at;
    }
    return this.at;
  }

  #reveal() {
    const { columns, height } = this.layout;
    const top = this.canvas.getBoundingClientRect().top + Math.floor(this.at / columns) * height;
    if (top < 0) window.scrollBy(0, top - height);
    else if (top + height > window.innerHeight) window.scrollBy(0, top + 2 * height - window.innerHeight);
  }

  #position(event) {
    if (!this.layout) return -1;
    const box = this.canvas.getBoundingClientRect();
    const column = Math.floor((event.clientX - box.left) / this.layout.width);
    const row = Math.floor((event.clientY - box.top) / this.layout.height);
    const at = row * this.layout.columns + column;
    return column >= 0 && column < this.layout.columns && this.hosts[at] ? at : -1;
  }

  #listen(signal) {
    this.canvas.addEventListener("click", (event) => {
      const at = this.#position(event);
      if (at >= 0) this.select(at);
    });
    this.canvas.addEventListener("pointermove", (event) => {
      const host = this.hosts[this.#position(event)];
      write(this.under, host ? `${SIGNS[shown(host)]} ${line(host.host, 80)}: ${words(host)}` : "");
    });
    this.canvas.addEventListener("pointerleave", () => write(this.under, ""));
    // Its height follows from its width, so the height is none of the observer's affair.
    const sized = new ResizeObserver(() => this.node.clientWidth !== this.width && this.place());
    sized.observe(this.node);
    const resized = () => {
      this.resizing ||= requestAnimationFrame(() => {
        this.resizing = 0;
        this.place();
      });
    };
    window.addEventListener("resize", resized, { signal });
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    scheme.addEventListener("change", () => this.place(), { signal });
    const beat = setInterval(() => this.#beat(), BEAT);
    signal.addEventListener("abort", () => {
      sized.disconnect();
      clearInterval(beat);
    });
  }

  #beat() {
    if (document.hidden || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    this.bright = !this.bright;
    const context = this.canvas.getContext("2d");
    for (const [at, host] of this.hosts.entries()) {
      if (this.layout && host.state === "running") this.#again(context, at);
    }
  }
}

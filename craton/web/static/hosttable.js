// Every host of a run as a table, those first that want attention; a hundred rows at a time.

import { badge } from "./badge.js";
import { element, fill, write } from "./dom.js";
import { HOST_STATES, shown, words } from "./states.js";
import { line, name } from "./text.js";
import { moment } from "./time.js";

const ROWS = 100;

export class HostTable {
  /** @param choose Called with a host when somebody chooses it. */
  constructor(choose) {
    this.choose = choose;
    this.state = null;
    this.page = 0;
    this.rows = new Map();
    this.title = element("h2", {}, "Hosts");
    this.search = element("input", { id: "host-search", type: "search", autocomplete: "off", spellcheck: "false", oninput: () => this.#turn(0) });
    this.body = element("tbody");
    this.count = element("span", { "aria-live": "polite" });
    this.back = element("button", { type: "button", onclick: () => this.#turn(this.page - 1) }, "Previous");
    this.on = element("button", { type: "button", onclick: () => this.#turn(this.page + 1) }, "Next");
    const headings = ["Host", "State", "Task", "Message", "When"].map((text) => element("th", { scope: "col" }, text));
    const table = element(
      "table",
      { class: "hosts" },
      element("caption", { class: "unseen" }, "Hosts of the run, those in trouble first"),
      element("thead", {}, element("tr", {}, headings)),
      this.body,
    );
    this.node = element(
      "section",
      { "aria-label": "Hosts" },
      this.title,
      element("p", { class: "filter" }, element("label", { for: "host-search" }, "Name contains"), this.search),
      element("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "Table of hosts" }, table),
      element("p", { class: "pager" }, this.back, this.count, this.on),
    );
  }

  /** List only hosts in a state, or all of them. */
  only(state) {
    this.state = state;
    this.page = 0;
  }

  /** Show the hosts of a picture. */
  show(picture) {
    this.picture = picture;
    const found = this.#found();
    this.page = Math.max(0, Math.min(this.page, Math.ceil(found.length / ROWS) - 1));
    const hosts = found.slice(this.page * ROWS, (this.page + 1) * ROWS);
    write(this.title, this.state ? `Hosts: ${this.state}` : "Hosts");
    write(this.count, found.length ? `${this.page * ROWS + 1}–${this.page * ROWS + hosts.length} of ${found.length}` : "No host");
    this.back.disabled = this.page === 0;
    this.on.disabled = (this.page + 1) * ROWS >= found.length;
    this.#rows(hosts);
  }

  #turn(page) {
    this.page = page;
    this.show(this.picture);
  }

  #found() {
    const text = this.search.value.trim().toLowerCase();
    const byState = new Map(HOST_STATES.map((state) => [state, []]));
    for (const host of this.picture.hosts) {
      if (this.state && host.state !== this.state && shown(host) !== this.state) continue;
      if (!text || host.host.toLowerCase().includes(text)) byState.get(shown(host)).push(host);
    }
    return [...byState.values()].flat();
  }

  #rows(hosts) {
    const rows = new Map();
    for (const host of hosts) rows.set(host.host_id, this.rows.get(host.host_id) ?? this.#row(host));
    for (const [id, row] of this.rows) if (!rows.has(id)) row.node.remove();
    this.rows = rows;
    let before = null;
    // Only what is in the wrong place is moved, since moving takes the focus away.
    for (const host of hosts) {
      const row = rows.get(host.host_id);
      const place = before ? before.nextSibling : this.body.firstChild;
      if (row.node !== place) move(row.node, this.body, place);
      before = row.node;
      row.show(host);
    }
  }

  #row(first) {
    let host = first;
    let key = "";
    const [state, task, message, when] = ["state", "task", "message", "when"].map((one) => element("td", { class: one }));
    const button = element("button", { type: "button", class: "link", onclick: () => this.choose(host) }, name(host.host));
    const node = element("tr", {}, element("th", { scope: "row" }, button), state, task, message, when);
    const show = (now) => {
      host = now;
      const wanted = JSON.stringify([now.state, now.trouble, now.task, now.message, now.updated_at]);
      if (wanted === key) return;
      key = wanted;
      fill(state, badge(shown(now), words(now)));
      fill(task, name(now.task));
      fill(message, element("bdi", {}, line(now.message, 200)));
      fill(when, moment(now.updated_at));
    };
    return { node, show };
  }
}

function move(node, parent, before) {
  const focused = node.contains(document.activeElement) ? document.activeElement : null;
  parent.insertBefore(node, before);
  focused?.focus({ preventScroll: true });
}

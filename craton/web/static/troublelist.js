// Hosts in trouble: failed ones first, then those that could not be reached.

import { badge } from "./badge.js";
import { element, fill } from "./dom.js";
import { TROUBLE, shown, words } from "./states.js";
import { line, name } from "./text.js";

// The table has all of them.
const MOST = 30;

export class TroubleList {
  /** @param choose Called with a host when somebody chooses it. */
  constructor(choose) {
    this.title = element("h2", {}, "In trouble");
    this.list = element("ul", { class: "troubles" });
    this.node = element("section", { class: "trouble", "aria-label": "In trouble" }, this.title, this.list);
    this.list.addEventListener("click", ({ target }) => {
      const button = target.closest("button");
      if (button) choose(this.hosts[Number(button.dataset.at)]);
    });
  }

  /** Show those of a picture. */
  show(picture) {
    const all = picture.hosts.filter((host) => TROUBLE.has(shown(host)));
    const rank = (host) => (shown(host) === "failed" ? 0 : 1);
    const hosts = all.sort((one, other) => rank(one) - rank(other)).slice(0, MOST);
    const key = JSON.stringify([all.length, hosts.map((host) => [host.host_id, host.state, host.task, host.message])]);
    if (key === this.key) return;
    this.key = key;
    const focused = this.list.contains(document.activeElement) && this.hosts[Number(document.activeElement.dataset.at)];
    this.hosts = hosts;
    fill(
      this.list,
      hosts.map((host, at) => element("li", {}, row(host, at))),
      all.length > MOST && element("li", { class: "soft" }, `and ${all.length - MOST} more, in the table below`),
      !all.length && element("li", { class: "soft" }, "No host."),
    );
    const again = focused ? hosts.findIndex((host) => host.host_id === focused.host_id) : -1;
    if (again >= 0) this.list.querySelectorAll("button")[again].focus();
  }
}

function row(host, at) {
  return element(
    "button",
    { type: "button", "data-at": String(at) },
    badge(shown(host), words(host)),
    " ",
    name(host.host),
    element("span", { class: "why", dir: "auto" }, line(host.message || host.task, 160)),
  );
}

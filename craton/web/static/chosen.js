// The host that somebody chose in the cloud or in a list.

import { badge } from "./badge.js";
import { element, fill } from "./dom.js";
import { inRegion } from "./region.js";
import { link } from "./router.js";
import { shown, words } from "./states.js";
import { name, prose } from "./text.js";
import { moment } from "./time.js";

export class Chosen {
  constructor(context) {
    this.context = context;
    this.body = element("div", {}, element("p", { class: "soft" }, "Choose a cell to see its host."));
    this.node = element("section", { class: "chosen", "aria-label": "Chosen host" }, this.body);
  }

  /** Show a host. */
  show(host) {
    const key = JSON.stringify(host);
    if (key === this.key) return;
    this.key = key;
    fill(
      this.body,
      element("h2", {}, element("a", { href: link(inRegion(this.context, "hosts", host.host_id)) }, name(host.host))),
      element("p", {}, badge(shown(host), words(host)), " ", moment(host.updated_at)),
      host.task && element("p", {}, element("span", { class: "soft" }, "Task "), name(host.task)),
      host.message && prose(host.message),
    );
  }
}

// A run: the cloud progress bar, what is in trouble, and every host of it.

import { About } from "./about.js";
import { Chosen } from "./chosen.js";
import { Cloud } from "./cloud.js";
import { Connection } from "./connection.js";
import { element } from "./dom.js";
import { keepTrue } from "./following.js";
import { HostTable } from "./hosttable.js";
import { regionHead } from "./region.js";
import { Summary } from "./summary.js";
import { TroubleList } from "./troublelist.js";

// Lists are written anew at most so often, in milliseconds: nobody reads faster.
const LISTS = 400;

const KEYS = "Arrow keys go from host to host, N and Shift+N between those in trouble.";

export async function run(context) {
  const head = await regionHead(context, "runs", null);
  const page = new RunPage(context);
  keepTrue(context.region, context.run, page, context.signal).catch(context.failed);
  return [head, page.node];
}

/** What is shown of a run; `keepTrue` tells it what to show. */
class RunPage {
  constructor(context) {
    this.context = context;
    this.picture = null;
    this.frame = 0;
    this.lists = 0;
    const choose = (host) => this.cloud.select(this.picture.positions.get(host.host_id));
    this.connected = new Connection();
    this.summary = new Summary(context.signal, (state) => this.#listOnly(state));
    this.chosen = new Chosen(context);
    this.cloud = new Cloud((at) => this.chosen.show(this.picture.hosts[at]), context.signal);
    this.trouble = new TroubleList(choose);
    this.table = new HostTable(choose);
    this.about = new About(context);
    this.body = this.#body();
    this.body.hidden = true;
    this.node = element("div", { class: "run" }, this.connected.node, this.body);
    context.signal.addEventListener("abort", () => clearTimeout(this.lists));
  }

  #body() {
    const cloud = element(
      "section",
      { class: "pane-cloud", "aria-label": "Cloud of hosts" },
      this.cloud.node,
      this.cloud.under,
      element("p", { class: "soft keys", id: "cloud-keys" }, KEYS),
    );
    const side = element("div", { class: "pane-side" }, this.chosen.node, this.trouble.node);
    const panes = element("div", { class: "panes" }, cloud, side);
    return element("div", {}, this.summary.node, panes, this.table.node, this.about.node);
  }

  /** So many hosts are read. */
  loading(done, total) {
    if (!this.picture) this.connected.say("loading", `Reading ${done} of ${total} hosts…`);
  }

  /** There is a picture, in the place of the one before. */
  fresh(picture) {
    this.picture = picture;
    this.body.hidden = false;
    this.cloud.show(picture.hosts);
    picture.changed.clear();
    this.#draw();
    this.#list();
  }

  /** The picture changed. */
  changed() {
    this.frame ||= requestAnimationFrame(() => this.#draw());
    this.lists ||= setTimeout(() => this.#list(), LISTS);
  }

  /** Where the picture comes from is there, or is not. */
  connection(state, problem) {
    this.connected.tell(state, problem);
    this.node.classList.toggle("is-stale", state === "lost" || state === "gone");
    if (state !== "gone") return;
    this.summary.freeze();
    this.about.freeze();
    if (problem.status === 401) this.context.failed(problem);
  }

  #draw() {
    this.frame = 0;
    const { picture } = this;
    const changed = picture.changed;
    picture.changed = new Set();
    this.cloud.draw(changed);
    this.summary.show(picture);
    if (this.cloud.at >= 0) this.chosen.show(picture.hosts[this.cloud.at]);
  }

  #list() {
    clearTimeout(this.lists);
    this.lists = 0;
    this.trouble.show(this.picture);
    this.table.show(this.picture);
    this.about.show(this.picture);
  }

  #listOnly(state) {
    this.table.only(state);
    this.table.show(this.picture);
  }
}

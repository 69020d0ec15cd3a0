// Whether what is shown is true now: said in words, and loudly when it is not.

import { element, fill } from "./dom.js";
import { visible } from "./text.js";

const UNKNOWN =
  "The server does not know this run any more, or you may not see it. A server that keeps runs in " +
  "memory forgets them when it is restarted. What is below is the last that was heard, and may be wrong.";

export class Connection {
  constructor() {
    this.node = element("div", { class: "connection", role: "status" });
  }

  /** Show one line. */
  say(state, ...text) {
    this.node.dataset.state = state;
    fill(this.node, element("p", {}, text));
  }

  /** Show what became of the connection. */
  tell(state, problem) {
    if (state === "live") this.say(state, "Live");
    else if (state === "ended") this.say(state, "The run has ended; nothing changes here any more.");
    else if (state === "lost") this.say(state, element("strong", {}, "Reconnecting…"), ` ${reason(problem)} What is below may be old.`);
    else this.say(state, element("strong", {}, "Not followed any more."), ` ${problem.status === 404 ? UNKNOWN : reason(problem)}`);
  }
}

function reason(problem) {
  if (!problem.status) return "The connection to the server is lost.";
  return `${visible(problem.title)} (${problem.status}). ${visible(problem.detail)}`;
}

// Problems, as the reader of a page is told of them.

import { element } from "./dom.js";
import { visible } from "./text.js";

const MEANING = {
  403: "You may not see or do this.",
  404: "It does not exist, or you may not see it.",
  503: "The service or its store is away for the moment.",
};

/** Return an element that tells of a problem, with a button to try again if that makes sense. */
export function problemBox(problem, again) {
  const known = MEANING[problem.status];
  return element(
    "div",
    { class: "problem", role: "alert" },
    element("h2", {}, problem.status ? `${visible(problem.title)} (${problem.status})` : problem.title),
    problem.detail && element("p", { dir: "auto" }, visible(problem.detail)),
    known && element("p", { class: "soft" }, known),
    problem.requestId && element("p", { class: "soft" }, `The log calls this request ${visible(problem.requestId)}.`),
    again && element("button", { type: "button", onclick: again }, "Try again"),
  );
}

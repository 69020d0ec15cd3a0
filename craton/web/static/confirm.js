// A question before something that cannot be taken back.

import { element } from "./dom.js";

/** Ask; resolve to whether the answer was yes. Escape is no. */
export function confirm({ question, explanation, yes, no }) {
  const answer = deferred();
  const end = (value) => () => {
    answer.resolve(value);
    dialog.close();
  };
  const dialog = element(
    "dialog",
    { "aria-labelledby": "question", onclose: () => (answer.resolve(false), dialog.remove()) },
    element("h2", { id: "question" }, question),
    element("p", {}, explanation),
    element(
      "div",
      { class: "buttons" },
      element("button", { type: "button", autofocus: true, onclick: end(false) }, no),
      element("button", { type: "button", class: "danger", onclick: end(true) }, yes),
    ),
  );
  document.body.append(dialog);
  dialog.showModal();
  return answer.promise;
}

function deferred() {
  const made = {};
  made.promise = new Promise((resolve) => Object.assign(made, { resolve }));
  return made;
}

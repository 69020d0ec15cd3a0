// The way in where the service asks for a token.

import { element } from "./dom.js";
import { heading } from "./region.js";
import { signIn } from "./session.js";
import { visible } from "./text.js";

/** Return what leads on where a service wants to know who asks. */
export function signInForm(problem, goOn) {
  // Names and passwords are the browser's affair: it asks for them by itself.
  if (/^basic\b/i.test(problem.challenge)) {
    return [
      heading("Sign in"),
      element("p", {}, "This service asks for a name and a password."),
      element("button", { type: "button", class: "primary", onclick: goOn }, "Enter them"),
    ];
  }
  return tokenForm(problem, goOn);
}

function tokenForm(problem, goOn) {
  const field = element("input", { id: "token", type: "password", autocomplete: "off", required: true, spellcheck: "false" });
  const submit = (event) => {
    event.preventDefault();
    signIn(field.value.trim());
    goOn();
  };
  return [
    heading("Sign in"),
    element("p", { dir: "auto" }, visible(problem.detail || problem.title)),
    element(
      "form",
      { class: "form", onsubmit: submit },
      element(
        "div",
        { class: "field" },
        element("label", { for: "token" }, "Token"),
        field,
        element("p", { class: "soft help" }, "From Keystone: ", element("code", {}, "openstack token issue -f value -c id"), ". It is kept until this tab is closed."),
      ),
      element("button", { type: "submit", class: "primary" }, "Go on"),
    ),
  ];
}

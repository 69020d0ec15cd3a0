// Elements out of names, properties and children. Text stays text: nothing here reads markup.

/**
 * Make an element.
 *
 * Properties named `on…` are listeners; the others are attributes, left out where they are false
 * or missing. Children are nodes, or strings that become text.
 */
export function element(name, properties = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else set(node, key, value === true ? "" : String(value));
  }
  node.append(...present(children));
  return node;
}

function set(node, key, value) {
  // Every link leads to a place of this page, so that no text can become a scheme.
  if (key === "href" && !value.startsWith("#")) throw new TypeError(`no link of this page: ${value}`);
  node.setAttribute(key, value);
}

function present(children) {
  return children.flat(Infinity).filter((child) => child !== undefined && child !== null && child !== false);
}

/** Put children in the place of all that a node has. */
export function fill(node, ...children) {
  node.replaceChildren(...present(children));
  return node;
}

/** Set the text of a node, and touch nothing if it is that already. */
export function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

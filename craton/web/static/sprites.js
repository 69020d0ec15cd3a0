// How a cell looks in each state: a colour, and a sign for who cannot tell colours.

import { TROUBLE } from "./states.js";

// Between two cells.
const GAP = 2;

// Below this width edges would be all that one sees.
const SMALL = 16;

/** Return the colours of the page's scheme now, by their names in the stylesheet. */
export function colours(node) {
  const style = getComputedStyle(node);
  const known = new Map();
  return (name) => {
    // Asking a style may make the browser work all styles out anew.
    if (!known.has(name)) known.set(name, style.getPropertyValue(`--${name}`).trim());
    return known.get(name);
  };
}

/**
 * Draw a cell at the origin.
 *
 * @param context Where.
 * @param state A host's state.
 * @param size Its width and height.
 * @param colour The page's colours.
 * @param options `failing`: it is running still, so its edge is open; `bright`: the beat of what is
 *   running.
 */
function drawCell(context, state, size, colour, { failing = false, bright = false } = {}) {
  const { width, height } = size;
  const small = width < SMALL;
  const empty = state === "pending" || state === "skipped";
  context.beginPath();
  context.roundRect(0.5, 0.5, width - 1, height - 1, Math.min(width, height) / 5);
  context.fillStyle = colour(fillOf(state, small, empty));
  context.globalAlpha = state === "running" && !bright ? 0.72 : 1;
  context.fill();
  context.globalAlpha = 1;
  if (failing || (empty && !small)) {
    context.lineWidth = failing ? Math.max(1.5, Math.min(width, height) / 12) : 1;
    context.strokeStyle = colour(failing ? "cell-running" : `cell-${state}`);
    context.stroke();
  }
  // Where there is little room, what is well says so softly.
  context.globalAlpha = small && !TROUBLE.has(state) ? 0.5 : 1;
  drawSign(context, state, size, colour(`ink-${state}`));
  context.globalAlpha = 1;
}

function fillOf(state, small, empty) {
  if (empty) return small ? "cell-faint" : "cell-empty";
  return `cell-${state}`;
}

// Each sign in a square from -1 to 1: lines to draw, or a shape to fill.
const SIGNS = {
  failed: { lines: [[-1, -1, 1, 1], [-1, 1, 1, -1]] },
  unreachable: { lines: [[0, -1.1, 0, 0.25], [0, 0.85, 0, 1.1]] },
  skipped: { lines: [[-1, 0, 1, 0]] },
  running: { shape: [-0.7, -1, 1, 0, -0.7, 1] },
  changed: { shape: [0, -0.9, 1, 0.8, -1, 0.8] },
};

function drawSign(context, state, { width, height }, colour) {
  const sign = SIGNS[state];
  if (!sign) return;
  const reach = Math.min(width, height) * (sign.shape ? 0.2 : 0.24);
  // Beside a name the sign stands at the left.
  const middle = width > 2 * height ? height / 2 : width / 2;
  const at = (pair) => [middle + pair[0] * reach, height / 2 + pair[1] * reach];
  context.beginPath();
  if (sign.shape) {
    context.moveTo(...at(sign.shape.slice(0, 2)));
    for (let next = 2; next < sign.shape.length; next += 2) context.lineTo(...at(sign.shape.slice(next, next + 2)));
    context.closePath();
    context.fillStyle = colour;
    context.fill();
    return;
  }
  for (const line of sign.lines) {
    context.moveTo(...at(line.slice(0, 2)));
    context.lineTo(...at(line.slice(2)));
  }
  context.lineWidth = Math.max(1.1, Math.min(width, height) / 8);
  context.lineCap = "round";
  context.strokeStyle = colour;
  context.stroke();
}

/** Drawn cells, each made once for a size and a scheme. */
export class Sprites {
  /**
   * @param size The width and height of a cell with its gap.
   * @param scale Pixels of the screen for one of the page.
   * @param colour The page's colours.
   */
  constructor(size, scale, colour) {
    Object.assign(this, { size, scale, colour });
    this.made = new Map();
  }

  /** Draw a cell with its upper left corner at a point. */
  put(context, state, x, y, options) {
    const { width, height } = this.size;
    // Trouble among small cells takes the gap as well: twice the area, to be seen from far away.
    const gap = width < SMALL && TROUBLE.has(state) ? 0 : GAP;
    const sprite = this.#of(state, { width: width - gap, height: height - gap }, options);
    context.drawImage(sprite, x + gap / 2, y + gap / 2, width - gap, height - gap);
  }

  #of(state, size, options) {
    const key = `${state} ${options.failing} ${options.bright}`;
    let sprite = this.made.get(key);
    if (!sprite) {
      sprite = document.createElement("canvas");
      sprite.width = Math.ceil(size.width * this.scale);
      sprite.height = Math.ceil(size.height * this.scale);
      const context = sprite.getContext("2d");
      context.scale(this.scale, this.scale);
      drawCell(context, state, size, this.colour, options);
      this.made.set(key, sprite);
    }
    return sprite;
  }
}

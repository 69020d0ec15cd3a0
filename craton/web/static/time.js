// Times and durations, for people.

import { element } from "./dom.js";
import { now } from "./api.js";

const MOMENT = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium", hour12: false });

/** Return an element with a time of the API, in the reader's time zone. */
export function moment(text) {
  if (!text) return "";
  return element("time", { datetime: text, title: text }, MOMENT.format(new Date(text)));
}

/** Return how long something took, or has taken by now: "1 h 02 min", "4 min 07 s", "9 s". */
export function duration(from, to) {
  if (!from) return "";
  const seconds = Math.max(0, Math.floor(((to ? Date.parse(to) : now()) - Date.parse(from)) / 1000));
  const two = (number) => String(number).padStart(2, "0");
  if (seconds >= 3600) return `${Math.floor(seconds / 3600)} h ${two(Math.floor(seconds / 60) % 60)} min`;
  if (seconds >= 60) return `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s`;
  return `${seconds} s`;
}

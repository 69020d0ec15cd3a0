// Keeps a picture of a run true: reads it, follows its events, and comes back after whatever ends
// that.

import { Problem, all, follow, get, pageSize, path } from "./api.js";
import { Picture } from "./picture.js";
import { messages } from "./sse.js";

// The server says something every 15 seconds. Who hears nothing for so long is alone.
const SILENCE = 40_000;

const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 10_000;

// How long events are taken without a pause, in milliseconds: a frame has sixteen.
const SPELL = 8;

// Why nobody needs to ask again.
const HOPELESS = new Set([400, 401, 403, 404, 501]);

/**
 * Follow a run until it ends, or until the signal.
 *
 * @param region, run Their ids.
 * @param shows What is told: `loading(done, total)`, `fresh(picture)` for a new one,
 *   `changed()` when it changed, and `connection(state, problem)`: `live`, `lost` (it will be tried
 *   again), `gone` (it will not) and `ended`.
 * @param signal Ends it.
 */
export async function keepTrue(region, run, shows, signal) {
  const where = path`/v1/runs/${region}/${run}`;
  let pause = FIRST_PAUSE;
  let picture = null;
  const heard = () => {
    pause = FIRST_PAUSE;
  };
  while (!signal.aborted) {
    try {
      picture ??= await load(where, shows, signal);
      if (!picture.ended) await live(where, picture, shows, signal, heard);
      if (picture.ended) {
        // What the end did to the hosts is read, not guessed.
        await load(where, shows, signal);
        shows.connection("ended");
        return;
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Gap) {
        picture = null;
        await rest(FIRST_PAUSE, signal);
        continue;
      }
      if (!(error instanceof Problem || error instanceof Broken)) throw error;
      if (HOPELESS.has(error.status)) {
        shows.connection("gone", error);
        return;
      }
      shows.connection("lost", error);
      await rest(Math.max(pause, (error.retryAfter ?? 0) * 1000), signal);
      pause = Math.min(2 * pause, LONGEST_PAUSE);
    }
  }
}

/** The stream ended, or fell silent. */
class Broken extends Error {}

/** Events that should have come are not there any more. */
class Gap extends Error {}

async function load(where, shows, signal) {
  const picture = new Picture(await get(where, { signal }));
  const hosts = [];
  const size = await pageSize(1000, { signal });
  for await (const page of all(`${where}/hosts?limit=${size}`, "hosts", { signal })) {
    hosts.push(...page);
    shows.loading(hosts.length, picture.total);
  }
  picture.setHosts(hosts);
  shows.fresh(picture);
  return picture;
}

async function live(where, picture, shows, signal, heard) {
  const watch = new AbortController();
  const stop = () => watch.abort();
  signal.addEventListener("abort", stop);
  let timer = 0;
  const alive = () => {
    clearTimeout(timer);
    timer = setTimeout(stop, SILENCE);
    heard();
  };
  try {
    const stream = await follow(`${where}/events`, picture.lastEvent, { signal: watch.signal });
    alive();
    shows.connection("live");
    let began = performance.now();
    for await (const message of messages(stream, alive)) {
      take(message, picture);
      shows.changed();
      if (picture.ended) return;
      if (performance.now() - began > SPELL) {
        await breath();
        began = performance.now();
      }
    }
  } catch (error) {
    if (error instanceof Problem || error instanceof Gap) throw error;
    // Whatever else a stream throws means that nothing comes from it any more.
    throw new Broken(error.message, { cause: error });
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
    stop();
  }
  throw new Broken("the stream of events ended");
}

function take(message, picture) {
  // What the server says beside events: some are gone, or the run has ended that goes on here.
  if (message.type === "events.missing" || message.type === "end") throw new Gap();
  const event = JSON.parse(message.data);
  if (event.id <= picture.lastEvent) return;
  if (event.id !== picture.lastEvent + 1) throw new Gap();
  if (!picture.apply(event)) throw new Gap();
}

/** Let the page draw, and answer to keys, before more is done. */
function breath() {
  return new Promise((resolve) => {
    // Nobody looks at a hidden page, and its timers are slow.
    if (document.hidden) resolve();
    else setTimeout(resolve);
  });
}

function rest(milliseconds, signal) {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      for (const [target, type] of ENDS(signal)) target.removeEventListener(type, done);
      resolve();
    };
    // Some chance in it, so that a hundred walls do not come back at once.
    const timer = setTimeout(done, milliseconds * (0.75 + Math.random() / 2));
    for (const [target, type] of ENDS(signal)) target.addEventListener(type, done);
  });
}

// What ends a pause early.
const ENDS = (signal) => [
  [signal, "abort"],
  [window, "online"],
];

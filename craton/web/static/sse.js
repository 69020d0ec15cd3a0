// Server-sent events out of bytes, as https://html.spec.whatwg.org/multipage/server-sent-events.html
// reads them. EventSource would do, if it could send a token.

/**
 * Yield the messages of a stream of bytes: `{ id, type, data }`.
 *
 * @param stream The body of an answer.
 * @param heard Called whenever anything arrives, comments too.
 */
export async function* messages(stream, heard = () => {}) {
  let message = blank();
  for await (const line of lines(stream, heard)) {
    if (line === "") {
      if (message.data !== null) yield message;
      message = blank(message.id);
    } else {
      take(line, message);
    }
  }
}

function blank(id = "") {
  return { id, type: "message", data: null };
}

function take(line, message) {
  const colon = line.indexOf(":");
  const field = colon < 0 ? line : line.slice(0, colon);
  const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
  if (field === "data") message.data = message.data === null ? value : `${message.data}\n${value}`;
  else if (field === "event") message.type = value;
  else if (field === "id" && !value.includes("\0")) message.id = value;
}

async function* lines(stream, heard) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      // What follows the last line's end is no line: it was broken off.
      if (done) return;
      heard();
      rest += value;
      // A carriage return at the end may be half of a line's end.
      const whole = rest.endsWith("\r") ? rest.slice(0, -1) : rest;
      const found = whole.split(/\r\n|\r|\n/);
      rest = found.pop() + rest.slice(whole.length);
      yield* found;
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

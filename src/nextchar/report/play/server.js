// Python's engine behind the page. It takes the requests that a worker takes (writer.js), and
// answers them alike, one after the other; a newer request of a pane, or {pane, stop}, ends an older.

class Server {
  constructor(onAnswer) {
    this.onAnswer = onAnswer;
    this.before = Promise.resolve();
    this.aborts = new Map();
    this.open = new Map();
  }

  postMessage({ job, pane, stop, more, once, noise, ...asked }) {
    this.aborts.get(pane)?.abort();
    if (stop) return;
    const abort = new AbortController();
    this.aborts.set(pane, abort);
    const text = more ? this.open.get(pane) : { asked, ids: [] };
    const { ids } = text;
    const request = more
      ? { ...text.asked, forced: [...ids], skip: ids.length, count: ids.length + asked.count }
      : asked;
    if (!once) this.open.set(pane, text);
    this.before = this.before.then(() => this.answer(job, request, ids, abort.signal));
  }

  async answer(job, request, ids, signal) {
    if (signal.aborted) return;
    try {
      const response = await fetch("write", {
        method: "POST", headers: { "Content-Type": "application/json" },
        body: JSON.stringify(request), signal,
      });
      if (!response.ok) throw new Error(await response.text());
      for await (const said of linesOf(response)) {
        if (said.error) throw new Error(said.error);
        if (said.done) {
          this.onAnswer({ job, done: true });
          return;
        }
        ids.push(said.id);
        const logits = Float64Array.from(new Float32Array(bytesOf(said.logits).buffer));
        this.onAnswer({ job, ids: [said.id], logits: [logits] });
      }
      throw new TypeError();
    } catch (error) {
      if (signal.aborted) return;
      // fetch says so of a connection that is refused or cut.
      const gone = error instanceof TypeError;
      this.onAnswer({ job, error: gone ? "the server has ended: start it again" : error.message });
    }
  }
}

async function* linesOf(response) {
  // The objects of a response of JSON lines, each as soon as it is there.
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let rest = ""; ;) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    for (const line of lines) yield JSON.parse(line);
  }
}

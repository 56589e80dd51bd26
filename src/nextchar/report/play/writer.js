// Writing a text, place by place: what the model says there, and the character that is chosen.

function* places(model, { prompt, forced = [], spec, noise }) {
  // Yields {id, logits} for each place after the prompt (ids), without an end. The first characters
  // are `forced`; then the sampler draws, by noise[t] at place t, as decoding/engine.py does.
  const chain = spec ? build(spec) : [];
  const read = readText(model, prompt);
  let { logits } = read;
  let state = start(chain, prompt);
  for (let place = 0; ; place++) {
    const id = forced[place] ?? draw(distributionOf(chain, checked(logits), state), noise[place]);
    state = advance(chain, state, checked(logits), id);
    yield { id, logits };
    logits = model.step(read.cache, id);
  }
}

function serve(model) {
  // In a worker. A request {job, pane, count, ...of places} is answered by {job, ids, logits} many
  // times a second, and {job, done} or {job, error} at its end; with `more` it goes on where the
  // pane's last one stopped, unless that was asked for `once`. A newer request of a pane, or
  // {pane, stop}, ends an older one.
  const running = new Map();
  const open = new Map();
  self.onmessage = async ({ data }) => {
    const { job, pane } = data;
    running.set(pane, job);
    if (data.stop) return;
    try {
      const steps = data.more ? open.get(pane) : places(model, data);
      if (!data.once) open.set(pane, steps);
      let pending = { ids: [], logits: [] };
      let since = performance.now();
      for (let count = 0; count < data.count; count++) {
        const { id, logits } = steps.next().value;
        pending.ids.push(id);
        pending.logits.push(logits);
        if (performance.now() - since < 30) continue;
        self.postMessage({ job, ...pending });
        pending = { ids: [], logits: [] };
        await new Promise((resume) => { setTimeout(resume); });  // hear of a stop
        if (running.get(pane) !== job) return;
        since = performance.now();
      }
      self.postMessage({ job, ...pending, done: true });
    } catch (error) {
      self.postMessage({ job, error: error.message });
    }
  };
}

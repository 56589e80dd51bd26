// The page's side of the engine: the vocabulary, the worker that runs the model, and the public door
// `window.nextchar`.

// nextchar-play marks the page that it serves: Python's engine then takes the place of what it holds.
const served = document.documentElement.dataset.engine === "python";
if (served) Object.assign(data, { model: null, candidates: null, missing: null });

const vocabulary = [...data.vocabulary];
const idOf = new Map(vocabulary.map((character, id) => [character, id]));

function unknownIn(text) {
  return [...new Set(text)].filter((character) => !idOf.has(character));
}

function encode(text) {
  // Ids of a text. Raises an Error that names what the model has never seen.
  const unknown = unknownIn(text);
  if (unknown.length) throw new Error(`the model doesn’t know ${unknown.map(spoken).join(", ")}`);
  return Array.from(text, (character) => idOf.get(character));
}

const decode = (ids) => ids.map((id) => vocabulary[id]).join("");

const jobs = new Map();
const panesAtWork = new Map();
let lastJob = 0;
let worker = null;

function startWorker() {
  // The worker's source is the engine that stands in this page.
  const source = `const engine = (${engine})(); let model; self.onmessage = ({ data }) => {
    try { engine.serve(new engine.Transformer(data)); self.postMessage({ ready: true }); }
    catch (error) { self.postMessage({ failed: error.message }); } };`;
  const address = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  worker = new Worker(address);
  return new Promise((resolve, reject) => {
    worker.onerror = (event) => reject(new Error(event.message));
    worker.onmessage = ({ data: said }) => {
      URL.revokeObjectURL(address);
      if (said.failed) reject(new Error(said.failed));
      worker.onmessage = ({ data: answer }) => jobs.get(answer.job)?.(answer);
      resolve();
    };
    worker.postMessage(data.model);
  });
}

function connect() {
  worker = new Server((answer) => jobs.get(answer.job)?.(answer));
  return Promise.resolve();
}

const canWrite = Boolean(served || data.model);
const started = served ? connect() : data.model ? startWorker() : Promise.resolve();

function write(pane, request, onPlaces) {
  // Ask for places (writer.js) in the name of a pane; onPlaces(ids, logits) hears of them as they
  // come. A promise of true at the end, or of false where it was stopped or replaced.
  stop(pane);
  const job = ++lastJob;
  panesAtWork.set(pane, job);
  return started.then(() => new Promise((resolve, reject) => {
    if (panesAtWork.get(pane) !== job) {
      resolve(false);
      return;
    }
    jobs.set(job, (answer) => {
      if (answer.ids) onPlaces(answer.ids, answer.logits);
      if (!answer.stopped && !answer.error && !answer.done) return;
      jobs.delete(job);
      if (panesAtWork.get(pane) === job) panesAtWork.delete(pane);
      if (answer.error) reject(new Error(answer.error));
      else resolve(Boolean(answer.done));
    });
    worker.postMessage({ ...request, job, pane });
  }));
}

function stop(pane) {
  const job = panesAtWork.get(pane);
  panesAtWork.delete(pane);
  if (!jobs.has(job)) return;
  worker.postMessage({ pane, stop: true });
  jobs.get(job)({ stopped: true });
}

function stopAll() {
  for (const pane of [...panesAtWork.keys()]) stop(pane);
}

document.addEventListener("visibilitychange", () => { if (document.hidden) stopAll(); });

const noModel = () => new Error(data.missing);
let ownModel = null;

async function lastLogits(prompt) {
  // A place that is read, not written: any character may stand there.
  let found = null;
  const request = { prompt, forced: [0], spec: null, count: 1, once: true };
  await write(`door ${lastJob}`, request, (ids, logits) => { found = Array.from(logits[0]); });
  return found;
}

window.nextchar = {
  // The logits [V] of the character that follows a text, in the order of the vocabulary.
  // Where Python's engine answers, a promise of them.
  logits(text) {
    if (served) return lastLogits(encode(text));
    if (!data.model) throw noModel();
    ownModel ??= new Transformer(data.model);
    return Array.from(readText(ownModel, encode(text)).logits);
  },
  // The probabilities [V] with which a sampler chooses; samplers with a memory have read `text`.
  distribution(logits, spec, text = "") {
    return Array.from(distribution(logits, spec, encode(text)));
  },
  // A promise of the text that a sampler writes after a prompt: the first sample of prompt `index`.
  async write({ prompt, spec, seed = data.seed, length = 256, index = 0, sample = 0 }) {
    if (!canWrite) throw noModel();
    const written = [];
    const noise = textNoise(seed, index, sample, length);
    const request = { prompt: encode(prompt), spec, noise, count: length, once: true, seed, index, sample };
    const whole = await write(`door ${lastJob}`, request, (ids) => written.push(...ids));
    if (!whole) throw new Error("stopped: the page was hidden");
    return decode(written);
  },
  vocabulary,
  ready: started.then(() => ({
    model: canWrite, precision: data.model?.precision ?? null, missing: data.missing,
  })),
};

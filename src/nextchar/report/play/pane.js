// A pane: a text under a prompt, the sampler that wrote it, and what the model says at each place.

const SOURCES = new Map(data.samplers.map((each) => [each.label, each]));
const HUMAN = "human";

function computable(spec) {
  try {
    return spec !== null && Boolean(build(spec));
  } catch {
    return false;
  }
}

class Pane {
  constructor(name, label) {
    this.name = name;
    this.choose(label);
    this.clear();
  }

  choose(label) {
    // A sampler of the run, or human text.
    this.label = label;
    this.spec = SOURCES.get(label)?.spec ?? null;
  }

  edit(spec) {
    // A sampler of the reader's own, by the sliders.
    this.spec = spec;
    this.label = labelOf(spec);
  }

  clear() {
    this.characters = [];
    this.ids = [];
    this.bits = [];
    this.logits = [];
    this.branch = -1;
    this.stored = null;
    this.written = null;
    this.live = false;
  }

  begin(key) {
    // An empty text that is going to be written; `key` says from what.
    this.clear();
    this.written = { key, label: this.label };
  }

  get steps() {
    return computable(this.spec);
  }

  get writes() {
    return this.steps || Boolean(served && this.spec);
  }

  show(prompt, key) {
    // The run's own text of this sampler after a prompt of the run; false where it has none.
    const stored = prompt.texts.find((each) => each.sampler === this.label);
    if (!stored) return false;
    this.clear();
    this.stored = stored;
    this.written = { key, label: this.label };
    this.characters = [...stored.text];
    this.bits = stored.bits;
    this.ids = this.characters.map((character) => idOf.get(character) ?? -1);
    return true;
  }

  take(ids, logits) {
    // Places that were computed, behind those that are known.
    ids.forEach((id, i) => {
      const place = this.logits.length;
      this.logits.push(logits[i]);
      if (place < this.ids.length) return;  // read, not written: the run's own bits stay
      this.ids.push(id);
      this.characters.push(vocabulary[id]);
      this.bits.push(-logSoftmax(logits[i])[id] / Math.LN2);
    });
  }

  stateBefore(chain, prompt, place) {
    let state = start(chain, [...prompt, ...this.ids.slice(0, place)]);
    if (!chain.some((each) => each.name === "mirostat")) return state;
    state = start(chain, prompt);  // its memory is of the logits
    for (let t = 0; t < place; t++) {
      state = advance(chain, state, checked(this.logits[t]), this.ids[t]);
    }
    return state;
  }

  distributionAt(place, spec, prompt) {
    // The probabilities [V] that the sampler of any spec gives the characters at a place of this
    // text; null for what the page can't compute.
    if (!this.logits[place] || !computable(spec)) return null;
    const chain = build(spec);
    const state = this.stateBefore(chain, prompt, place);
    return distributionOf(chain, checked(this.logits[place]), state);
  }
}

function candidatesOf(pane, promptIndex) {
  // Logits of each place from the likeliest characters that were stored, -inf for the others.
  const { texts, shape, ids, bits } = data.candidates;
  const row = texts.findIndex(([sampler, prompt, sample]) =>
    sampler === pane.label && prompt === promptIndex && sample === pane.stored?.sample);
  if (row < 0) return [];
  const [places, K] = shape;
  candidatesOf.ids ??= new Uint16Array(bytesOf(ids).buffer);
  candidatesOf.bits ??= new Uint16Array(bytesOf(bits).buffer);
  return Array.from({ length: Math.min(places, pane.ids.length) }, (_, place) => {
    const logits = new Float64Array(vocabulary.length).fill(-Infinity);
    for (let k = 0; k < K; k++) {
      const at = (row * places + place) * K + k;
      logits[candidatesOf.ids[at]] = (-candidatesOf.bits[at] / 1000) * Math.LN2;
    }
    return logits;
  });
}

function partingOf([first, second]) {
  // The first place at which two texts differ; -1 where one is the beginning of the other.
  const shared = Math.min(first.ids.length, second.ids.length);
  for (let place = 0; place < shared; place++) {
    if (first.characters[place] !== second.characters[place]) return place;
  }
  return -1;
}

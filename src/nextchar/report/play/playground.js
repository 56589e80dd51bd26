// The playground: a prompt, two samplers under one seed, and what they write.

const LONGEST = 1000;

class Playground {
  constructor(root) {
    this.root = root;
    this.find = (name) => root.querySelector(`[data-play="${name}"]`);
    const labels = [...SOURCES.keys()].filter((label) => SOURCES.get(label).spec && computable(SOURCES.get(label).spec));
    const first = labels.find((label) => label.startsWith("temperature=1")) ?? labels[0] ?? HUMAN;
    const second = [...labels].reverse().find((label) => label !== first) ?? HUMAN;
    this.panes = [new Pane("a", second), new Pane("b", first)];
    this.seed = data.seed;
    this.length = Math.min(data.prompts[0].texts[0].text.length, LONGEST);
    this.active = 0;
    this.place = 0;
    this.views = this.panes.map((pane, i) => textView(pane, (place) => this.select(i, place)));
    this.makeControls();
    this.showRun(data.prompts[0].index);
    this.restore();
    addEventListener("hashchange", () => this.restore());
    new IntersectionObserver((seen) => {
      this.seen ||= seen.some((each) => each.isIntersecting);
      this.readAll();
    }).observe(root);
    document.addEventListener("visibilitychange", () => this.refresh());
  }

  key(pane) {
    return JSON.stringify([this.prompt, this.index, this.seed, pane.spec]);
  }

  noise() {
    const key = `${this.seed} ${this.index ?? 0}`;
    if (this.drawnFor !== key) this.drawn = textNoise(this.seed, this.index ?? 0, 0, LONGEST + 1);
    this.drawnFor = key;
    return this.drawn;
  }

  makeControls() {
    this.find("prompts").append(...data.prompts.map(({ index }) =>
      pressable(String(index + 1), () => this.showRun(index), { "data-prompt": index, "aria-label": `Prompt ${index + 1}` })));
    this.panes.forEach((pane, i) => {
      const pick = this.find(`sampler-${pane.name}`);
      pick.addEventListener("change", () => this.pick(i, pick.value));
      this.find(`pane-${pane.name}`).append(this.views[i].box);
      this.views[i].box.setAttribute("aria-label", `Text of ${"AB"[i]}`);
    });
    const input = this.find("prompt");
    input.addEventListener("input", () => this.typed(input.value));
    input.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.write();
    });
    this.find("seed").addEventListener("change", (event) => this.setNumber("seed", event.target, Number.MAX_SAFE_INTEGER));
    this.find("length").addEventListener("change", (event) => this.setNumber("length", event.target, LONGEST));
    const press = { step: () => this.step(), write: () => this.write(), stop: () => this.stop(), link: () => this.copyLink() };
    press.previous = () => this.walk(-1);
    press.next = () => this.walk(1);
    for (const [name, act] of Object.entries(press)) this.find(name).addEventListener("click", act);
    this.find("prompt").readOnly = !canWrite;
    this.find("writing").hidden = !canWrite;
    this.find("seed").value = this.seed;
    this.find("length").value = this.length;
  }

  setNumber(name, input, most) {
    const number = Number(input.value);
    if (Number.isInteger(number) && number >= (name === "length" ? 1 : 0) && number <= most) this[name] = number;
    input.value = this[name];
    this.refresh();
  }

  showRun(index) {
    // A prompt of the run, with the texts that the run wrote.
    this.stop();
    const prompt = data.prompts.find((each) => each.index === index);
    [this.prompt, this.index, this.seed] = [prompt.text, index, data.seed];
    this.find("seed").value = this.seed;
    this.find("prompt").value = prompt.text;
    this.panes.forEach((pane) => this.fill(pane));
    this.place = 0;
    this.readAll();
    this.refresh();
  }

  fill(pane) {
    // What the run wrote with the pane's sampler under this prompt and seed, if it did.
    const prompt = data.prompts.find((each) => each.index === this.index);
    stop(pane.name);
    pane.fresh = true;
    if (!prompt || this.seed !== data.seed || !pane.show(prompt, this.key(pane))) pane.clear();
    else if (data.candidates) pane.logits = candidatesOf(pane, this.index);
  }

  typed(text) {
    const run = data.prompts.find((each) => each.text === text);
    this.stop();
    this.prompt = text;
    this.index = run ? run.index : null;
    this.panes.forEach((pane) => { pane.clear(); pane.fresh = true; });
    this.place = 0;
    this.refresh();
  }

  pick(i, label) {
    const pane = this.panes[i];
    stop(pane.name);
    pane.choose(label);
    this.fill(pane);
    this.active = i;
    if (!pane.ids.length && pane.writes && canWrite && this.usable()) this.writePane(pane);
    this.readAll();
    this.refresh();
  }

  usable() {
    return this.prompt.length > 0 && !unknownIn(this.prompt).length;
  }

  readAll() {
    // Let the model read the texts that it has not read, once the reader has come here.
    if (!this.seen || !canWrite || document.hidden || !this.usable()) return;
    for (const pane of this.panes) {
      const known = pane.ids.length && pane.ids.every((id) => id >= 0);
      if (known && pane.logits.length < pane.ids.length && !panesAtWork.has(pane.name)) this.run(pane, pane.ids, pane.ids.length);
    }
  }

  async run(pane, forced, count) {
    // Ask the model for the places of a pane from the first on, the first characters given.
    pane.logits = [];
    pane.live = false;
    const request = { prompt: encode(this.prompt), forced, spec: pane.writes ? pane.spec : null, noise: this.noise(), count,
      seed: this.seed, index: this.index ?? 0 };
    await this.hear(pane, request);
  }

  async hear(pane, request) {
    [pane.live, pane.request] = [true, request];
    let whole = false;
    try {
      whole = await write(pane.name, request, (ids, logits) => {
        pane.take(ids, logits);
        this.refresh();
      });
    } catch (error) {
      this.say(error.message);
    }
    // The worker may be ahead of what was heard: a stopped text is read again before it goes on.
    if (!whole && pane.request === request) pane.live = false;
    this.refresh();
  }

  async grow(pane, length) {
    // Write on to a length, or anew over a text of the run, or where the prompt, the seed or the
    // sampler has changed.
    if (!pane.writes) return;
    const same = pane.written?.key === this.key(pane) && !pane.stored;
    const caught = pane.live && pane.logits.length === pane.ids.length;
    if (same && caught) await this.hear(pane, { more: true, count: length - pane.ids.length });
    else if (same && pane.ids.length < length) await this.run(pane, [...pane.ids], length);
    else await this.writePane(pane, [], length);
  }

  writePane(pane, forced = [], length = this.length) {
    pane.begin(this.key(pane));
    pane.fresh = true;
    pane.branch = forced.length - 1;
    return this.run(pane, forced, length);
  }

  write() {
    if (!this.usable()) return;
    this.say("");
    for (const pane of this.panes) {
      const whole = pane.ids.length >= this.length;
      if (whole) this.writePane(pane);
      else this.grow(pane, this.length);
    }
    this.refresh();
  }

  step() {
    if (!this.usable()) return;
    const lengths = this.panes.filter((pane) => pane.writes)
      .map((pane) => (pane.written?.key === this.key(pane) && !pane.stored ? pane.ids.length : 0));
    const next = Math.min(...lengths, LONGEST - 1) + 1;
    this.place = next - 1;
    for (const pane of this.panes) if (!(pane.ids.length >= next) || pane.stored) {
      this.grow(pane, pane.steps ? next : this.length);
    }
    this.refresh();
  }

  branch(id) {
    const pane = this.panes[this.active];
    const forced = [...pane.ids.slice(0, this.place), id];
    if (!pane.writes) pane.edit({ temperature: 1 });
    this.writePane(pane, forced, Math.max(this.length, forced.length));
    this.refresh();
  }

  stop() {
    this.say("");
    stopAll();
    this.refresh();
  }

  edit(spec, anew) {
    const pane = this.panes[this.active];
    this.say("");
    try {
      build(spec);
    } catch (error) {  // an order that can't be
      this.say(error.message);
      this.refresh(true);
      return;
    }
    pane.edit(spec);
    this.slidersFor = spec;  // what moved stays under the finger
    this.refresh(anew);
  }

  select(i, place) {
    const other = this.active !== i;
    this.seen = true;
    [this.active, this.place] = [i, place];
    this.readAll();
    this.refresh(other);
    this.views[i].reveal();
  }

  refresh(anew = false) {
    // Draw the page once, before the browser does.
    if (anew) this.slidersFor = null;
    this.root.setAttribute("aria-busy", "true");
    this.waiting ??= requestAnimationFrame(() => {
      this.waiting = null;
      paint(this);
    });
  }

  walk(by) {
    const last = this.panes[this.active].characters.length - 1;
    this.select(this.active, Math.max(Math.min(this.place + by, last), 0));
  }

  say(text) {
    this.find("message").textContent = text;
  }

  copyLink() {
    history.replaceState(null, "", linkOf(this));
    const done = () => this.say("The link is in the address bar.");
    if (navigator.clipboard) navigator.clipboard.writeText(location.href).then(() => this.say("Link copied."), done);
    else done();
  }

  restore() {
    let state;
    try {
      state = linked(location.hash);
    } catch (error) {
      this.say(`The link can’t be followed: ${error.message}.`);
      return;
    }
    if (!state) return;
    this.stop();
    this.index = typeof state.prompt === "string" ? null : state.prompt;
    this.prompt = this.index === null ? state.prompt : data.prompts.find((each) => each.index === this.index).text;
    [this.seed, this.length, [this.active, this.place]] = [state.seed, state.length, state.at];
    for (const name of ["prompt", "seed", "length"]) this.find(name).value = this[name];
    this.panes.forEach((pane, i) => {
      const wanted = state.panes[i];
      if (wanted.spec) pane.edit(wanted.spec);
      else pane.choose(wanted.label);
      this.fill(pane);
      if (wanted.length !== undefined && canWrite && pane.writes) {
        this.writePane(pane, wanted.forced ? encode(wanted.forced) : [], wanted.length);
      }
    });
    this.readAll();
    this.refresh();
  }
}

// The texts of two panes, character by character, and what happened at the one that is selected.

function textView(pane, onSelect) {
  // A text as characters to be clicked, touched or walked along with the arrow keys.
  const box = element("div", {
    class: "text", tabindex: 0, role: "group", "aria-describedby": "play-keys",
    onclick(event) {
      const place = spans.indexOf(event.target.closest("i"));
      if (place >= 0) onSelect(place);
    },
    onkeydown(event) {
      const by = stepFor(event.key);
      if (by === null || !spans.length) return;
      event.preventDefault();
      onSelect(Math.min(Math.max(by, 0), spans.length - 1));
    },
  });
  let spans = [];
  let selected = 0;

  function stepFor(key) {
    const steps = { ArrowLeft: selected - 1, ArrowRight: selected + 1, Home: 0, End: spans.length - 1 };
    if (key in steps) return steps[key];
    const up = { ArrowUp: -1, ArrowDown: 1 }[key];
    return up ? onNextLine(up) : null;
  }

  function onNextLine(direction) {
    // The character below or above: the nearest of the next line.
    const at = spans[selected];
    if (!at) return 0;
    const beyond = spans.filter((each) => (each.offsetTop - at.offsetTop) * direction > 4);
    const lines = beyond.map((each) => each.offsetTop);
    const line = direction > 0 ? Math.min(...lines) : Math.max(...lines);
    const near = beyond.filter((each) => Math.abs(each.offsetTop - line) < 4)
      .sort((a, b) => Math.abs(a.offsetLeft - at.offsetLeft) - Math.abs(b.offsetLeft - at.offsetLeft));
    return near.length ? spans.indexOf(near[0]) : selected;
  }

  function update(place, parting) {
    if (spans.length > pane.characters.length || pane.fresh) {
      box.replaceChildren();
      spans = [];
      pane.fresh = false;
    }
    for (const character of pane.characters.slice(spans.length)) {
      const shown = "\n\t".includes(character) ? character : glyphOrSpace(character);
      const span = element("i", { class: tint(pane.bits[spans.length]) }, shown);
      if (character === "\n") span.classList.add("newline");
      spans.push(span);
      box.append(span);
    }
    spans[selected]?.classList.remove("at");
    selected = place;
    spans[selected]?.classList.add("at");
    spans.forEach((span, index) => {
      span.classList.toggle("parting", index === parting);
      span.classList.toggle("branch", index === pane.branch);
    });
  }

  function reveal() {
    // Scroll the text's own box, not the page.
    const at = spans[selected];
    if (!at) return;
    const top = at.offsetTop - box.offsetTop;
    if (top < box.scrollTop || top > box.scrollTop + box.clientHeight - 24) box.scrollTop = top - 40;
  }

  return { box, update, reveal };
}

function glyphOrSpace(character) {
  return character === " " ? " " : glyph(character);
}

function inspection(play, { onBranch }) {
  // All about the selected place: who chose what there, under which number, and why. Text for
  // `where`, and elements for `candidates` and `draws`.
  const pane = play.panes[play.active];
  const { place } = play;
  const nothing = (where, candidates = []) => ({ where, candidates, draws: [] });
  if (place >= pane.characters.length) return nothing(["Press Write or Step, then select a character."]);
  const before = [...play.prompt, ...pane.characters.slice(0, place)].slice(-24).map(glyph).join("");
  const where = [
    `Place ${place + 1} of ${"AB"[play.active]}, after `, element("bdi", { class: "before" }, `…${before}`),
    `: ${spoken(pane.characters[place])}, ${pane.bits[place]?.toFixed(2) ?? "?"} bits`,
  ];
  if (pane.ids.some((id) => id < 0) || unknownIn(play.prompt).length) {
    return nothing(where, [note("The model doesn’t know all characters of this text.")]);
  }
  if (!pane.logits[place]) {
    return nothing(where, [note(canWrite ? "The model is reading the text …" : data.missing)]);
  }
  // Of the likeliest characters alone the logits are logarithms of their true probabilities.
  const model = data.candidates ? pane.logits[place].map(Math.exp) : softmax(pane.logits[place]);
  const prompt = encode(play.prompt);
  const noise = play.noise()[place];
  const made = play.panes.map((each) => pane.distributionAt(place, each.spec, prompt));
  const drawn = made.map((each) => (each ? draw(each, noise) : null));
  // What stands there was drawn: by the run, whose arithmetic is another.
  const own = pane.label !== HUMAN && pane.written.label === pane.label && place !== pane.branch;
  if (own) drawn[play.active] = pane.ids[place];
  const facts = element("dl", { class: "choice-facts" }, fact("model", model, null),
    ...made.flatMap((each, i) => (each ? [fact(play.panes[i].label, each, model, "ab"[i])] : [])));
  const bars = candidateBars({
    model, made, drawn, human: humanAt(play, pane, place), onChoose: canWrite ? onBranch : null,
    chooseText: `go on from here with it in ${"AB"[play.active]}`,
  });
  const key = note("Ringed: drawn. Hollow: cut. ★ human text."
    + (canWrite ? " Press a character to go on with it." : ""));
  return {
    where,
    candidates: [element("h4", {}, "The candidates"), facts, bars, key],
    draws: [element("h4", {}, "The shared draw"), drawNote(noise), sharedDraw(drawRows(play, pane, prompt), noise)],
  };
}

const note = (text) => element("p", { class: "note" }, text);

function drawNote(noise) {
  return element("p", { class: "note" }, "The number of this place is ", element("b", {}, noise.toFixed(4)),
    ", the same for every sampler. Each takes the character in which it falls, in the order of the vocabulary.",
    data.samplers.length > 40 ? ` Some of the run’s ${data.samplers.length} samplers are shown.` : "");
}

function fact(name, distribution, model, pane = "m") {
  const kept = distribution.filter((p) => p > 0).length;
  const entropyBits = sum(entropyTerms(distribution)) / Math.LN2;
  const parts = [`entropy ${entropyBits.toFixed(2)} bits`];
  if (!model && data.candidates) parts[0] = `these ${kept} hold ${percent(sum(distribution))}`;
  if (model) {
    const cut = sum(model.filter((_, id) => !distribution[id]));
    parts.push(`keeps ${kept}`, `cuts ${percent(cut)}`);
  }
  return element("div", {}, element("dt", { class: pane }, name), element("dd", {}, parts.join(", ")));
}

function humanAt(play, pane, place) {
  // The id in human text, as long as this text has not left it.
  const prompt = data.prompts.find((each) => each.index === play.index);
  const human = prompt?.texts.find((each) => each.sampler === HUMAN);
  if (!human) return null;
  const characters = [...human.text];
  const same = pane.characters.slice(0, place).every((each, i) => each === characters[i]);
  return same && idOf.has(characters[place]) ? idOf.get(characters[place]) : null;
}

function drawRows(play, pane, prompt) {
  // The panes' samplers first, then the others of the run.
  const own = play.panes.map((each, i) => ({ label: each.label, spec: each.spec, pane: "ab"[i] }));
  if (own[0].label === own[1].label) own.pop();
  const labels = new Set(own.map((each) => each.label));
  const every = Math.ceil(data.samplers.length / 40); // of very many samplers some
  const others = data.samplers.filter((each, i) => i % every === 0 && !labels.has(each.label))
    .map((each) => ({ ...each, pane: "" }));
  return [...own, ...others]
    .map((each) => ({ ...each, distribution: pane.distributionAt(play.place, each.spec, prompt) }))
    .filter((each) => each.distribution);
}

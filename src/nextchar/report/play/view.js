// The playground as it is now: everything that the state decides is drawn here.

function paint(play) {
  const unknown = unknownIn(play.prompt);
  play.find("unknown").textContent = unknown.length
    ? `The model doesn’t know ${unknown.map(spoken).join(", ")}: not in the text that it was trained on.`
    : "";
  play.find("prompt").setAttribute("aria-invalid", String(unknown.length > 0));
  for (const choice of play.find("prompts").children) {
    const chosen = Number(choice.dataset.prompt) === play.index;
    choice.setAttribute("aria-pressed", String(chosen));
  }
  const ready = canWrite && play.usable() && play.panes.some((pane) => pane.writes);
  for (const name of ["step", "write"]) play.find(name).disabled = !ready;
  play.find("stop").disabled = !panesAtWork.size;
  play.root.setAttribute("aria-busy", String(panesAtWork.size > 0));
  const parting = partingOf(play.panes);
  play.panes.forEach((pane, i) => {
    paintHead(play, pane);
    play.find(`pane-${pane.name}`).classList.toggle("active", i === play.active);
    play.views[i].update(play.place, parting);
  });
  play.find("parting").textContent = partingText(play, parting);
  const parts = inspection(play, { onBranch: (id) => play.branch(id) });
  for (const [name, content] of Object.entries(parts)) play.find(name).replaceChildren(...content);
  paintSliders(play);
}

function paintHead(play, pane) {
  const pick = play.find(`sampler-${pane.name}`);
  const labels = [HUMAN, ...SOURCES.keys()];
  if (!labels.includes(pane.label)) labels.unshift(pane.label);
  if (pick.dataset.labels !== labels.join("\n")) {
    pick.replaceChildren(...labels.map((label) => element("option", { value: label }, label)));
    pick.dataset.labels = labels.join("\n");
  }
  pick.value = pane.label;
  const mean = pane.bits.length ? `${(sum(pane.bits) / pane.bits.length).toFixed(2)} bits per character` : "";
  play.find(`about-${pane.name}`).textContent = [mean, originOf(play, pane)].filter(Boolean).join(" · ");
}

function originOf(play, pane) {
  // Whose text this is: the run's own, or one that was written here, and how far both agree.
  if (!pane.characters.length) {
    return pane.writes || pane.label === HUMAN ? "" : "a search, or a sampler that a page can’t compute";
  }
  if (pane.written.label !== pane.label) return `still the text of ${pane.written.label}: press Write`;
  if (pane.stored) return pane.label === HUMAN ? "human text" : "text of the run";
  const prompt = data.prompts.find((each) => each.index === play.index);
  const stored = play.seed === data.seed && pane.branch < 0
    && prompt?.texts.find((each) => each.sampler === pane.label);
  if (!stored) return "written here";
  const characters = [...stored.text];
  const differs = pane.characters.findIndex((each, i) => i < characters.length && each !== characters[i]);
  return differs < 0 ? "written here, as in the run" : `written here, as in the run up to place ${differs}`;
}

function partingText(play, parting) {
  if (!play.panes.every((pane) => pane.characters.length)) return "";
  if (parting < 0) return "As far as both go, the texts are the same.";
  const drawn = play.panes.every((pane) => pane.label !== HUMAN);
  return drawn
    ? `Under the same draws the texts part at place ${parting + 1}.`
    : `The texts part at place ${parting + 1}.`;
}

function sliderNote(pane) {
  if (pane.steps) {
    return `Applied from top to bottom, to the selected place at once${canWrite ? "; Write writes with it" : ""}.`;
  }
  return pane.writes
    ? "Python’s engine writes with it. The page can’t compute it, so it has no sliders."
    : "Human text, or a sampler that can’t be computed in a page; add one to write with.";
}

function paintSliders(play) {
  const pane = play.panes[play.active];
  if (play.slidersFor === pane.spec && play.slidersOf === pane.name) return;
  [play.slidersFor, play.slidersOf] = [pane.spec, pane.name];
  const box = play.find("sliders");
  const focused = box.contains(document.activeElement)
    ? document.activeElement.closest("li")?.dataset.name : null;
  const title = element("h4", {}, "The sampler of ", element("b", { class: pane.name }, pane.name.toUpperCase()));
  const note = element("p", { class: "note" }, sliderNote(pane));
  box.replaceChildren(title, note, sliders(pane.spec, (spec, anew) => play.edit(spec, anew)));
  if (focused) box.querySelector(`[data-name="${focused}"] .handle`)?.focus();
}

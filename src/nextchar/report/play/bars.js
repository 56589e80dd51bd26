// Pictures of one choice: the candidates as bars, and every sampler's cumulative bar under one line.

const CANDIDATES = 12;

function candidateBars({ model, made, drawn, human, onChoose, chooseText }) {
  // `model` [V], and `made`, the distributions [V] of the two panes or null; `drawn`, the id that
  // each chooses here or null; `human`, the id in human text or null.
  const likely = descending(model).slice(0, CANDIDATES);
  for (const id of [...drawn, human]) if (id !== null && !likely.includes(id)) likely.push(id);
  const scale = Math.max(...model, ...made.flatMap((each) => [...(each ?? [])]));
  const rows = likely.map((id) => candidateRow(id, { model, made, drawn, human, scale, onChoose, chooseText }));
  return element("ul", { class: "candidates" }, ...rows);
}

function candidateRow(id, { model, made, drawn, human, scale, onChoose, chooseText }) {
  const character = vocabulary[id];
  const rings = drawn.map((each, i) => (each === id ? "ab"[i] : "")).join("");
  const said = [
    spoken(character), `model ${percent(model[id])}`,
    ...made.map((each, i) => (each ? `${"AB"[i]} ${each[id] ? percent(each[id]) : "cut"}` : "")),
    ...drawn.map((each, i) => (each === id ? `drawn by ${"AB"[i]}` : "")),
    human === id ? "human" : "",
  ].filter(Boolean).join(", ");
  const sign = element("span", { class: `glyph ring-${rings}` }, element("bdi", {}, glyph(character)));
  const head = onChoose
    ? pressable("", () => onChoose(id), { class: "pick", title: chooseText, "aria-label": `${said}; ${chooseText}` })
    : element("span", { class: "pick", title: said, role: "img", "aria-label": said });
  head.append(sign, element("span", { class: "star", "aria-hidden": "true" }, human === id ? "★" : ""));
  const bars = element("span", { class: "stack", "aria-hidden": "true" }, bar("m", model[id], scale));
  made.forEach((each, i) => {
    if (each) bars.append(each[id] ? bar("ab"[i], each[id], scale) : bar(`${"ab"[i]} cut`, model[id], scale));
  });
  const numbers = element("span", { class: "shares", "aria-hidden": "true" }, element("b", {}, percent(model[id])));
  made.forEach((each, i) => {
    if (each) numbers.append(element("b", { class: "ab"[i] }, each[id] ? percent(each[id]) : "cut"));
  });
  return element("li", { "data-id": id }, head, bars, numbers);
}

function bar(kind, share, scale) {
  const made = element("i", { class: `bar ${kind}` });
  made.style.width = `${(100 * share) / scale}%`;
  return made;
}

function sharedDraw(rows, noise) {
  // rows of {label, distribution, pane}: cumulative bars in the order of the vocabulary, as the
  // draw goes through them, and the line of the uniform number.
  const lines = rows.map(({ label, distribution: shares, pane }) => {
    const id = draw(shares, noise);
    const strip = element("span", { class: "strip" }, ...segments(shares, id));
    const name = element("span", { class: `name ${pane}`, title: label }, label);
    const chosen = element("b", { class: "chosen" }, glyph(vocabulary[id]));
    return element("li", { "aria-label": `${label} draws ${spoken(vocabulary[id])}` }, name, strip, chosen);
  });
  const list = element("ul", { class: "draws" }, ...lines);
  list.style.setProperty("--noise", noise);
  return list;
}

function segments(shares, chosen) {
  // Neighbours too narrow to see are one segment.
  const found = [];
  shares.forEach((share, id) => {
    if (!share) return;
    const last = found[found.length - 1];
    const small = share < 0.004 && id !== chosen;
    if (small && last?.small) last.share += share;
    else found.push({ id, share, small });
  });
  return found.map(({ id, share, small }, index) => {
    const kind = id === chosen && !small ? "drawn" : index % 2 ? "odd" : "";
    const made = element("i", { class: kind, title: small ? "" : `${glyph(vocabulary[id])} ${percent(share)}` });
    made.style.flexGrow = share;
    if (share > 0.045) made.append(glyph(vocabulary[id]));
    return made;
  });
}

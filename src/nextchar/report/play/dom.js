// Elements and text. What a text says goes into the page as text, never as markup.

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

function pressable(text, onclick, attributes = {}) {
  return element("button", { type: "button", onclick, ...attributes }, text);
}

function glyph(character) {
  // A visible sign for each character: controls have none of their own.
  const code = character.codePointAt(0);
  const signs = { "\n": "↵", " ": "␣", "\t": "⇥" };
  return signs[character] ?? (code < 32 ? String.fromCodePoint(0x2400 + code) : character);
}

function spoken(character) {
  // A character in a sentence.
  const names = { "\n": "new line", " ": "space", "\t": "tab" };
  return names[character] ?? `“${glyph(character)}”`;
}

const EDGES = [1, 2, 3, 5, 8];  // as in report/samples.py

function tint(bits) {
  const level = EDGES.filter((edge) => bits >= edge).length;
  return level ? `t${level}` : "";
}

function percent(share) {
  if (share <= 0) return "0";
  if (share < 0.001) return "<0.1%";
  return `${(100 * share).toFixed(share < 0.1 ? 1 : 0)}%`;
}

function labelOf(spec) {
  // The label of a spec, as samplers/decoder.py makes it.
  const steps = typeof spec === "string" ? { [spec]: null } : spec;
  const short = (value) => String(value);
  return Object.entries(steps).map(([name, value]) => {
    if (value === null) return name;
    if (typeof value !== "object") return `${name}=${short(value)}`;
    const [first, ...rest] = SAMPLERS[name].parameters;
    const changed = rest.filter(([key, , fallback]) => (value[key] ?? fallback) !== fallback);
    const parts = changed.map(([key]) => `${key}=${short(value[key])}`);
    return [`${name}=${short(value[first[0]])}`, ...parts].join(",");
  }).join(" ");
}

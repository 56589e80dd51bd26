// The samplers of a pane as sliders, in their order of application, to be moved, dragged, removed.

// The first parameter of each: its range, the step of the slider, and where it starts when added.
const RANGES = {
  temperature: [0, 2, 0.05, 1],
  top_k: [1, Math.min(vocabulary.length, 65), 1, 10],
  top_p: [0.05, 1, 0.01, 0.9],
  min_p: [0, 0.5, 0.005, 0.05],
  typical: [0.05, 1, 0.01, 0.9],
  epsilon: [0, 0.2, 0.001, 0.02],
  eta: [0, 0.2, 0.001, 0.02],
  top_n_sigma: [0, 5, 0.05, 1],
  top_h: [0.05, 1, 0.01, 0.5],
  xtc: [0.01, 0.5, 0.01, 0.15],
  dynamic_temperature: [0, 2, 0.05, 0.8],
  mirostat: [0.2, 5, 0.05, 1.5],
  repetition_penalty: [1, 2, 0.05, 1.2],
  frequency_penalty: [-0.5, 1, 0.01, 0.05],
  presence_penalty: [-1, 3, 0.05, 0.5],
  no_repeat_ngram: [1, 20, 1, 6],
  dry: [0, 3, 0.05, 0.8],
};

function stepsOf(spec) {
  // A spec as [name, value], or [] for one that the page can't compute.
  if (!computable(spec)) return [];
  return typeof spec === "string" ? [[spec, null]] : Object.entries(spec);
}

function specOf(steps) {
  if (!steps.length) return { temperature: 1 };
  if (steps.length === 1 && steps[0][1] === null) return steps[0][0];
  return Object.fromEntries(steps);
}

function firstOf([name, value]) {
  return value !== null && typeof value === "object" ? value[SAMPLERS[name].parameters[0][0]] : value;
}

function withFirst([name, value], number) {
  const key = SAMPLERS[name].parameters[0][0];
  return [name, typeof value === "object" ? { ...value, [key]: number } : number];
}

function sliders(spec, onChange) {
  // onChange(spec) hears of every change; after one of the order or the set, all is drawn anew.
  const steps = stepsOf(spec);
  const list = element("ol", { class: "steps" });
  const change = (next) => onChange(specOf(next), true);
  const move = (from, to) => {
    if (to < 0 || to >= steps.length) return;
    const next = [...steps];
    next.splice(to, 0, ...next.splice(from, 1));
    change(next);
  };
  steps.forEach((step, index) => {
    list.append(stepRow(step, index, {
      many: steps.length > 1,
      slide(number) {
        steps[index] = withFirst(steps[index], number);
        onChange(specOf(steps), false);
      },
      move: (to) => move(index, to),
      remove: () => change(steps.filter((_, i) => i !== index)),
    }));
  });
  const others = Object.keys(RANGES).filter((name) => !steps.some(([own]) => own === name));
  const add = element("select", { "aria-label": "Add a sampler" },
    element("option", { value: "" }, "add a sampler …"),
    ...others.map((name) => element("option", { value: name }, name)));
  add.addEventListener("change", () => {
    const kept = steps.filter(([name]) => name !== "greedy");
    if (add.value) change([...kept, [add.value, RANGES[add.value][3]]]);
  });
  return element("div", { class: "sliders" }, list, add);
}

function stepRow(step, index, { many, slide, move, remove }) {
  const [name] = step;
  const row = element("li", { "data-name": name });
  if (many) {
    const handle = pressable("⠿", () => {}, {
      class: "handle", title: "drag, or use the arrow keys, to change the order",
      "aria-label": `Move ${name}`,
      onkeydown(event) {
        const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
        if (!by) return;
        event.preventDefault();
        move(index + by);
      },
    });
    drag(handle, row, move);
    row.append(handle);
  }
  row.append(element("span", { class: "name" }, name));
  if (RANGES[name]) {
    const [least, most, by] = RANGES[name];
    const shown = element("output", {}, String(firstOf(step)));
    const range = element("input", {
      type: "range", min: Math.min(least, firstOf(step)), max: Math.max(most, firstOf(step)), step: by,
      value: firstOf(step), "aria-label": name,
    });
    range.addEventListener("input", () => {
      shown.textContent = range.value;
      slide(Number(range.value));
    });
    row.append(range, shown);
  }
  row.append(pressable("×", remove, { class: "remove", "aria-label": `Remove ${name}` }));
  return row;
}

function drag(handle, row, move) {
  // Pointer events: the same for mouse and touch. The row lands where it is let go.
  handle.addEventListener("pointerdown", (down) => {
    handle.setPointerCapture(down.pointerId);
    row.classList.add("dragged");
    const follow = (event) => {
      row.style.transform = `translateY(${event.clientY - down.clientY}px)`;
    };
    const end = (event) => {
      handle.removeEventListener("pointermove", follow);
      handle.removeEventListener("pointerup", end);
      handle.removeEventListener("pointercancel", end);
      row.classList.remove("dragged");
      row.style.transform = "";
      const rows = [...row.parentElement.children];
      const to = rows.filter((each) => {
        const box = each.getBoundingClientRect();
        return each !== row && box.top + box.height / 2 < event.clientY;
      }).length;
      if (event.type === "pointerup" && to !== rows.indexOf(row)) move(to);
    };
    handle.addEventListener("pointermove", follow);
    handle.addEventListener("pointerup", end);
    handle.addEventListener("pointercancel", end);
  });
}

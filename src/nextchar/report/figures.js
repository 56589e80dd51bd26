// A sampler that is pointed at, focused or tapped, in a figure or a table, stands out in all.
(() => {
  "use strict";
  const marks = [...document.querySelectorAll("[data-samplers]")].map((element) => {
    // The title is what a browser without scripts shows; here the tip does.
    const title = element.querySelector(":scope > title");
    const words = title ? title.textContent : "";
    if (title) title.remove();
    return { element, words, samplers: JSON.parse(element.dataset.samplers) };
  });
  if (!marks.length) return;
  const of = new Map(marks.map((mark) => [mark.element, mark]));
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.setAttribute("role", "status");
  document.body.append(tip);
  let shown = null;
  let kept = null; // what was tapped, until the next tap

  const show = (mark) => {
    if (shown === mark) return;
    shown = mark;
    const chosen = mark ? mark.samplers : [];
    document.body.classList.toggle("choosing", chosen.length > 0);
    marks.forEach(({ element, samplers }) => {
      element.classList.toggle("lit", samplers.some((each) => chosen.includes(each)));
    });
    tip.textContent = mark ? mark.words : "";
    place();
  };

  const place = () => {
    if (!tip.textContent) return;
    const box = shown.element.getBoundingClientRect();
    const own = tip.getBoundingClientRect();
    const left = Math.min(Math.max(box.left + box.width / 2 - own.width / 2, 4), innerWidth - own.width - 4);
    const above = box.top - own.height - 6;
    tip.style.transform = `translate(${left}px, ${above > 4 ? above : box.bottom + 6}px)`;
  };

  // The nearest mark within a finger's reach of a point, values before lines and labels.
  const reach = [[0, 0], ...[4, 9].flatMap((far) =>
    [[far, 0], [-far, 0], [0, far], [0, -far], [far, far], [-far, far], [far, -far], [-far, -far]])];
  const near = ({ clientX, clientY }) => {
    const found = reach
      .map(([x, y]) => document.elementFromPoint(clientX + x, clientY + y))
      .map((element) => element && of.get(element.closest("svg [data-samplers]")))
      .filter(Boolean);
    return found.find((mark) => mark.words && mark.samplers[0] !== "human") || found[0] || null;
  };
  const under = (event) => {
    const target = event.target instanceof Element ? event.target : document.body;
    if (target.closest("figure svg")) return near(event);
    return of.get(target.closest("tr[data-samplers]")) || null;
  };

  addEventListener("pointermove", (event) => {
    if (event.pointerType !== "touch") show(under(event) || kept);
  });
  document.documentElement.addEventListener("pointerleave", () => show(kept));
  addEventListener("scroll", place, { passive: true, capture: true });  // of any box, too
  addEventListener("click", (event) => {
    if (event.target instanceof Element && event.target.closest("a, button, summary, input")) return;
    const mark = under(event);
    kept = mark && kept && mark.element === kept.element ? null : mark;
    show(kept);
  });

  // A figure and a table are one stop each for the Tab key; arrows go from sampler to sampler.
  const steps = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 };
  document.querySelectorAll("figure svg[tabindex]").forEach((svg) => {
    const values = marks.filter(({ element, words }) => words && svg.contains(element));
    svg.addEventListener("keydown", (event) => {
      const next = steps[event.key];
      if (!next || !values.length) return;
      event.preventDefault();
      const at = values.indexOf(shown);
      show(values[at < 0 ? 0 : (at + next + values.length) % values.length]);
    });
    svg.addEventListener("blur", () => show(kept));
  });
  document.querySelectorAll("tbody").forEach((body) => {
    const rows = marks.filter(({ element }) => element.parentElement === body);
    rows.forEach((mark, index) => {
      const head = mark.element.cells[0];
      head.tabIndex = index ? -1 : 0;
      head.addEventListener("focus", () => show(mark));
      head.addEventListener("blur", () => show(kept));
      head.addEventListener("keydown", (event) => {
        // Rows may have been sorted: their order is the table's.
        const order = [...body.rows].filter((row) => !row.hidden).map((row) => of.get(row));
        const next = steps[event.key];
        const to = next && order[order.indexOf(mark) + next];
        if (!to) return;
        event.preventDefault();
        head.tabIndex = -1;
        to.element.cells[0].tabIndex = 0;
        to.element.cells[0].focus();
      });
    });
  });
  addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    kept = null;
    show(null);
  });
})();

// Without this script every prompt is a section to open; with it, one prompt shows at a time.
(() => {
  "use strict";
  const button = (text, label, press) => {
    const element = document.createElement("button");
    element.type = "button";
    element.textContent = text;
    if (label) element.setAttribute("aria-label", label);
    element.addEventListener("click", () => press(element));
    return element;
  };
  const set = (element, pressed) => element.setAttribute("aria-pressed", String(pressed));

  const prompts = [...document.querySelectorAll(".prompt")];
  const chooser = document.querySelector(".chooser");
  if (chooser && prompts.length) {
    const row = (name) => {
      const box = document.createElement("div");
      const title = document.createElement("span");
      title.textContent = name;
      box.append(title);
      chooser.append(box);
      return box;
    };
    if (prompts.length > 1) {
      const choices = row("prompt");
      const show = (chosen) => prompts.forEach((prompt, index) => {
        prompt.open = index === chosen;
        prompt.classList.toggle("away", index !== chosen);
        set(buttons[index], index === chosen);
      });
      const buttons = prompts.map((prompt, index) => {
        const name = prompt.querySelector("summary").textContent;
        const choice = button(name.replace(/\D+/g, ""), name, () => show(index));
        choices.append(choice);
        return choice;
      });
      show(0);
    }
    const labels = [...new Set([...document.querySelectorAll("[data-sampler]")]
      .map((card) => card.dataset.sampler))];
    if (labels.length > 2) {
      const choices = row("shown");
      const every = Math.ceil(labels.length / 40); // of very many samplers some are shown at first
      labels.forEach((label, index) => {
        const show = (choice, on) => {
          set(choice, on);
          document.querySelectorAll("[data-sampler]").forEach((card) => {
            if (card.dataset.sampler === label) card.hidden = !on;
          });
        };
        const choice = button(label, "", (own) => show(own, own.getAttribute("aria-pressed") !== "true"));
        show(choice, index % every === 0);
        choices.append(choice);
      });
    }
    chooser.hidden = !chooser.children.length;
  }

  // Tables: a heading sorts and explains its column, a box filters the rows, a switch shows how far
  // each value is from the reference. References keep their place below.
  document.querySelectorAll("table.sortable").forEach((table) => {
    const tools = table.closest(".scroll").previousElementSibling;
    const body = table.tBodies[0];
    const rows = [...body.rows];
    const ranked = rows.filter((row) => !row.classList.contains("reference"));
    const references = rows.filter((row) => row.classList.contains("reference"));
    const human = rows.find((row) => row.classList.contains("human"));
    const explain = document.createElement("p");
    explain.className = "explain";
    explain.setAttribute("aria-live", "polite");
    const number = (row, index) => {
      const text = row.cells[index].dataset.value;
      return text === undefined ? NaN : Number(text);
    };
    [...table.tHead.rows[0].cells].forEach((head, index) => {
      const words = head.title;
      head.removeAttribute("title");
      const sort = button("", "", () => {
        const up = head.getAttribute("aria-sort") !== "ascending";
        [...table.tHead.rows[0].cells].forEach((cell) => cell.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
        const sorted = [...ranked].sort((one, other) => {
          if (index === 0) return ranked.indexOf(one) - ranked.indexOf(other);
          const [a, b] = [number(one, index), number(other, index)];
          if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) - Number.isNaN(b);
          return up ? a - b : b - a;
        });
        if (index === 0 && !up) sorted.reverse();
        body.append(...sorted, ...references);
        explain.textContent = words;
      });
      sort.append(...head.childNodes);
      head.append(sort);
      head.addEventListener("pointerenter", () => { explain.textContent = words; });
      sort.addEventListener("focus", () => { explain.textContent = words; });
    });
    if (ranked.length > 4) {
      const filter = document.createElement("input");
      filter.type = "search";
      filter.placeholder = "filter samplers";
      filter.setAttribute("aria-label", "Filter samplers");
      filter.addEventListener("input", () => ranked.forEach((row) => {
        row.hidden = !row.cells[0].textContent.includes(filter.value.trim());
      }));
      tools.append(filter);
    }
    if (human) {
      const name = human.cells[0].textContent.trim();
      const switched = button(`difference from ${name}`, "", () => {
        const on = switched.getAttribute("aria-pressed") !== "true";
        set(switched, on);
        rows.forEach((row) => [...row.cells].slice(1).forEach((cell, index) => {
          const bold = cell.querySelector("b");
          bold.dataset.text ??= bold.textContent;
          const gap = number(row, index + 1) - number(human, index + 1);
          const digits = (bold.dataset.text.split(".")[1] || "").length;
          const text = Number.isNaN(gap) ? "–" : (gap < 0 ? "−" : "+") + Math.abs(gap).toFixed(digits);
          bold.textContent = !on || row === human ? bold.dataset.text : text;
          cell.querySelectorAll("small").forEach((small) => { small.hidden = on && row !== human; });
        }));
      });
      set(switched, false);
      tools.append(switched);
    }
    tools.append(explain);
    tools.hidden = false;
  });

  // A link to what is folded unfolds it, and so does printing.
  const unfold = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target && target.matches("details.fold")) {
      target.open = true;
      target.scrollIntoView();
    }
  };
  addEventListener("hashchange", unfold);
  unfold();
  addEventListener("beforeprint", () => {
    document.querySelectorAll("details.fold:not(#again)").forEach((fold) => { fold.open = true; });
  });

  document.querySelectorAll(".command").forEach((box) => {
    if (!navigator.clipboard) return;
    const text = box.querySelector("code").textContent;
    box.append(button("copy", "Copy the command", (element) => {
      navigator.clipboard.writeText(text).then(() => {
        element.textContent = "copied";
        setTimeout(() => { element.textContent = "copy"; }, 1500);
      }, () => { element.textContent = "select and copy by hand"; });
    }));
  });
})();

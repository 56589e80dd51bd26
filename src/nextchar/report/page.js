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
      labels.forEach((label) => {
        const choice = button(label, "", (element) => {
          const on = element.getAttribute("aria-pressed") !== "true";
          set(element, on);
          document.querySelectorAll("[data-sampler]").forEach((card) => {
            if (card.dataset.sampler === label) card.hidden = !on;
          });
        });
        set(choice, true);
        choices.append(choice);
      });
    }
    chooser.hidden = !chooser.children.length;
  }

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

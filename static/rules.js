// Completion in the texts of grouping rules. Without it the names stand beside the text.
"use strict";
(() => {
  const MOST = 8;
  const make = (tag, attributes) => {
    const element = document.createElement(tag);
    Object.entries(attributes).forEach(([name, value]) => element.setAttribute(name, value));
    return element;
  };
  const ruler = document.createElement("canvas").getContext("2d");

  // What is being typed at the caret, and what could complete it.
  const look = (area) => {
    if (area.selectionStart !== area.selectionEnd) return null;
    const line = area.value.slice(area.value.lastIndexOf("\n", area.selectionStart - 1) + 1, area.selectionStart);
    if (/^\s*#/.test(line)) return null;
    const arrow = line.lastIndexOf("->");
    if (arrow >= 0 && area.dataset.variables) {
      const typed = /\{\{\s*[\w.]*$/.exec(line.slice(arrow));
      return typed && { typed: typed[0], word: typed[0].replace(/^\{\{\s*/, ""), wrap: (name) => (name.endsWith(".") ? `{{ ${name}` : `{{ ${name} }}`), names: area.dataset.variables.split(" "), line };
    }
    // Within quotes, or in an argument, names mean nothing.
    if ((line.replace(/\\./g, "").match(/"/g) || []).length % 2) return null;
    const typed = /[^\s[\]|]*$/.exec(line)[0].replace(/^[!^]|^v(?=[+-])/, "");
    return typed.includes(":") ? null : { typed, word: typed, wrap: (name) => name, names: area.dataset.complete.split(" "), line };
  };
  const found = ({ word, names }) => {
    const begins = names.filter((name) => name.startsWith(word));
    return [...begins, ...names.filter((name) => !begins.includes(name) && name.includes(`.${word}`))].filter((name) => name !== word).slice(0, MOST);
  };

  document.querySelectorAll("textarea[data-complete]").forEach((area) => {
    const list = make("ul", { id: `${area.id}-names`, class: "complete", role: "listbox", "aria-label": "Names", hidden: "" });
    const said = make("p", { class: "sr", role: "status" });
    area.parentElement.classList.add("completes");
    area.after(list, said);
    Object.entries({ autocomplete: "list", controls: list.id, haspopup: "listbox" }).forEach(([name, value]) => area.setAttribute(`aria-${name}`, value));
    let at = 0;
    let here = null;

    const close = () => {
      here = null;
      list.hidden = true;
      list.replaceChildren();
      area.removeAttribute("aria-activedescendant");
      said.textContent = "";
    };
    const mark = (index) => {
      at = (index + list.children.length) % list.children.length;
      [...list.children].forEach((option, i) => option.setAttribute("aria-selected", String(i === at)));
      area.setAttribute("aria-activedescendant", list.children[at].id);
    };
    // Under the caret: the text is in one width, and its lines do not wrap.
    const place = () => {
      const style = getComputedStyle(area);
      ruler.font = style.font;
      const column = here.line.replace(/\t/g, "    ").length - here.typed.length;
      const lines = area.value.slice(0, area.selectionStart).split("\n").length;
      const x = area.offsetLeft + parseFloat(style.paddingLeft) + column * ruler.measureText("0").width - area.scrollLeft;
      const y = area.offsetTop + parseFloat(style.paddingTop) + lines * parseFloat(style.lineHeight) - area.scrollTop;
      list.style.left = `${Math.max(0, Math.min(x, area.offsetLeft + area.offsetWidth - list.offsetWidth))}px`;
      list.style.top = `${Math.max(area.offsetTop, Math.min(y, area.offsetTop + area.offsetHeight)) + 2}px`;
    };
    const take = (option) => {
      const { typed, wrap } = here;
      area.focus();
      area.setSelectionRange(area.selectionStart - typed.length, area.selectionStart);
      // The old way keeps what was typed undoable; the other is for browsers that have dropped it.
      const text = wrap(option.textContent);
      if (!document.execCommand("insertText", false, text)) area.setRangeText(text, area.selectionStart, area.selectionEnd, "end");
      close();
    };
    const open = (asked) => {
      const seen = look(area);
      const names = seen && (seen.typed || asked) ? found(seen) : [];
      close();
      if (!names.length) return;
      here = seen;
      list.replaceChildren(...names.map((name, index) => {
        const option = make("li", { id: `${list.id}-${index}`, role: "option" });
        option.textContent = name;
        option.addEventListener("mousedown", (event) => { event.preventDefault(); take(option); });
        return option;
      }));
      list.hidden = false;
      place();
      mark(0);
      said.textContent = `${names.length} names, the first is ${names[0]}. Enter takes it, Escape closes.`;
    };

    area.addEventListener("input", (event) => { if (event.inputType !== "insertFromPaste") open(false); });
    ["blur", "click", "scroll"].forEach((name) => area.addEventListener(name, close));
    area.addEventListener("keydown", (event) => {
      if (event.isComposing) return;
      const bare = !event.ctrlKey && !event.metaKey && !event.altKey && !event.shiftKey;
      if (event.key === " " && event.ctrlKey) open(true);
      else if (!here) return;
      else if (event.key === "ArrowDown" && bare) mark(at + 1);
      else if (event.key === "ArrowUp" && bare) mark(at - 1);
      else if ((event.key === "Enter" || event.key === "Tab") && bare) take(list.children[at]);
      else if (event.key === "Escape") close();
      else {
        if (["ArrowLeft", "ArrowRight", "Home", "End", "PageUp", "PageDown"].includes(event.key)) close();
        return;
      }
      // What was done here is not done elsewhere: a new line, leaving the text.
      event.preventDefault();
      event.stopPropagation();
    });
  });
})();

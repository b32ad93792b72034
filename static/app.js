// Vedette's page script: makes triage quicker, never needed for it. Every page works without it.
"use strict";
(() => {
  const root = document.documentElement;
  root.classList.add("js");
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  const one = (selector, from = document) => from.querySelector(selector);

  // Relative times go on counting.
  const units = [[31536000, "year"], [2592000, "month"], [86400, "day"], [3600, "h"], [60, "min"], [1, "s"]];
  const say = (seconds) => {
    if (Math.abs(seconds) < 5) return "just now";
    const far = Math.abs(seconds);
    const [size, name] = units.find(([size, name]) => far >= (name === "month" ? 2 * size : size)) || units[5];
    const n = Math.floor(far / size);
    const words = `${n} ${name}${n !== 1 && size >= 86400 ? "s" : ""}`;
    return seconds < 0 ? `in ${words}` : `${words} ago`;
  };
  // The server's clock counts, not the visitor's: distances start from what the page said.
  const loaded = Date.now();
  const times = all("time[data-rel][datetime]").map((element) => {
    const skew = one("meta[name=now]") ? Date.parse(one("meta[name=now]").content) - loaded : 0;
    return { element, at: Date.parse(element.dateTime) - skew };
  });
  const tick = () => times.forEach(({ element, at }) => { const text = say((Date.now() - at) / 1000); if (element.textContent !== text) element.textContent = text; });
  if (one("meta[name=now]")) setInterval(tick, 20000);

  // Copy buttons: data-copy names the element whose text is copied; of a link with data-fetch what it leads to is copied.
  const copied = (button) => {
    if (button.textContent === "copied") return;
    const label = [...button.childNodes];
    button.replaceChildren("copied");
    setTimeout(() => button.replaceChildren(...label), 1500);
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy], [data-fetch]");
    if (!button || !navigator.clipboard || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (button.href) {
      event.preventDefault();
      // A session that has ended leads elsewhere.
      fetch(button.href).then((answer) => (answer.ok && !answer.redirected ? answer.text() : Promise.reject()))
        .then((text) => navigator.clipboard.writeText(text)).then(() => copied(button), () => location.assign(button.href));
      return;
    }
    const source = one(button.dataset.copy);
    if (source) navigator.clipboard.writeText(source.textContent.trim()).then(() => copied(button), () => {});
  });

  // Only one menu is open; Escape and a click elsewhere close it.
  const closeMenus = (except) => all("details.menu[open]").forEach((menu) => { if (menu !== except) menu.open = false; });
  document.addEventListener("click", (event) => closeMenus(event.target.closest("details.menu")));

  // What was folded or unfolded stays so on the next page.
  const store = { get: (key) => { try { return localStorage.getItem(key); } catch { return null; } }, set: (key, value) => { try { localStorage.setItem(key, value); } catch { /* private mode */ } } };
  all("details[data-keep]").forEach((details) => {
    const key = `open:${details.dataset.keep}`;
    const kept = store.get(key);
    if (kept !== null) details.open = kept === "1";
    details.addEventListener("toggle", () => store.set(key, details.open ? "1" : "0"));
  });

  // App, All, Raw: all frames means the folds are open.
  const views = all(".views input");
  const show = (input) => {
    const stack = input.closest(".stack");
    all("details.fold", stack).forEach((fold) => { fold.open = input.id === "v-all"; });
    store.set("view", input.id);
  };
  views.forEach((input) => input.addEventListener("change", () => show(input)));
  const kept = views.find((input) => input.id === store.get("view"));
  if (kept && !kept.checked) { kept.checked = true; show(kept); }

  // Breadcrumbs whose words, category or level have what is typed.
  all("[data-crumbs]").forEach((input) => input.addEventListener("input", () => {
    const panel = input.closest(".panel"), wanted = input.value.trim().toLowerCase();
    all(".crumb", panel).forEach((crumb) => { crumb.hidden = !`${crumb.textContent} ${one(".kind", crumb).title}`.toLowerCase().includes(wanted); });
    if (wanted) all(".more", panel).forEach((more) => { more.open = true; });
  }));

  // Selection in the issue list: all, ranges with shift, a count in words.
  const form = one("#issues");
  const boxes = form ? all("input[name=id]", form) : [];
  const selectAll = one("#all");
  let last = null;
  const count = () => {
    const n = boxes.filter((box) => box.checked).length;
    one("#selected").textContent = n ? `${n} selected` : "With selected:";
    selectAll.checked = n > 0 && n === boxes.length;
    selectAll.indeterminate = n > 0 && n < boxes.length;
  };
  if (form && selectAll) {
    selectAll.addEventListener("change", () => { boxes.forEach((box) => { box.checked = selectAll.checked; }); count(); });
    boxes.forEach((box, index) => box.addEventListener("click", (event) => {
      if (event.shiftKey && last !== null) boxes.slice(Math.min(last, index), Math.max(last, index) + 1).forEach((other) => { other.checked = box.checked; });
      last = index;
      count();
    }));
    addEventListener("pageshow", count);
  }

  // Keys. j k move, x select, o open, r (also e) resolve, i ignore, / search.
  const rows = form ? all("tbody tr", form) : [];
  let here = -1;
  const move = (step) => {
    if (!rows.length) return;
    if (rows[here]) rows[here].classList.remove("here");
    here = Math.max(0, Math.min(rows.length - 1, here + step));
    rows[here].classList.add("here");
    one("a.t", rows[here]).focus({ preventScroll: true });
    rows[here].scrollIntoView({ block: "nearest" });
  };
  const act = (verb) => {
    if (!form) { const button = one(`button[data-key="${verb[0]}"]`); if (button) button.click(); return; }
    if (!boxes.some((box) => box.checked) && boxes[here]) boxes[here].checked = true;
    const button = one(`button[name=action][value=${verb}]`, form);
    if (button && boxes.some((box) => box.checked)) button.click();
  };
  const go = (rel) => { const link = one(`a[rel="${rel}"]`); if (link) link.click(); };
  const keys = {
    j: () => (form ? move(1) : go("next")), k: () => (form ? move(-1) : go("prev")),
    x: () => { if (boxes[here]) boxes[here].click(); },
    o: () => (rows[here] ? one("a.t", rows[here]).click() : act("open")),
    r: () => act("resolve"), e: () => act("resolve"), i: () => act("ignore"),
    "/": () => { const q = one("#q"); if (q) { q.focus(); q.select(); } },
  };
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { closeMenus(null); if (document.activeElement) document.activeElement.blur(); return; }
    const typing = event.target.closest("input:not([type=checkbox]):not([type=radio]), textarea, select");
    if (typing || event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });

  // "Waiting for the first event": asks until it is there.
  const waiting = one("[data-waiting]");
  if (waiting) {
    const ask = () => fetch(waiting.dataset.waiting, { headers: { Accept: "application/json" } })
      .then((answer) => (answer.ok ? answer.json() : { waiting: true }))
      .then((state) => { if (state.waiting) setTimeout(ask, 2000); else location.assign(state.href || location.href); })
      .catch(() => setTimeout(ask, 5000));
    setTimeout(ask, 1000);
  }
})();

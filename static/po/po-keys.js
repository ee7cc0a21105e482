/* Single keys of a work page: the element with data-key="x" is followed (link), opened (dialog), or focused.
   A closed panel is opened, and an option with a key is chosen in its list. The help names what works here: data-does.
   Nothing is decided by one key alone. They can be switched off (WCAG 2.1.4) for this browser. */
"use strict";
(() => {
  const NAME = "po-keys";
  const read = () => { try { return localStorage.getItem(NAME); } catch { return null; } };
  const write = (value) => { try { localStorage.setItem(NAME, value); } catch { /* private window: the choice lasts for the page */ } };
  let off = read() === "off";
  for (const button of document.querySelectorAll("[data-keys-switch]")) {
    const show = () => { button.setAttribute("aria-pressed", String(off)); };
    button.addEventListener("click", () => { off = !off; write(off ? "off" : "on"); show(); });
    show();
  }
  const open = (opener) => { const dialog = document.getElementById(opener.dataset.opens); if (dialog) { list(dialog.querySelector("[data-keys-list]")); dialog.showModal(); } };
  for (const opener of document.querySelectorAll("[data-opens]")) opener.addEventListener("click", () => open(opener));
  /* A list whose rows can be chosen: j and k go from row to row, x chooses, o opens; the number chosen is said. */
  const rows = document.querySelector("[data-rows]");
  const picks = rows ? [...rows.querySelectorAll("input[name=pick]")] : [];
  const current = () => document.activeElement?.closest?.("[data-rows] tbody tr");
  const reach = (row) => { const to = row?.querySelector("a[href]"); if (to) { to.focus(); row.scrollIntoView({ block: "nearest" }); } };
  const walk = {
    j: () => reach(current() ? current().nextElementSibling : rows.querySelector("tbody tr")),
    k: () => reach(current() ? current().previousElementSibling : rows.querySelector("tbody tr")),
    x: () => current()?.querySelector("input[name=pick]")?.click(),
    o: () => current()?.querySelector("a[href]")?.click(),
  };
  if (rows) {
    const all = rows.querySelector("[data-pick-all]");
    const count = () => {
      const chosen = picks.filter((pick) => pick.checked).length;
      for (const place of document.querySelectorAll("[data-picked]")) place.textContent = chosen ? `${chosen} chosen` : "Nothing chosen";
      for (const pick of picks) pick.closest("tr").setAttribute("aria-selected", String(pick.checked));
      if (all) { all.checked = chosen > 0 && chosen === picks.length; all.indeterminate = chosen > 0 && chosen < picks.length; all.disabled = !picks.length; }
    };
    all?.addEventListener("change", () => { for (const pick of picks) pick.checked = all.checked; count(); });
    for (const pick of picks) pick.addEventListener("change", count);
    count();
  }
  /* The help is what the page has: a key whose element is missing or disabled does nothing and is not named. */
  const list = (place) => {
    if (!place) return;
    const known = rows ? [["j", "next row"], ["k", "previous row"], ["x", "choose the row, or not"], ["o", "open the row"]] : [];
    for (const one of document.querySelectorAll("[data-key]")) if (!one.disabled) known.push([one.dataset.key, one.dataset.does]);
    if (document.querySelector("[data-search]")) known.push(["/", "search"]);
    if (document.querySelector("[data-chart][role=img]")) known.push(["← →", "on the chart: read interval by interval"], ["+ -", "on the chart: closer, and the whole range"]);
    place.replaceChildren(...known.flatMap(([keys, does]) => {
      const term = document.createElement("dt"), words = document.createElement("dd");
      for (const key of keys.split(" ")) { const shown = document.createElement("kbd"); shown.textContent = key; term.append(shown, " "); }
      words.textContent = does;
      return [term, words];
    }));
  };
  const reachField = (field) => { field.focus(); field.scrollIntoView({ block: "center" }); };
  document.addEventListener("keydown", (event) => {
    if (off || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input:not([type=checkbox]), textarea, select, dialog")) return;
    if (rows && walk[event.key]) { event.preventDefault(); walk[event.key](); return; }
    const target = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
    if (!target || target.disabled) return;
    event.preventDefault();
    for (let panel = target.closest("details"); panel; panel = panel.parentElement.closest("details")) if (!target.matches("summary")) panel.open = true;
    if (target.dataset.opens) open(target);
    else if (target.matches("a[href]")) target.click();
    else if (target.matches("summary")) { target.parentElement.open = true; reachField(target.parentElement.querySelector("select, input:not([type=hidden]), button") || target); }
    else if (target.matches("option")) { const choice = target.closest("select"); choice.value = target.value; choice.dispatchEvent(new Event("change")); reachField(choice); }
    else reachField(target);
  });
  /* A table of links: one of them is reached by Tab, the others by the arrow keys. */
  for (const grid of document.querySelectorAll("[data-grid]")) {
    const lines = [...grid.querySelectorAll("tbody tr")].map((line) => [...line.querySelectorAll("td a")]).filter((line) => line.length);
    if (!lines.length) continue;
    const steps = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0], Home: [0, -1e3], End: [0, 1e3] };
    const within = (at, length) => Math.min(length - 1, Math.max(0, at));
    lines[0][0].tabIndex = 0;
    grid.addEventListener("keydown", (event) => {
      const step = steps[event.key], line = lines.findIndex((one) => one.includes(event.target));
      if (!step || line < 0) return;
      event.preventDefault();
      const next = lines[within(line + step[0], lines.length)], to = next[within(lines[line].indexOf(event.target) + step[1], next.length)];
      event.target.tabIndex = -1; to.tabIndex = 0; to.focus();
    });
  }
  const action = document.getElementById("edit-action");
  if (action) {
    const show = () => { for (const field of action.form.querySelectorAll("[data-needs]")) field.hidden = field.dataset.needs !== action.selectedOptions[0]?.dataset.needed; };
    action.addEventListener("change", show);
    show();
  }
})();

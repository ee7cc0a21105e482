/* Small behaviours of every page: theme, search key, drop zone. Works under script-src 'self'. */
"use strict";
(() => {
  const root = document.documentElement;
  const store = { get: (k) => { try { return localStorage.getItem(k); } catch { return null; } }, set: (k, v) => { try { localStorage.setItem(k, v); } catch { /* private window: the choice lasts for the page */ } } };
  const saved = store.get("po-theme");
  if (saved) root.dataset.theme = saved;
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-theme-toggle]");
    if (!button) return;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    store.set("po-theme", root.dataset.theme);
    document.dispatchEvent(new Event("po:theme"));
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.target.closest("input, textarea, select") || store.get("po-keys") === "off") return;
    const search = document.querySelector("[data-search]");
    if (search) { event.preventDefault(); search.focus(); }
  });
  for (const zone of document.querySelectorAll("[data-drop]")) {
    const input = zone.querySelector("input[type=file]");
    const names = zone.querySelector("[data-drop-names]");
    const show = () => { if (names) names.textContent = [...input.files].map((f) => f.name).join(", "); };
    for (const name of ["dragenter", "dragover"]) zone.addEventListener(name, (e) => { e.preventDefault(); zone.classList.add("over"); });
    for (const name of ["dragleave", "drop"]) zone.addEventListener(name, (e) => { e.preventDefault(); zone.classList.remove("over"); });
    zone.addEventListener("drop", (e) => { input.files = e.dataTransfer.files; show(); });
    input.addEventListener("change", show);
  }
  for (const select of document.querySelectorAll("[data-autosubmit]")) select.addEventListener("change", () => select.form.requestSubmit());
  // A table that is wider than its page is scrolled by keys as well, once it can be focused.
  const reach = () => { for (const box of document.querySelectorAll(".scroll:not([tabindex])")) if (box.scrollWidth > box.clientWidth || box.scrollHeight > box.clientHeight) { box.tabIndex = 0; box.setAttribute("role", "region"); box.setAttribute("aria-label", box.querySelector("caption")?.textContent.trim() || box.closest(".card")?.querySelector("h2")?.textContent.trim() || "Table"); } };
  reach();
  addEventListener("resize", reach);
  document.addEventListener("htmx:afterSwap", reach);
  document.addEventListener("toggle", reach, true);
})();

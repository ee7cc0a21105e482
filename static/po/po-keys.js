/* Single keys of a work page: the element with data-key="x" is followed (link), opened (dialog), or focused.
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
  const open = (opener) => document.getElementById(opener.dataset.opens)?.showModal();
  for (const opener of document.querySelectorAll("[data-opens]")) opener.addEventListener("click", () => open(opener));
  document.addEventListener("keydown", (event) => {
    if (off || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select, dialog")) return;
    const target = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
    if (!target || target.disabled) return;
    event.preventDefault();
    if (target.dataset.opens) open(target);
    else if (target.matches("a[href]")) target.click();
    else { target.focus(); target.scrollIntoView({ block: "center" }); }
  });
  const action = document.getElementById("edit-action");
  if (action) {
    const show = () => { for (const field of action.form.querySelectorAll("[data-needs]")) field.hidden = field.dataset.needs !== action.selectedOptions[0]?.dataset.needed; };
    action.addEventListener("change", show);
    show();
  }
})();

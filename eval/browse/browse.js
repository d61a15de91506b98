// One-key shortcuts. Everything they do is a link or a field of the page, so that it works without them.
"use strict";

const box = document.querySelector("#keys input");
document.querySelector("#keys").hidden = false;
try { box.checked = localStorage.getItem("plume-keys") !== "off"; } catch { /* storage is refused: on, for this page */ }
box.addEventListener("change", () => {
  try { localStorage.setItem("plume-keys", box.checked ? "on" : "off"); } catch { /* as above */ }
});

const follow = selector => document.querySelector(selector)?.click();
const focus = name => {
  const field = document.querySelector(`[data-key="${name}"]`);
  field?.focus();
  return field;
};
const next = () => follow('a[rel="next"]');
const previous = () => follow('a[rel="prev"]');
const list = () => follow('[data-key="list"]');
const actions = {
  n: next, j: next, p: previous, k: previous, l: list,
  o: () => follow("tbody a"),
  m: () => focus("note"),
  "/": () => { if (!focus("filter")) { sessionStorage.setItem("plume-focus", "filter"); list(); } },
};

document.addEventListener("keydown", event => {
  const typing = event.target.closest("input:not([type=checkbox]), textarea, select");
  if (typing && event.key === "Escape") { event.target.blur(); return; }
  if (typing && event.key === "Enter" && event.ctrlKey) { event.target.form?.requestSubmit(); return; }
  if (typing || !box.checked || event.ctrlKey || event.altKey || event.metaKey || !actions[event.key]) return;
  event.preventDefault();
  actions[event.key]();
});

if (sessionStorage.getItem("plume-focus") && focus("filter")) sessionStorage.removeItem("plume-focus");

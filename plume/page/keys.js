"use strict";
/* Keys without Ctrl or Alt do what a page says beside them: `data-key="c"` on a button, a link, a choice or a field.
 * Whoever speaks to the machine, or hits keys by chance, switches them off (the box `keys`): the browser remembers that.
 */
const KEPT_AS = "plume keys";
const box = document.getElementById("keys");

for (const element of document.querySelectorAll(".keys-only")) element.hidden = false;
try {
  box.checked = localStorage.getItem(KEPT_AS) !== "off";
} catch {
  // a browser that keeps nothing: the box holds for this page
}
box.addEventListener("change", () => {
  try {
    localStorage.setItem(KEPT_AS, box.checked ? "on" : "off");
  } catch {
    // likewise
  }
});

addEventListener("keydown", (event) => {
  const types = event.target.matches("textarea, select, input:not([type=radio], [type=checkbox])");
  if (types && event.key === "Escape") return event.target.blur();
  if (!box.checked || types || event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
  // On a French keyboard the digits of the upper row come with Shift: their place on the keyboard counts, too.
  const digit = /^Digit[1-9]$/.test(event.code) ? event.code.at(-1) : "";
  const found = [...document.querySelectorAll("[data-key]")].filter((each) => each.checkVisibility?.() ?? true);
  const wanted = found.find((each) => [event.key, digit].includes(each.dataset.key));
  if (!wanted) return;
  event.preventDefault();
  wanted.focus();
  if (!wanted.matches("textarea, select, [tabindex='-1'], input:not([type=radio], [type=checkbox])")) wanted.click();
});

"use strict";
/* Keys 1 to 4 choose, Enter sends. Whoever speaks to the machine, or hits keys by chance, switches them off: the browser
 * remembers that. */
const KEPT_AS = "plume keys";
const box = document.getElementById("keys");
const choices = document.querySelectorAll("input[name=choice]");

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
  const types = event.target.matches("textarea, input[type=text]");
  if (!box.checked || types || event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
  // On a French keyboard the digits of the upper row come with Shift: their place on the keyboard counts, too.
  const digit = /^[1-4]$/.test(event.key) ? event.key : /^Digit[1-4]$/.test(event.code) && event.code.at(-1);
  if (!digit) return;
  event.preventDefault();
  choices[digit - 1].checked = true;
  choices[digit - 1].focus();
});

"use strict";
/* Adds up the active time of one page from signs of activity: a key, the pointer, a scroll, the focus coming back.
 *
 * A gap between two signs counts as work up to the cap; a longer one adds nothing. Every gap longer than ten seconds is
 * kept, so that the analysis can ask what another cap would give. What was typed is never looked at: keys are counted.
 */
const SIGNS = ["keydown", "pointerdown", "pointermove", "wheel", "scroll", "touchmove", "focusin", "input"];
const KEPT = 10_000; // ms: a shorter gap is not told apart from work
// In whole milliseconds, as gaps are kept: what counts here and what the analysis makes of it are the same.
const now = () => Math.round(performance.now());
const MODIFIERS = new Set(["Shift", "Control", "Alt", "AltGraph", "Meta", "CapsLock"]);

class Timer {
  constructor(capSeconds) {
    this.cap = 1000 * capSeconds;
    this.active = 0; // ms
    this.pauses = []; // ms
    this.keystrokes = 0;
    this.pasted = 0;
    this.last = null; // when the last sign came; null while the time stands still
  }

  /** Let the time run from now on. */
  start() {
    this.last ??= now();
  }

  /** Count the gap since the last sign. */
  sign() {
    if (this.last === null) return;
    const at = now();
    const gap = at - this.last;
    if (gap <= this.cap) this.active += gap;
    if (gap > KEPT) this.pauses.push(gap);
    this.last = at;
  }

  /** Let the time stand still: what passes until `start` is neither work nor a pause. */
  stop() {
    this.sign();
    this.last = null;
  }

  /** Take every sign of activity in the page; count keys and pasted characters in the field. */
  watch(field) {
    let at = ""; // browsers also tell of a pointer under which only the page moved
    const sign = (event) => {
      const place = `${event.screenX} ${event.screenY}`;
      if (event.type === "pointermove" && place === at) return;
      if (event.type === "pointermove") at = place;
      this.sign();
    };
    for (const name of SIGNS) addEventListener(name, sign, { capture: true, passive: true });
    addEventListener("focus", sign);
    document.addEventListener("visibilitychange", () => document.hidden || this.sign());
    field.addEventListener("keydown", (event) => {
      const sends = event.key === "Enter" && (event.ctrlKey || event.metaKey);
      if (!event.repeat && !sends && !MODIFIERS.has(event.key)) this.keystrokes += 1;
    });
    const pasted = (data) => field.readOnly || (this.pasted += [...(data?.getData("text/plain") ?? "")].length);
    field.addEventListener("paste", (event) => pasted(event.clipboardData));
    field.addEventListener("drop", (event) => pasted(event.dataTransfer));
  }

  /** What was measured so far, in seconds, to the millisecond. */
  counters() {
    const seconds = (ms) => ms / 1000;
    return {
      active_seconds: seconds(this.active),
      pauses: this.pauses.map(seconds),
      keystrokes: this.keystrokes,
      pasted_characters: this.pasted,
    };
  }
}

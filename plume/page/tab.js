"use strict";
/* One tab holds what a person types: it is saved every two seconds of work, and the newest tab holds it.
 *
 * A tab gives what it typed and counted from the start of the page each time, so a save that arrives twice counts once.
 * What the server has not confirmed stays in the tab (sessionStorage) until it has: a reload or a lost connection loses
 * nothing.
 */
const EVERY = 2000; // ms between two saves
const AGAIN = 3000; // ms before what failed is tried again
const PATIENCE = 20_000; // ms after which a server that says nothing counts as one that cannot be reached

const wait = (ms) => new Promise((done) => setTimeout(done, ms));

class Tab {
  /**
   * @param task what is held; its name in the browser's storage.
   * @param urls `claim` and `save`: where to ask for the task, and where to save.
   * @param say words for each state: ready, saved, offline, refused.
   * @param on what the page does: `state()` gives what was typed (`text`) and counted, `put(answer)` shows what the
   *   server has, `tell(words, {aloud, bad})` shows a state, `end(words)` closes the page, `unsaved(text)` shows what
   *   the server did not take.
   */
  constructor({ task, token, urls, say, on }) {
    Object.assign(this, { token, urls, say, on });
    this.kept = `plume ${task}`;
    this.others = new BroadcastChannel(this.kept);
    this.id = ""; // as the server names it, once it gave the task to this tab
    this.sequence = 0; // of the saves of this tab
    this.held = false; // this tab may write
    this.over = false; // another tab has it, or it is sent
    this.asking = false; // a save is on its way
    this.confirmed = ""; // the last state that the server has
    this.confirmedText = "";
    this.bad = false; // what was told last was a warning
  }

  /** What this tab wrote last, until the server has it. Some browsers refuse to keep it: then autosave is all. */
  get spare() { try { return JSON.parse(sessionStorage.getItem(this.kept)); } catch { return null; } }
  set spare(written) {
    try {
      if (written) sessionStorage.setItem(this.kept, JSON.stringify(written));
      else sessionStorage.removeItem(this.kept);
    } catch { /* nothing to mend here */ }
  }

  /** Tell a state; `aloud` unless it is no news. */
  tell(words, { aloud = true, bad = false } = {}) {
    this.on.tell(words, { aloud, bad });
    this.bad = bad;
  }

  state() { return { tab: this.id, ...this.on.state() }; }
  numbered() { return { ...this.state(), sequence: ++this.sequence }; }
  isConfirmed() { return JSON.stringify(this.state()) === this.confirmed; }

  /** Ask the server; null if it cannot be reached or cannot answer now. */
  async post(url, body, keepalive = false) {
    const json = "application/json";
    const headers = { "Content-Type": json, Accept: json, "X-Plume-Token": this.token };
    try {
      const answer = await fetch(url, {
        method: "POST", keepalive, headers, body: JSON.stringify(body), signal: AbortSignal.timeout?.(PATIENCE),
      });
      if (answer.status >= 500 || answer.status === 429) return null;
      const told = await answer.json().catch(() => null);
      if (answer.ok && !told) return null; // a page of something between us and the server
      return { ok: answer.ok, status: answer.status, ...told };
    } catch {
      return null;
    }
  }

  /** Ask until the server answers. */
  async insist(url, body) {
    for (;;) {
      const answer = await this.post(url, body);
      if (answer) return answer;
      this.tell(this.say.offline, { bad: true });
      await wait(AGAIN);
    }
  }

  /** End here: the task is another tab's, or is sent already. */
  end(words) {
    this.over = true;
    this.spare = null;
    this.on.end(words);
    const { text } = this.on.state();
    if (text && text !== this.confirmedText) this.on.unsaved(text);
  }

  /** Take the task for this tab, with the text as the server has it; then save whatever changes. */
  async claim() {
    const before = this.spare;
    const keptIt = before && (await this.insist(this.urls.save, before)).ok; // of this tab before it was reloaded
    const answer = await this.insist(this.urls.claim, {});
    if (before?.text && !keptIt) this.on.unsaved(before.text); // another tab came since, or the text is too long
    if (!answer.ok) return this.end(answer.error ?? this.say.refused);
    this.id = answer.tab;
    this.others.postMessage("opened");
    this.spare = null;
    this.on.put(answer);
    this.held = true;
    this.confirmed = JSON.stringify(this.state());
    this.confirmedText = this.on.state().text;
    this.tell(this.say.ready, { aloud: false });
  }

  /** Keep the state in the tab and give it to the server, if it is not there yet. */
  async save({ keepalive = false, anyway = false } = {}) {
    if (!this.held || this.over || (this.asking && !keepalive && !anyway)) return;
    const written = JSON.stringify(this.state());
    if (written === this.confirmed && !anyway) return;
    const sent = this.numbered();
    this.spare = sent;
    this.asking = true;
    const answer = await this.post(this.urls.save, sent, keepalive);
    this.asking = false;
    if (this.over || !this.held) return;
    if (!answer) return this.tell(this.say.offline, { bad: true });
    if (answer.status === 409) return this.end(answer.error);
    if (!answer.ok) return this.tell(answer.error ?? this.say.refused, { bad: true });
    this.confirmed = written;
    this.confirmedText = sent.text;
    if (this.isConfirmed()) this.spare = null;
    this.tell(this.say.saved, { aloud: this.bad });
  }

  /** Claim the task and save from now on: every two seconds, and whenever the page is left. */
  begin() {
    this.claim();
    setInterval(() => this.save(), EVERY);
    this.others.addEventListener("message", () => this.save({ anyway: true })); // the server says which tab holds it
    addEventListener("blur", () => this.save()); // who turns to another window may open the task there
    document.addEventListener("visibilitychange", () => document.hidden && this.save({ keepalive: true }));
    addEventListener("pagehide", () => this.save({ keepalive: true }));
    addEventListener("pageshow", (event) => event.persisted && location.reload());
  }
}

/** Begin the time of a page once it is seen. */
function startWhenSeen(timer) {
  if (document.hidden) document.addEventListener("visibilitychange", () => timer.start(), { once: true });
  else timer.start();
}

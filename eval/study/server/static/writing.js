"use strict";
/* The page of a timed reply: one tab holds the task, saves every two seconds of work, and sends once.
 *
 * A tab gives its counters from the start of the page each time, so a save that arrives twice counts once. What the
 * server has not confirmed stays in the tab (sessionStorage) until it has: a reload or a lost connection loses nothing.
 */
const EVERY = 2000; // ms between two saves
const AGAIN = 3000; // ms before what failed is tried again
const PATIENCE = 20_000; // ms after which a server that says nothing counts as one that cannot be reached

const page = document.getElementById("writing");
const { claimUrl, saveUrl, sendUrl, token, task, cap, say } = { ...page.dataset, say: JSON.parse(page.dataset.say) };
const field = document.getElementById("text");
const spoken = document.getElementById("spoken");
const saved = document.getElementById("saved");
const drop = document.getElementById("drop");
const kept = `plume ${task}`;
const timer = new Timer(Number(cap));
const others = new BroadcastChannel(kept);

let tab = ""; // as the server names it, once it gave the task to this tab
let sequence = 0; // of the saves of this tab
let held = false; // this tab may write
let over = false; // another tab has it, or it is sent
let asking = false; // a save is on its way
let confirmed = ""; // the last state that the server has
let confirmed_text = "";
let dropped = false;
let set_aside = ""; // what stood in the field before the draft was dropped, or a blank page left

/** What this tab wrote last, as JSON, until the server has it. Some browsers refuse to keep it: then autosave is all. */
const spare = {
  get: () => { try { return JSON.parse(sessionStorage.getItem(kept)); } catch { return null; } },
  put: (written) => { try { sessionStorage.setItem(kept, written); } catch { /* nothing to mend here */ } },
  clear: () => { try { sessionStorage.removeItem(kept); } catch { /* likewise */ } },
};
const state = () => ({ tab, text: field.value, dropped, ...timer.counters() });
const numbered = (sent) => ({ ...sent, sequence: ++sequence });
const wait = (ms) => new Promise((done) => setTimeout(done, ms));

/** Show a state beside the field; read it aloud only if it is news. */
function tell(words, { aloud = true, bad = false } = {}) {
  saved.textContent = words;
  saved.classList.toggle("warning", bad);
  if (aloud && spoken.textContent !== words) spoken.textContent = words;
}

/** Ask the server; null if it cannot be reached or cannot answer now. */
async function post(url, body, keepalive = false) {
  const json = "application/json";
  const headers = { "Content-Type": json, Accept: json, "X-Plume-Token": token };
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
async function insist(url, body) {
  for (;;) {
    const answer = await post(url, body);
    if (answer) return answer;
    tell(say.offline, { bad: true });
    await wait(AGAIN);
  }
}

/** End here: the task is another tab's, or is sent already. */
function end(words) {
  over = true;
  timer.stop();
  spare.clear();
  document.getElementById("work").hidden = true;
  document.getElementById("elsewhere").hidden = false;
  const told = document.getElementById("elsewhere-words");
  told.textContent = words;
  told.focus();
  if (field.value !== confirmed_text) show_unsaved(field.value);
}

/** Show what the server did not take, to be copied. */
function show_unsaved(text) {
  if (!text) return;
  document.getElementById("unsaved").hidden = false;
  document.getElementById("unsaved-text").textContent = text;
}

/** Take the task for this tab, with the text as the server has it. */
async function claim() {
  const before = spare.get();
  const kept_it = before && (await insist(saveUrl, before)).ok; // of this tab before it was reloaded
  const answer = await insist(claimUrl, {});
  if (before && !kept_it) show_unsaved(before.text); // another tab came since, or the text is too long
  if (!answer.ok) return end(answer.error ?? say.refused);
  tab = answer.tab;
  others.postMessage("opened");
  spare.clear();
  field.value = answer.text;
  dropped = answer.dropped;
  show_drop();
  for (const input of document.querySelectorAll("input[name=tab]")) input.value = tab;
  field.readOnly = false;
  held = true;
  confirmed = JSON.stringify(state());
  confirmed_text = field.value;
  tell(say.ready, { aloud: false });
}

/** Keep the state in the tab and give it to the server, if it is not there yet. */
async function save({ keepalive = false, anyway = false } = {}) {
  if (!held || over || (asking && !keepalive && !anyway)) return;
  const written = JSON.stringify(state());
  if (written === confirmed && !anyway) return;
  const sent = numbered(state());
  spare.put(JSON.stringify(sent));
  asking = true;
  const answer = await post(saveUrl, sent, keepalive);
  asking = false;
  if (over || !held) return;
  if (!answer) return tell(say.offline, { bad: true });
  if (answer.status === 409) return end(answer.error);
  if (!answer.ok) return tell(answer.error ?? say.refused, { bad: true });
  confirmed = written;
  confirmed_text = sent.text;
  if (JSON.stringify(state()) === written) spare.clear();
  tell(say.saved, { aloud: saved.classList.contains("warning") });
}

/** Send the reply; the time ends with the key or the click that sends. */
async function send() {
  if (!held || over) return;
  timer.stop();
  held = false;
  field.readOnly = true;
  const final = numbered(state());
  spare.put(JSON.stringify(final));
  tell(say.sending);
  const answer = await insist(sendUrl, final);
  if (answer.status === 409) return end(answer.error);
  if (!answer.ok) {
    tell(answer.error ?? say.refused, { bad: true });
    field.readOnly = false;
    held = true;
    timer.start();
    return field.focus();
  }
  over = true;
  spare.clear();
  location.replace(answer.next);
}

/** Stop the time and hide the task, or go on with it. */
function pause(on) {
  if (!held || over) return;
  if (on) timer.stop();
  else timer.start();
  document.getElementById("work").hidden = on;
  document.getElementById("paused").hidden = !on;
  document.getElementById(on ? "resume" : "pause").focus();
  spoken.textContent = on ? say.paused : say.resumed;
  save();
}

function show_drop() {
  if (drop) drop.textContent = dropped ? say.take_back : say.drop;
}

/** Begin on a blank page, or take back what stood there: neither text is lost while the page is open. */
function drop_draft() {
  if (!held || over) return;
  dropped = !dropped;
  const before = field.value;
  field.value = set_aside || (dropped ? "" : drop.dataset.draft);
  set_aside = before;
  show_drop();
  field.focus();
  spoken.textContent = dropped ? say.dropped : say.taken_back;
}

timer.watch(field);
if (document.hidden) document.addEventListener("visibilitychange", () => timer.start(), { once: true });
else timer.start();
document.getElementById("work").hidden = false;
claim();
setInterval(save, EVERY, {});
others.addEventListener("message", () => save({ anyway: true })); // the server says which tab holds the task
addEventListener("blur", () => save()); // who turns to another window may open the task there
document.addEventListener("visibilitychange", () => document.hidden && save({ keepalive: true }));
addEventListener("pagehide", () => save({ keepalive: true }));
addEventListener("beforeunload", (event) => {
  const sending = tab && !held;
  if (!over && (sending || saved.classList.contains("warning"))) event.preventDefault();
});
addEventListener("pageshow", (event) => event.persisted && location.reload());
document.getElementById("reply").addEventListener("submit", (event) => (event.preventDefault(), send()));
field.addEventListener("keydown", (event) => event.key === "Enter" && (event.ctrlKey || event.metaKey) && send());
document.getElementById("pause").addEventListener("click", () => pause(true));
document.getElementById("resume").addEventListener("click", () => pause(false));
drop?.addEventListener("click", drop_draft);

"use strict";
/* The page of a timed reply: one tab holds the task (tab.js), its time is measured (timer.js), and it is sent once. */
const page = document.getElementById("writing");
const { claimUrl, saveUrl, sendUrl, token, task, cap, say } = { ...page.dataset, say: JSON.parse(page.dataset.say) };
const field = document.getElementById("text");
const spoken = document.getElementById("spoken");
const saved = document.getElementById("saved");
const drop = document.getElementById("drop");
const timer = new Timer(Number(cap));
const tab = new Tab({ task, token, say, urls: { claim: claimUrl, save: saveUrl }, on: { state, put, tell, end, unsaved } });

let dropped = false;
let set_aside = ""; // what stood in the field before the draft was dropped, or a blank page left

function state() {
  return { text: field.value, dropped, ...timer.counters() };
}

/** Show what the server has. */
function put(answer) {
  field.value = answer.text;
  dropped = answer.dropped;
  show_drop();
  for (const input of document.querySelectorAll("input[name=tab]")) input.value = answer.tab;
  field.readOnly = false;
}

/** Show a state beside the field; read it aloud only if it is news. */
function tell(words, { aloud, bad }) {
  saved.textContent = words;
  saved.classList.toggle("warning", bad);
  if (aloud && spoken.textContent !== words) spoken.textContent = words;
}

/** End here: the task is another tab's, or is sent already. */
function end(words) {
  timer.stop();
  document.getElementById("work").hidden = true;
  document.getElementById("elsewhere").hidden = false;
  const told = document.getElementById("elsewhere-words");
  told.textContent = words;
  told.focus();
}

/** Show what the server did not take, to be copied. */
function unsaved(text) {
  document.getElementById("unsaved").hidden = false;
  document.getElementById("unsaved-text").textContent = text;
}

/** Send the reply; the time ends with the key or the click that sends. */
async function send() {
  if (!tab.held || tab.over) return;
  timer.stop();
  tab.held = false;
  field.readOnly = true;
  const final = tab.numbered();
  tab.spare = final;
  tab.tell(say.sending);
  const answer = await tab.insist(sendUrl, final);
  if (answer.status === 409) return tab.end(answer.error);
  if (!answer.ok) {
    tab.tell(answer.error ?? say.refused, { bad: true });
    field.readOnly = false;
    tab.held = true;
    timer.start();
    return field.focus();
  }
  tab.over = true;
  tab.spare = null;
  location.replace(answer.next);
}

/** Stop the time and hide the task, or go on with it. */
function pause(on) {
  if (!tab.held || tab.over) return;
  if (on) timer.stop();
  else timer.start();
  document.getElementById("work").hidden = on;
  document.getElementById("paused").hidden = !on;
  document.getElementById(on ? "resume" : "pause").focus();
  spoken.textContent = on ? say.paused : say.resumed;
  tab.save();
}

function show_drop() {
  if (drop) drop.textContent = dropped ? say.take_back : say.drop;
}

/** Begin on a blank page, or take back what stood there: neither text is lost while the page is open. */
function drop_draft() {
  if (!tab.held || tab.over) return;
  dropped = !dropped;
  const before = field.value;
  field.value = set_aside || (dropped ? "" : drop.dataset.draft);
  set_aside = before;
  show_drop();
  field.focus();
  spoken.textContent = dropped ? say.dropped : say.taken_back;
}

timer.watch(field);
startWhenSeen(timer);
document.getElementById("work").hidden = false;
tab.begin();
addEventListener("beforeunload", (event) => {
  const sending = tab.id && !tab.held;
  if (!tab.over && (sending || saved.classList.contains("warning"))) event.preventDefault();
});
document.getElementById("reply").addEventListener("submit", (event) => (event.preventDefault(), send()));
field.addEventListener("keydown", (event) => event.key === "Enter" && (event.ctrlKey || event.metaKey) && send());
document.getElementById("pause").addEventListener("click", () => pause(true));
document.getElementById("resume").addEventListener("click", () => pause(false));
drop?.addEventListener("click", drop_draft);

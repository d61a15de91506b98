"use strict";
/* The page of one review: one tab holds it (tab.js), the time with a draft is measured (timer.js), buttons ask and decide.
 *
 * A button sends the page's last state until the desk answers: a desk that is started anew finds the page where it was.
 * What the desk or the server refuses is told in the page, and everything typed stays.
 */
const page = document.getElementById("desk");
const { here, token, task, draft, known, cap } = page.dataset;
const say = JSON.parse(page.dataset.say);
const form = document.getElementById("work");
const main = form.querySelector("[data-main]"); // the review, or the text; nothing where drafts are compared
const part = (id) => document.getElementById(id);
const saved = part("saved");
const typed = [...form.elements].filter((field) => field.name && field !== main);
const times = Number(cap) > 0; // before there is a draft, no time is measured
const timer = new Timer(Number(cap));
const tab = new Tab({
  task, token, say, urls: { claim: `${here}/onglet`, save: `${here}/texte` }, on: { state, put, tell, end, unsaved },
});
let copied = true; // the final text was taken along

function state() {
  return {
    draft,
    known: Number(known),
    text: main?.value ?? "",
    typed: Object.fromEntries(typed.map((field) => [field.name, field.value])),
    active_seconds: timer.counters().active_seconds,
  };
}

/** Show what the desk has; let the agent work. */
function put(answer) {
  if (main) main.value = answer.text;
  for (const field of typed) if (field.name in answer.typed) field.value = answer.typed[field.name];
  if (main) main.readOnly = false;
  showDecision();
}

/** Show a state beside the field; read it aloud only if it is news. */
function tell(words, { aloud, bad }) {
  saved.textContent = words;
  saved.classList.toggle("warning", bad);
  if (aloud && part("spoken").textContent !== words) part("spoken").textContent = words;
}

function focusOn(id) {
  part(id).focus();
  part(id).scrollIntoView({ block: "center" });
}

function end(words) {
  timer.stop();
  form.hidden = part("leave").hidden = true;
  part("elsewhere").hidden = false;
  part("elsewhere-words").textContent = words;
  focusOn("elsewhere-words");
}

function unsaved(text) {
  part("unsaved").hidden = false;
  part("unsaved-text").textContent = text;
}

/** Say on the button what it does: accept the draft, or keep the text. */
function showDecision() {
  const button = part("decide");
  if (button) button.textContent = main.value.trim() === button.dataset.draftText.trim() ? say.accept : say.send;
}

/** Ask the desk, as long as it takes; an answer that is no answer of the desk's is asked for again. */
async function ask(url, body) {
  for (;;) {
    try {
      const json = "application/json";
      const headers = { "Content-Type": json, Accept: json, "X-Plume-Token": token };
      const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
      const told = await answer.json();
      if (answer.ok || told.error) return { ok: answer.ok, status: answer.status, ...told };
    } catch {
      // no answer, or a page of something between us and the desk
    }
    tab.tell(say.offline, { bad: true });
    await wait(AGAIN);
  }
}

function busy(on) {
  form.ariaBusy = String(on);
  if (main) main.readOnly = on;
  for (const field of form.querySelectorAll("button, select, input")) field.disabled = on;
}

/** Do what a button says. The time ends with the key or the click. */
async function press(button) {
  if (!tab.held || tab.over || form.ariaBusy === "true") return;
  timer.stop();
  const body = { ...tab.numbered(), value: button.dataset.value ?? "" };
  const { value, ...kept } = body;
  tab.spare = kept;
  tab.held = false;
  busy(true);
  part("refused").hidden = true;
  if (button.dataset.say) tab.tell(say[button.dataset.say]);
  const answer = await ask(`${here}/${button.dataset.post}`, body);
  if (answer.ok && answer.next) {
    tab.over = true;
    tab.spare = null;
    copied = true;
    return location.replace(answer.next);
  }
  if (answer.ok) return finish(answer);
  busy(false);
  if ([404, 409].includes(answer.status)) return tab.end(answer.error);
  part("refused").hidden = false;
  part("refused-title").textContent = answer.title ?? say.refused;
  part("refused-words").textContent = answer.error;
  tab.held = true;
  tab.save({ anyway: true }); // it says what is saved: a text that is too long is not
  if (times) timer.start();
  focusOn("refused-title");
}

/** The decision is kept: show the text to publish, which is no longer anywhere else. */
function finish(answer) {
  tab.over = true;
  tab.spare = null;
  form.hidden = part("leave").hidden = true;
  part("done").hidden = false;
  part("done-words").textContent = answer.decided;
  part("final").hidden = !answer.text;
  part("final-text").textContent = answer.text;
  copied = !answer.text;
  const title = document.querySelector("h1");
  document.title = document.title.replace(title.textContent, say.decided);
  title.textContent = say.decided;
  title.focus();
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    copied = true;
    part("spoken").textContent = say.copied;
    saved.textContent = say.copied;
    part("done-words").textContent += ` ${say.copied}`;
  } catch {
    part("spoken").textContent = say.not_copied;
    saved.textContent = say.not_copied;
  }
}

/** Mark the words that text and draft do not share. */
async function compare() {
  const shown = part("differences");
  shown.hidden = !shown.hidden;
  part("compare").ariaExpanded = String(!shown.hidden);
  if (shown.hidden) return;
  const answer = await tab.post(`${here}/differences`, tab.numbered());
  if (!answer?.ok) return tab.tell(answer?.error ?? say.offline, { bad: true });
  part("no-difference").hidden = !answer.same;
  part("unlike").hidden = answer.same || Boolean(answer.before);
  part("both").hidden = answer.same || !answer.before;
  part("before").innerHTML = answer.before ?? ""; // escaped where the words are marked
  part("after").innerHTML = answer.after ?? "";
}

/** Suggest structures whose name holds what is typed. */
async function suggest() {
  const asked = new URLSearchParams({ q: form.elements.structure.value.slice(0, 150), network: form.elements.network.value.slice(0, 150) });
  const names = await fetch(`/structures?${asked}`).then((answer) => answer.json()).catch(() => []);
  part("structures").replaceChildren(...names.map((name) => Object.assign(document.createElement("option"), { value: name })));
}

form.hidden = false;
timer.watch(main ?? document.body);
if (times) startWhenSeen(timer);
tab.begin();
form.addEventListener("submit", (event) => (event.preventDefault(), press(event.submitter)));
form.addEventListener("keydown", (event) => {
  const sends = event.key === "Enter" && (event.ctrlKey || event.metaKey);
  if (!sends && !(event.key === "Enter" && event.target.matches("input"))) return;
  event.preventDefault(); // Enter in a field of one line sends nothing by chance
  const button = (event.target.closest("section") ?? form).querySelector("[data-post]"); // of this part of the page
  if (sends && button) press(button);
});
main?.addEventListener("input", showDecision);
part("copy")?.addEventListener("click", () => copy(main.value));
part("copy-final").addEventListener("click", () => copy(part("final-text").textContent));
part("compare")?.addEventListener("click", compare);
if (form.elements.structure) {
  form.elements.structure.addEventListener("input", suggest);
  form.elements.network.addEventListener("change", suggest);
}
addEventListener("copy", () => (copied = true));
addEventListener("beforeunload", (event) => {
  if (!copied || (!tab.over && saved.classList.contains("warning"))) event.preventDefault();
});

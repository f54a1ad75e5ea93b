// Moves the lines of examples/puzzle.py; the server knows their order, this does not.
"use strict";

const get = id => document.getElementById(id);
const list = get("lines"), verdict = get("verdict"), KEY = "microflask-puzzle";
const lines = () => [...list.children];
const text = line => line.querySelector("pre").textContent;
const solved = () => list.classList.contains("solved");

function say(words) { get("said").textContent = words; }

function tell(words, error) {
  verdict.textContent = words;
  verdict.classList.toggle("error", Boolean(error));
  verdict.hidden = false;
}

function moved(line) {
  for (const other of lines()) other.classList.remove("stays", "moves", "hinted");
  verdict.hidden = true;
  const at = lines().indexOf(line);
  const after = at ? `after ${text(lines()[at - 1]).trim()}` : "at the top";
  say(`${text(line).trim()}: line ${at + 1} of ${list.children.length}, ${after}`);
}

function move(line, to) {
  const others = lines().filter(other => other !== line);
  const place = Math.max(0, Math.min(to, others.length));
  if (place === lines().indexOf(line)) {
    say(place ? "This is the bottom." : "This is the top.");
    return;
  }
  list.insertBefore(line, others[place] || null);
  line.focus();
  line.scrollIntoView({block: "nearest"});
  moved(line);
}

// By keyboard

list.addEventListener("keydown", event => {
  const line = event.target.closest("li");
  if (!line || solved() || event.ctrlKey || event.altKey || event.metaKey) return;
  const at = lines().indexOf(line);
  const to = {
    ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: lines().length}[event.key];
  if (to === undefined) return;
  event.preventDefault();
  move(line, to);
});
addEventListener("keydown", event => {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.key === "c") get("check").click();
  if (event.key === "h") get("hint").click();
});
for (const line of lines()) {
  line.addEventListener("focus", () => line.setAttribute("aria-selected", "true"));
  line.addEventListener("blur", () => line.setAttribute("aria-selected", "false"));
}

// By hand: the line follows the finger or the mouse, the others make room

let held = null, grip = 0;
list.addEventListener("pointerdown", event => {
  const line = event.target.closest("li");
  if (!line || solved() || event.button) return;
  if (event.pointerType === "touch" && !event.target.closest(".grip")) return;
  held = line;
  grip = event.clientY - line.getBoundingClientRect().top;
  line.classList.add("held");
  line.setPointerCapture(event.pointerId);
});
list.addEventListener("pointermove", event => {
  if (!held) return;
  const edge = 40, step = 12;
  if (event.clientY < edge) scrollBy(0, -step);
  if (event.clientY > innerHeight - edge) scrollBy(0, step);
  held.style.transform = "";
  const top = event.clientY - grip;
  let box = held.getBoundingClientRect();
  const above = held.previousElementSibling, below = held.nextElementSibling;
  const middle = line => {
    const {top: start, height} = line.getBoundingClientRect();
    return start + height / 2;
  };
  if (above && top < middle(above)) list.insertBefore(above, below);
  else if (below && top + box.height > middle(below)) list.insertBefore(below, held);
  box = held.getBoundingClientRect();
  held.style.transform = `translateY(${top - box.top}px)`;
});
function letGo() {
  if (!held) return;
  held.classList.remove("held");
  held.style.transform = "";
  held.focus();
  moved(held);
  held = null;
}
list.addEventListener("pointerup", letGo);
list.addEventListener("pointercancel", letGo);

// What the server says

async function ask(url) {
  const answer = await fetch(url, {
    method: "POST", headers: {"Content-Type": "application/json"},
    body: JSON.stringify({lines: lines().map(text)})});
  if (!answer.ok) throw new Error(`the server said ${answer.status}`);
  return answer.json();
}
const done = () => JSON.parse(localStorage.getItem(KEY) || "[]");
function showDone() {
  for (const item of document.querySelectorAll(".levels li")) {
    item.classList.toggle("done", done().includes(item.dataset.level));
  }
}

async function check() {
  const result = await ask(list.dataset.check);
  lines().forEach((line, at) => {
    line.classList.remove("hinted");
    line.classList.toggle("stays", result.stays[at]);
    line.classList.toggle("moves", !result.stays[at]);
  });
  const right = result.stays.filter(Boolean).length, all = result.stays.length;
  if (!result.solved) {
    const rest = all - right === 1 ? "other one" : `other ${all - right}`;
    tell(`${right} of ${all} lines follow one another as they should (✓). `
         + `Move the ${rest} (↕).`, true);
    return;
  }
  list.classList.add("solved");
  tell(`All ${all} lines stand as they stand in microflask.py.`);
  localStorage.setItem(KEY, JSON.stringify(
    [...new Set([...done(), list.dataset.level])]));
  showDone();
  get("check").hidden = get("hint").hidden = true;
  get("after").hidden = false;
  get("after").focus();
}

async function hint() {
  const {place, from} = await ask(list.dataset.hint);
  for (const line of lines()) line.classList.remove("hinted");
  if (place === null) {
    tell("Nothing is out of order.");
    return;
  }
  const line = lines()[from];
  line.classList.add("hinted");
  line.scrollIntoView({block: "nearest"});
  const before = place === 1 ? "The first line is" : `The first ${place} lines are`;
  tell((place ? `${before} right. Then comes: ` : "It begins with: ")
       + text(line).trim());
}
const failed = error => tell(`No answer: ${error.message}.`, true);
get("check").addEventListener("click", () => check().catch(failed));
get("hint").addEventListener("click", () => hint().catch(failed));
showDone();
document.querySelector(".levels [aria-current]")
  .scrollIntoView({block: "nearest", inline: "center"});

// Moves the lines of examples/puzzle.py; the server checks their order.
"use strict";

const get = id => document.getElementById(id);
const list = get("lines"), verdict = get("verdict");
const lines = () => [...list.children];

function tell(words, isError) {
  verdict.textContent = words;
  verdict.className = isError ? "flash error" : "flash";
  verdict.hidden = false;
}

function move(line, to) {
  const others = lines().filter(other => other !== line);
  list.insertBefore(line, others[Math.max(0, to)] || null);
  for (const other of lines()) other.className = "card";
  verdict.hidden = true;
  line.focus();
  line.ariaDescription = `line ${lines().indexOf(line) + 1} of ${lines().length}`;
}

list.addEventListener("keydown", event => {
  const line = event.target, at = lines().indexOf(line);
  const to = {ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: lines().length}[event.key];
  if (to === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  move(line, to);
});

// The first click takes a line, the second puts it where the clicked line is.
list.addEventListener("click", event => {
  const line = event.target.closest("li"), held = list.querySelector(".held");
  if (line && held) move(held, lines().indexOf(line));
  else if (line) line.className = "card held";
});

async function check() {
  const answer = await fetch(list.dataset.check, {
    method: "POST", headers: {"Content-Type": "application/json"},
    body: JSON.stringify(lines().map(line => line.querySelector("pre").textContent))});
  if (!answer.ok) throw new Error(`the server said ${answer.status}`);
  const stays = await answer.json(), right = stays.filter(Boolean).length;
  lines().forEach((line, at) => { line.className = `card ${stays[at] ? "stays" : "moves"}`; });
  if (right < stays.length)
    return tell(`${right} of ${stays.length} lines are in the right order.`, true);
  tell("The order is right.");
  get("check").hidden = true;
  get("after").hidden = false;
  get("after").focus();
}

get("check").addEventListener("click", () => {
  check().catch(error => tell(`No answer: ${error.message}.`, true));
});

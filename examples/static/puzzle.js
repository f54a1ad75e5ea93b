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

function moved(line) {
  for (const other of lines()) other.className = "card";
  verdict.hidden = true;
  line.focus();
  line.ariaDescription = `line ${lines().indexOf(line) + 1} of ${lines().length}`;
}

list.addEventListener("keydown", event => {
  const line = event.target, at = lines().indexOf(line), others = lines();
  const to = {ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: others.length}[event.key];
  if (to === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  others.splice(at, 1);
  list.insertBefore(line, others[Math.max(0, to)] || null);
  moved(line);
});

// Dragging: a line changes places with the one under the finger or the mouse.

let held = null;
list.addEventListener("pointerdown", event => {
  const line = event.target.closest("li");
  const isScroll = event.pointerType === "touch" && !event.target.matches(".grip");
  if (!line || event.button || isScroll) return;
  held = line;
  line.className = "card held";
  line.setPointerCapture(event.pointerId);
});
list.addEventListener("pointermove", event => {
  const under = document.elementFromPoint(event.clientX, event.clientY)?.closest("#lines li");
  if (!held || !under || under === held) return;
  const {top, height} = under.getBoundingClientRect();
  const isBelow = lines().indexOf(under) > lines().indexOf(held);
  if (isBelow === event.clientY > top + height / 2)
    list.insertBefore(held, isBelow ? under.nextSibling : under);
});
for (const end of ["pointerup", "pointercancel"]) {
  list.addEventListener(end, () => {
    if (held) moved(held);
    held = null;
  });
}

async function check() {
  const answer = await fetch(list.dataset.check, {
    method: "POST", headers: {"Content-Type": "application/json"},
    body: JSON.stringify(lines().map(line => line.querySelector("pre").textContent))});
  if (!answer.ok) throw new Error(`the server said ${answer.status}`);
  const stays = await answer.json(), right = stays.filter(Boolean).length;
  lines().forEach((line, at) => { line.className = `card ${stays[at] ? "stays" : "moves"}`; });
  if (right < stays.length)
    return tell(`${right} of ${stays.length} lines follow one another as they should.`, true);
  tell("The order is right.");
  get("check").hidden = true;
  get("after").hidden = false;
  get("after").focus();
}

get("check").addEventListener("click", () => {
  check().catch(error => tell(`No answer: ${error.message}.`, true));
});

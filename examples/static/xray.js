// Steps through the recording of examples/xray.py: the calls, the lines, the values.
"use strict";

const get = id => document.getElementById(id);
const {calls, functions, steps, values} = JSON.parse(get("xray").textContent);
const fn = call => functions[calls[call].function];

function make(tag, kind, ...children) {
  const element = document.createElement(tag);
  element.className = kind;
  element.append(...children);
  return element;
}

// Scroll inside the pane: the page stays where it is.
function reveal(row, box) {
  const at = row.getBoundingClientRect(), frame = box.getBoundingClientRect();
  if (at.top < frame.top + 40 || at.bottom > frame.bottom - 20)
    box.scrollTop += at.top - frame.top - frame.height / 3;
}

function nameOf({name}) {
  const cut = name.lastIndexOf(".") + 1;
  return [make("span", "faint", name.slice(0, cut)), make("b", "", name.slice(cut))];
}

// The tree: a row for each call; details are the functions that are no steps
const ofCall = calls.map(() => []);
steps.forEach((step, index) => ofCall[step[0]].push(index));
const rows = calls.map((call, index) => {
  const {chapter, place, step} = fn(index);
  const row = make("button", "plain call", make("span", "chip", chapter ? `${chapter}` : "●"),
                   make("span", "label", ...nameOf(fn(index))));
  row.title = place;
  row.style.setProperty("--hue", chapter * 47 % 360);
  row.classList.toggle("detail", !step);
  row.classList.toggle("own", !chapter);
  row.addEventListener("click", () => go(ofCall[index][0]));
  return row;
});
get("tree").append(...rows);

const isShown = call => get("all").checked || fn(call).step;
let path = [], at = 0;      // the steps that are shown, and the present one

function showTree() {
  const depths = [];
  calls.forEach(({parent}, index) => {
    depths[index] = parent === null ? 0 : depths[parent] + (isShown(parent) ? 1 : 0);
    rows[index].style.setProperty("--depth", Math.min(depths[index], 12));
    rows[index].hidden = !isShown(index);
  });
  path = steps.map((_, index) => index).filter(index => isShown(steps[index][0]));
  get("place").max = path.length - 1;
}

// The present step
function showSource(call, step) {
  const box = get("source"), {lines, first, place} = fn(call);
  if (box.dataset.call !== String(call)) {
    box.dataset.call = call;
    get("function").replaceChildren(...nameOf(fn(call)), make("small", "faint", place));
    box.replaceChildren(...lines.map((html, index) => {
      const row = make("div", "row", make("span", "number faint", `${first + index}`));
      row.insertAdjacentHTML("beforeend", html || " ");
      row.style.setProperty("--i", /^ */.exec(row.childNodes[1].textContent)[0].length);
      return row;
    }));
  }
  const ran = new Set(ofCall[call].filter(index => index < step).map(i => steps[i][2]));
  [...box.children].forEach((row, index) => {
    const here = first + index === steps[step][2];
    row.classList.toggle("ran", ran.has(first + index));
    row.classList.toggle("here", here);
    row.ariaCurrent = here ? "step" : null;
    if (here) reveal(row, box);
  });
}

function valueRow(name, number, before) {
  const changed = number !== before;
  const [text, parts] = number === null ? ["is gone", []] : values[number];
  const old = before === undefined ? null : values[before];
  const line = [make("b", "", name), " ", make("code", "", text)];
  if (changed && old && old[0] !== text) line.push(make("del", "", old[0]));
  const was = new Map(old ? old[1] : parts);
  const list = parts.map(([key, part]) => make("div", was.get(key) === part ? "" : "new",
    make("span", "faint", key), " ", make("code", "", part)));
  const row = make(parts.length ? "details" : "div", changed ? "value changed" : "value",
                   ...(parts.length ? [make("summary", "", ...line)] : line), ...list);
  row.open = list.some(part => part.className);
  return row;
}

function showValues(call, step) {
  const valuesAt = end => new Map(
    ofCall[call].filter(index => index < end).flatMap(index => steps[index][3]));
  const before = valuesAt(step), now = valuesAt(step + 1);
  const list = [...now].map(([name, number]) => [name, number, before.get(name)])
    .filter(([, number, old]) => number !== null || old !== null);
  list.sort((one, other) => (one[1] === one[2]) - (other[1] === other[2]));
  const [, kind, , , result] = steps[step];
  const says = {return: "returns", yield: "yields", exception: "raises"}[kind];
  if (says) list.unshift([says, result]);
  get("values").replaceChildren(...list.map(row => valueRow(...row)));
}

function go(step) {
  at = Math.max(0, path.findLastIndex(index => index <= step));
  step = path[at];
  const [call, kind, line, , result] = steps[step], {name} = fn(call);
  const value = result === null ? "" : values[result][0];
  rows.forEach((row, index) => {
    row.classList.toggle("here", index === call);
    row.tabIndex = index === call ? 0 : -1;
  });
  reveal(rows[call], get("tree"));
  showSource(call, step);
  showValues(call, step);
  get("place").value = at;
  get("count").textContent = `${at + 1} of ${path.length}`;
  get("now").textContent = {
    call: `${name} is called`, line: `Line ${line} of ${name} runs next`,
    return: `${name} returns ${value}`, yield: `${name} yields ${value}`,
    exception: `Line ${line} of ${name} raises ${value}`,
    raised: `The exception leaves ${name}`}[kind];
}

const move = by => go(path[Math.max(0, Math.min(path.length - 1, at + by))]);
function beside(way) {
  let call = steps[path[at]][0] + way;
  while (calls[call] && !isShown(call)) call += way;
  if (calls[call]) go(ofCall[call][0]);
}
const actions = {
  ArrowRight: () => move(1), ArrowLeft: () => move(-1), ArrowDown: () => beside(1),
  ArrowUp: () => beside(-1), Home: () => go(0), End: () => go(steps.length)};
for (const button of document.querySelectorAll("[data-key]"))
  button.addEventListener("click", actions[button.dataset.key]);
addEventListener("keydown", event => {
  const action = actions[event.key];
  if (!action || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  action();
});
get("place").addEventListener("input", event => go(path[event.target.value]));
get("all").addEventListener("change", () => {
  const step = path[at];
  showTree();
  go(step);
});
showTree();
go(0);

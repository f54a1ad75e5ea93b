"use strict";

// What both pages share

const byId = id => document.getElementById(id);

function make(tag, kind, ...children) {
  const element = document.createElement(tag);
  if (kind) element.className = kind;
  element.append(...children);
  return element;
}

function time(ns) {
  if (ns < 1000) return `${ns} ns`;
  if (ns < 1e6) return `${(ns / 1000).toFixed(ns < 1e4 ? 1 : 0)} µs`;
  return `${(ns / 1e6).toFixed(1)} ms`;
}

const hue = ([number, title]) => number ? `hsl(${number * 47 % 360} 60% 50%)`
  : title === "the server" ? "var(--faint)" : "var(--accent)";

function place(fn) {
  const [number, title] = fn.chapter;
  return number ? `${fn.file}, chapter ${number}: ${title}` : `${fn.file}: ${title}`;
}

function nameOf(fn) {
  const cut = fn.name.lastIndexOf(".") + 1;
  return [make("span", "owner", fn.name.slice(0, cut)),
          make("span", "self", fn.name.slice(cut))];
}

function codeLine(fn, index) {
  const code = make("code", "");
  for (const [kind, text] of fn.lines[index])
    code.append(kind ? make("span", `t-${kind}`, text) : text);
  const row = make("div", "row", make("span", "spent"),
                   make("span", "number", String(fn.first + index)), code);
  row.dataset.line = fn.first + index;
  row.style.setProperty("--indent", /^ */.exec(code.textContent)[0].length + 4);
  return row;
}

function head(element, fn) {
  const where = make("span", "where", place(fn));
  where.style.setProperty("--chapter", hue(fn.chapter));
  element.replaceChildren(make("span", "full", ...nameOf(fn)), where);
}

// Scroll inside of the pane only: the page stays where it is.
function reveal(row, box) {
  const at = row.getBoundingClientRect(), frame = box.getBoundingClientRect();
  const low = at.top - frame.top, high = at.bottom - frame.bottom;
  if (low < 40) box.scrollTop += low - frame.height / 3;
  else if (high > -20) box.scrollTop += high + frame.height / 3;
}

function onKeys(actions) {
  addEventListener("keydown", event => {
    const field = event.target.closest("input:not([type=range]), textarea, select");
    if (field || event.ctrlKey || event.altKey || event.metaKey) return;
    const action = actions[(event.shiftKey ? "Shift " : "") + event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });
  for (const button of document.querySelectorAll("[data-go]"))
    button.addEventListener("click", actions[button.dataset.go]);
}

function callRow(fn, depth, marks, onPick) {
  const [number, title] = fn.chapter;
  const chip = make("span", "chip", number ? String(number)
    : title === "the server" ? "·" : "app");
  chip.title = place(fn);
  const row = make("button", "call", chip, make("span", "label", ...nameOf(fn)), ...marks);
  row.type = "button";
  row.tabIndex = -1;
  row.style.setProperty("--depth", Math.min(depth, 14));
  row.style.setProperty("--chapter", hue(fn.chapter));
  row.addEventListener("click", onPick);
  return row;
}

function bar(call, whole) {
  const inner = make("span", "fill");
  inner.style.left = `${Math.min(99, 100 * call.start / whole)}%`;
  inner.style.width = `${100 * call.took / whole}%`;
  return make("span", "bar", inner);
}

// One request

function showOne(xray) {
  const {calls, functions, steps, values, took} = xray;
  const last = steps.length - 1;
  const ofCall = calls.map(() => []);
  steps.forEach((step, index) => ofCall[step[0]].push(index));
  const spent = index =>
    (index < last ? steps[index + 1][3] : took) - steps[index][3];
  let at = -1, shown = -1;
  let noting;     // the address follows when a key is let go: browsers limit its changes

  const rows = calls.map((call, index) => callRow(
    functions[call.code], call.depth,
    [make("span", "took", time(call.took)), bar(call, took)],
    () => go(ofCall[index][0])));
  rows.forEach((row, index) => {
    if (calls[index].via) row.title = `called by ${calls[index].via}`;
    if (calls[index].raised) row.classList.add("raised");
  });
  byId("tree").append(...rows);
  byId("place").max = Math.max(0, last);

  // The values of a function before a step, and what the step changed.
  function state(index) {
    const now = new Map();
    for (const step of ofCall[steps[index][0]]) {
      if (step > index) break;
      for (const [name, value] of steps[step][4]) {
        if (step === index) continue;
        if (value === null) now.delete(name); else now.set(name, value);
      }
    }
    return [now, new Map(steps[index][4])];
  }

  function drawSource(call, index) {
    const box = byId("source"), fn = functions[calls[call].code];
    if (shown !== call) {
      shown = call;
      head(byId("function"), fn);
      box.replaceChildren(...fn.lines.map((_, number) => codeLine(fn, number)));
    }
    const times = new Map();
    for (const step of ofCall[call]) {
      if (step >= index) break;
      if (steps[step][1] !== "line") continue;
      times.set(steps[step][2], (times.get(steps[step][2]) || 0) + spent(step));
    }
    for (const row of box.children) {
      const line = Number(row.dataset.line), here = line === steps[index][2];
      row.className = "row" + (here ? ` here at-${steps[index][1]}` : "")
        + (times.has(line) ? " ran" : "");
      row.firstChild.textContent = times.has(line) ? time(times.get(line)) : "";
      if (here) { row.setAttribute("aria-current", "step"); reveal(row, box); }
      else row.removeAttribute("aria-current");
    }
  }

  function valueRow(name, number, before, changed) {
    const [text, parts] = values[number];
    const row = make("div", changed ? "value changed" : "value");
    const line = [make("span", "name", name), make("code", "", text)];
    if (changed && before !== undefined && values[before][0] !== text)
      line.push(make("code", "was", `was ${values[before][0]}`));
    if (!parts.length) { row.append(make("div", "head", ...line)); return row; }
    const old = new Map(before === undefined ? [] : values[before][1]);
    const inside = make("dl", "parts");
    let touched = false;
    for (const [key, part] of parts) {
      const other = changed && before !== undefined && old.get(key) !== part;
      touched ||= other;
      inside.append(make("dt", other ? "changed" : "", key), make("dd", "", part));
    }
    const details = make("details", "", make("summary", "head", ...line), inside);
    details.open = touched;
    row.append(details);
    return row;
  }

  function drawValues(index) {
    const [before, changes] = state(index), list = [];
    const [, kind, , , , result] = steps[index];
    const says = {return: "returns", yield: "yields", exception: "raises"}[kind];
    if (says && result !== null) {
      const row = valueRow(says, result);
      row.classList.add("result", kind);
      list.push(row);
    }
    const names = [...new Set([...before.keys(), ...changes.keys()])];
    names.sort((one, other) => changes.has(other) - changes.has(one));
    for (const name of names) {
      const number = changes.has(name) ? changes.get(name) : before.get(name);
      if (number === null) list.push(make("div", "value changed", make(
        "div", "head", make("span", "name", name), make("code", "was", "is gone"))));
      else list.push(valueRow(name, number, before.get(name), changes.has(name)));
    }
    if (!list.length) list.push(make("p", "faint", "No values yet."));
    byId("values").replaceChildren(...list);
  }

  function words(index) {
    const [call, kind, line, , , result] = steps[index];
    const name = functions[calls[call].code].name;
    const value = result === null ? "" : values[result][0];
    return {call: `${name} is entered`, line: `line ${line} runs next, in ${name}`,
            return: `${name} returns ${value}`, yield: `${name} yields ${value}`,
            exception: `line ${line} of ${name} raises ${value}`,
            raised: `${name} is left by the exception`,
            closed: `${name} is closed before its end`}[kind];
  }

  function go(index) {
    index = Math.max(0, Math.min(last, index));
    if (index === at) return;
    const call = steps[index][0];
    if (at >= 0) rows[steps[at][0]].classList.remove("here");
    rows[call].classList.add("here");
    for (const row of rows) row.tabIndex = row === rows[call] ? 0 : -1;
    reveal(rows[call], byId("tree"));
    at = index;
    drawSource(call, index);
    drawValues(index);
    byId("place").value = index;
    byId("count").textContent = `${index + 1} of ${last + 1}`;
    byId("now").textContent = words(index);
    clearTimeout(noting);
    noting = setTimeout(() => history.replaceState(null, "", `#${at + 1}`), 200);
  }

  // The next step that is not inside of something called from here.
  function over(way) {
    const depth = calls[steps[at][0]].depth;
    let index = at + way;
    while (steps[index] && calls[steps[index][0]].depth > depth) index += way;
    go(index);
  }
  const beside = way => () => {
    const call = Math.max(0, Math.min(calls.length - 1, steps[at][0] + way));
    go(ofCall[call][0]);
  };
  const on = () => go(at + 1), back = () => go(at - 1);
  const first = () => go(0), end = () => go(last);
  onKeys({ArrowRight: on, ArrowLeft: back, "Shift ArrowRight": () => over(1),
          "Shift ArrowLeft": () => over(-1), ArrowDown: beside(1), ArrowUp: beside(-1),
          Home: first, End: end, on, back, first, last: end, over: () => over(1)});
  byId("place").addEventListener("input", event => go(Number(event.target.value)));
  const linked = () => (Number(location.hash.slice(1)) || 1) - 1;
  addEventListener("hashchange", () => go(linked()));
  if (steps.length) go(linked());
}

// Two requests

function showTwo({sides, rows: pairs, names}) {
  const linesOf = sides.map(side => {
    const found = side.calls.map(() => new Set());
    for (const [call, kind, line] of side.steps) if (kind === "line") found[call].add(line);
    return found;
  });
  const stepsOf = sides.map(side => {
    const found = side.calls.map(() => []);
    side.steps.forEach((step, index) => found[step[0]].push(index));
    return found;
  });
  const same = (one, other) =>
    one.size === other.size && [...one].every(line => other.has(line));
  const kindOf = ([left, right]) => left === null ? "right" : right === null ? "left"
    : same(linesOf[0][left], linesOf[1][right]) ? "same" : "differ";
  const marks = {left: "◧", right: "◨", differ: "≠", same: ""};
  const kinds = pairs.map(kindOf);
  const whole = Math.max(...sides.map(side => side.took));
  let at = -1;

  const rows = pairs.map((pair, index) => {
    const side = pair[0] === null ? 1 : 0, call = sides[side].calls[pair[side]];
    const bars = pair.map((number, which) => number === null
      ? make("span", "bar none") : bar(sides[which].calls[number], whole));
    const row = callRow(sides[side].functions[call.code], call.depth,
                        [make("span", "mark", marks[kinds[index]]), ...bars],
                        () => go(index));
    row.classList.add(kinds[index]);
    return row;
  });
  byId("tree").append(...rows);

  function drawSide(which, number, otherNumber) {
    const side = ["left", "right"][which], box = byId(`source-${side}`);
    const ends = byId(`ends-${side}`), title = byId(`function-${side}`);
    if (number === null) {
      title.replaceChildren(make("span", "faint", sides[which].title));
      box.replaceChildren(make("p", "faint", "This request does not come here."));
      ends.replaceChildren();
      return;
    }
    const {functions, calls, steps, values} = sides[which];
    const fn = functions[calls[number].code], mine = linesOf[which][number];
    const others = otherNumber === null ? null : linesOf[1 - which][otherNumber];
    head(title, fn);
    box.replaceChildren(...fn.lines.map((_, index) => {
      const row = codeLine(fn, index), line = fn.first + index;
      if (mine.has(line)) row.classList.add("ran");
      if (others && mine.has(line) !== others.has(line)) row.classList.add("differs");
      return row;
    }));
    const first = box.querySelector(".differs") || box.querySelector(".ran");
    box.scrollTop = 0;
    if (first) reveal(first, box);
    const own = stepsOf[which][number], [begin, end] = [own[0], own[own.length - 1]];
    ends.replaceChildren();
    for (const [name, value] of steps[begin][4])
      if (value !== null) ends.append(make("dt", "", name), make("dd", "", values[value][0]));
    const result = steps[end][5];
    if (result !== null)
      ends.append(make("dt", "", "returns"), make("dd", "", values[result][0]));
    if (calls[number].raised)
      ends.append(make("dt", "", "ends"), make("dd", "", "by an exception"));
    const link = make("a", "", "See its steps");
    link.href = `x/${names[which]}#${begin + 1}`;
    ends.append(make("dt", "", time(calls[number].took)), make("dd", "", link));
  }

  function go(index) {
    index = Math.max(0, Math.min(pairs.length - 1, index));
    if (at >= 0) rows[at].classList.remove("here");
    rows[index].classList.add("here");
    for (const row of rows) row.tabIndex = row === rows[index] ? 0 : -1;
    reveal(rows[index], byId("tree"));
    at = index;
    drawSide(0, pairs[index][0], pairs[index][1]);
    drawSide(1, pairs[index][1], pairs[index][0]);
    byId("count").textContent = `function ${index + 1} of ${pairs.length}, `
      + `${kinds.filter(kind => kind !== "same").length} differ`;
    byId("now").textContent = {same: "The same lines ran.", differ: "Other lines ran.",
      left: "Only the left request comes here.",
      right: "Only the right request comes here."}[kinds[index]];
  }

  const differing = way => () => {
    let index = at + way;
    while (kinds[index] === "same") index += way;
    if (kinds[index]) go(index);
  };
  const on = differing(1), back = differing(-1);
  onKeys({ArrowRight: on, ArrowLeft: back, ArrowDown: () => go(at + 1),
          ArrowUp: () => go(at - 1), Home: () => go(0),
          End: () => go(pairs.length - 1), on, back});
  if (pairs.length) go(0);
}

const one = byId("xray"), pair = byId("pair");
if (one) showOne(JSON.parse(one.textContent));
if (pair) showTwo(JSON.parse(pair.textContent));

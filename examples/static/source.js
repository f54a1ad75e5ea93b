// Without this the pages of examples/source.py still read, find and turn; with it, what
// is found shows as you type, uses come up beside the code, and marks are kept.
"use strict";

const get = id => document.getElementById(id);
const KEY = "microflask-source";
const marks = () => ({read: [], ...JSON.parse(localStorage.getItem(KEY) || "{}")});
const keep = change =>
  localStorage.setItem(KEY, JSON.stringify({...marks(), ...change}));

// The side bar: folded on a phone, and the chapters that were read

const chapters = get("chapters"), narrow = matchMedia("(max-width: 52rem)");
narrow.addEventListener("change", () => { chapters.open = !narrow.matches; });
const current = chapters.querySelector("[aria-current]");
if (current && !narrow.matches) {
  const bar = document.querySelector(".top");
  bar.scrollTop = current.getBoundingClientRect().top - bar.clientHeight / 2;
}

function showMarks() {
  const read = marks().read;
  for (const item of chapters.querySelectorAll("[data-chapter]")) {
    const done = read.includes(Number(item.dataset.chapter));
    item.classList.toggle("done", done);
    if (done) item.firstElementChild.setAttribute("aria-description", "read");
    else item.firstElementChild.removeAttribute("aria-description");
  }
  const bar = get("progress").querySelector("progress");
  bar.value = chapters.querySelectorAll(".path.done").length;
  get("progress").querySelector("b").textContent = `${bar.value} of ${bar.max}`;
  get("progress").hidden = false;
}

const book = document.querySelector(".book");
const box = document.querySelector("#read input");
if (box) {
  const here = Number(book.dataset.chapter);
  box.checked = marks().read.includes(here);
  box.addEventListener("change", () => {
    const others = marks().read.filter(number => number !== here);
    keep({read: box.checked ? [...others, here] : others});
    showMarks();
  });
  get("read").hidden = false;
}
showMarks();
addEventListener("storage", showMarks);     // marked in another window

// The bookmark: the line at the top of the window

let waiting = 0;
function bookmark() {
  const lines = [...book.querySelectorAll(".l")];
  const top = lines.find(line => line.getBoundingClientRect().bottom > 0);
  if (top && scrollY > 0) keep({line: top.id, path: location.pathname});
}
if (book) addEventListener("scroll", () => {
  clearTimeout(waiting);
  waiting = setTimeout(bookmark, 200);
});
const goOn = get("go-on"), left = marks();
if (goOn && left.line) {
  goOn.href = `${left.path}#${left.line}`;
  goOn.textContent = `Go on at line ${left.line.slice(1)}`;
  goOn.hidden = false;
}

// Uses come up beside the code

const panel = get("uses");
let opener = null;
async function part(url) {
  const answer = await fetch(url);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  return page.getElementById("name");
}
function close() {
  if (!panel || panel.hidden) return;
  panel.hidden = true;
  if (opener) opener.focus({preventScroll: true});
}
async function showUses(link) {
  const section = await part(link.href), button = document.createElement("button");
  button.className = "plain";
  button.textContent = "Close";
  button.addEventListener("click", close);
  opener = link;
  panel.replaceChildren(button, ...section.children);
  panel.hidden = false;
  panel.scrollTop = 0;
  panel.focus();
}
if (book) book.addEventListener("click", event => {
  const link = event.target.closest("a.d");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  showUses(link).catch(() => { location.href = link.href; });
});

// Finding as you type

const field = get("q"), found = get("found");
let asked = 0;
async function find() {
  const query = field.value.trim(), mine = ++asked;
  if (!query) { found.hidden = true; return; }
  const asks = new URLSearchParams({part: 1, q: query});
  const section = await part(`${field.form.action}?${asks}`);
  if (mine !== asked) return;     // an answer that was overtaken
  section.querySelector("h1").remove();
  get("told").textContent = section.querySelector(".count").textContent;
  found.replaceChildren(...section.children);
  found.hidden = false;
}
field.addEventListener("input", () => find().catch(() => { found.hidden = true; }));
field.form.addEventListener("keydown", event => {
  const links = [field, ...found.querySelectorAll("a")];
  const at = links.indexOf(document.activeElement);
  const step = {ArrowDown: 1, ArrowUp: -1}[event.key];
  if (!step || found.hidden || !links[at + step]) return;
  event.preventDefault();
  links[at + step].focus();
});
found.addEventListener("click", event => {
  if (event.target.closest("a")) {
    found.hidden = true;
    if (narrow.matches) chapters.open = false;
  }
});

// The keyboard

addEventListener("keydown", event => {
  if (event.key === "Escape") {
    found.hidden = true;
    close();
    return;
  }
  if (event.target === field || event.ctrlKey || event.metaKey || event.altKey) return;
  const turn = {n: "[rel=next]", p: "[rel=prev]"}[event.key];
  if (event.key === "/") {
    event.preventDefault();
    field.focus();
    field.select();
  } else if (event.key === "m" && box) {
    box.click();
  } else if (turn) {
    document.querySelector(turn)?.click();
  }
});

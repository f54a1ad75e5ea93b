// The pages of examples/source.py read without this; it remembers what you have read.
"use strict";

const KEY = "microflask-source";
const get = id => document.getElementById(id);
const read = () => JSON.parse(localStorage.getItem(KEY) || "[]");

// Chapters are remembered by their titles: their numbers may change with the file.
const chapters = [...document.querySelectorAll("[data-chapter]")];
const here = chapters.find(item => item.querySelector("[aria-current]"));
const box = document.querySelector("#read input");

function show() {
  for (const item of chapters)
    item.classList.toggle("done", read().includes(item.dataset.chapter));
  const left = chapters.filter(item => !item.matches(".done"));
  const path = left.filter(item => item.matches(".hour"));
  const minutes = left.reduce((sum, item) => sum + Number(item.dataset.minutes), 0);
  get("rest").textContent = `The hour's path: ${path.length} chapters left\n`
    + `The whole file: ${Math.floor(minutes / 60)} h ${minutes % 60} min left`;
  if (get("begin") && read().length && path.length) {
    get("begin").href = path[0].querySelector("a").href;
    get("begin").textContent = `Go on with “${path[0].dataset.chapter}”`;
  }
}

if (box) {
  get("read").hidden = false;
  box.checked = read().includes(here.dataset.chapter);
  box.addEventListener("change", () => {
    const {chapter} = here.dataset, others = read().filter(title => title !== chapter);
    localStorage.setItem(KEY, JSON.stringify(box.checked ? [...others, chapter] : others));
    show();
  });
}
show();

// The list of chapters folds on a phone; elsewhere it shows where you are.
const narrow = matchMedia("(max-width: 52rem)");
narrow.onchange = () => { get("chapters").open = !narrow.matches; };
narrow.onchange();
if (here && !narrow.matches) here.scrollIntoView({block: "nearest"});

addEventListener("keydown", event => {
  if (event.target.matches("[type=search]") || event.ctrlKey || event.metaKey) return;
  const turn = {n: "[rel=next]", p: "[rel=prev]"}[event.key];
  if (turn) document.querySelector(turn)?.click();
  if (event.key === "m" && box) box.click();
  if (event.key !== "/") return;
  event.preventDefault();
  document.querySelector(".find input").select();
});

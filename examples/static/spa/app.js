// A single-page app without a framework: a table of routes, and the browser's history.

const main = document.getElementById("content");

// h("a", {href: "/"}, "text", child): an element. Text stays text, never HTML.
function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

async function ask(path) {
  const answer = await fetch(path);
  if (answer.status === 404) return null;
  if (!answer.ok) throw new Error(`The server said ${answer.status}.`);
  return answer.json();
}

const number = value => value.toLocaleString("en");

async function list() {
  const planets = await ask("/api/planets");
  return ["Eight planets", h("ul", {class: "cards"}, ...planets.map(planet =>
    h("li", {}, h("a", {href: `/planet/${planet.slug}`}, planet.name))))];
}

async function one(slug) {
  const planet = await ask(`/api/planets/${slug}`);
  if (!planet) return nothing();
  const rows = [
    ["Distance from the sun", `${number(planet.distance)} million km`],
    ["Diameter", `${number(planet.diameter)} km`],
    ["Year", `${number(planet.year)} days`],
  ];
  return [planet.name,
    h("table", {}, h("tbody", {}, ...rows.map(([name, value]) =>
      h("tr", {}, h("th", {scope: "row"}, name), h("td", {}, value))))),
    h("p", {}, h("a", {href: "/"}, "All planets"))];
}

const about = () => ["About", h("p", {},
  "Follow the links, go back, load the page again: the address always tells the truth.")];

const nothing = () => ["Nothing here", h("p", {},
  "This address shows nothing. ", h("a", {href: "/"}, "All planets"))];

const routes = [
  [/^\/$/, list],
  [/^\/planet\/([a-z]+)$/, one],
  [/^\/about$/, about],
  [/^/, nothing],
];

async function show(byLink) {
  const path = location.pathname;
  const [pattern, view] = routes.find(([pattern]) => pattern.test(path));
  let content;
  try {
    content = await view(...pattern.exec(path).slice(1));
  } catch (error) {
    content = ["Sorry", h("p", {class: "flash error"}, error.message)];
  }
  if (location.pathname !== path) return;     // the reader has gone on meanwhile
  const [title, ...elements] = content;
  const heading = h("h1", {tabindex: "-1"}, title);
  main.replaceChildren(heading, ...elements);
  document.title = `${title} · Planets`;
  if (byLink) {
    heading.focus();      // as a new page would, for keyboard and screen reader
    scrollTo(0, 0);
  }
}

document.addEventListener("click", event => {
  const link = event.target.closest("a");
  const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey;
  if (!link || !plain || link.origin !== location.origin || link.hash) return;
  event.preventDefault();
  if (link.href !== location.href) history.pushState(null, "", link.href);
  show(true);
});
addEventListener("popstate", () => show(true));
show(false);

// A single-page app without a framework: a table of routes, and the browser's history.

// h("a", {href: "/"}, "text", child) makes an element. Text stays text, never HTML.
function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

const ask = async path => (await fetch(`/api/planets${path}`)).json();
const grouped = number => number.toLocaleString("en");     // 142,984
const home = () => h("p", {}, h("a", {href: "/"}, "All planets"));
const row = (name, text) => h("tr", {}, h("th", {scope: "row"}, name), h("td", {}, text));

async function list() {
  const items = (await ask("")).map(
    ({slug, name}) => h("li", {}, h("a", {href: `/${slug}`}, name)));
  return ["Eight planets", h("ul", {class: "cards"}, ...items)];
}

async function planet(slug) {
  const {error, name, distance, diameter, year} = await ask(`/${slug}`);
  if (error) return [error, home()];
  return [name, h("table", {}, row("Distance from the sun", `${grouped(distance)} million km`),
    row("Diameter", `${grouped(diameter)} km`), row("Year", `${grouped(year)} days`)), home()];
}

const routes = [[/^\/$/, list], [/^\/(.+)$/, planet]];
async function show(focus) {
  const path = location.pathname;
  const [pattern, view] = routes.find(([pattern]) => pattern.test(path));
  const [title, ...elements] = await view(...pattern.exec(path).slice(1));
  if (location.pathname !== path) return;     // the reader has moved on meanwhile
  const heading = h("h1", {tabindex: "-1"}, title);
  document.querySelector("main").replaceChildren(heading, ...elements);
  document.title = `${title} · Planets`;
  if (focus) heading.focus();     // as on a new page, for keyboards and screen readers
}

addEventListener("click", event => {
  const link = event.target.closest("a");
  if (!link || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  history.pushState(null, "", link.href);
  show(true);
});
addEventListener("popstate", () => show(true));
show(false);

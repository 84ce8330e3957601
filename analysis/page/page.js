// What the page's parts share: unpacking, making elements, light and dark, where the reader is.

const DATA = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);

/** Return what a part of an address stands for; as it is, where a "%" in it was typed by hand. */
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** Return a packed value: base64 of gzip of JSON. */
async function unpack(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

/** Make an element. Text is always text: nothing of a run is read as HTML. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

// Light or dark: as the system has it, until the reader chooses. Listeners draw again.
const onTheme = [];
const system = matchMedia("(prefers-color-scheme: dark)");
let chosen = null;
function applyTheme() {
  const dark = chosen === null ? system.matches : chosen === "dark";
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  byId("theme").firstElementChild.textContent = dark ? "Use light colours" : "Use dark colours";
  byId("theme").lastElementChild.textContent = dark ? "☀" : "☾";
  onTheme.forEach((listener) => listener());
}
byId("theme").addEventListener("click", () => {
  chosen = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  applyTheme();
});
system.addEventListener("change", applyTheme);
applyTheme();

// The section that is read is marked in the navigation.
const links = new Map([...document.querySelectorAll("nav a")].map((a) => [a.hash.slice(1), a]));
const seen = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (!entry.isIntersecting) continue;
    links.forEach((link) => link.removeAttribute("aria-current"));
    links.get(entry.target.id)?.setAttribute("aria-current", "true");
  }
}, { rootMargin: "-15% 0px -75% 0px" });
document.querySelectorAll("main > section").forEach((section) => seen.observe(section));

/** Bring an element to the top, and keep it there while what is above it is drawn and grows. */
let landed = null, leaving;
function land(element) {
  landed = element;
  element.scrollIntoView({ block: "start" });
  clearTimeout(leaving);
  leaving = setTimeout(() => { landed = null; }, 5000);
}
new ResizeObserver(() => landed?.scrollIntoView({ block: "start" })).observe(byId("content"));
for (const event of ["wheel", "touchmove", "keydown", "pointerdown"]) // the reader goes on alone
  addEventListener(event, () => { landed = null; }, { passive: true, capture: true });

/** Make an address that of what is shown, without another step in the browser's history. */
function setAddress(hash) {
  if (hash !== location.hash) history.replaceState(null, "", hash);
}

// An address opens what it names, and stays there; problems are the explorer's to find.
function openTarget() {
  const target = byId(decoded(location.hash.slice(1)));
  if (!target || target.closest("main") === null) return;
  if (target instanceof HTMLDetailsElement) target.open = true;
  land(target);
}
addEventListener("hashchange", openTarget);
document.querySelectorAll("nav a").forEach((link) => link.addEventListener("click", (event) => {
  event.preventDefault(); // or a second click on one name would do nothing
  setAddress(link.hash);
  openTarget();
  byId(link.hash.slice(1)).focus({ preventScroll: true });
}));

// The address follows what the reader opens, and what is read once scrolling has come to rest.
const places = [...document.querySelectorAll("main > section, .fold[id]")];
function follow() {
  const line = innerHeight * 0.3;
  const read = places.filter((place) => {
    const { top, bottom } = place.getBoundingClientRect();
    return top <= line && bottom > line && place.checkVisibility();
  }).at(-1);
  if (read) setAddress(read.id === "samples" && typeof Explorer !== "undefined" && Explorer.address ? Explorer.address() : `#${read.id}`);
}
let resting;
addEventListener("scroll", () => {
  clearTimeout(resting);
  resting = setTimeout(() => { if (!landed) follow(); }, 300);
}, { passive: true });
document.querySelectorAll(".fold[id] > summary").forEach((summary) => summary.addEventListener("click", () => {
  if (!summary.parentElement.open) setAddress(`#${summary.parentElement.id}`);
}));
openTarget();

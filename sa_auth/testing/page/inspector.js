// The inspector's page: asks for what is new, lists it, opens a request, and takes keys.
import { made, outcome, pill, show } from "./detail.js";
import { clock, draw, legend, sentence } from "./timeline.js";

const $ = (id) => document.getElementById(id);
const EACH_S = 1, HIDDEN_S = 15, MOST = 2000;
const seen = { requests: [], newest: 0, opened: null, chosen: null, past: null, timer: 0, started: false };
const html = document.documentElement;

// What comes from the server.

async function ask(path) {
  const answer = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(10000) });
  if (!answer.ok) throw Object.assign(new Error((await answer.text()).trim()), { status: answer.status });
  return answer.json();
}

async function look() {
  clearTimeout(seen.timer);
  try {
    const news = await ask(`requests?after=${seen.newest}`);
    if (news.newest < seen.newest) forget();
    seen.newest = news.newest;
    take(news);
    const span = $("window").value;
    seen.past = await ask(span ? `timeline?seconds=${span}` : "timeline");
    paint();
    state("live", news.dialect ? `Live, speaking as ${news.dialect}` : "Live");
  } catch (error) {
    const since = seen.at ? `; this is what was seen until ${clock(seen.at, false)}` : "";
    state("gone", error.status ? `The server answered ${error.status}${since}.` : `The server has gone${since}.`);
  }
  seen.timer = setTimeout(look, 1000 * (document.hidden ? HIDDEN_S : EACH_S));
}

function state(kind, words) {
  if (kind === "live") seen.at = Date.now() / 1000;
  $("state").className = `state ${kind}`;
  if ($("state").textContent !== words) $("state").textContent = words;
}

function forget() {
  seen.requests = [];
  $("list").replaceChildren();
}

function take(news) {
  const fresh = news.requests, list = $("list");
  $("counts").textContent = `${count(news.exchanges, "token")} given out · ${count(news.calls, "call")} let in, ${news.refused.toLocaleString("en")} refused`;
  for (const request of fresh) list.prepend(row(request));
  seen.requests.push(...fresh);
  while (seen.requests.length > MOST) {
    seen.requests.shift();
    list.lastElementChild.remove();
  }
  const none = !seen.requests.length;
  if (none) explain(news);
  $("empty").hidden = !none;
  $("panes").hidden = none;
  if (!fresh.length) return;
  sift();
  const last = fresh.at(-1);
  if (seen.started) say(`Request ${last.number}: ${outcome(last)[1]}`, false);
  seen.started = true;
}

function count(number, what) {
  return `${number.toLocaleString("en")} ${what}${number === 1 ? "" : "s"}`;
}

function explain(news) {
  const who = news.issuers[0] ?? "robot";
  $("endpoint").textContent = news.token_endpoint;
  $("snippet").textContent = "from sa_auth import ServiceAccountCredentials\n"
    + `ServiceAccountCredentials("key.pem", issuer=${JSON.stringify(who)}, token_endpoint=${JSON.stringify(news.token_endpoint)}).token()`;
  $("known").textContent = news.issuers.length
    ? `Registered here: ${news.issuers.join(", ")}.`
    : "No issuer is registered yet: whoever asks now is refused, and is told so here.";
  seen.started = true;
}

function paint() {
  const data = seen.past;
  const quiet = !data || !(data.tokens.length || data.requests.length || data.strays.length);
  $("past").hidden = quiet && !seen.requests.length;
  if ($("past").hidden) return;
  $("sentence").textContent = quiet ? "" : sentence(data);
  if (quiet) $("timeline").replaceChildren(made("p", { class: "soft" }, "Nobody asked or called in this time."));
  else draw($("timeline"), data, (number) => open(number));
  legend($("legend"), data.lead);
}

// The list.

function row(request) {
  const more = [...request.broken, request.grant || request.endpoint, request.scope].filter(Boolean).join(" · ");
  const item = made("li", { class: "row", role: "option", "aria-selected": "false", tabindex: "-1", "data-number": request.number },
    made("span", { class: "number" }, `${request.number}`), made("span", { class: "time" }, clock(request.at)),
    made("span", { class: "who" }, request.who || `${request.method} ${request.path}`), pill(outcome(request)), made("span", { class: "more" }, more));
  const kind = { kept: "ok accepted", broken: "refused", fault: "fault planned" }[outcome(request)[0]];
  item.dataset.words = [more, request.who, request.path, request.method, request.status, request.error, request.token, kind].join(" ").toLowerCase();
  item.addEventListener("click", () => { choose(item); open(request.number); });
  return item;
}

function sift() {
  const words = $("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const item of $("list").children) item.hidden = !words.every((word) => item.dataset.words.includes(word));
  $("none").hidden = rows().length > 0;
  if (!rows().some((item) => item.tabIndex === 0)) rows()[0]?.setAttribute("tabindex", "0");
}

function rows() {
  return [...$("list").children].filter((item) => !item.hidden);
}

function choose(item, focus = false) {
  for (const other of $("list").querySelectorAll("[tabindex='0']")) other.tabIndex = -1;
  item.tabIndex = 0;
  seen.chosen = Number(item.dataset.number);
  if (focus) item.focus();
}

function move(by) {
  const all = rows(), at = all.findIndex((item) => Number(item.dataset.number) === seen.chosen);
  const next = all[at < 0 ? 0 : Math.min(Math.max(at + by, 0), all.length - 1)];
  if (!next) return;
  choose(next, true);
  if (seen.opened && matchMedia("(min-width: 1000px)").matches) open(Number(next.dataset.number), false);
}

// An opened request.

async function open(number, focus = true) {
  try {
    seen.opened = await ask(`requests/${number}`);
  } catch (error) {
    say(error.status ? error.message : "The server has gone: only what was opened before can be seen.");
    return;
  }
  seen.chosen = number;
  $("panes").classList.add("open");
  mark(number);
  show($("detail"), seen.opened, { close: shut, copy });
  if (focus) {
    $("detail").querySelector("h2").focus({ preventScroll: true });
    if (!matchMedia("(min-width: 1000px)").matches) $("detail").scrollIntoView();
  }
}

function mark(number) {
  for (const item of $("list").children) item.setAttribute("aria-selected", String(Number(item.dataset.number) === number));
}

function shut() {
  seen.opened = null;
  mark(null);
  $("panes").classList.remove("open");
  rows().find((item) => Number(item.dataset.number) === seen.chosen)?.focus();
}

async function copy() {
  if (!seen.opened) return;
  try {
    await navigator.clipboard.writeText(seen.opened.curl);
    say("Copied, with its secrets left out.");
  } catch {
    // Where the page is not on this machine, or the browser forbids it: the text is chosen, to be copied by hand.
    getSelection().selectAllChildren($("curl"));
    say("The browser does not let a page copy here: the command is selected below.");
  }
}

function say(words, loud = true) {
  $("said").textContent = words;
  $("said").classList.toggle("shown", loud);
  if (loud) setTimeout(() => $("said").classList.remove("shown"), 3000);
}

// Light and dark, and keys.

function theme(next) {
  if (next === "auto") delete html.dataset.theme;
  else html.dataset.theme = next;
  $("theme").textContent = `Theme: ${next}`;
  try {
    localStorage.setItem("theme", next);
  } catch { /* a browser that keeps nothing keeps no theme */ }
}

function turn() {
  const all = ["auto", "light", "dark"];
  theme(all[(all.indexOf(html.dataset.theme ?? "auto") + 1) % 3]);
}

const KEYS = {
  j: () => move(1), ArrowDown: () => move(1), k: () => move(-1), ArrowUp: () => move(-1),
  "/": () => { shut(); $("filter").focus(); }, "?": () => $("help").showModal(), c: copy, t: turn,
  Enter: () => seen.chosen && open(seen.chosen),
  Escape: () => (seen.opened ? shut() : empty()),
};

function empty() {
  $("filter").value = "";
  sift();
}

function press(event) {
  const at = event.target, typing = at.matches("input, select, textarea"), pressing = at.matches("button, a, summary");
  if (event.ctrlKey || event.metaKey || event.altKey || $("help").open) return;
  if (typing && !(at === $("filter") && ["Escape", "ArrowDown", "Enter"].includes(event.key))) return;
  if (pressing && event.key === "Enter") return;
  // Within an opened request the arrows scroll, as everywhere.
  if ($("detail").contains(at) && event.key.startsWith("Arrow")) return;
  if (!Object.hasOwn(KEYS, event.key)) return;
  event.preventDefault();
  if (at === $("filter") && event.key !== "Escape") move(0);
  else KEYS[event.key]();
}

$("filter").addEventListener("input", sift);
$("theme").addEventListener("click", turn);
$("help-open").addEventListener("click", () => $("help").showModal());
$("help-close").addEventListener("click", () => $("help").close());
$("window").addEventListener("change", look);
document.addEventListener("keydown", press);
document.addEventListener("visibilitychange", () => document.hidden || look());
new ResizeObserver(() => seen.past && !$("past").hidden && requestAnimationFrame(paint)).observe($("past"));
let kept = null;
try {
  kept = localStorage.getItem("theme");
} catch { /* as above */ }
theme(["light", "dark"].includes(kept) ? kept : "auto");
look();

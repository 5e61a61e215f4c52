// What an opened request shows. Rule: data goes into text nodes, never into markup.
import { clock } from "./timeline.js";

const WORDS = { kept: "kept", broken: "broken", unjudged: "not judged" };
const DATES = new Set(["iat", "exp", "nbf", "auth_time"]);

export function made(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

export function outcome(request) {
  if (request.planned) return ["fault", `! fault ${request.status}`];
  if (request.status >= 400) return ["broken", `✕ ${request.error ?? request.status}`];
  return ["kept", `✓ ${request.status}`];
}

export function pill([kind, words]) {
  return made("span", { class: `pill ${kind}` }, words);
}

function quote(verdict) {
  const source = /^https:\/\//.test(verdict.section)
    ? made("a", { href: verdict.section, rel: "noreferrer noopener", target: "_blank" }, verdict.section)
    : verdict.section;
  return made("blockquote", {}, verdict.sentence ? `“${verdict.sentence}”` : "", made("cite", {}, source));
}

function judged(verdict) {
  const item = made("li", { "data-rule": verdict.rule },
    made("div", { class: "line" }, made("code", {}, verdict.rule),
      pill([verdict.result, `${{ kept: "✓", broken: "✕", unjudged: "–" }[verdict.result]} ${WORDS[verdict.result]}`])));
  if (verdict.detail) item.append(made("p", { class: "detail-text" }, verdict.detail));
  item.append(quote(verdict));
  return item;
}

function rules(caption, verdicts, open) {
  if (!verdicts.length) return [];
  const list = made("ul", { class: "rules" }, ...verdicts.map(judged));
  if (open) return [made("h3", {}, caption), list];
  return [made("details", {}, made("summary", {}, caption), list)];
}

// A date in words: when that is, and how far it was from the moment the request came.
function aside(name, value, at) {
  if (!DATES.has(name) || typeof value !== "number") return [];
  const apart = Math.round(value - at);
  const words = apart < 0 ? `${-apart} s before the request` : apart > 0 ? `${apart} s after it` : "as it came";
  const day = new Date(value * 1000);
  const when = Number.isNaN(day.getTime()) ? "" : `${day.toISOString().replace(".000Z", "Z")}, `;
  return [made("span", { class: "aside" }, ` ${when}${words}`)];
}

function fields(caption, pairs, at) {
  const rows = pairs.map(([name, value]) => made("tr", {},
    made("th", { scope: "row" }, name),
    made("td", {}, typeof value === "string" ? value : JSON.stringify(value), ...aside(name, value, at))));
  return [made("h3", {}, caption), pairs.length
    ? made("table", { class: "fields" }, made("tbody", {}, ...rows))
    : made("p", { class: "soft" }, "None.")];
}

function key(each) {
  const title = `The public key that ${each.purpose} was checked with`;
  if (each.secret) {
    return [made("h3", {}, `What ${each.purpose} was checked with`), made("p", {}, "The client's secret (an HMAC), which is not shown.")];
  }
  const about = [["kid", each.kid ?? "(any)"], ["for", each.algorithms.join(", ")], ["thumbprint", `${each.thumbprint} (RFC 7638, SHA-256)`]];
  return [...fields(title, about, 0),
    made("p", { class: "soft" }, each.signed ? "It made this signature." : "It did not make this signature, or the signature was not looked at."),
    made("details", {}, made("summary", {}, "As PEM"), made("pre", {}, each.pem)),
    made("details", {}, made("summary", {}, "As JWK"), made("pre", {}, JSON.stringify(each.jwk, null, 2)))];
}

function title(request) {
  const kind = outcome(request)[0];
  const what = { kept: "accepted", broken: `refused: ${request.error ?? request.status}`, fault: `answered ${request.status} by a fault` }[kind];
  return `Request ${request.number}, ${what}`;
}

function reason(request, broken) {
  if (request.planned) {
    return [made("div", { class: "why" }, made("strong", {}, "A fault was played in place of the honest answer."),
      broken.length ? "Beside that, rules were broken; see below." : "The request itself kept every rule.")];
  }
  if (!broken.length) return [];
  return [made("div", { class: "why", id: "why", "data-rule": broken[0].rule },
    made("strong", {}, `${broken[0].rule}: ${broken[0].detail}`), "This is the rule that the answer names.", quote(broken[0]))];
}

export function show(host, request, { close, copy }) {
  const of = (result) => request.verdicts.filter((verdict) => verdict.result === result);
  const [broken, unjudged, kept] = ["broken", "unjudged", "kept"].map(of);
  const closing = made("button", { type: "button" }, "Close"), copying = made("button", { type: "button", id: "copy" }, "Copy as curl");
  closing.addEventListener("click", close);
  copying.addEventListener("click", copy);
  const client = request.client === null ? [] : [`, client ${request.client} (${request.client_method})`];
  const token = request.token ? [made("p", { class: "soft" }, `Gave the token ${request.token}`
    + (request.token_until ? ` until ${clock(request.token_until, false)}` : "") + ".")] : [];
  host.replaceChildren(
    made("div", { class: "bar" }, made("h2", { tabindex: "-1" }, title(request)), made("div", { class: "tools" }, copying, closing)),
    made("p", { class: "soft" }, `${request.method} ${request.path} at ${clock(request.at)}`, ...client),
    ...token,
    ...reason(request, broken),
    ...(request.planned ? rules(`Broken (${broken.length})`, broken, true) : rules(`Also broken (${broken.length - 1})`, broken.slice(1), true)),
    ...rules(`Not judged, since what they look at is missing (${unjudged.length})`, unjudged, false),
    ...rules(`Kept (${kept.length})`, kept, false),
    ...request.parts.flatMap((part) => [
      ...fields(`${part.title}: header`, Object.entries(part.header), request.at),
      ...fields(`${part.title}: claims`, Object.entries(part.claims), request.at)]),
    ...fields("Form", request.form, request.at),
    ...request.keys.flatMap(key),
    ...fields("HTTP header", request.headers, request.at),
    made("h3", {}, "As curl, its secrets left out"), made("pre", { id: "curl" }, request.curl));
  host.scrollTop = 0;
}

// Draws tokens over the calls that used them. Rule: data goes into text nodes and numbers into attributes, never into markup.

const SVG = "http://www.w3.org/2000/svg";
const LANE = 40, BAR = 9, TALLEST = 20, TOP = 52, HEAD = 24;

function shape(name, attributes, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function tip(text) {
  return shape("title", {}, text);
}

export function clock(seconds, fine = true) {
  const time = new Date(seconds * 1000), pad = (value, width = 2) => String(value).padStart(width, "0");
  const whole = `${pad(time.getHours())}:${pad(time.getMinutes())}:${pad(time.getSeconds())}`;
  return fine ? `${whole}.${pad(time.getMilliseconds(), 3)}` : whole;
}

// A step of 1, 2 or 5 times a power of ten, or of minutes and hours, that leaves room for its words.
function step(span, room) {
  const steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 43200, 86400];
  return steps.find((each) => span / each <= room) ?? 86400;
}

function since(seconds) {
  if (seconds < 120) return `${Math.round(seconds * 10) / 10} s`;
  return seconds < 7200 ? `${Math.round(seconds / 6) / 10} min` : `${Math.round(seconds / 360) / 10} h`;
}

// A moment on the axis: 0.5 s, 45 s, 2:15, 1:05 h.
function tick(seconds) {
  const pad = (value) => String(Math.floor(value)).padStart(2, "0");
  if (seconds < 60) return `${Math.round(seconds * 10) / 10} s`;
  return seconds < 3600 ? `${Math.floor(seconds / 60)}:${pad(seconds % 60)}` : `${Math.floor(seconds / 3600)}:${pad((seconds % 3600) / 60)} h`;
}

// One group for each identity; in it as many lanes as tokens that live at once.
function groups(tokens) {
  const found = new Map();
  for (const token of tokens) {
    const key = JSON.stringify([token.who, token.scope]);
    if (!found.has(key)) found.set(key, { who: token.who, scope: token.scope, lanes: [] });
    const { lanes } = found.get(key);
    let lane = lanes.find((each) => each.at(-1).ends_at <= token.issued_at);
    if (!lane) lanes.push((lane = []));
    lane.push(token);
  }
  return [...found.values()];
}

function total(calls) {
  return calls.reduce((sum, [, good, bad]) => [sum[0] + good, sum[1] + bad], [0, 0]);
}

function ticks(calls, scale, bin, base, most) {
  const drawn = [];
  const width = Math.max(1, Math.min(6, scale.x(scale.begin + bin) - scale.x(scale.begin) - 0.4));
  for (const [at, good, bad] of calls) {
    const x = scale.x(at);
    if (x < scale.left - 1) continue;
    const height = (count) => (count ? 4 + (TALLEST - 4) * Math.sqrt(count / most) : 0);
    const tall = height(good), refused = bad ? Math.max(5, height(bad)) : 0;
    const words = `${clock(at)}: ${good} calls let in${bad ? `, ${bad} refused` : ""}`;
    if (tall) drawn.push(shape("rect", { class: "call", x, y: base - tall, width, height: tall }, tip(words)));
    if (refused) {
      drawn.push(shape("rect", { class: "refused-call", x, y: base - refused, width: Math.max(width, 2), height: refused }, tip(words)));
    }
  }
  return drawn;
}

function bar(token, scale, top, most, bin) {
  const base = top + TALLEST, drawn = [];
  const zones = [["fresh", token.issued_at, token.stale_at], ["stale", token.stale_at, token.expired_at], ["void", token.expired_at, token.ends_at]];
  for (const [kind, from, to] of zones) {
    const x = scale.x(from), width = scale.x(to) - x;
    if (width > 0) drawn.push(shape("rect", { class: kind, x, y: base + 1, width, height: BAR, rx: 1 }));
  }
  const bad = total(token.calls)[1], good = token.used;
  const words = `Token ${token.name}: issued ${clock(token.issued_at)}, stale ${clock(token.stale_at)}, expired ${clock(token.expired_at)}, `
    + `void ${clock(token.ends_at)}. ${good} calls let in, ${bad} refused.`;
  const left = scale.x(token.issued_at), right = scale.x(token.ends_at);
  drawn.push(...ticks(token.calls, scale, bin, base, most));
  if (right - left > 54) drawn.push(shape("text", { class: "name", x: left + 1, y: base + BAR + 11 }, token.name));
  if (right - left > 150) {
    const count = `${good.toLocaleString("en")} calls${bad ? `, ${bad} refused` : ""}`;
    drawn.push(shape("text", { class: "name", x: left + 62, y: base + BAR + 11 }, `· ${count}`));
  }
  drawn.push(shape("rect", { x: left, y: base + 1, width: Math.max(1, right - left), height: BAR, fill: "transparent" }, tip(words)));
  return shape("g", {}, ...drawn);
}

function mark(request, x, y, pick) {
  const kind = request.planned ? "planned" : request.status < 400 ? "ok" : "refused";
  const words = `Request ${request.number} at ${clock(request.at)}: ${request.status} ${request.error ?? (request.planned ? "(a fault was played)" : "")}`;
  const sign = kind === "ok" ? `M${x - 2.8} ${y + 0.2}l2 2.2 3.6-4.4` : kind === "planned" ? `M${x} ${y - 3}v3.4m0 2.2v.2` : `M${x - 2.2} ${y - 2.2}l4.4 4.4m0-4.4l-4.4 4.4`;
  const group = shape("g", { class: pick ? "pick" : "" },
    shape("circle", { class: `mark ${kind}`, cx: x, cy: y, r: 6.5 }, tip(words)), shape("path", { class: "sign", d: sign }));
  if (pick) group.addEventListener("click", () => pick(request.number));
  return group;
}

function axis(scale, height) {
  const drawn = [], every = step(scale.end - scale.begin, (scale.right - scale.left) / 74);
  for (let at = 0; scale.begin + at <= scale.end; at += every) {
    const x = scale.x(scale.begin + at), last = x > scale.right - 20;
    drawn.push(shape("line", { class: "grid", x1: x, x2: x, y1: TOP - 12, y2: height - 18 }));
    drawn.push(shape("text", { x, y: height - 4, "text-anchor": at === 0 ? "start" : last ? "end" : "middle" }, tick(at)));
  }
  return drawn;
}

function shades(data, scale, height) {
  let free = -Infinity;
  return data.faults.map((fault) => {
    const x = scale.x(fault.begins_at), right = scale.x(fault.ends_at ?? data.now), width = Math.max(2, right - x);
    const words = `${fault.what}: ${clock(fault.begins_at)} to ${fault.ends_at === null ? "now" : clock(fault.ends_at)}`;
    const drawn = [shape("rect", { class: "fault", x, y: TOP - 38, width, height: height - TOP + 20 }, tip(words)),
      shape("line", { class: "fault-edge", x1: x, x2: x, y1: TOP - 38, y2: height - 18 })];
    const near = x > scale.right - 110;
    if (x > free) drawn.push(shape("text", { class: "fault-name", x: near ? x - 4 : x + 4, y: TOP - 28, "text-anchor": near ? "end" : "start" }, fault.what));
    free = Math.max(free, x + 7 * fault.what.length);
    return shape("g", {}, ...drawn);
  });
}

// As many characters as have room; the rest is in the tip.
function shortened(words, width) {
  const room = Math.max(8, Math.floor(width / 6.6));
  return words.length <= room ? words : `${words.slice(0, room - 1)}…`;
}

function counted(number, what) {
  return `${number.toLocaleString("en")} ${what}${number === 1 ? "" : "s"}`;
}

export function sentence(data) {
  const bad = [...data.tokens.map((token) => token.calls), data.strays].reduce((sum, calls) => sum + total(calls)[1], 0);
  const good = data.tokens.reduce((sum, token) => sum + token.used, 0);
  const refused = data.requests.filter((each) => each.status >= 400 && !each.planned).length;
  const planned = data.requests.filter((each) => each.planned).length;
  const parts = [`${counted(data.tokens.length, "token")} over ${since(data.ends_at - data.begins_at)}, used by ${counted(good, "call")}; `
    + `${counted(bad, "call")} refused; ${counted(data.requests.length, "token request")}, ${refused} of them refused and ${planned} answered by a fault.`];
  if (data.earlier) parts.push(`${counted(data.earlier, "token request")} before that.`);
  // What is not drawn is told: a picture that leaves something out in silence shows something else.
  const { tokens, requests } = data.left_out;
  if (tokens || requests) parts.push(`Not drawn nor counted here, as the oldest: ${counted(tokens, "token")} and ${counted(requests, "token request")}.`);
  if (data.calls_from !== null) parts.push(`The oldest ${counted(data.forgotten, "call")} are counted, and are not kept to be drawn.`);
  return parts.join(" ");
}

// Where calls were made that are not kept one by one: that none are drawn there does not mean that there were none.
function unknown(data, scale, height) {
  if (data.calls_from === null) return [];
  const right = scale.x(data.calls_from), words = `the calls until ${clock(data.calls_from, false)} are counted, and not drawn`;
  return [shape("rect", { class: "unknown", x: scale.left, y: TOP - 4, width: right - scale.left, height: height - TOP - 14 }, tip(words)),
    shape("text", { class: "unknown-name", x: scale.left + 4, y: height - 22 }, shortened("calls not drawn here", right - scale.left))];
}

export function draw(host, data, pick = null) {
  const width = Math.max(280, host.clientWidth), left = 10, right = width - 12;
  const past = Math.max(data.ends_at - data.begins_at, 0.001);
  // Some of the future, where a token reaches into it, so that its end is seen if it is near.
  const ahead = Math.max(data.now, ...data.tokens.map((token) => token.ends_at));
  const begin = data.begins_at, end = Math.min(ahead, data.ends_at + past * 0.15);
  const x = (at) => left + ((Math.min(Math.max(at, begin), end) - begin) / (end - begin)) * (right - left);
  const scale = { x, begin, end, left, right };
  const found = groups(data.tokens);
  const most = Math.max(1, ...[...data.tokens.map((token) => token.calls), data.strays].flat().map(([, good, bad]) => Math.max(good, bad)));
  const lanes = found.reduce((sum, each) => sum + each.lanes.length, 0);
  const height = TOP + found.length * HEAD + lanes * LANE + (data.strays.length ? HEAD + LANE : 0) + 30;
  const chart = shape("svg", { viewBox: `0 0 ${width} ${height}`, height, role: "img", "aria-label": sentence(data) });
  chart.append(...axis(scale, height), ...unknown(data, scale, height), ...shades(data, scale, height));
  let y = TOP;
  const starts = new Map(), bars = [];
  for (const group of found) {
    const words = shape("text", { class: "who", x: left, y: y + 14 }, shortened(group.who || "(no name)", width * 0.5));
    if (group.scope) words.append(shape("tspan", { class: "what", dx: 8 }, shortened(group.scope, width * 0.45)));
    words.append(tip(`${group.who} ${group.scope}`));
    bars.push(words);
    y += HEAD;
    for (const lane of group.lanes) {
      for (const token of lane) {
        starts.set(token.name, [x(token.issued_at), y + TALLEST]);
        bars.push(bar(token, scale, y, most, data.bin));
      }
      y += LANE;
    }
  }
  if (data.strays.length) {
    bars.push(shape("text", { class: "who", x: left, y: y + 14 }, "calls with none of these tokens"), ...ticks(data.strays, scale, data.bin, y + HEAD + TALLEST, most));
  }
  for (const request of data.requests) {
    const [at, down] = starts.get(request.token) ?? [];
    if (at !== undefined && request.at >= begin) chart.append(shape("line", { class: "thread", x1: at, x2: at, y1: TOP - 12, y2: down }));
  }
  chart.append(...bars);
  if (end > data.now) chart.append(shape("line", { class: "now", x1: x(data.now), x2: x(data.now), y1: TOP - 14, y2: height - 18 }, tip("now")));
  for (const request of data.requests) if (request.at >= begin) chart.append(mark(request, x(request.at), TOP - 14, pick));
  host.replaceChildren(chart);
}

export function legend(list, lead) {
  const box = (kind) => shape("rect", { class: kind, x: 0, y: 2, width: 16, height: 8, rx: 1 });
  const dot = (kind) => shape("circle", { class: `mark ${kind}`, cx: 8, cy: 6, r: 5.5 });
  const lines = [1, 6, 11].map((x) => shape("rect", { class: "call", x, y: 12 - x, width: 2, height: x }));
  const items = [
    [box("fresh"), "fresh: handed out"],
    [box("stale"), `stale: handed out, and renewed behind the calls${lead === null ? ", by the default policy" : `, ${lead} s ahead`}`],
    [box("void"), "expired: handed out no more"],
    [lines, "calls"], [shape("rect", { class: "refused-call", x: 6, y: 1, width: 3, height: 11 }), "refused calls"],
    [[dot("ok"), shape("path", { class: "sign", d: "M5.2 6.2l2 2.2 3.6-4.4" })], "token request"],
    [[dot("refused"), shape("path", { class: "sign", d: "M5.8 3.8l4.4 4.4m0-4.4l-4.4 4.4" })], "refused"],
    [[dot("planned"), shape("path", { class: "sign", d: "M8 3v3.4m0 2.2v.2" })], "met a fault"],
  ];
  list.className = "legend timeline";
  list.replaceChildren(...items.map(([drawing, words]) => {
    const item = document.createElement("li");
    item.append(shape("svg", { viewBox: "0 0 16 12", "aria-hidden": "true" }, ...[drawing].flat()), words);
    return item;
  }));
}

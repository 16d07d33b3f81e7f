// Asks for the statistics every other second, and shows them. Whatever comes from them becomes text, never markup: keys
// and names may be anybody's.
"use strict";

const SVG = "http://www.w3.org/2000/svg";
const $ = (id) => document.getElementById(id);

// node makes an element of HTML, drawn one of SVG; children are nodes, or texts.
function node(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}
function drawn(tag, attributes, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}
function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) element.setAttribute(name, value);
  element.append(...children); // strings become text nodes
  return element;
}

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const count = (n) => (n < 1e6 ? whole.format(n) : short.format(n));
const percent = (part, all) => (all ? (Math.floor(1000 * part / all) / 10).toFixed(1) + " %" : "–"); // 100 % is all, not nearly
const ms = (n) => (n >= 100 ? whole.format(n) : n >= 1 ? n.toFixed(1) : n.toFixed(3));
function bytes(n) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let i = 0;
  for (; n >= 1024 && i < units.length - 1; i++) n /= 1024;
  return (i && n < 100 ? n.toFixed(1) : whole.format(n)) + "\u00a0" + units[i];
}

function tile(label, value, look, ...more) {
  return node("div", { class: "tile" }, node("span", {}, label), node("b", look ? { class: look } : {}, value), ...more);
}

function tiles(s) {
  const st = s.store, all = { requests: 0, hits: 0, errors: 0 };
  for (const c of s.caches) {
    all.requests += c.requests;
    all.hits += c.memory_hits + c.redis_hits + c.negative;
    all.errors += c.errors;
  }
  const full = Math.min(1, st.memory.limit ? st.memory.used / st.memory.limit : 0);
  const bar = drawn("svg", { viewBox: "0 0 100 6", preserveAspectRatio: "none", "aria-hidden": "true" },
    drawn("rect", { width: 100, height: 6, rx: 2, class: "foff" }),
    drawn("rect", { width: 100 * full, height: 6, rx: 2, class: "memory" }));
  const out = [
    tile("Requests", count(all.requests)),
    tile("Hit ratio", percent(all.hits, all.requests)),
    tile("Errors", count(all.errors), all.errors ? "bad" : ""),
    tile("Memory", bytes(st.memory.used), "", bar, node("span", {}, "of " + bytes(st.memory.limit))),
  ];
  if (!st.shared) {
    out.push(tile("Redis", "none", "", node("span", {}, "memory only")));
  } else {
    out.push(
      tile("Link", st.link.up ? "up" : "down", st.link.up ? "good" : "bad",
        node("span", {}, "outages: " + count(st.link.outages))),
      tile("Breaker", st.breaker, st.breaker === "closed" ? "good" : st.breaker === "open" ? "bad" : "warn",
        node("span", {}, "errors of Redis: " + count(st.redis.errors))),
      tile("Memory serves", st.fallback ? "alone" : "with Redis", st.fallback ? "warn" : "good",
        node("span", {}, "invalidations to tell: " + count(st.invalidations.journal))));
  }
  return out;
}

// put replaces what is in an element, unless it would look the same: a selection, and what is under the pointer, stay.
function put(id, ...children) {
  const anew = document.createElement("template");
  anew.content.append(...children);
  const old = $(id);
  if (old.childNodes.length !== anew.content.childNodes.length ||
      [...old.childNodes].some((n, i) => !n.isEqualNode(anew.content.childNodes[i]))) old.replaceChildren(anew.content);
}

// table fills a table: heads are texts, rows lists of texts, the first of which names the row.
function table(id, heads, rows) {
  put(id, node("thead", {}, node("tr", {}, ...heads.map((h) => node("th", { scope: "col" }, h)))),
    node("tbody", {}, ...rows.map((row) => node("tr", {}, ...row.map((cell, i) =>
      i ? node("td", cell === "0" || cell === "–" ? { class: "off" } : {}, cell) : node("th", { scope: "row", title: cell }, cell))))));
}

function tables(s) {
  const shared = s.store.shared;
  table("caches", ["cache", "requests", "memory hits", "misses", ...(shared ? ["Redis hits", "misses"] : []),
    "loaded", "joined", "negative", "stale", "errors", "hit ratio"],
  s.caches.map((c) => [c.name, count(c.requests), count(c.memory_hits), count(c.misses.memory),
    ...(shared ? [count(c.redis_hits), count(c.misses.redis)] : []), count(c.loads), count(c.joined),
    count(c.negative), count(c.stale), count(c.errors), percent(c.memory_hits + c.redis_hits + c.negative, c.requests)]));
  const latency = (l) => (l ? [ms(l.p50_ms), ms(l.p99_ms)] : ["–", "–"]);
  table("loads", ["cache", "calls", "keys", "failed", "refreshes", "late, dropped", "waits", "load p50", "p99", ...(shared ? ["Redis hit p50", "p99"] : [])],
    s.caches.map((c) => [c.name, count(c.loader.calls), count(c.loader.keys), count(c.loader.errors), count(c.loader.refreshes),
      count(c.loader.late), count(c.waits), ...latency(c.latency.load), ...(shared ? latency(c.latency.redis_hit) : [])]));
  const f = s.store.fills, i = s.store.invalidations, l = s.store.link;
  $("shared").hidden = !shared;
  put("redis", ...[["fills written", f.written], ["late fills refused", f.refused_late], ["late fills dropped", f.dropped_late],
    ["too large", f.oversized], ["not encodable", f.unencodable], ["corrupt", s.store.redis.corrupt], ["errors", s.store.redis.errors],
    ["deferred", i.deferred], ["replayed", i.replayed], ["journal overflows", i.overflows], ["holds failed", i.holds_failed],
    ["prefixes", i.prefixes], ["messages heard", l.heard], ["messages missed", l.gaps], ["link outages", l.outages], ["epoch", i.epoch]]
    .map(([name, n]) => node("div", {}, node("dt", {}, name), node("dd", {}, count(n)))));
  const keys = s.caches.flatMap((c) => (c.hot_keys || []).map((k) => [c.name, k.key, percent(k.share, 1)]));
  $("hot").hidden = !keys.length;
  table("keys", ["cache", "key", "share"], keys);
}

// choices offers the caches, and one that was chosen even if it was closed.
function choices(s) {
  const chosen = $("which").value, names = s.caches.map((c) => c.name);
  if (chosen && !names.includes(chosen)) names.push(chosen);
  const have = [...$("which").options].slice(1).map((o) => o.value);
  if (have.length === names.length && have.every((n, i) => n === names[i])) return;
  $("which").replaceChildren(node("option", { value: "" }, "all caches"), ...names.map((n) => node("option", { value: n }, n)));
  $("which").value = chosen;
}

// The charts are drawn as wide as the page is: their texts stay legible.
let W = 1000;
const LEFT = 64, RIGHT = 8;
const kinds = [
  ["memory", "memory", (a) => a.memory_hits],
  ["redis", "Redis", (a) => a.redis_hits],
  ["load", "loaded or joined", (a) => a.loads + a.joined],
  ["other", "negative or stale", (a) => a.negative + a.stale],
  ["error", "errors", (a) => a.errors],
];

function scale(history) {
  const all = history.samples, last = all[all.length - 1].t;
  const first = Math.min(all[0].t, last - 60e3); // a minute at least
  return (t) => LEFT + (W - LEFT - RIGHT) * (t - first) / (last - first);
}

function times(history, x, y) {
  const all = history.samples, last = all[all.length - 1].t, out = [];
  const span = (last - Math.min(all[0].t, last - 60e3)) / 60e3;
  const step = [0.5, 1, 2, 5, 10, 30, 60, 120, 360, 720].find((m) => span / m <= W / 110) || 1440;
  const ago = (m) => (m < 1 ? 60 * m + " s" : m < 60 ? m + " min" : m / 60 + " h");
  for (let m = 0; m <= span + 1e-6; m += step) {
    out.push(drawn("text", { x: x(last - m * 60e3), y, "text-anchor": m ? "middle" : "end" }, m ? "−" + ago(m) : "now"));
  }
  return out;
}

function picture(H, label) {
  return drawn("svg", { viewBox: `0 0 ${W} ${H}`, width: W, height: H, role: "img", "aria-label": label });
}

// grid draws a line with a text.
function grid(svg, y, text) {
  svg.append(drawn("line", { x1: LEFT, x2: W - RIGHT, y1: y, y2: y, class: "grid" }),
    drawn("text", { x: LEFT - 8, y: y + 4, "text-anchor": "end" }, text));
}

const points = (all) => all.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ");

function swatch(look, label, value) {
  return node("span", {}, drawn("svg", { viewBox: "0 0 10 10", "aria-hidden": "true" },
    drawn("rect", { width: 10, height: 10, rx: 2, class: look })), label + " ", node("b", {}, value));
}

function answers(history) {
  const H = 190, TOP = 10, BOTTOM = 24, all = history.samples, svg = picture(H, "Answers per second, by kind, over the last minutes");
  const x = scale(history);
  const rates = all.slice(1).map((b, i) => {
    const a = all[i], seconds = Math.max((b.t - a.t) / 1e3, 1e-3);
    let sum = 0;
    return { t: b.t, tops: kinds.map(([, , of]) => (sum += Math.max(0, of(b) - of(a)) / seconds)) };
  });
  const now = rates.length ? rates[rates.length - 1].tops : kinds.map(() => 0);
  put("legend", ...kinds.map(([look, label], k) => {
    const value = now[k] - (k ? now[k - 1] : 0);
    return swatch(look, label, value && value < 10 ? value.toFixed(1) : short.format(value));
  }));
  const most = Math.max(0, ...rates.map((r) => r.tops[r.tops.length - 1]));
  const unit = 10 ** Math.floor(Math.log10(Math.max(most, 1)));
  const top = [1, 2, 5, 10].map((f) => f * unit).find((v) => v >= most) || 1;
  const y = (v) => H - BOTTOM - (H - TOP - BOTTOM) * v / top;
  for (const v of [0, top / 2, top]) grid(svg, y(v), short.format(v));
  kinds.forEach(([look], k) => {
    svg.append(drawn("polygon", { class: look, points: points(rates.map((r) => [x(r.t), y(r.tops[k])])
      .concat(rates.map((r) => [x(r.t), y(k ? r.tops[k - 1] : 0)]).reverse())) }));
  });
  svg.append(...times(history, x, H - 6));
  return svg;
}

const delays = [
  ["load", "load p50", (s) => s.load_p50_ms, " dashed"], ["load", "load p99", (s) => s.load_p99_ms, ""],
  ["redis", "Redis hit p50", (s) => s.redis_hit_p50_ms, " dashed"], ["redis", "Redis hit p99", (s) => s.redis_hit_p99_ms, ""],
];

// latencies are drawn to the logarithm: Redis and a loader are far apart.
function latencies(history, shared) {
  const H = 150, TOP = 10, BOTTOM = 24, all = history.samples, x = scale(history);
  const svg = picture(H, "Latencies of loads and of Redis hits, p50 dashed and p99, over the last minutes");
  const lines = delays.filter(([look]) => shared || look !== "redis");
  put("delays", ...lines.map(([look, label, of, dash]) => {
    const now = of(all[all.length - 1]);
    return node("span", {}, drawn("svg", { viewBox: "0 0 10 10", "aria-hidden": "true" },
      drawn("line", { x1: 0, x2: 10, y1: 5, y2: 5, class: "line " + look + dash })), label + " ", node("b", {}, now ? ms(now) + " ms" : "–"));
  }));
  const values = all.flatMap((s) => lines.map(([, , of]) => of(s))).filter((v) => v > 0);
  const low = values.length ? Math.floor(Math.log10(Math.min(...values))) : 0;
  const high = Math.max(low + 1, values.length ? Math.ceil(Math.log10(Math.max(...values))) : 2);
  const y = (v) => H - BOTTOM - (H - TOP - BOTTOM) * (Math.log10(v) - low) / (high - low);
  for (let p = low; p <= high; p++) grid(svg, y(10 ** p), p < 3 ? +(10 ** p).toPrecision(1) + " ms" : whole.format(10 ** (p - 3)) + " s");
  for (const [look, , of, dash] of lines) {
    let run = [];
    const end = () => {
      if (run.length) svg.append(drawn("polyline", { class: "line " + look + dash, points: points(run) }));
      run = [];
    };
    for (const s of all) {
      if (of(s) > 0) run.push([x(s.t), y(of(s))]);
      else end(); // nothing to measure: no line
    }
    end();
  }
  svg.append(...times(history, x, H - 6));
  return svg;
}

function memory(s) {
  const H = 110, TOP = 10, BOTTOM = 24, all = s.history.samples, limit = s.store.memory.limit, x = scale(s.history);
  const svg = picture(H, `Memory in use over the last minutes, now ${bytes(s.store.memory.used)} of ${bytes(limit)}`);
  const top = Math.max(limit, 1, ...all.map((a) => a.memory_used));
  const y = (v) => H - BOTTOM - (H - TOP - BOTTOM) * v / top;
  grid(svg, y(0), "0");
  svg.append(drawn("polygon", { class: "memory", points: points(all.map((a) => [x(a.t), y(a.memory_used)])
    .concat([[x(all[all.length - 1].t), y(0)], [x(all[0].t), y(0)]])) }));
  grid(svg, y(limit), bytes(limit));
  svg.append(drawn("line", { x1: LEFT, x2: W - RIGHT, y1: y(limit), y2: y(limit), class: "line limit dashed" }), ...times(s.history, x, H - 6));
  return svg;
}

const bands = [
  ["Link", (s) => (s.link ? ["fgood", "up"] : ["fbad", "down"])],
  ["Breaker", (s) => [{ closed: "fgood", open: "fbad" }[s.breaker] || "fwarn", s.breaker]],
  ["Fallback", (s) => (s.fallback ? ["fwarn", "memory serves alone"] : ["foff", "no"])],
  ["To tell", (s) => (s.journal ? ["fwarn", "invalidations"] : ["foff", "none"])],
];

function states(s) {
  const ROW = 26, H = ROW * bands.length + 22, all = s.history.samples, x = scale(s.history);
  const svg = picture(H, "Link, breaker, fallback and journal over the last minutes");
  bands.forEach(([label, look], row) => {
    svg.append(drawn("text", { x: LEFT - 8, y: row * ROW + 17, "text-anchor": "end" }, label));
    for (let i = 0; i < all.length;) { // runs of one state
      const [kind, text] = look(all[i]);
      let end = i + 1;
      while (end < all.length && look(all[end])[1] === text) end++;
      const from = x(all[i].t), to = x(all[Math.min(end, all.length - 1)].t);
      svg.append(drawn("rect", { x: from, y: row * ROW + 4, width: Math.max(to - from, 1), height: ROW - 8, class: kind },
        drawn("title", {}, `${label}: ${text}, from ${new Date(all[i].t).toLocaleTimeString()}`)));
      if (to - from > 7 * text.length + 10) {
        svg.append(drawn("text", { x: from + 6, y: row * ROW + 17, class: kind === "foff" ? "" : "inside" }, text));
      }
      i = end;
    }
  });
  svg.append(...times(s.history, x, H - 4));
  return svg;
}

let last = null; // what is shown

function show(s) {
  last = s;
  $("namespace").textContent = s.store.namespace;
  put("tiles", ...tiles(s));
  choices(s);
  tables(s);
  W = Math.max($("answers").clientWidth, 200);
  put("answers", answers(s.history));
  put("latencies", latencies(s.history, s.store.shared));
  put("memory", memory(s));
  $("bands").parentElement.hidden = !s.store.shared;
  if (s.store.shared) put("bands", states(s));
}

let heard = null; // when the last answer came

async function update() {
  const chosen = $("which").value;
  try {
    const r = await fetch("?format=json&cache=" + encodeURIComponent(chosen),
      { headers: { Accept: "application/json" }, cache: "no-store", signal: AbortSignal.timeout(5000) });
    if (!r.ok) throw new Error("the server answers " + r.status);
    const s = await r.json();
    if (chosen !== $("which").value) return; // another was chosen meanwhile
    show(s);
    heard = new Date();
    $("time").textContent = "as of " + heard.toLocaleTimeString();
    $("lost").textContent = "";
  } catch (e) {
    const lost = (heard ? "no answer since " + heard.toLocaleTimeString() : "no answer") + ": " + e.message;
    $("time").textContent = "";
    if ($("lost").textContent !== lost) $("lost").textContent = lost; // it is read out once
  }
}

async function run() {
  for (;;) {
    if (!document.hidden) await update();
    await new Promise((resume) => {
      setTimeout(resume, 2000);
      document.addEventListener("visibilitychange", resume, { once: true, signal: AbortSignal.timeout(2000) });
    });
  }
}

$("which").addEventListener("change", update);
addEventListener("resize", () => last && show(last));
run();

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
const percent = (part, all) => (all ? (100 * part / all).toFixed(1) + " %" : "–");
const ms = (n) => (n >= 100 ? whole.format(n) : n >= 1 ? n.toFixed(1) : n.toFixed(3));
function bytes(n) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let i = 0;
  for (; n >= 1024 && i < units.length - 1; i++) n /= 1024;
  return (i ? n.toFixed(1) : n) + " " + units[i];
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
        node("span", {}, count(st.link.outages) + " outages")),
      tile("Breaker", st.breaker, st.breaker === "closed" ? "good" : st.breaker === "open" ? "bad" : "warn",
        node("span", {}, count(st.redis.errors) + " errors of Redis")),
      tile("Memory serves", st.fallback ? "alone" : "with Redis", st.fallback ? "warn" : "good",
        node("span", {}, count(st.invalidations.journal) + " invalidations to tell")));
  }
  return out;
}

// table fills a table: heads are texts, rows lists of texts, the first of which names the row.
function table(id, heads, rows) {
  $(id).replaceChildren(
    node("thead", {}, node("tr", {}, ...heads.map((h) => node("th", { scope: "col" }, h)))),
    node("tbody", {}, ...rows.map((row) => node("tr", {}, ...row.map((cell, i) =>
      i ? node("td", cell === "0" || cell === "–" ? { class: "off" } : {}, cell) : node("th", { scope: "row" }, cell))))));
}

function tables(s) {
  table("caches", ["cache", "requests", "memory", "Redis", "loaded", "joined", "negative", "stale", "errors", "hit ratio"],
    s.caches.map((c) => [c.name, count(c.requests), count(c.memory_hits), count(c.redis_hits), count(c.loads), count(c.joined),
      count(c.negative), count(c.stale), count(c.errors), percent(c.memory_hits + c.redis_hits + c.negative, c.requests)]));
  const latency = (l) => (l ? [count(l.count), ms(l.p50_ms), ms(l.p99_ms)] : ["–", "–", "–"]);
  table("loads", ["cache", "calls", "keys", "failed", "refreshes", "late, dropped", "waits", "loads", "p50", "p99", "Redis hits", "p50", "p99"],
    s.caches.map((c) => [c.name, count(c.loader.calls), count(c.loader.keys), count(c.loader.errors), count(c.loader.refreshes),
      count(c.loader.late), count(c.waits), ...latency(c.latency.load), ...latency(c.latency.redis_hit)]));
  const f = s.store.fills, i = s.store.invalidations;
  table("redis", ["fills written", "refused late", "dropped late", "too large", "not encodable", "corrupt", "deferred", "replayed",
    "journal overflows", "holds failed", "prefixes", "messages", "epoch"],
  [[f.written, f.refused_late, f.dropped_late, f.oversized, f.unencodable, s.store.redis.corrupt, i.deferred, i.replayed,
    i.overflows, i.holds_failed, i.prefixes, s.store.link.heard, i.epoch].map(count)]);
  const keys = s.caches.flatMap((c) => (c.hot_keys || []).map((k) => [c.name, k.key, percent(k.share, 1)]));
  $("hot").hidden = !keys.length;
  table("keys", ["cache", "key", "share"], keys);
}

// The charts. Width and height are units of the drawing, which is scaled to the page.
const W = 1000, LEFT = 64, RIGHT = 8;
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
  const step = span > 30 ? 10 : span > 8 ? 2 : span > 3 ? 1 : 0.5;
  for (let m = 0; m <= span + 1e-6; m += step) {
    out.push(drawn("text", { x: x(last - m * 60e3), y, "text-anchor": m ? "middle" : "end" }, m ? "−" + m + " min" : "now"));
  }
  return out;
}

function answers(history) {
  const H = 190, TOP = 10, BOTTOM = 24, all = history.samples;
  const svg = drawn("svg", { viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": "Answers per second, by kind, over the last minutes" });
  if (all.length < 2) return svg;
  const x = scale(history);
  const rates = all.slice(1).map((b, i) => {
    const a = all[i], seconds = Math.max((b.t - a.t) / 1e3, 1e-3);
    let sum = 0;
    return { t: b.t, tops: kinds.map(([, , of]) => (sum += Math.max(0, of(b) - of(a)) / seconds)) };
  });
  const most = Math.max(...rates.map((r) => r.tops[r.tops.length - 1]));
  const unit = 10 ** Math.floor(Math.log10(Math.max(most, 1)));
  const top = [1, 2, 5, 10].map((f) => f * unit).find((v) => v >= most) || 1;
  const y = (v) => H - BOTTOM - (H - TOP - BOTTOM) * v / top;
  for (const v of [0, top / 2, top]) {
    svg.append(drawn("line", { x1: LEFT, x2: W - RIGHT, y1: y(v), y2: y(v), class: "grid" }),
      drawn("text", { x: LEFT - 8, y: y(v) + 4, "text-anchor": "end" }, short.format(v)));
  }
  kinds.forEach(([look, label], k) => {
    const upper = rates.map((r) => `${x(r.t).toFixed(1)},${y(r.tops[k]).toFixed(1)}`);
    const lower = rates.map((r) => `${x(r.t).toFixed(1)},${y(k ? r.tops[k - 1] : 0).toFixed(1)}`).reverse();
    const now = rates[rates.length - 1];
    const value = now.tops[k] - (k ? now.tops[k - 1] : 0);
    svg.append(drawn("polygon", { points: upper.concat(lower).join(" "), class: look },
      drawn("title", {}, `${label}: ${short.format(value)} per second now`)));
  });
  svg.append(...times(history, x, H - 6));
  return svg;
}

const bands = [
  ["Link", (s) => (s.link ? ["fgood", "up"] : ["fbad", "down"])],
  ["Breaker", (s) => [{ closed: "fgood", open: "fbad" }[s.breaker] || "fwarn", s.breaker]],
  ["Fallback", (s) => (s.fallback ? ["fwarn", "memory serves alone"] : ["foff", "no"])],
  ["To tell", (s) => (s.journal ? ["fwarn", "invalidations"] : ["foff", "nothing"])],
];

function states(s) {
  const ROW = 26, H = ROW * bands.length + 22, all = s.history.samples, x = scale(s.history);
  const svg = drawn("svg", { viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": "Link, breaker, fallback and journal over the last minutes" });
  bands.forEach(([label, look], row) => {
    svg.append(drawn("text", { x: LEFT - 8, y: row * ROW + 16, "text-anchor": "end" }, label));
    for (let i = 0; i < all.length;) { // runs of one state
      const [kind, text] = look(all[i]);
      let end = i + 1;
      while (end < all.length && look(all[end])[1] === text) end++;
      const from = x(all[i].t), to = x(all[Math.min(end, all.length - 1)].t);
      svg.append(drawn("rect", { x: from, y: row * ROW + 4, width: Math.max(to - from, 1), height: ROW - 8, class: kind },
        drawn("title", {}, `${label}: ${text}, from ${new Date(all[i].t).toLocaleTimeString()}`)));
      i = end;
    }
  });
  svg.append(...times(s.history, x, H - 4));
  return svg;
}

function show(s) {
  $("namespace").textContent = s.store.namespace;
  $("tiles").replaceChildren(...tiles(s));
  tables(s);
  $("legend").replaceChildren(...kinds.map(([look, label]) => node("span", {},
    drawn("svg", { viewBox: "0 0 10 10", "aria-hidden": "true" }, drawn("rect", { width: 10, height: 10, rx: 2, class: look })), label)));
  $("answers").replaceChildren(answers(s.history));
  $("bands").parentElement.hidden = !s.store.shared;
  if (s.store.shared) $("bands").replaceChildren(states(s));
}

let heard = null; // when the last answer came

async function update() {
  const status = $("status");
  try {
    const r = await fetch("?format=json", { headers: { Accept: "application/json" }, cache: "no-store", signal: AbortSignal.timeout(5000) });
    if (!r.ok) throw new Error("the server answers " + r.status);
    show(await r.json());
    heard = new Date();
    status.textContent = "as of " + heard.toLocaleTimeString();
    status.className = "";
  } catch (e) {
    status.textContent = (heard ? "no answer since " + heard.toLocaleTimeString() : "no answer") + ": " + e.message;
    status.className = "lost";
  }
}

async function run() {
  for (;;) {
    if (!document.hidden) await update();
    await new Promise((resume) => {
      setTimeout(resume, 2000);
      document.addEventListener("visibilitychange", resume, { once: true });
    });
  }
}
run();

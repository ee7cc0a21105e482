/* Time-series charts. <div class="chart" data-chart="/url/series.json" data-label="..."> draws the columnar payload
   {t0: epoch s, step: s, n, unit, also: second axis {unit, factor}, tz, series: [{name, v: [..], style}], q: [[letter, count]..]} with uPlot; q colours the strip below.
   n > 1: each pair of points is the lowest and the highest of n intervals; with data-zoom the chart asks again for the part looked at.
   style: "final" is drawn on top in the colours of its quality, "raw" thin and dashed, "check" in a colour of its own, "context" faint; without it a plain line. */
"use strict";
(() => {
  const cssVar = (name) => { const probe = document.createElement("i"); probe.style.color = `var(${name})`; document.body.append(probe); const c = getComputedStyle(probe).color; probe.remove(); return c; };
  const qColour = { A: "--s1", S: "--s4", E: "--s2", M: "--s3", P: "--s6", "?": "--s6", X: "--bad" };
  const qName = { A: "actual", S: "substituted, final", E: "estimated", M: "edited", P: "provisional", "?": "not yet validated", X: "missing" };
  function strip(payload) {
    return (u) => {
      if (!payload.q) return;
      const { ctx, bbox } = u; let i = 0;
      ctx.save();
      for (const [letter, count] of payload.q) {
        if (letter !== "A") {
          const x0 = u.valToPos(payload.t0 + i * payload.step, "x", true), x1 = u.valToPos(payload.t0 + (i + count) * payload.step, "x", true);
          const left = Math.max(bbox.left, x0), width = Math.min(bbox.left + bbox.width, x1) - left;
          if (width > 0) { ctx.fillStyle = cssVar(qColour[letter] || "--bad"); ctx.globalAlpha = .16; ctx.fillRect(left, bbox.top, Math.max(width, 2), bbox.height); ctx.globalAlpha = 1; ctx.fillRect(left, bbox.top + bbox.height - 6, Math.max(width, 2), 6); }
        }
        i += count;
      }
      ctx.restore();
    };
  }
  const depth = { context: 0, check: 1, raw: 1, final: 2 };
  /* The line of the final readings takes the colour of each interval's quality: a gradient with hard edges. */
  function byQuality(payload, count, ink) {
    return (u) => {
      const { left, width } = u.bbox;
      const paint = u.ctx.createLinearGradient(left, 0, left + Math.max(width, 1), 0);
      const stop = (at, colour) => paint.addColorStop(Math.min(1, Math.max(0, (at - left) / Math.max(width, 1))), colour);
      let i = 0;
      for (const [letter, n] of payload.q || [["A", count]]) {
        const from = u.valToPos(payload.t0 + i * payload.step, "x", true), to = u.valToPos(payload.t0 + (i + n) * payload.step, "x", true);
        i += n;
        if (to < left || from > left + width) continue;
        stop(from, ink[letter] || ink.X); stop(to, ink[letter] || ink.X);
      }
      return paint;
    };
  }
  function look(one, i, payload, count, ink) {
    const plain = cssVar(`--s${(i % 6) + 1}`);
    if (one.style === "final") return { stroke: byQuality(payload, count, ink), mark: ink.A, width: 2.5 };
    if (one.style === "raw") return { stroke: cssVar("--text"), width: 1, dash: [5, 4] };
    if (one.style === "check") return { stroke: cssVar("--s5"), width: 1.6 };
    if (one.style === "context") return { stroke: cssVar("--muted"), width: 1.3, dash: i % 2 ? [2, 5] : [2, 2] };
    return { stroke: plain, width: 1.5, fill: payload.bars ? plain : undefined };
  }
  const WIDTHS = [50, 2000];
  const made = (name, text = "", className = "") => Object.assign(document.createElement(name), { textContent: text, className });
  const clock = (seconds, zone) => new Date(seconds * 1e3).toLocaleString("sv-SE", { timeZone: zone, dateStyle: "short", timeStyle: "short" });
  /* Fetch the document; a chart with data-zoom says how wide it is, and which part it wants. */
  async function ask(box, part) {
    const address = new URL(box.dataset.chart, location.href);
    if (box.hasAttribute("data-zoom")) {
      address.searchParams.set("width", Math.round(Math.min(WIDTHS[1], Math.max(WIDTHS[0], box.clientWidth))));
      if (part) ["from", "to"].forEach((name, i) => address.searchParams.set(name, new Date(part[i] * 1e3).toISOString()));
    }
    const answer = await fetch(address, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(answer.status);
    return answer.json();
  }
  async function draw(box) {
    let payload, plot, count, x, letters, each, at = -1, asked = 0, part = null;
    const say = made("p", "", "say"), foot = made("p", "", "muted chart-foot no-print"), note = made("span"), back = made("button", "Whole range", "quiet");
    say.setAttribute("aria-live", "polite"); note.setAttribute("aria-live", "polite"); back.type = "button"; back.hidden = true; foot.append(note, " ", back);
    const take = (found) => {
      payload = found; count = payload.series[0]?.v.length || 0; each = payload.n > 1 ? 2 : 1; at = -1;
      x = Array.from({ length: count }, (_, i) => payload.t0 + i * payload.step);
      letters = []; for (const [letter, n] of payload.q || []) for (let i = 0; i < n; i++) letters.push(letter);
      note.textContent = payload.n > 1 ? `Each point is ${payload.n} intervals: lowest and highest. Drag across a part, or press + on the chart, to look closer.` : "";
    };
    const paint = () => {
      plot?.destroy();
      const ink = Object.fromEntries(Object.entries(qColour).map(([letter, name]) => [letter, cssVar(name)]));
      const drawn = payload.series.map((one, i) => ({ one, ...look(one, i, payload, count, ink) })).sort((a, b) => (depth[a.one.style] ?? 3) - (depth[b.one.style] ?? 3));
      const axis = { stroke: cssVar("--muted"), grid: { stroke: cssVar("--line"), width: 1 }, ticks: { stroke: cssVar("--line") } };
      const tick = (every, text, first) => [every, text, first, null, every < 86400 ? first : null, null, null, null, 1];
      const times = [tick(31536e3, "{YYYY}", null), tick(2419200, "{YYYY}-{MM}", null), tick(86400, "{MM}-{DD}", "\n{YYYY}"), tick(3600, "{HH}:{mm}", "\n{YYYY}-{MM}-{DD}"), tick(60, "{HH}:{mm}", "\n{YYYY}-{MM}-{DD}")];
      const paths = payload.bars ? uPlot.paths.bars({ size: [.85, 60] }) : each > 1 ? uPlot.paths.linear() : uPlot.paths.stepped({ align: 1 });
      plot = new uPlot({
        width: box.clientWidth, height: Number(box.dataset.height || 280), padding: [null, payload.also ? null : 36, null, null], tzDate: (ts) => uPlot.tzDate(new Date(ts * 1e3), payload.tz || "UTC"),
        cursor: { drag: { x: true, y: false, setScale: false }, bind: { dblclick: () => () => { whole(); return null; } } }, axes: [{ ...axis, values: times }, { ...axis, label: payload.unit, size: 64 }, ...(payload.also ? [{ ...axis, side: 1, grid: { show: false }, label: payload.also.unit, size: 64, values: (_u, marks) => marks.map((one) => (one * payload.also.factor).toLocaleString("en-US", { maximumFractionDigits: 3 })) }] : [])],
        legend: { markers: { stroke: (u, i) => drawn[i - 1]?.mark || drawn[i - 1]?.stroke, dash: (u, i) => drawn[i - 1]?.dash ? "dashed" : "solid", fill: () => "transparent" } },
        series: [{ value: "{YYYY}-{MM}-{DD} {HH}:{mm}" }, ...drawn.map((d) => ({ label: d.one.name, stroke: d.stroke, width: each > 1 ? Math.min(d.width, 1.2) : d.width, dash: each > 1 ? undefined : d.dash, paths, fill: d.fill, points: { show: false }, spanGaps: false }))],
        hooks: { drawClear: [strip(payload)], setSelect: [(u) => { if (u.select.width < 5) return; const ends = [u.select.left, u.select.left + u.select.width].map((p) => u.posToVal(p, "x")); u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false); closer(...ends); }] },
      }, [x, ...drawn.map((d) => d.one.v)], box);
      box.append(say);
      requestAnimationFrame(() => performance.mark("po:chart"));
    };
    const show = async (wanted) => {
      const turn = ++asked;
      try { const found = await ask(box, wanted); if (turn === asked) { part = wanted; back.hidden = !part; take(found); paint(); } }
      catch (fault) { note.textContent = `This part could not be loaded (${fault.message}); the chart shows what it had.`; }
    };
    /* Thinned readings are asked for again in the part that is looked at; exact ones are here already. */
    const closer = (from, to) => {
      if (payload.n > 1 && box.hasAttribute("data-zoom")) { show([Math.floor(from), Math.ceil(to)]); return; }
      plot.setScale("x", { min: from, max: to }); back.hidden = false;
    };
    const whole = () => {
      if (part) { show(null); return; }
      plot.setScale("x", { min: x[0], max: x[count - 1] }); back.hidden = true;
    };
    try { take(await ask(box, null)); }
    catch (fault) { box.textContent = `The chart could not be loaded (${fault.message}). The table below has the same figures.`; return; }
    if (!count) { box.replaceChildren(made("p", "No readings in this range.", "empty")); return; }
    paint();
    box.after(foot);
    back.addEventListener("click", () => { whole(); box.focus(); });
    box.tabIndex = 0; box.setAttribute("role", "img"); box.setAttribute("aria-label", box.dataset.label || "chart");
    box.addEventListener("keydown", (e) => {
      const { min, max } = plot.scales.x;
      if (e.key === "+") { e.preventDefault(); const middle = at < 0 ? (min + max) / 2 : x[at]; closer(middle - (max - min) / 8, middle + (max - min) / 8); return; }
      if (e.key === "-") { e.preventDefault(); whole(); return; }
      if (e.key !== "ArrowRight" && e.key !== "ArrowLeft") return;
      e.preventDefault(); at = Math.min(count - each, Math.max(0, at < 0 ? 0 : at + (e.key === "ArrowRight" ? each : -each)));
      plot.setCursor({ left: plot.valToPos(x[at], "x"), top: 10 });
      const value = (s) => { const pair = s.v.slice(at, at + each); return pair[0] === null || pair[0] === undefined ? "no value" : each > 1 ? `lowest ${Math.min(...pair)}, highest ${Math.max(...pair)}` : pair[0]; };
      say.textContent = `${clock(x[at], payload.tz || "UTC")}: ${payload.series.map((s) => `${s.name} ${value(s)} ${payload.unit}`).join(", ")}${letters[at] ? `, ${qName[letters[at]] || letters[at]}` : ""}`;
    });
    addEventListener("resize", () => plot.setSize({ width: box.clientWidth, height: Number(box.dataset.height || 280) }));
    document.addEventListener("po:theme", paint);
    /* What is drawn has fixed colours and a fixed width: paper and another colour scheme need it anew. */
    ["print", "(prefers-color-scheme: dark)"].forEach((one) => matchMedia(one).addEventListener("change", paint));
  }
  const start = () => document.querySelectorAll("[data-chart]:not([data-drawn])").forEach((box) => { box.dataset.drawn = "1"; draw(box); });
  start();
  document.addEventListener("htmx:afterSwap", start);
})();

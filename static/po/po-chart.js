/* Time-series charts. <div class="chart" data-chart="/url/series.json" data-label="..."> draws the columnar payload
   {t0: epoch s, step: s, unit, tz, series: [{name, v: [..], style}], q: [[letter, count]..]} with uPlot; q colours the strip below.
   style: "final" is drawn on top in the colours of its quality, "raw" thin and dashed, "context" faint; without it a plain line. */
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
  const depth = { context: 0, raw: 1, final: 2 };
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
    if (one.style === "context") return { stroke: cssVar("--muted"), width: 1.3, dash: i % 2 ? [2, 5] : [2, 2] };
    return { stroke: plain, width: 1.5, fill: payload.bars ? plain : undefined };
  }
  async function draw(box) {
    let payload;
    try { const answer = await fetch(box.dataset.chart, { headers: { Accept: "application/json" } }); if (!answer.ok) throw new Error(answer.status); payload = await answer.json(); }
    catch (fault) { box.textContent = `The chart could not be loaded (${fault.message}). The table below has the same figures.`; return; }
    const count = payload.series[0]?.v.length || 0;
    if (!count) { box.innerHTML = ""; const p = document.createElement("p"); p.className = "empty"; p.textContent = "No readings in this range."; box.append(p); return; }
    const x = Array.from({ length: count }, (_, i) => payload.t0 + i * payload.step);
    const say = document.createElement("p"); say.className = "say"; say.setAttribute("aria-live", "polite");
    let plot;
    const letters = []; for (const [letter, n] of payload.q || []) for (let i = 0; i < n; i++) letters.push(letter);
    const paint = () => {
      plot?.destroy();
      const ink = Object.fromEntries(Object.entries(qColour).map(([letter, name]) => [letter, cssVar(name)]));
      const drawn = payload.series.map((one, i) => ({ one, ...look(one, i, payload, count, ink) })).sort((a, b) => (depth[a.one.style] ?? 3) - (depth[b.one.style] ?? 3));
      const axis = { stroke: cssVar("--muted"), grid: { stroke: cssVar("--line"), width: 1 }, ticks: { stroke: cssVar("--line") } };
      const tick = (every, text, first) => [every, text, first, null, every < 86400 ? first : null, null, null, null, 1];
      const times = [tick(31536e3, "{YYYY}", null), tick(2419200, "{YYYY}-{MM}", null), tick(86400, "{MM}-{DD}", "\n{YYYY}"), tick(3600, "{HH}:{mm}", "\n{YYYY}-{MM}-{DD}"), tick(60, "{HH}:{mm}", "\n{YYYY}-{MM}-{DD}")];
      plot = new uPlot({
        width: box.clientWidth, height: Number(box.dataset.height || 280), tzDate: (ts) => uPlot.tzDate(new Date(ts * 1e3), payload.tz || "UTC"),
        cursor: { drag: { x: true, y: false } }, axes: [{ ...axis, values: times }, { ...axis, label: payload.unit, size: 64 }],
        legend: { markers: { stroke: (u, i) => drawn[i - 1]?.mark || drawn[i - 1]?.stroke, dash: (u, i) => drawn[i - 1]?.dash ? "dashed" : "solid", fill: () => "transparent" } },
        series: [{ value: "{YYYY}-{MM}-{DD} {HH}:{mm}" }, ...drawn.map((d) => ({ label: d.one.name, stroke: d.stroke, width: d.width, dash: d.dash, paths: payload.bars ? uPlot.paths.bars({ size: [.85, 60] }) : uPlot.paths.stepped({ align: 1 }), fill: d.fill, points: { show: false }, spanGaps: false }))],
        hooks: { drawClear: [strip(payload)] },
      }, [x, ...drawn.map((d) => d.one.v)], box);
      box.append(say);
    };
    paint();
    let at = -1;
    box.tabIndex = 0; box.setAttribute("role", "img"); box.setAttribute("aria-label", box.dataset.label || "chart");
    box.addEventListener("keydown", (e) => {
      if (e.key !== "ArrowRight" && e.key !== "ArrowLeft") return;
      e.preventDefault(); at = Math.min(count - 1, Math.max(0, at + (e.key === "ArrowRight" ? 1 : -1)));
      plot.setCursor({ left: plot.valToPos(x[at], "x"), top: 10 });
      const stamp = new Date(x[at] * 1e3).toLocaleString("sv-SE", { timeZone: payload.tz || "UTC", dateStyle: "short", timeStyle: "short" });
      say.textContent = `${stamp}: ${payload.series.map((s) => `${s.name} ${s.v[at] ?? "no value"} ${payload.unit}`).join(", ")}${letters[at] ? `, ${qName[letters[at]] || letters[at]}` : ""}`;
    });
    addEventListener("resize", () => plot.setSize({ width: box.clientWidth, height: Number(box.dataset.height || 280) }));
    document.addEventListener("po:theme", paint);
  }
  const start = () => document.querySelectorAll("[data-chart]:not([data-drawn])").forEach((box) => { box.dataset.drawn = "1"; draw(box); });
  start();
  document.addEventListener("htmx:afterSwap", start);
})();

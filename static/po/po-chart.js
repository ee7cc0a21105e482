/* Time-series charts. <div class="chart" data-chart="/url/series.json" data-label="..."> draws the columnar payload
   {t0: epoch s, step: s, unit, tz, series: [{name, v: [..]}], q: [[letter, count]..]} with uPlot; q colours the strip below. */
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
      const axis = { stroke: cssVar("--muted"), grid: { stroke: cssVar("--line"), width: 1 }, ticks: { stroke: cssVar("--line") } };
      plot = new uPlot({
        width: box.clientWidth, height: Number(box.dataset.height || 280), tzDate: (ts) => uPlot.tzDate(new Date(ts * 1e3), payload.tz || "UTC"),
        cursor: { drag: { x: true, y: false } }, axes: [axis, { ...axis, label: payload.unit, size: 64 }],
        series: [{}, ...payload.series.map((s, i) => ({ label: s.name, stroke: cssVar(`--s${(i % 6) + 1}`), width: 1.5, paths: payload.bars ? uPlot.paths.bars({ size: [.85, 60] }) : uPlot.paths.stepped({ align: 1 }), fill: payload.bars ? cssVar(`--s${(i % 6) + 1}`) : undefined, points: { show: false }, spanGaps: false }))],
        hooks: { drawClear: [strip(payload)] },
      }, [x, ...payload.series.map((s) => s.v)], box);
      box.append(say);
    };
    paint();
    let at = -1;
    box.tabIndex = 0; box.setAttribute("role", "img"); box.setAttribute("aria-label", box.dataset.label || "chart");
    box.addEventListener("keydown", (e) => {
      if (e.key !== "ArrowRight" && e.key !== "ArrowLeft") return;
      e.preventDefault(); at = Math.min(count - 1, Math.max(0, at + (e.key === "ArrowRight" ? 1 : -1)));
      plot.setCursor({ left: plot.valToPos(x[at], "x"), top: 10 });
      const stamp = new Date(x[at] * 1e3).toLocaleString([], { timeZone: payload.tz || "UTC", dateStyle: "medium", timeStyle: "short" });
      say.textContent = `${stamp}: ${payload.series.map((s) => `${s.name} ${s.v[at] ?? "no value"} ${payload.unit}`).join(", ")}${letters[at] ? `, ${qName[letters[at]] || letters[at]}` : ""}`;
    });
    addEventListener("resize", () => plot.setSize({ width: box.clientWidth, height: Number(box.dataset.height || 280) }));
    document.addEventListener("po:theme", paint);
  }
  const start = () => document.querySelectorAll("[data-chart]:not([data-drawn])").forEach((box) => { box.dataset.drawn = "1"; draw(box); });
  start();
  document.addEventListener("htmx:afterSwap", start);
})();

// Kernels under the nominal limits of the target, both axes logarithmic.
function showRoofline(place, report, entry) {
  const { flops_per_second: peak, memory_bytes_per_second: memory, cache_bytes_per_second: cache } = report.ceilings;
  const points = entry.kernels.map((kernel, number) => ({ kernel, number, at: kernel.flops / kernel.bytes, speed: kernel.flops / kernel.seconds }))
      .filter(each => each.at > 0 && isFinite(each.at) && isFinite(each.speed));
  place.hidden = !points.length;
  if (!points.length) return;
  const width = Math.max(340, Math.min(1190, place.clientWidth || 1190)), height = width < 600 ? 300 : 380, left = 84, right = 14, top = 16, bottom = 44;
  const down = value => 10 ** Math.floor(Math.log10(value)), up = value => 10 ** Math.ceil(Math.log10(value));
  const low = Math.min(.01, down(Math.min(...points.map(each => each.at)))), high = Math.max(100, up(Math.max(...points.map(each => each.at))));
  const speeds = points.filter(each => each.kernel.measured_seconds > 0).map(each => each.kernel.flops / each.kernel.measured_seconds);
  const floor = down(Math.min(memory * low, ...speeds)), roof = up(Math.max(peak * 1.2, ...speeds));
  const x = value => left + (width - left - right) * Math.log(value / low) / Math.log(high / low);
  const y = value => height - bottom - (height - top - bottom) * Math.log(value / floor) / Math.log(roof / floor);
  const parts = [];
  for (let tick = low; tick <= high * 1.01; tick *= 10)
    parts.push(svg("line", { class: "axis", x1: x(tick), x2: x(tick), y1: top, y2: height - bottom }), svg("text", { class: "tick", x: x(tick), y: height - bottom + 16, "text-anchor": "middle" }, Number(tick.toPrecision(2))));
  for (let tick = floor; tick <= roof * 1.01; tick *= 10)
    parts.push(svg("line", { class: "axis", x1: left, x2: width - right, y1: y(tick), y2: y(tick) }), svg("text", { class: "tick", x: left - 7, y: y(tick) + 4, "text-anchor": "end" }, rate(tick, "flop/s")));
  parts.push(svg("text", { class: "tick", x: width - right, y: height - 6, "text-anchor": "end" }, "flop per byte"));
  const limit = bandwidth => `M${x(low)} ${y(bandwidth * low)}L${x(peak / bandwidth)} ${y(peak)}L${x(high)} ${y(peak)}`;
  parts.push(svg("path", { class: "roof", d: limit(memory) }), svg("path", { class: "roof second", d: limit(cache) }));
  const slope = Math.atan2(y(memory * low) - y(memory * low * 10), x(low * 10) - x(low)) * -180 / Math.PI;
  const along = (bandwidth, text, where) => svg("text", { class: "tick", transform: `translate(${x(where)} ${y(bandwidth * where) - 6}) rotate(${slope})` }, text);
  parts.push(along(memory, `memory ${rate(memory, "B/s")}`, low * 4), along(cache, `second cache ${rate(cache, "B/s")}`, low * 2),
             svg("text", { class: "tick", x: width - right - 4, y: y(peak) - 22, "text-anchor": "end" }, `arithmetic ${rate(peak, "flop/s")}`));
  const most = Math.max(...points.map(each => each.kernel.seconds));
  const slowest = [...points].sort((a, b) => b.kernel.seconds - a.kernel.seconds);
  for (const { kernel, number, at, speed } of slowest) {
    const text = `${kernel.name}: ${at.toPrecision(3)} flop per byte, at most ${rate(speed, "flop/s")}, ${seconds(kernel.seconds)}`;
    const real = kernel.measured_seconds > 0 && kernel.flops / kernel.measured_seconds;
    if (real) parts.push(svg("line", { class: "gap", x1: x(at), x2: x(at), y1: y(Math.max(speed, floor)), y2: y(real) }),
      svg("circle", { class: "measured", cx: x(at), cy: y(real), r: 4 }, svg("title", {}, `${kernel.name}: ${rate(real, "flop/s")} measured, ${seconds(kernel.measured_seconds)}`)));
    const jump = () => { const row = document.getElementById("kernel-" + number); row.open = true; row.scrollIntoView(); row.firstChild.focus(); };
    parts.push(svg("circle", { class: "dot " + (kernel.compute_bound ? "compute" : "memory"), cx: x(at), cy: y(Math.max(speed, floor)), r: 4 + 12 * Math.sqrt(kernel.seconds / most), "aria-label": text, ...acts(jump) }, svg("title", {}, text)));
  }
  place.replaceChildren(
    title("h2", "roofline-title", "Roofline"),
    el("p", { class: "soft" }, "Each kernel under the limit that holds it: sloped lines are memory and a core's second cache, the flat one is arithmetic; a larger dot is a longer estimate. " +
      `The limits are nominal for one core of ${report.cpu || report.triple}, an estimate and not a measurement: 3 GHz, two vector units, 20 GB/s.`),
    el("ul", { class: "legend", style: "margin-bottom: .5rem" }, el("li", {}, el("span", { class: "swatch", style: "color: var(--forward)" }), "bound by arithmetic"),
      el("li", {}, el("span", { class: "swatch", style: "color: var(--backward)" }), "bound by memory or cache"), speeds.length ? el("li", {}, "○ measured") : ""),
    svg("svg", { class: "plot", viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": `Roofline of ${count(points.length, "kernel")}` }, parts));
}

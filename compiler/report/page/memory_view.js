// The arena over the commands of an entry.
function showMemory(place, report, entry, select) {
  const width = Math.max(340, Math.min(1190, place.clientWidth || 1190)), height = width < 600 ? 300 : 380, left = 62, right = 10, top = 26, bottom = 34;
  const steps = Math.max(entry.commands.length, 1), end = Math.max(entry.arena_bytes, 1);
  const x = step => left + (width - left - right) * step / steps, y = offset => height - bottom - (height - top - bottom) * offset / end;
  const name = block => block.op >= 0 ? entry.ops[block.op].name : block.what || (block.kernel >= 0 ? "made by " + entry.kernels[block.kernel].name : "shared");
  const role = block => block.op < 0 ? "scratch" : entry.ops[block.op].role === "backward" ? "backward" : "forward";
  const owner = block => block.op >= 0 ? report.layers[entry.ops[block.op].layer]?.text || "" : block.kernel >= 0 ? entry.kernels[block.kernel].name : "";
  const parts = [];
  for (let tick = 0; tick <= 4; tick++) {
    const offset = end * tick / 4;
    parts.push(svg("line", { class: "axis", x1: left, x2: width - right, y1: y(offset), y2: y(offset) }),
               svg("text", { class: "tick", x: left - 7, y: y(offset) + 4, "text-anchor": "end" }, bytes(Math.round(offset))));
  }
  const stride = Math.ceil(steps / Math.max(1, Math.floor((width - left) / 34)));
  for (let step = 0; step < steps; step += stride)
    parts.push(svg("text", { class: "tick", x: (x(step) + x(step + 1)) / 2, y: height - 18, "text-anchor": "middle" }, step + 1));
  parts.push(svg("text", { class: "tick", x: width - right, y: height - 4, "text-anchor": "end" }, "command"));
  if (entry.peak_command >= 0) {
    parts.push(svg("rect", { class: "peak", x: x(entry.peak_command), width: x(1) - x(0), y: top, height: height - top - bottom }),
               svg("line", { class: "peak-line", x1: left, x2: width - right, y1: y(entry.peak_bytes), y2: y(entry.peak_bytes) }),
               svg("text", { class: "peak-text", x: Math.min(Math.max((x(entry.peak_command) + x(entry.peak_command + 1)) / 2, left + 70), width - right - 70), y: 15, "text-anchor": "middle" },
                   `peak: ${bytes(entry.peak_bytes)}`));
  }
  // A value written over another in place begins where that one ends.
  const endOf = block => Math.min(block.last + 1, ...entry.blocks.filter(other => block.first < other.first && other.first <= block.last &&
    other.offset < block.offset + block.bytes && block.offset < other.offset + other.bytes).map(other => other.first));
  const hint = "Point at a block, or move to one by Tab, to read what it is.";
  const readout = el("p", { class: "readout small soft", "aria-hidden": "true" }, hint);
  for (const block of entry.blocks) {
    const x1 = x(block.first), x2 = x(endOf(block)), y1 = y(block.offset + block.bytes), tall = Math.max(y(block.offset) - y1, 1.5);
    const text = `${name(block)}, ${bytes(block.bytes)} at ${block.offset}, commands ${block.first + 1} to ${block.last + 1}` + (owner(block) ? `, ${owner(block)}` : "");
    const say = () => readout.replaceChildren(text), hush = () => readout.replaceChildren(hint);
    const act = block.op >= 0 ? acts(() => select(block.op)) : { tabindex: 0, role: "img" };
    parts.push(svg("rect", { class: `block ${role(block)}`, x: x1 + .5, y: y1, width: Math.max(x2 - x1 - 1, 1), height: tall, "aria-label": text, onpointerenter: say, onpointerleave: hush, onfocus: say, onblur: hush, ...act }, svg("title", {}, text)));
    if (tall > 15 && x2 - x1 > 7 * name(block).length + 8)
      parts.push(svg("text", { class: "inside", x: x1 + 6, y: y1 + tall / 2 + 4 }, name(block)));
  }
  const key = (color, text) => el("li", {}, el("span", { class: "swatch", style: `color: var(--${color})` }), text);
  const roles = ["parameter", "slot", "statistic", "control", "metric"];
  const waste = entry.liveness_bound ? 100 * (entry.arena_bytes / entry.liveness_bound - 1) : 0;
  const whole = [["state", report.state_bytes], ["metrics", report.metric_bytes], ["constants", report.constant_bytes], ["arena", entry.arena_bytes],
                 ["arguments", entry.argument_bytes], ["results", entry.result_bytes]].filter(([, size]) => size);
  const ports = [...entry.ops.map((op, index) => [op.name, index, "argument"]).filter(([, index]) => entry.ops[index].role === "argument"),
                 ...entry.results.map(([result, index]) => [result, index, "result"])];
  place.replaceChildren(
    title("h2", "memory-title", "Memory"),
    el("p", { class: "soft" }, entry.arena_bytes
      ? `The arena of ${entry.name} takes ${bytes(entry.arena_bytes)}, ${waste < .05 ? "the least that any placement could take" : waste.toFixed(1) + " % above the least that is alive at one time"}. A block is a value from the command that writes it to the last that reads it.`
      : `${entry.name} needs no arena.`),
    entry.arena_bytes ? el("ul", { class: "legend", style: "margin-bottom: .5rem" }, key("forward", "forward"), key("backward", "gradient"), key("plain", "scratch")) : "",
    entry.arena_bytes ? svg("svg", { class: "plot", viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": `Arena of ${entry.name}: ${count(entry.blocks.length, "block")} over ${count(steps, "command")}, peak ${bytes(entry.peak_bytes)}` }, parts) : "",
    entry.arena_bytes ? readout : "",
    el("details", { class: "more" }, el("summary", {}, `The ${count(entry.blocks.length, "block")} as a table`),
      el("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": "Table; scrolls" }, el("table", {}, el("thead", {}, el("tr", {}, ["Value", "Owner"].map(text => el("th", {}, text)), ["Offset", "Bytes", "Commands"].map(text => el("th", { class: "n" }, text)))),
        el("tbody", {}, [...entry.blocks].sort((a, b) => b.bytes - a.bytes).map(block => el("tr", {},
          el("td", {}, block.op >= 0 ? el("button", { class: "link mono", onclick: () => select(block.op) }, name(block)) : name(block)),
          el("td", { class: "small" }, el("code", {}, shorten(owner(block), 60))), el("td", { class: "n" }, block.offset), el("td", { class: "n" }, bytes(block.bytes)),
          el("td", { class: "n" }, `${block.first + 1}–${block.last + 1}`))))))),
    el("h3", {}, `A call of ${entry.name} uses ${bytes(whole.reduce((sum, [, size]) => sum + size, 0))}`),
    pairs(whole.map(([part, size]) => [part, bytes(size)])),
    el("details", { class: "more" }, el("summary", {}, `${count(report.states.length, "state")}, the same for all entries`),
      el("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": "Table; scrolls" }, el("table", {}, el("thead", {}, el("tr", {}, ["State", "Role", "Type"].map(text => el("th", {}, text)), ["Offset", "Bytes"].map(text => el("th", { class: "n" }, text)))),
        el("tbody", {}, [...report.states].sort((a, b) => roles.indexOf(a.role) - roles.indexOf(b.role) || a.offset - b.offset).map(state =>
          el("tr", {}, el("td", {}, el("code", {}, state.name)), el("td", {}, state.role), el("td", {}, state.type), el("td", { class: "n" }, state.offset), el("td", { class: "n" }, bytes(state.bytes)))))))),
    el("details", { class: "more" }, el("summary", {}, `${count(ports.length, "argument or result", "arguments and results")}, in the caller's memory`),
      el("table", {}, el("tbody", {}, ports.map(([port, index, kind]) => el("tr", {}, el("td", {}, el("button", { class: "link mono", onclick: () => select(index) }, port)),
        el("td", {}, kind), el("td", {}, entry.ops[index].type), el("td", { class: "n" }, bytes(entry.ops[index].bytes))))))));
}

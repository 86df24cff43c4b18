// Kernels in the order of their launches, and what the gradient keeps of the forward pass.
const opChip = (entry, index, select, again) => {
  const op = entry.ops[index];
  return el("button", { class: `chip ${op.role}` + (again ? " again" : ""), onclick: () => select(index),
                        title: `${op.name} ${op.type}` + (op.line ? `, line ${op.line}` : "") + (again ? "; other kernels compute it too" : "") }, op.name);
};

// The commands of an entry with the stages of one kernel's launch together.
function launchesOf(entry) {
  const items = [];
  entry.commands.forEach((command, number) => {
    const last = items[items.length - 1];
    if (command.kind === "launch" && last && last.kernel === command.kernel && command.kernel >= 0 && !last.stages.some(([name]) => name === command.stage)) {
      last.stages.push([command.stage, command.grid]);
      last.end = number;
    } else if (command.kind === "launch") {
      items.push({ kernel: command.kernel, stages: [[command.stage, command.grid]], start: number, end: number });
    } else {
      items.push({ kernel: -1, command, start: number, end: number });
    }
  });
  return items;
}

// Why the kernel does not hold more: what it reads of other kernels, and who reads its results.
function reasonsOf(entry, number) {
  const kernel = entry.kernels[number], before = [], after = [];
  for (const index of kernel.ops)
    for (const { from, reason } of entry.ops[index].apart || [])
      before.push({ op: index, other: from, reason });
  entry.kernels.forEach((other, otherNumber) => {
    if (otherNumber === number) return;
    for (const index of other.ops)
      for (const { from, reason } of entry.ops[index].apart || [])
        if (kernel.ops.includes(from) && entry.ops[from].kernels[0] === number) after.push({ op: index, other: from, reason, kernel: otherNumber });
  });
  return { before, after };
}

function showKernels(place, report, entry, select) {
  const shownTime = kernel => entry.measured_seconds ? kernel.measured_seconds || 0 : kernel.seconds;
  const items = launchesOf(entry), total = entry.kernels.reduce((sum, each) => sum + each.seconds, 0);
  const most = Math.max(...entry.kernels.map(shownTime), 1e-12);
  // As on the axis of the memory's picture: a kernel of several stages is several commands.
  const numbered = item => item.start === item.end ? `${item.start + 1}` : `${item.start + 1}–${item.end + 1}`;
  const numberOf = new Map();
  items.forEach(item => { if (item.kernel >= 0 && !numberOf.has(item.kernel)) numberOf.set(item.kernel, numbered(item)); });
  const named = index => el("button", { class: "link mono", onclick: () => select(index) }, entry.ops[index]?.name ?? "unnamed");
  const kernelLink = number => el("a", { href: "#kernel-" + number, onclick: () => { document.getElementById("kernel-" + number).open = true; } }, "#" + numberOf.get(number));

  const rows = items.map(item => {
    if (item.command)
      return el("div", { class: "kernel move" }, `${numbered(item)}. ${item.command.kind} ${bytes(item.command.bytes)} to `, el("code", {}, item.command.what));
    const kernel = entry.kernels[item.kernel];
    if (!kernel) return el("div", { class: "kernel move" }, `${numbered(item)}. a launch made by the strategy`);
    const computed = kernel.ops.filter(index => entry.ops[index].role !== "constant");
    const repeated = computed.some(index => entry.ops[index].kernels.length > 1);
    const time = seconds(kernel.seconds), bound = kernel.compute_bound ? "compute" : kernel.in_cache ? "cache" : "memory";
    const color = kernel.compute_bound ? "forward" : "backward";
    const { before, after } = reasonsOf(entry, item.kernel);
    const unique = list => [...new Map(list.map(each => [each.op + ">" + each.other + each.reason, each])).values()];
    const values = list => list.map((index, place) => [place ? ", " : "", index < 0 ? "a value made while fusing" : named(index), index < 0 ? "" : el("span", { class: "soft" }, " " + entry.ops[index].type)]);
    const body = () => [
      el("div", {}, el("h3", {}, count(computed.length, "op")),
        computed.map(index => opChip(entry, index, select, entry.ops[index].kernels.length > 1)),
        repeated && el("p", { class: "small soft" }, "Dashed: computed again in several kernels rather than stored."),
        el("h3", {}, "Why it begins and ends here"),
        before.length + after.length ? el("ul", { class: "reasons" },
          unique(before).map(each => el("li", {}, named(each.op), " reads what ", entry.ops[each.other]?.kernels.length ? kernelLink(entry.ops[each.other].kernels[0]) : "another kernel",
            " makes: " + each.reason + ".")),
          unique(after).map(each => el("li", {}, named(each.op), " of ", kernelLink(each.kernel), " stays outside: " + each.reason + ".")))
          : el("p", { class: "small" }, kernel.inputs.every(index => ["argument", "state"].includes(entry.ops[index]?.role))
              ? "It reads arguments and state alone, and nobody could have joined it." : "Nothing was refused: no op that could be joined reads its results or feeds it.")),
      el("div", {}, el("h3", {}, "How it is computed"),
        pairs([["measured", kernel.measured_seconds ? `${seconds(kernel.measured_seconds)} in a call, ${rate(kernel.flops / kernel.measured_seconds, "flop/s")}, ${rate(kernel.bytes / kernel.measured_seconds, "B/s")}` : ""],
          ["strategy", `${kernel.strategy} (kind ${kernel.kind})`],
          ["parameters", kernel.parameters.map(([name, value]) => `${name} ${value}`).join(", ")],
          ["grid", item.stages.map(([name, grid]) => (name ? name + ": " : "") + count(grid, "workgroup")).join("; ")],
          ["scratch", kernel.scratch_bytes ? bytes(kernel.scratch_bytes) : "none"],
          ["work", `${flops(kernel.flops)}, ${bytes(kernel.bytes)} in and out`],
          ["intensity", kernel.bytes ? (kernel.flops / kernel.bytes).toPrecision(3) + " flop per byte" : ""],
          ["estimate", `${time} on one core, bound by ${bound === "compute" ? "arithmetic" : bound === "cache" ? "the second cache" : "memory"}`]]),
        el("h3", {}, "Reads"), el("p", { class: "small" }, values(kernel.inputs)),
        el("h3", {}, "Writes"), el("p", { class: "small" }, values(kernel.outputs)))];
    const inner = el("div", { class: "body" });
    const row = el("details", { class: "kernel", id: "kernel-" + item.kernel,
        ontoggle: () => { if (row.open && !inner.firstChild) inner.append(...body()); } },
      el("summary", {}, el("span", { class: "number" }, numbered(item)),
        el("code", {}, breakable(kernel.name)),
        el("span", { class: "small soft" }, `${kernel.kind}, ${count(computed.length, "op")}`),
        el("span", { class: "cost" }, kernel.measured_seconds ? [seconds(kernel.measured_seconds) + " ", el("span", { class: "soft" }, `(≈ ${time})`)] : [`≈ ${time} `, el("span", { class: "soft" }, bound)],
          el("span", { class: "bar", "aria-hidden": "true" }, el("i", { style: `width: ${100 * shownTime(kernel) / most}%; background: var(--${color})` })))),
      inner);
    return row;
  });
  const bound = entry.kernels.filter(each => each.compute_bound).reduce((sum, each) => sum + each.seconds, 0);
  place.replaceChildren(
    title("h2", "kernels-title", "Kernels"),
    el("p", { class: "soft" }, `${count(entry.commands.length, "command")} in this order (a kernel of several stages takes several); the estimates add up to ${seconds(total)} on one core` +
      (total ? `, ${Math.round(100 * bound / total)} % of it bound by arithmetic` : "") +
      ". They compare work with nominal limits of the target, start-up of a launch apart: they tell where time can go, not how long it takes." +
      (entry.measured_seconds ? ` Measured: ${seconds(entry.measured_seconds)} for a call with ${count(entry.measured_threads, "thread")}, of which a row shows its part beside the estimate.` : "")),
    ...rows);
}

function showGradient(place, report, entry, select) {
  const values = new Map();
  for (const { op, reader, how } of entry.kept) {
    const key = op + how;
    if (!values.has(key)) values.set(key, { op, how, readers: [] });
    values.get(key).readers.push(reader);
  }
  const order = ["stored", "recomputed", "fused", "given"];
  const rows = [...values.values()].sort((a, b) => order.indexOf(a.how) - order.indexOf(b.how) || entry.ops[b.op].bytes - entry.ops[a.op].bytes);
  place.hidden = !rows.length;
  const says = { stored: "stored in the arena", recomputed: "computed again", fused: "in the same kernel, not stored", given: "there anyway" };
  const stored = rows.filter(each => each.how === "stored"), sum = stored.reduce((all, each) => all + entry.ops[each.op].bytes, 0);
  const again = rows.filter(each => each.how === "recomputed").length;
  const table = list => el("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": "Table; scrolls" }, el("table", {},
    el("thead", {}, el("tr", {}, el("th", {}, "Value"), el("th", { class: "wide" }, "Made by"), el("th", { class: "n" }, "Bytes"), el("th", {}, "How"), el("th", {}, "For the gradient of"))),
    el("tbody", {}, list.map(({ op, how, readers }) => {
      const value = entry.ops[op], layer = report.layers[value.layer];
      const rules = new Map(readers.map(each => [entry.ops[each].rule || entry.ops[each].name, each]));
      return el("tr", {}, el("td", {}, el("button", { class: "link mono", onclick: () => select(op) }, value.name), " ", el("span", { class: "soft small" }, value.type)),
        el("td", { class: "wide small" }, layer ? el("code", {}, shorten(layer.text, 44)) : ""),
        el("td", { class: "n" }, how === "fused" ? "–" : bytes(value.bytes)), el("td", { class: "small" }, says[how]),
        el("td", { class: "small" }, [...rules].map(([rule, reader]) => el("div", {}, el("button", { class: "link", onclick: () => select(reader) }, rule.replace(/^gradient of /, ""))))));
    }))));
  const others = rows.filter(each => each.how === "given" || each.how === "fused");
  place.replaceChildren(
    title("h2", "gradient-title", "What the gradient keeps"),
    el("p", { class: "soft" }, `The backward pass finds ${count(stored.length, "value")} of the forward pass in memory (${bytes(sum)})` +
      (again ? ` and computes ${again} again.` : ".")),
    table(rows.filter(each => each.how === "stored" || each.how === "recomputed")),
    others.length ? el("details", { class: "more" }, el("summary", {}, `${count(others.length, "value")} more that cost${others.length === 1 ? "s" : ""} no memory`), table(others)) : "");
}

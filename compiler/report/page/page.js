// The page: head, entry, and the op that is selected.
const report = JSON.parse(document.getElementById("data").textContent);
const part = id => document.getElementById(id);
let entry, reveal;

function showHead() {
  document.title = `${report.model} – Graven report`;
  const byName = name => report.entries.filter(each => each.name === name);
  const peak = list => Math.max(0, ...list.map(each => report.state_bytes + report.metric_bytes + report.constant_bytes + each.arena_bytes + each.argument_bytes + each.result_bytes));
  const shades = ["--forward", "--backward", "--state", "--plain", "--soft", "--focus"];
  const split = (items, say) => {
    const total = items.reduce((sum, [, value]) => sum + value, 0) || 1;
    return [el("div", { class: "bar", "aria-hidden": "true" }, items.map(([, value], order) => el("i", { style: `width: ${100 * value / total}%; background: var(${shades[order % shades.length]})` }))),
      el("ul", { class: "legend" }, items.map(([name, value], order) => el("li", {}, el("span", { class: "swatch", style: `color: var(${shades[order % shades.length]})` }), name + " ", el("b", {}, say(value)))))];
  };
  const time = report.seconds.reduce((sum, [, value]) => sum + value, 0);
  const slow = [...report.seconds].sort((a, b) => b[1] - a[1]), shown = slow.slice(0, 4), rest = slow.slice(4).reduce((sum, [, value]) => sum + value, 0);
  const fact = (name, figure, ...more) => el("div", { class: "fact" }, el("dt", {}, name), el("dd", {}, el("div", { class: "figure" }, figure), more));
  const train = byName("train_step"), predict = byName("predict");
  const batches = [...new Set(report.entries.map(each => each.batch).filter(Boolean))];
  part("top").replaceChildren(
    el("div", { class: "small soft" }, "Graven report"), el("h1", {}, report.model),
    pairs([["model text", el("code", {}, report.file)], ["target", `${report.triple}, ${report.cpu}` + (report.instruction_set !== report.cpu ? ` (code for ${report.instruction_set})` : "")],
           ["numerics", report.numerics], ["batch sizes", batches.join(", ")]]),
    el("dl", { class: "facts" },
      report.artifact_bytes && report.sizes.length ? fact("Artifact", bytes(report.artifact_bytes), split([...report.sizes, ["rest", Math.max(0, report.artifact_bytes - report.sizes.reduce((sum, [, size]) => sum + size, 0))]].filter(([, size]) => size), bytes)) : "",
      train.length ? fact("Memory of training, peak", bytes(peak(train)), split([["state", report.state_bytes], ["arena", Math.max(...train.map(each => each.arena_bytes))], ["arguments", Math.max(...train.map(each => each.argument_bytes))], ["metrics, constants", report.metric_bytes + report.constant_bytes]].filter(([, size]) => size), bytes)) : "",
      predict.length ? fact("Memory of predict, peak", bytes(peak(predict)), split([["state", report.state_bytes], ["arena", Math.max(...predict.map(each => each.arena_bytes))], ["arguments, results", Math.max(...predict.map(each => each.argument_bytes + each.result_bytes))]].filter(([, size]) => size), bytes)) : "",
      fact("Compiled in", seconds(time), split([...shown, ["other phases", rest]].filter(([, value]) => value), seconds))));
}

function showBar() {
  const label = each => each.name + (each.batch ? ` · ${count(each.batch, "row")}` : "");
  const choice = el("select", { id: "entry", onchange: () => show(report.entries[choice.selectedIndex]) }, report.entries.map(each => el("option", {}, label(each))));
  const first = report.entries.findIndex(each => each.name === "train_step");
  choice.selectedIndex = Math.max(0, first);
  const sections = [["graph", "Graph"], ["kernels", "Kernels"], ["gradient", "Gradient"], ["memory", "Memory"], ["roofline", "Roofline"], ["text", "Text"]];
  part("bar").replaceChildren(el("div", {}, el("label", {}, "Entry ", choice), el("ul", {}, sections.map(([id, name]) => el("li", { "data-for": id }, el("a", { href: "#" + id }, name))))));
  return report.entries[choice.selectedIndex];
}

function showText() {
  part("text").replaceChildren(title("h2", "text-title", "Model text"),
    el("div", { class: "text", tabindex: 0, role: "group", "aria-label": "Model text; scrolls" },
      report.source.replace(/\n$/, "").split("\n").map((line, order) => el("div", { id: "line-" + (order + 1) }, el("span", { "aria-hidden": "true" }, order + 1), line || " "))));
}

// Shows all about an op beside the page.
function select(index) {
  const op = entry.ops[index], users = entry.ops.flatMap((each, other) => each.operands.includes(index) ? [other] : []);
  const chips = list => list.map(each => opChip(entry, each, select));
  const writes = entry.writes.filter(([, value]) => value === index).map(([name]) => name), results = entry.results.filter(([, value]) => value === index).map(([name]) => name);
  const line = op.line ? report.source.split("\n")[op.line - 1]?.trim() : "";
  const kernels = op.kernels.map((each, order) => [order ? ", " : "", el("a", { href: "#kernel-" + each, onclick: () => { const row = part("kernel-" + each); if (row) row.open = true; } }, breakable(entry.kernels[each].name))]);
  const detail = part("detail"), back = document.activeElement;
  const close = () => { detail.hidden = true; document.querySelectorAll(".text .at").forEach(each => each.classList.remove("at")); reveal(-1); if (back?.isConnected) back.focus({ preventScroll: true }); };
  document.querySelectorAll(".text .at").forEach(each => each.classList.remove("at"));
  part("line-" + op.line)?.classList.add("at");
  detail.replaceChildren();
  fill(detail, {}, [
    el("h3", {}, op.name), el("button", { class: "close", "aria-label": "Close", onclick: close }, "×"),
    pairs([["type", `${op.type} (${bytes(op.bytes)})`], ["role", op.role === "backward" ? "gradient" : op.role], ["made by", op.rule || ""], ["options", op.options ? el("code", {}, op.options) : ""],
           ["becomes", writes.join(", ")], ["result", results.join(", ")], ["kernel", kernels.length ? kernels : op.role === "argument" || op.role === "state" ? "" : "none: it moves no data"],
           [`line ${op.line}`, line ? el("a", { href: "#line-" + op.line }, el("code", {}, line)) : ""]]),
    op.apart ? [el("h4", {}, "Not computed with"), el("ul", { class: "reasons" }, op.apart.map(({ from, reason }) => el("li", {}, from >= 0 ? [opChip(entry, from, select), ": "] : "", reason + ".")))] : "",
    op.operands.length ? [el("h4", {}, "Reads"), chips(op.operands)] : "", users.length ? [el("h4", {}, "Read by"), chips(users)] : ""]);
  detail.hidden = false;
  detail.scrollTop = 0;
  detail.onkeydown = event => { if (event.key === "Escape") close(); };
  reveal(index);
}
addEventListener("keydown", event => { if (event.key === "Escape") part("detail").querySelector(".close")?.click(); });

function show(chosen) {
  entry = chosen;
  part("detail").hidden = true;
  reveal = showGraph(part("graph"), report, entry, select);
  showKernels(part("kernels"), report, entry, select);
  showGradient(part("gradient"), report, entry, select);
  showMemory(part("memory"), report, entry, select);
  showRoofline(part("roofline"), report, entry);
  document.querySelector("[data-for=gradient]").hidden = part("gradient").hidden;
  document.querySelector("[data-for=roofline]").hidden = part("roofline").hidden;
}

showHead();
showText();
if (report.entries.length) show(showBar());

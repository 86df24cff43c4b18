// The picture of an entry's graph.
function showGraph(place, report, entry, select) {
  const cells = cellsOf(entry, report.layers);
  const drawn = cells.reduce((sum, cell) => sum + cell.ops.length, 0);
  // Small graphs open as they are; of large ones the rows alone, to be opened one by one.
  const open = new Set(cells.filter(cell => cell.ops.length <= 16 && drawn <= 170 || drawn <= 40).map(cell => cell.key));
  let scale = 1, chosen = -1, layout;
  const canvas = el("div", { class: "canvas", tabindex: 0, role: "group", "aria-label": "Graph; scrolls" });
  const backward = entry.ops.some(op => op.role === "backward");

  function draw() {
    layout = layOut(entry, report.layers, cell => open.has(cell.key));
    const picture = svg("svg", { width: layout.width * scale, height: layout.height * scale,
      viewBox: `0 0 ${layout.width} ${layout.height}`, role: "group",
      "aria-label": `Graph of ${entry.name}: ${count(entry.ops.length, "op")}` });
    picture.append(svg("text", { class: "heading", x: layout.left, y: 24 }, backward ? "forward, updates ↓" : "in the order of the text ↓"));
    if (backward)
      picture.append(svg("text", { class: "heading", x: layout.left + layout.columns.forward + layout.gap, y: 24 }, "gradient ↑"));
    for (const cell of layout.cells) picture.append(drawCell(cell));
    for (const edge of layout.edges) {
      edge.path = svg("path", { class: "edge" + (edge.kept ? " kept" : ""), d: curveOf(edge) });
      picture.append(edge.path);
    }
    for (const [index, node] of layout.nodes) if (!node.hidden) picture.append(drawNode(index, node));
    canvas.replaceChildren(picture);
    light(chosen);
  }

  function drawCell(cell) {
    const layer = report.layers[cell.layer];
    const text = layer ? layer.text : "made by the compiler";
    const name = (cell.side === "backward" ? "gradient of " : "") + text;
    const room = Math.floor((cell.width - 24) / 7.3);
    const flip = () => {
      open.has(cell.key) ? open.delete(cell.key) : open.add(cell.key);
      draw();
      canvas.querySelector(`[data-cell="${cell.key}"]`)?.focus({ preventScroll: true });
    };
    const what = count(cell.ops.length, "op") + (layer ? `, line ${layer.line}` : "");
    return svg("g", { class: "cell " + cell.side },
      svg("rect", { class: "box", x: cell.x, y: cell.y, width: cell.width, height: cell.height, rx: 7 }),
      svg("line", { class: "mark", x1: cell.x + 1, y1: cell.y + 7, x2: cell.x + 1, y2: cell.y + cell.height - 7 }),
      svg("g", { class: "toggle", "data-cell": cell.key, "aria-expanded": String(cell.open),
                 "aria-label": `${name}, ${what}`, ...acts(flip) },
        svg("rect", { class: "head", x: cell.x, y: cell.y, width: cell.width, height: cell.open ? 40 : cell.height, rx: 7 }),
        svg("text", { class: "title", x: cell.x + 12, y: cell.y + 18 }, (cell.open ? "▾ " : "▸ ") + shorten(text, room)),
        svg("text", { class: "count", x: cell.x + 27, y: cell.y + 34 }, what),
        svg("title", {}, name)));
  }

  function drawNode(index, node) {
    const op = entry.ops[index], writes = entry.writes.filter(([, value]) => value === index).map(([name]) => name);
    const says = `${op.name}, ${op.type}, line ${op.line}` + (op.rule ? ", " + op.rule : "") +
                 (writes.length ? ", becomes " + writes.join(", ") : "");
    return svg("g", { class: `node ${op.role}` + (writes.length ? " writes" : ""), "data-op": index, "aria-label": says,
                      onpointerenter: () => light(index), onpointerleave: () => light(chosen),
                      onfocus: () => light(index), onblur: () => light(chosen), ...acts(() => select(index)) },
      svg("rect", { x: node.x, y: node.y, width: node.width, height: node.height,
                    rx: op.role === "state" || op.role === "argument" ? 17 : 5 }),
      svg("text", { class: "name", x: node.x + node.width / 2, y: node.y + 15, "text-anchor": "middle" }, op.name),
      svg("text", { class: "type", x: node.x + node.width / 2, y: node.y + 28, "text-anchor": "middle" }, op.type),
      svg("title", {}, says));
  }

  function light(index) {
    for (const edge of layout.edges) edge.path.classList.toggle("lit", edge.ops.has(index));
    for (const node of canvas.querySelectorAll(".node"))
      node.classList.toggle("chosen", Number(node.dataset.op) === chosen);
  }
  function zoom(factor) {
    const middle = [(canvas.scrollLeft + canvas.clientWidth / 2) / scale, (canvas.scrollTop + canvas.clientHeight / 2) / scale];
    scale = Math.min(3, Math.max(.15, scale * factor));
    const picture = canvas.firstChild;
    picture.setAttribute("width", layout.width * scale);
    picture.setAttribute("height", layout.height * scale);
    canvas.scrollLeft = middle[0] * scale - canvas.clientWidth / 2;
    canvas.scrollTop = middle[1] * scale - canvas.clientHeight / 2;
  }
  const fit = (least = .3) => zoom(Math.min(1, Math.max(least, (canvas.clientWidth - 4) / layout.width)) / scale);
  // From the top, as small as text stays legible; what is wider scrolls.
  const begin = () => {
    draw();
    fit(.8);
    const first = layout.cells[0];
    canvas.scrollTop = 0;
    canvas.scrollLeft = first ? (first.x + first.width / 2) * scale - canvas.clientWidth / 2 : 0;
  };
  const setAll = value => {
    for (const cell of cells) value ? open.add(cell.key) : open.delete(cell.key);
    begin();
  };
  canvas.addEventListener("wheel", event => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    zoom(event.deltaY < 0 ? 1.12 : 1 / 1.12);
  }, { passive: false });
  let held = null;
  canvas.addEventListener("pointerdown", event => {
    if (event.pointerType !== "mouse" || event.button || event.target.closest("[role=button]")) return;
    held = { x: event.clientX + canvas.scrollLeft, y: event.clientY + canvas.scrollTop };
    canvas.classList.add("held");
  });
  addEventListener("pointermove", event => {
    if (!held) return;
    canvas.scrollLeft = held.x - event.clientX;
    canvas.scrollTop = held.y - event.clientY;
  });
  addEventListener("pointerup", () => { held = null; canvas.classList.remove("held"); });

  const key = (name, text) => el("li", { style: `color: var(--${name})` }, el("span", { class: "swatch" }), el("span", { class: "soft" }, text));
  place.replaceChildren(
    title("h2", "graph-title", "Graph"),
    el("p", { class: "soft" }, `${count(entry.ops.length, "op")} of ${entry.name}` +
      (entry.batch ? `, compiled for ${count(entry.batch, "row")}` : "") + ". A row is a line of the model text" +
      (backward ? "; its gradient stands beside it. Dashed: values of the forward pass that memory keeps for the gradient." : ".") +
      " Constants are left out."),
    el("div", { class: "tools" },
      el("button", { onclick: () => setAll(true) }, "Open all"), el("button", { onclick: () => setAll(false) }, "Close all"),
      el("button", { onclick: () => zoom(1.25), "aria-label": "Zoom in" }, "+"),
      el("button", { onclick: () => zoom(.8), "aria-label": "Zoom out" }, "−"), el("button", { onclick: () => fit() }, "Fit"),
      el("ul", { class: "legend" }, key("forward", "forward"), backward && key("backward", "gradient"), key("state", "state, and what becomes it"))),
    canvas);
  begin();

  // Shows op `index`, opening its row and scrolling to it.
  return index => {
    chosen = index;
    const node = layout.nodes.get(index);
    if (node && node.hidden) { open.add(node.cell.key); draw(); }
    light(index);
    const at = layout.nodes.get(index);
    if (!at) return;
    // High up, where what is said about the op does not cover it.
    canvas.scrollTo({ left: (at.x + at.width / 2) * scale - canvas.clientWidth / 2, top: at.y * scale - canvas.clientHeight * .12 });
  };
}

// Where everything of a graph goes. Rows are the lines of the model text in order; the left column
// holds what they compute, the right column their gradient, so that the forward pass runs down on
// the left and the backward pass up on the right. A cell shows its ops, or itself alone.
const NODE = { height: 36, gapX: 12, gapY: 20, pad: 12, head: 26 };
const nodeWidth = op => Math.max(84, 16 + 6.9 * Math.max(op.name.length, op.type.length * .84));

// The cells of an entry: { key, layer, side, ops }, in rows. Constants are not drawn.
function cellsOf(entry, layers) {
  const cells = new Map();
  entry.ops.forEach((op, index) => {
    if (op.role === "constant") return;
    const side = op.role === "backward" ? "backward" : "forward";
    const key = op.layer + side;
    if (!cells.has(key)) cells.set(key, { key, layer: op.layer, side, ops: [] });
    cells.get(key).ops.push(index);
  });
  return [...cells.values()].sort((a, b) => a.layer - b.layer);
}

// Places the ops of an open cell in levels below what they read, relative to the cell.
function placeOps(entry, cell) {
  const level = new Map(), inside = new Set(cell.ops);
  for (const index of cell.ops) {
    const above = entry.ops[index].operands.filter(each => inside.has(each));
    level.set(index, 1 + Math.max(-1, ...above.map(each => level.get(each))));
  }
  // Sources stand right above their first reader.
  for (const index of [...cell.ops].reverse()) {
    if (entry.ops[index].operands.some(each => inside.has(each))) continue;
    const below = cell.ops.filter(each => entry.ops[each].operands.includes(index));
    if (below.length) level.set(index, Math.min(...below.map(each => level.get(each))) - 1);
  }
  const levels = [];
  for (const index of cell.ops) (levels[level.get(index)] ||= []).push(index);
  const places = new Map();
  const widths = levels.map(row => row.reduce((sum, each) => sum + nodeWidth(entry.ops[each]) + NODE.gapX, -NODE.gapX));
  const width = Math.max(...widths.filter(each => each !== undefined), 150);
  levels.forEach((row, depth) => {
    // Each op goes as near as it can below the middle of what it reads.
    const wish = new Map(row.map((each, order) => {
      const above = entry.ops[each].operands.map(other => places.get(other)).filter(Boolean);
      return [each, above.length ? above.reduce((sum, place) => sum + place.x + place.width / 2, 0) / above.length
                                 : width * (order + .5) / row.length];
    }));
    row.sort((a, b) => wish.get(a) - wish.get(b));
    let x = 0, rest = widths[depth];
    for (const each of row) {
      const own = nodeWidth(entry.ops[each]);
      x = Math.max(x, Math.min(wish.get(each) - own / 2, width - rest));
      places.set(each, { x, y: depth * (NODE.height + NODE.gapY), width: own, height: NODE.height });
      x += own + NODE.gapX;
      rest -= own + NODE.gapX;
    }
  });
  return { places, width, height: levels.length * (NODE.height + NODE.gapY) - NODE.gapY };
}

// { cells, nodes, edges, width, height }; `isOpen` tells which cells show their ops. An end of an
// edge is an op's node, or the cell that hides it.
function layOut(entry, layers, isOpen) {
  const cells = cellsOf(entry, layers), nodes = new Map(), columns = { forward: 260, backward: 0 };
  for (const cell of cells) {
    cell.open = isOpen(cell);
    const header = Math.min(360, 52 + 7.3 * (layers[cell.layer]?.text || "").length);
    cell.inner = cell.open ? placeOps(entry, cell) : { places: new Map(), width: 230, height: -NODE.pad };
    cell.width = Math.max(cell.inner.width + 2 * NODE.pad, cell.open ? header : 254);
    cell.height = NODE.head + 20 + cell.inner.height + NODE.pad * (cell.open ? 1.4 : 1);
    columns[cell.side] = Math.max(columns[cell.side], cell.width);
  }
  // Edges past other rows bend out by up to 68.
  const gap = columns.backward ? 90 : 0, left = 76;
  let y = 40;
  for (const layer of new Set(cells.map(cell => cell.layer))) {
    const row = cells.filter(cell => cell.layer === layer);
    const height = Math.max(...row.map(cell => cell.height));
    for (const cell of row) {
      const from = cell.side === "forward" ? left : left + columns.forward + gap;
      cell.x = from + (columns[cell.side] - cell.width) / 2;
      cell.y = y;
      const shift = (cell.width - cell.inner.width) / 2;
      for (const [index, place] of cell.inner.places)
        nodes.set(index, { ...place, x: cell.x + shift + place.x, y: y + NODE.head + 18 + place.y, cell });
      if (!cell.open) for (const index of cell.ops) nodes.set(index, { hidden: true, cell });
    }
    y += height + 30;
  }
  const kept = new Set(entry.kept.filter(each => each.how === "stored").map(each => each.op));
  const edges = new Map();
  entry.ops.forEach((op, index) => {
    const target = nodes.get(index);
    for (const operand of target ? op.operands : []) {
      const source = nodes.get(operand);
      if (!source || (source.hidden && source.cell === target.cell)) continue;
      const key = (source.hidden ? source.cell.key : operand) + ">" + (target.hidden ? target.cell.key : index);
      if (!edges.has(key)) edges.set(key, { source, target, ops: new Set(), kept: false });
      const edge = edges.get(key);
      edge.ops.add(operand).add(index);
      if (kept.has(operand) && op.role === "backward" && entry.ops[operand].role === "forward") edge.kept = true;
    }
  });
  return { cells, nodes, edges: [...edges.values()], columns, gap, left,
           width: left * 2 + columns.forward + gap + columns.backward, height: y };
}

// The curve of an edge, between the sides of its ends that face each other.
function curveOf({ source, target }) {
  const a = source.hidden ? source.cell : source, b = target.hidden ? target.cell : target;
  const ax = a.x + a.width / 2, bx = b.x + b.width / 2;
  if (source.cell === target.cell) {
    const y1 = a.y + a.height, y2 = b.y, bend = Math.min(40, Math.max(10, (y2 - y1) / 2));
    return `M${ax} ${y1}C${ax} ${y1 + bend} ${bx} ${y2 - bend} ${bx} ${y2}`;
  }
  if (source.cell.side !== target.cell.side) {
    const right = source.cell.side === "forward";
    const x1 = right ? a.x + a.width : a.x, x2 = right ? b.x : b.x + b.width;
    const y1 = a.y + a.height / 2, y2 = b.y + b.height / 2, bend = (right ? 1 : -1) * Math.max(40, Math.abs(x2 - x1) / 2);
    return `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
  }
  const down = b.y > a.y, y1 = down ? a.y + a.height : a.y, y2 = down ? b.y : b.y + b.height;
  const reach = Math.abs(y2 - y1);
  if (reach < 120) {
    const bend = (down ? 1 : -1) * reach / 2;
    return `M${ax} ${y1}C${ax} ${y1 + bend} ${bx} ${y2 - bend} ${bx} ${y2}`;
  }
  // Past other rows: around them on the outer side.
  const outer = source.cell.side === "forward", x1 = outer ? a.x : a.x + a.width, x2 = outer ? b.x : b.x + b.width;
  const out = (outer ? -1 : 1) * Math.min(90, 18 + reach / 30);
  const side = outer ? Math.min(x1, x2) + out : Math.max(x1, x2) + out;
  return `M${x1} ${a.y + a.height / 2}C${side} ${a.y + a.height / 2} ${side} ${b.y + b.height / 2} ${x2} ${b.y + b.height / 2}`;
}

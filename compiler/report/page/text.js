// Making elements and saying quantities. Text always goes in as text, never as markup.
const SVG = "http://www.w3.org/2000/svg";

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  for (const child of children.flat(9))
    if (child !== null && child !== undefined && child !== false && child !== "")
      node.append(child instanceof Node ? child : String(child));
  return node;
}
const el = (name, attributes, ...children) => fill(document.createElement(name), attributes, children);
const svg = (name, attributes, ...children) => fill(document.createElementNS(SVG, name), attributes, children);

function scaled(value, units, step) {
  let index = 0;
  while (value >= step && index + 1 < units.length) { value /= step; index++; }
  const digits = value >= 100 || Number.isInteger(value) ? 0 : value >= 10 ? 1 : 2;
  return value.toFixed(digits) + "\u00a0" + units[index];
}
const bytes = value => scaled(value, ["B", "KiB", "MiB", "GiB", "TiB"], 1024);
const flops = value => scaled(value, ["flop", "kflop", "Mflop", "Gflop", "Tflop"], 1000);
const rate = (value, unit) => scaled(value, [unit, "k" + unit, "M" + unit, "G" + unit, "T" + unit], 1000);
const seconds = value => value === 0 ? "0\u00a0s" : scaled(value * 1e9, ["ns", "µs", "ms", "s"], 1000);
const count = (number, one, many = one + "s") => number + "\u00a0" + (number === 1 ? one : many);
const shorten = (text, length) => text.length > length ? text.slice(0, length - 1) + "…" : text;

// A name that may be broken after its underscores.
const breakable = name => name.split("_").flatMap((word, place) => place ? ["_", el("wbr"), word] : [word]);

// A control that acts on Enter and Space as on a click, for shapes of SVG.
const acts = act => ({
  tabindex: 0, role: "button", onclick: act,
  onkeydown: event => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    act(event);
  },
});
const title = (level, id, text) => el(level, { id }, text);
const pairs = items => el("dl", { class: "pairs" },
    items.filter(([, value]) => value !== "" && value !== undefined && value !== null)
        .map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));

"""A run on a GPU as Markdown: for the terminal and for docs/benchmarks_gpu.md."""
import report


def head(run):
    gpu = run.get("machine", {}).get("gpu", {})
    name = gpu.get("name") or run.get("machine", {}).get("device", "no GPU")
    lines = [f"{run['date']}, `{run['command']}`, {run['minutes']:.1f} minutes"
             + (" — a dry run on a stand-in for the driver: none of its times mean anything"
                if run["dry_run"] else ""), "",
             f"{name}; driver {gpu.get('driver_version', 'unknown')}; "
             f"{run.get('machine', {}).get('processor', '')}; Graven at {run.get('source', 'unknown')}."]
    for who, version in run.get("speed", {}).get("versions", {}).items():
        lines.append(f"{who}: {version}.")
    return "\n".join(lines) + "\n"


def part_line(name, part, limit):
    state = part.get("broken") or part.get("skipped")
    return [name, f"{part.get('seconds', 0):.0f} of {limit} s", state or part.get("verdict", "done")]


def parts(run):
    rows = [part_line(name, run[name], limit) for name, limit in run["limits"].items() if name in run]
    return "### What was run\n\n" + report.table(["part", "time", "outcome"], rows) + "\n"


def failures(run):
    lines = []
    for name in ("kernels", "conformance", "training"):
        for one in run.get(name, {}).get("failures", [])[:20]:
            lines.append(f"- {name}: {one['case']}: {one['error']}")
    for text in run.get("speed", {}).get("disagreements", []):
        lines.append(f"- WRONG: {text}")
    return "### Failures\n\n" + "\n".join(lines) + "\n" if lines else ""


def amount(row):
    """What Graven reached."""
    own = row["results"].get("graven")
    if not own:
        return ""
    if row.get("ceiling") == "copy_gbs":
        return f"{row['bytes'] / own['median'] / 1e9:.0f} GB/s, {100 * row['share']:.0f} % of a copy"
    return f"{row['flops'] / own['median'] / 1e12:.2f} TFLOP/s" if row["flops"] else ""


def clocks(row):
    seen = [c["sm"] for c in row.get("clocks", []) if c]
    return "–".join(f"{c:.0f}" for c in seen)


def verdict(row):
    return ", ".join(f"≥ {c['target']:g}{' of a copy' if c['what'].startswith('share') else ''}: "
                     + ("met" if c["met"] else "MISSED") for c in row["checks"])


def table(measured):
    names = []
    for row in measured["rows"]:
        names += [n for n in row["results"] if n not in names and n != "graven"]
    lines = [f"### {measured['title']}", ""]
    rows = []
    for row in measured["rows"]:
        own = row["results"].get("graven")
        line = [row["label"], report.spread(own) if own else "–", amount(row)]
        line += [report.ratio_of(row["results"].get(n, {})) or "–" for n in names]
        rows.append([*line, clocks(row), verdict(row)])
    if rows:
        lines.append(report.table(["", "graven µs (min–max)", "reached", *[f"{n} / graven" for n in names],
                                   "MHz", "target"], rows))
    if "copy_gbs" in measured:
        lines.append(f"\nA copy within the GPU's memory moved {measured['copy_gbs'][0]:.0f} GB/s before and "
                     f"{measured['copy_gbs'][1]:.0f} GB/s after, bytes read and written.")
    reasons = dict(measured["left_out"])
    for row in measured["rows"]:
        reasons.update({f"{row['label']}, {n}": r for n, r in row["skipped"].items()})
    lines += [f"\nskipped: {what}: {reason}" for what, reason in reasons.items()]
    return "\n".join(lines) + "\n"


def calls(found):
    rows = []
    for name, one in found.items():
        trip, host = one.get("roundtrip"), one.get("enqueue")
        rows.append([name, *(f"{report.microseconds(trip[k])}" if trip else "–" for k in ("p50", "p99")),
                     report.microseconds(host["p50"]) if host else "–", one.get("skipped", "")])
    return ("### Calls of the smallest models\n\n" + report.table(
        ["", "host to host, p50 µs", "p99 µs", "a queued call, µs of the host", ""], rows) + "\n")


def sanitizer(found):
    rows = [[tool, target, "not finished" if one["reports"] is None else one["reports"]]
            for tool, targets in found.get("tools", {}).items() for target, one in targets.items()]
    return ("### compute-sanitizer\n\n" + report.table(["tool", "on", "reports"], rows) + "\n"
            if rows else "")


def whole(run):
    speed = run.get("speed", {})
    texts = [head(run), parts(run), failures(run), *(table(t) for t in speed.get("tables", []))]
    if speed.get("calls"):
        texts.append(calls(speed["calls"]))
    texts.append(sanitizer(run.get("sanitizer", {})))
    skipped = [f"skipped: {n}: {r}" for n, r in speed.get("peers_skipped", {}).items()]
    left = [f"left out when the pieces were made: {n}: {r}" for n, r in run.get("left_out", {}).items()]
    texts += ["\n".join(skipped + left) + "\n"] if skipped or left else []
    return "\n".join(t for t in texts if t)

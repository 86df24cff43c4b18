"""The tables on stdout and in docs/benchmarks.md, and the comparison of two runs."""


def microseconds(seconds):
    value = seconds * 1e6
    return f"{value:.3f}" if value < 10 else f"{value:.1f}" if value < 1000 else f"{value:.0f}"


def table(head, rows):
    """Columns aligned; valid Markdown."""
    rows = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    line = lambda cells: "| " + " | ".join(  # noqa: E731
        cell.ljust(w) for cell, w in zip(cells, widths)) + " |"
    return "\n".join([line(head), "|" + "|".join("-" * (w + 2) for w in widths) + "|",
                      *map(line, rows)])


def spread(result):
    return (f"{microseconds(result['median'])} "
            f"({microseconds(result['min'])}–{microseconds(result['max'])})")


def ratio_of(result):
    ratio = result.get("ratio")
    return f"{ratio['median']:.2f} (≥ {ratio['lower']:.2f})" if ratio else ""


def title(block):
    what = {"train": "Training step", "predict": "Inference, mean of a burst",
            "latency": "Inference, single calls", "smallest": "A call of the smallest model"}
    return (f"{what[block['kind']]}, batch {block['batch']}, {block['threads']} "
            f"thread{'s' if block['threads'] > 1 else ''}")


def verdict(block):
    """The target against the best peer, where there is one."""
    target, best = block.get("target"), block.get("best_peer")
    if not best or "ratio" not in block["results"][best]:
        return ""
    lower = block["results"][best]["ratio"]["lower"]
    text = f"Against the best peer, {best}: {ratio_of(block['results'][best])} times as fast"
    if target:
        text += f"; target {target}: {'met' if lower >= target else 'MISSED'}"
    return text + "."


def block_text(block):
    lines = [f"### {title(block)}", ""]
    ceiling = block["before"]
    head = ["contender", "median µs (min–max)", "peer / graven (lower 95 % bound)"]
    if block.get("flops"):
        head.append("of FMA ceiling")
    head.append("as")
    rows = []
    for name, result in sorted(block["results"].items(), key=lambda kv: kv[1]["median"]):
        row = [name, spread(result), ratio_of(result)]
        if block.get("flops"):
            row.append(f"{block['flops'] / result['median'] / ceiling['gflops'] / 1e7:.0f} %")
        rows.append(row + [result.get("chosen", "")])
    lines.append(table(head, rows))
    for name, reason in block["skipped"].items():
        lines.append(f"\nskipped: {name}: {reason}")
    said = verdict(block)
    if said:
        lines.append("\n" + said)
    lines.append(
        f"\nCeilings {ceiling['gflops']:.0f} GFLOP/s, triad {ceiling['triad_gbs']:.1f} GB/s; moved "
        f"{100 * block['moved']:.1f} %{'' if block['sound'] else ' — NOT SOUND, discard'}; load "
        f"average {block['load']:.2f}; idle contenders used {100 * block['idle_share']:.1f} % of a "
        "core.")
    return "\n".join(lines) + "\n"


def latency_text(block):
    lines = [f"### {title(block)}", ""]
    rows = []
    for name, result in sorted(block["results"].items(), key=lambda kv: kv[1]["p50"]["median"]):
        rows.append([name, spread(result["p50"]), ratio_of(result["p50"]), spread(result["p99"]),
                     ratio_of(result["p99"])])
    lines.append(table(["contender", "p50 µs (min–max)", "peer / graven", "p99 µs (min–max)",
                        "peer / graven"], rows))
    for name, reason in block["skipped"].items():
        lines.append(f"\nskipped: {name}: {reason}")
    return "\n".join(lines) + "\n"


def profile_text(profile, least=0.01):
    """Commands in order; those below `least` of the step are summed."""
    lines = [f"### Where a step goes: batch {profile['batch']}, {profile['threads']} "
             f"thread{'s' if profile['threads'] > 1 else ''}", ""]
    total = sum(c["nanoseconds"] for c in profile["commands"]) or 1
    rows, small = [], {"nanoseconds": 0.0, "count": 0}
    for c in profile["commands"]:
        if c["nanoseconds"] < least * total:
            small["nanoseconds"] += c["nanoseconds"]
            small["count"] += 1
            continue
        time = max(c["nanoseconds"], 1)
        rows.append([c["name"], c["grid"], f"{time / 1e3:.2f}", f"{100 * time / total:.0f} %",
                     f"{c['flops'] / time:.1f}", f"{c['bytes'] / time:.1f}"])
    if small["count"]:
        rows.append([f"{small['count']} others, each below {100 * least:.0f} %", "",
                     f"{small['nanoseconds'] / 1e3:.2f}",
                     f"{100 * small['nanoseconds'] / total:.0f} %", "", ""])
    lines.append(table(["command", "grid", "µs", "share", "GFLOP/s", "GB/s"], rows))
    return "\n".join(lines) + "\n"


def costs_text(costs):
    return "### Cost\n\n" + table(["what", "value"], [[c["what"], c["value"]] for c in costs]) + "\n"


def head_text(run):
    machine = run["machine"]
    versions = ", ".join(f"{n} {v}" for n, v in run["versions"].items())
    lines = [f"{run['date']}, `{run['command']}`", "",
             f"{machine['cpu']}, {machine['cores']} cores, {machine['kernel']}; {versions}.",
             f"Dropout {run['dropout']}; {run['repeats']} rounds of bursts of "
             f"{run['burst_ms']} ms, contenders in turn.", ""]
    for name, reason in run["skipped"].items():
        lines.append(f"skipped: {name}: {reason}")
    if run["agreement"]:
        lines += ["", "Losses without dropout over the first steps, largest relative difference from "
                  + f"{run['agreement']['reference']}: "
                  + ", ".join(f"{n} {d:.1e}" for n, d in run["agreement"]["differences"].items())
                  + "."]
        lines += [f"WRONG: {n} computes something else" for n in run["agreement"]["wrong"]]
    return "\n".join(lines) + "\n"


def compare_text(old, new):
    """Change of each median against the old run, each divided by its own machine's FMA ceiling."""
    before = {(b["kind"], b["batch"], b["threads"]): b for b in old["blocks"]}
    rows = []
    for block in new["blocks"]:
        was = before.get((block["kind"], block["batch"], block["threads"]))
        if not was or block["kind"] == "latency":
            continue
        scale = block["before"]["gflops"] / was["before"]["gflops"]
        for name, result in block["results"].items():
            if name in was["results"]:
                ratio = result["median"] * scale / was["results"][name]["median"]
                rows.append([title(block), name, microseconds(was["results"][name]["median"]),
                             microseconds(result["median"]), f"{100 * (ratio - 1):+.1f} %"])
    if old["dropout"] != new["dropout"]:
        return "### Compared\n\nThe runs differ in dropout: no comparison.\n"
    return "### Compared\n\n" + table(
        ["what", "contender", "old µs", "new µs", "change at equal clock"], rows) + "\n"

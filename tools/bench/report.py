"""The tables on stdout and in docs/benchmarks.md."""


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


def spread(result, unit=1):
    return (f"{microseconds(result['median'] / unit)} "
            f"({microseconds(result['min'] / unit)}–{microseconds(result['max'] / unit)})")


def ratio_of(result):
    ratio = result.get("ratio")
    return f"{ratio['median']:.2f} (≥ {ratio['lower']:.2f})" if ratio else ""


def heading(table):
    return f"{table['title']}, {table['threads']} thread{'s' if table['threads'] > 1 else ''}"


def verdict(row):
    """What a row's targets came to."""
    return ", ".join(f"≥ {c['target']:g}{' of peak' if c['what'].startswith('share') else ''}: "
                     + ("met" if c["met"] else "MISSED") for c in row["checks"])


def amount(row):
    """What Graven reached, against the ceiling."""
    if "share" not in row or "graven" not in row["results"]:
        return ""
    median = row["results"]["graven"]["median"]
    if row["ceiling"] == "gflops":
        return f"{row['flops'] / median / 1e9:.1f} GFLOP/s, {100 * row['share']:.0f} %"
    past = " past the cache" if row["ceiling"] == "stream_gbs" else ""
    return f"{row['bytes'] / median / 1e9:.1f} GB/s, {100 * row['share']:.0f} %{past}"


def table_text(measured):
    """A line for each computation, a column for each contender: its time over Graven's."""
    names = []
    for row in measured["rows"]:
        names += [n for n in row["results"] if n not in names and n != "graven"]
    unit = measured.get("unit", "µs")
    head = ["", f"graven {unit} (min–max)"]
    with_share = any("share" in r for r in measured["rows"])
    head += ["of the ceiling"] if with_share else []
    head += [f"{n} / graven" for n in names] + ["target"]
    rows = []
    for row in measured["rows"]:
        own = row["results"].get("graven")
        line = [row["label"], spread(own, row["unit"]) if own else "–"]
        line += [amount(row)] if with_share else []
        for name in names:
            other = row["results"].get(name)
            line.append((ratio_of(other) or spread(other, row["unit"])) if other else "–")
        rows.append(line + [verdict(row)])
    lines = [f"### {heading(measured)}", "", table(head, rows)]
    reasons = {}
    for row in measured["rows"]:
        for name, reason in row["skipped"].items():
            reasons.setdefault((name, reason), []).append(row["label"])
    for (name, reason), labels in reasons.items():
        lines.append(f"\nskipped: {name}: {', '.join(labels)}: {reason}")
    lines.append("\n" + conditions(measured))
    return "\n".join(lines) + "\n"


def conditions(measured):
    ceiling = measured["before"]
    return (f"Ceilings {ceiling['gflops']:.0f} GFLOP/s, triad {ceiling['triad_gbs']:.1f} GB/s, past "
            f"the cache {ceiling['stream_gbs']:.1f}; moved {100 * measured['moved']:.1f} %"
            f"{'' if measured['sound'] else ' — NOT SOUND, discard'}; load average "
            f"{measured['load']:.2f}; idle contenders used {100 * measured['idle_share']:.1f} % of "
            "a core.")


def summary_text(run):
    """Targets met in each part, and the rows farthest from theirs."""
    lines, worst = ["### Summary", ""], []
    counts = {}
    for measured in run["tables"]:
        for row in measured["rows"]:
            tally = counts.setdefault(measured["part"], {"rows": 0, "met": 0, "level": 0,
                                                         "compared": 0})
            tally["rows"] += bool(row["checks"])
            tally["met"] += bool(row["checks"]) and all(c["met"] for c in row["checks"])
            if "bound" in row:
                tally["compared"] += 1
                tally["level"] += row["bound"] >= 0.97
            for check in row["checks"]:
                if not check["met"]:
                    worst.append((check["value"] / check["target"], f"{row['label']}, "
                                  f"{measured['threads']} thr.: {check['what']} "
                                  f"{check['value']:.2f}, target {check['target']:g}"
                                  + (f" ({row.get('best_peer')})"
                                     if check["what"] == "best peer" else "")))
    lines.append(table(["part", "rows with a target", "met", "no slower than the best peer"], [
        [part, t["rows"], t["met"], f"{t['level']} of {t['compared']}" if t["compared"] else ""]
        for part, t in counts.items()]))
    aims = [c for c in run["costs"] if c["target"] is not None]
    if aims:
        lines.append(f"\nCosts: {sum(c['met'] for c in aims)} of {len(aims)} targets met.")
    unsound = sum(not t["sound"] for t in run["tables"])
    lines.append(f"\n{len(run['tables'])} tables, {unsound} of them not sound.")
    if worst:
        lines.append("\nFarthest from their targets:\n")
        lines += [f"- {text}" for _, text in sorted(worst)[:20]]
    return "\n".join(lines) + "\n"


def profile_text(profile, least=0.01):
    """Commands in order; those below `least` of the step are summed."""
    lines = [f"### Where a step goes: {profile['title']}, {profile['threads']} "
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
    rows = [[c["what"], f"{c['value']:.{0 if c['value'] >= 100 else 2}f} {c['unit']}".strip(),
             "" if c["target"] is None else
             f"≤ {c['target']:g}: {'met' if c['met'] else 'MISSED'}"] for c in costs]
    return "### Cost\n\n" + table(["what", "value", "target"], rows) + "\n"


def memory_text(rows):
    """What a training step takes, and the least that one in place could: state and arguments."""
    if not rows:
        return ""
    names = list(dict.fromkeys(name for row in rows for name in row["peers"]))
    kib = lambda value: f"{value / 1024:.0f}"  # noqa: E731
    lines = []
    for row in rows:
        best = min(row["peers"].values(), default=None)
        over = lambda value: f"{value / best:.2f}" if best else "–"  # noqa: E731
        lines.append([row["label"], *(kib(row[part]) for part in ("state", "io", "arena", "own")),
                      *(kib(row["peers"][n]) if n in row["peers"] else "–" for n in names),
                      over(row["own"]), over(row["state"] + row["io"])])
    return "### Memory of training, KiB\n\n" + table(
        ["", "state", "inputs, results", "arena", "graven", *names, "graven over the best peer",
         "without any arena"], lines) + "\n"


def scaling(run):
    """[(row, seconds on one thread, seconds on two, quotient, what the ceilings allow)], Graven's
    rows that were measured on one and on two threads."""
    one = {(t["title"], r["label"]): (t, r) for t in run["tables"] if t["threads"] == 1
           for r in t["rows"] if "graven" in r["results"]}
    found = []
    for table_of_two in run["tables"]:
        for row in table_of_two["rows"] if table_of_two["threads"] == 2 else []:
            key = (table_of_two["title"], row["label"])
            if key not in one or "graven" not in row["results"] or row["label"].endswith("p99"):
                continue
            times = [r["results"]["graven"]["median"] for r in (one[key][1], row)]
            ceiling = row.get("ceiling", "gflops")
            found.append((f"{row['label']}, {table_of_two['title']}", *times, times[0] / times[1],
                          table_of_two["before"][ceiling] / one[key][0]["before"][ceiling]))
    return found


def scaling_text(run):
    """Two threads against one: never slower, and near the ceilings on work above 1 ms."""
    found = scaling(run)
    if not found:
        return ""
    long = [f for f in found if f[1] > 1e-3]
    slower = [f for f in found if f[3] < 0.97]
    short = [f for f in long if f[3] < 0.97 * 0.93 * f[4]]
    lines = ["### Two threads over one", "",
             f"Above 1 ms {len(long) - len(short)} of {len(long)} rows reach 0.93 of what the ceilings "
             f"allow; of all {len(found)} rows {len(slower)} are slower on two threads than on one."]
    rows = [[name, microseconds(a), microseconds(b), f"{q:.2f}", f"{allowed:.2f}"]
            for name, a, b, q, allowed in sorted({*slower, *short}, key=lambda f: f[3])]
    if rows:
        lines += ["", table(["those that miss", "one, µs", "two, µs", "quotient", "of the ceilings"],
                            rows)]
    return "\n".join(lines) + "\n"


def head_text(run):
    machine = run["machine"]
    versions = ", ".join(f"{n} {v}" for n, v in run["versions"].items())
    lines = [f"{run['date']}, `{run['command']}`", "",
             f"{machine['cpu']}, {machine['cores']} cores, {machine['kernel']}; {versions}.",
             f"{run['repeats']} rounds of bursts of {run['burst_ms']:g} ms, contenders in turn; "
             f"{run['minutes']:.0f} minutes.", ""]
    for name, reason in run["skipped"].items():
        lines.append(f"skipped: {name}: {reason}")
    lines += [f"WRONG: {text}" for text in run["disagreements"]]
    return "\n".join(lines) + "\n"


def run_text(run):
    """A whole run, as it stands in docs/benchmarks.md."""
    parts = [head_text(run), summary_text(run), scaling_text(run)]
    parts += [table_text(t) for t in run["tables"]]
    if run["costs"]:
        parts += [costs_text(run["costs"]), memory_text(run["memory"])]
    parts += [profile_text(p) for p in run["profiles"]]
    return "\n".join(p for p in parts if p)

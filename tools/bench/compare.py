"""Which rows of a run became slower or faster than in an older one, beyond the noise."""
import measure
import report


def rows_of(run):
    return {(t["part"], t["title"], t["threads"], r["label"]): (t, r)
            for t in run["tables"] for r in t["rows"]}


def changes(old, new):
    """[(row's name, old seconds, new seconds, change, "slower" | "faster" | None)] for Graven.

    Times are compared at equal ceilings: the multiply-add rate where a row is bounded by it, the
    triad where by that, else the former.
    """
    before, found = rows_of(old), []
    for key, (table, row) in rows_of(new).items():
        if key not in before:
            continue
        was_table, was_row = before[key]
        if "graven" not in row["results"] or "graven" not in was_row["results"]:
            continue
        ceiling = row.get("ceiling", "gflops")
        scale = table["before"][ceiling] / was_table["before"][ceiling]
        samples = [r["results"]["graven"] for r in (was_row, row)]
        found.append((f"{row['label']}, {table['title']}, {table['threads']} thr.",
                      samples[0]["median"], samples[1]["median"],
                      samples[1]["median"] * scale / samples[0]["median"] - 1,
                      measure.changed(samples[0]["samples"], samples[1]["samples"], scale)))
    return found


def text(found):
    lines = ["### Compared", ""]
    moved = [f for f in found if f[4]]
    if moved:
        lines.append(report.table(
            ["what", "old µs", "new µs", "at equal ceilings", ""],
            [[name, report.microseconds(was), report.microseconds(now), f"{100 * change:+.1f} %",
              which] for name, was, now, change, which in sorted(moved, key=lambda f: -f[3])]))
    slower = sum(f[4] == "slower" for f in found)
    lines.append(f"\n{len(found)} rows in both runs: {slower} slower, "
                 f"{sum(f[4] == 'faster' for f in found)} faster, the rest within the noise.")
    return "\n".join(lines) + "\n"

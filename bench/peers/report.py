"""Writes what bench.py measured as BENCHMARKS.md and its pictures:  python report.py RESULTS.json FOLDER"""

import json
import math
import statistics
import sys
from pathlib import Path

import plot
from engines import OURS
from measure import BATCH_MS, TOLERANCE
from shapes import SHAPES

BEGIN = "<!-- begin: written by bench/peers/run.sh, not by hand -->"
END = "<!-- end: written by bench/peers/run.sh -->"

METHOD = """\
Every engine runs in its own process, with its number of threads set and without pinning. What can be done once
(reading the model, packing weights, compiling) is not timed; the input is in memory as float32, and the time ends
when the result is complete. FSRCNN is built in two forms: with the 9x9 deconvolution of stride 2, and with the
equivalent 5x5 convolution to 4 channels and depth to space (sub-pixel). Every form with every option of an engine is
compared with float64 on a 97x61 picture and on the frame itself, both clamped to [0, 1], as some engines do; any form
that differs by {tolerance:g} or more is wrong and excluded. The fastest correct form of each engine then runs against
the others, interleaved: one run each per round, {rounds} rounds, a different engine first in each, and a pause
between them in which threads stop spinning. All engines compute in float32.

conv_transpose2d is measured in the same way; runs are repeated until {batch} ms have passed. "NCHW" means NCHW input
and output in memory; "own layout" is the best that the engine can do if input and output may stay in the layout it
prefers, as inside a network of its own. Weights are packed once and not timed. PyTorch: unmodified and with packed
weights; oneDNN: its C++ primitive (`bench/peers/onednn.cpp`), on NCHW and with reorders, which count only in the
column NCHW."""


def milliseconds(value):
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def table(header, rows, alignment):
    lines = [header, [{"l": "---", "r": "---:"}[a] for a in alignment], *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)


def network_table(measured, without_ours):
    engines = dict(measured["engines"])
    if without_ours:
        engines[OURS] = {"failure": "--without-ours"}
    medians = {name: statistics.median(e["ms"]) for name, e in engines.items() if "ms" in e}
    base = medians.get(OURS, min(medians.values(), default=math.nan))
    rows = []
    for name in sorted(engines, key=lambda name: medians.get(name, math.inf)):
        e, title = engines[name], f"**{name}**" if name == OURS else name
        if name not in medians:
            rows.append([title, f"not measured: {e['failure']}", *["–"] * 6])
            continue
        ms = e["ms"]
        rows.append([
            title, e["variant"], milliseconds(medians[name]), milliseconds(min(ms)),
            f"{milliseconds(min(ms))}..{milliseconds(max(ms))}", f"{1000 / medians[name]:.2f}",
            f"{medians[name] / base:.2f}", f"{e['error']:.0e}",
        ])  # fmt: skip
    ratio = "time / ours" if OURS in medians else "time / the fastest's"
    return table(["engine", "form", "ms, median", "best", "spread", "frames/s", ratio, "error"], rows, "llrrrrrr")


def survey_table(survey):
    rows = [
        [
            r["engine"],
            r["variant"],
            milliseconds(r["ms"]) if "ms" in r else r["failure"],
            f"{r['error']:.0e}" if "error" in r else "–",
        ]
        for r in survey
    ]
    return table(["engine", "form", "ms, best of 1 to 3", "error"], rows, "llrr")


def columns_of(row):
    """{column: ms} of a shape: the best of the rounds of the best right variant; None: none is right."""
    result = {}
    for engine, cells in row["engines"].items():
        for variant, cell in cells.items():
            column = engine if engine == OURS else f"{engine}, {'NCHW' if variant.startswith('NCHW') else 'own layout'}"
            times = [t for t in (result.get(column), min(cell["ms"]) if "ms" in cell else None) if t is not None]
            result[column] = min(times, default=None)
    for column in [name for name in result if name.endswith("own layout")]:  # which NCHW may be
        times = [t for t in (result[column], result[column.replace("own layout", "NCHW")]) if t is not None]
        result[column] = min(times, default=None)
    return result


def ratio(columns, suffix):
    """The fastest peer's time over ours, among the columns with this suffix."""
    ours = columns.get(OURS)
    peers = [ms for name, ms in columns.items() if name != OURS and name.endswith(suffix) and ms is not None]
    return min(peers) / ours if ours is not None and peers else None


def conv_transpose_table(rows):
    header = [OURS, "PyTorch, NCHW", "PyTorch, own layout", "oneDNN, NCHW", "oneDNN, own layout"]
    lines, ratios = [], {"NCHW": [], "": []}
    for row in rows:
        op, columns = SHAPES[row["shape"]], columns_of(row)
        cells = ["–" if columns.get(name) is None else milliseconds(columns[name]) for name in header]
        for suffix, values in ratios.items():
            value = ratio(columns, suffix)
            cells.append("–" if value is None else f"{value:.2f}")
            values.extend([] if value is None else [value])
        lines.append([op.network, op.describe(), f"{op.multiply_adds / 1e6:.3g}", *cells])
    titles = ["network", "shape (in→out, HxW)", "10^6 multiply-adds", *(f"{name}, ms" for name in header)]
    text = table([*titles, "fastest NCHW / ours", "fastest / ours"], lines, "ll" + "r" * 8)
    for title, values in zip(("The fastest NCHW peer", "The fastest peer in any layout"), ratios.values()):
        if values:
            mean = statistics.geometric_mean(values)
            text += f"\n\n{title} takes {mean:.2f} times as long as ours (geometric mean; "
            text += f"minimum {min(values):.2f}, maximum {max(values):.2f})."
    return text


def left_out(rows):
    """What was wrong or failed, one line for each variant and reason of failure, with the shapes."""
    reasons = {}
    for row in rows:
        for engine, cells in row["engines"].items():
            for variant, cell in cells.items():
                if "failure" in cell:
                    kind = "wrong" if cell["failure"].startswith("wrong") else cell["failure"]
                    op = SHAPES[row["shape"]]
                    reasons.setdefault((engine, variant, kind), []).append(f"{op.network} {op.describe()}")
    return "\n".join(
        f"- Excluded: {engine} ({variant}), {kind}: {'; '.join(shapes)}"
        for (engine, variant, kind), shapes in reasons.items()
    )


def failures(results, engine=None):
    """What could not be measured, or was wrong, of every engine or of this one."""
    lines = [f"{name}: {why}" for name, why in results["failures"].items()]
    for threads, measured in results["network"].items():
        for name, e in measured["engines"].items():
            if "failure" in e:
                lines.append(f"{name}: FSRCNN, threads: {threads}: {e['failure']}")
    for row in (row for rows in results["conv_transpose"].values() for row in rows):
        for name, cells in row["engines"].items():
            lines += [
                f"{name}: {SHAPES[row['shape']].describe()}, {variant}: {cell['failure']}"
                for variant, cell in cells.items()
                if "failure" in cell
            ]
    return [line for line in dict.fromkeys(lines) if engine is None or line.startswith(f"{engine}:")]


def environment(results):
    machine, disturbance = results["machine"], results["disturbance"]
    kind = "a virtual machine with" if machine["virtual"] else "with"
    versions = ", ".join(f"{name} {version}" for name, version in results["versions"].items())
    width, height = results["size"]
    lines = [
        f"- Command: `{results['command']}`, {results['date']}",
        f"- Machine: {machine['cpu']}, {kind} {machine['cores']} cores and {machine['memory_gib']} GiB; "
        f"{', '.join(machine['instruction_sets'])}; {machine['system']}",
        f"- Disturbance: other processes took {disturbance['others']:.0%} of the cores' time and other machines "
        f"{disturbance['stolen']:.0%}; the spread shows the effect",
        f"- Versions: {versions}",
        f"- Frame: {width}x{height} to {2 * width}x{2 * height}, luma, float32; {results['rounds']} rounds",
    ]
    lines += [f"- {name} could not be measured: {why}" for name, why in results["failures"].items()]
    return "\n".join(lines)


def markdown(results):
    parts = [environment(results), "![Times of all engines](benchmarks.svg)"]
    for threads, measured in results["network"].items():
        parts += [f"## FSRCNN x2, threads: {threads}", network_table(measured, results["without_ours"])]
        details = survey_table(measured["survey"])
        parts.append(f"<details><summary>All forms, each timed separately</summary>\n\n{details}\n\n</details>")
    for threads, rows in results["conv_transpose"].items():
        if rows:
            parts.append(f"## conv_transpose2d, threads: {threads}")
            if threads == list(results["conv_transpose"])[-1]:
                parts.append("![Times of conv_transpose2d](benchmarks_conv_transpose2d.svg)")
            parts += ["Milliseconds, best of the rounds.", conv_transpose_table(rows), left_out(rows)]
    method = METHOD.format(tolerance=TOLERANCE, rounds=results["rounds"], batch=BATCH_MS)
    return "\n\n".join(part for part in [*parts, "## Method", method] if part)


def write(results, folder):
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "BENCHMARKS.md"
    text = path.read_text() if path.exists() else f"# Benchmarks\n\n{BEGIN}\n{END}\n"
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        sys.exit(f"{path} must contain these two lines once each; the figures are written between them:\n{BEGIN}\n{END}")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    plot.write(results, folder, columns_of)
    path.write_text(f"{before}{BEGIN}\n{markdown(results)}\n{END}{after}")
    print(f"Written: {path} and its pictures")


if __name__ == "__main__":
    write(json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2]))

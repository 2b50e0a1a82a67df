"""The figures as pictures: one of FSRCNN, one of conv_transpose2d."""

import statistics

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402

from engines import OURS  # noqa: E402
from shapes import SHAPES  # noqa: E402

OURS_COLOUR = "#c8102e"
SHADES = ("#b8c4d0", "#5b7083")  # of the peers' bars: few threads, many threads
OURS_SHADES = ("#eba3ae", OURS_COLOUR)
MARKERS = {  # column: marker, filled, colour
    OURS: ("D", True, OURS_COLOUR),
    "PyTorch, NCHW": ("o", True, "#e07b00"),
    "PyTorch, own layout": ("o", False, "#e07b00"),
    "oneDNN, NCHW": ("s", True, "#0b6fb8"),
    "oneDNN, own layout": ("s", False, "#0b6fb8"),
}


def network_panel(axes, results):
    threads = list(results["network"])
    medians = {
        t: {n: statistics.median(e["ms"]) for n, e in m["engines"].items() if "ms" in e}
        for t, m in results["network"].items()
    }
    names = sorted({n for m in medians.values() for n in m}, key=lambda n: medians[threads[-1]].get(n, float("inf")))
    height = 0.8 / len(threads)
    for i, t in enumerate(threads):
        shade = min(i, 1) if len(threads) > 1 else 1
        for k, name in enumerate(names):
            ms, y = medians[t].get(name, 0), k + (i - (len(threads) - 1) / 2) * height
            text = f" {ms:.0f} ms" if name in medians[t] else " not measured"
            axes.barh(y, ms, height * 0.92, color=(OURS_SHADES if name == OURS else SHADES)[shade])
            axes.text(ms, y, f"{text}, threads: {t}", va="center", fontsize=8)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlim(0, 1.25 * max((ms for m in medians.values() for ms in m.values()), default=1))
    axes.set_xlabel("milliseconds a frame, median; shorter is better")
    width, height = results["size"]
    axes.set_title(f"FSRCNN x2, {width}x{height} to {2 * width}x{2 * height}", loc="left", fontweight="bold")


def conv_transpose_panel(axes, results, columns_of):
    threads, rows = list(results["conv_transpose"].items())[-1]
    labels, drawn = [], set()
    reference = "ours" if any(OURS in row["engines"] for row in rows) else "the fastest"
    for y, row in enumerate(rows):
        columns = {name: ms for name, ms in columns_of(row).items() if ms is not None}
        base = columns.get(OURS, min(columns.values(), default=1))
        for name, ms in columns.items():
            marker, filled, colour = MARKERS[name]
            label = None if name in drawn else name
            face = colour if filled else "none"
            axes.plot(
                ms / base, y, marker, color=colour, markerfacecolor=face, markersize=6, label=label, linestyle="none"
            )
            drawn.add(name)
        op = SHAPES[row["shape"]]
        labels.append(f"{op.network}  {op.describe()}")
    axes.axvline(1, color="#888888", linewidth=0.8, zorder=0)
    axes.set_yticks(range(len(labels)), labels, fontsize=8)
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.grid(axis="both", color="#e4e4e4", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.set_xlabel(f"time / {reference}, best of the rounds; further left is better")
    axes.set_title(f"conv_transpose2d, threads: {threads}", loc="left", fontweight="bold", pad=24)  # above the legend
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=5, fontsize=8, frameon=False, handletextpad=0.2)


def save(draw, height, path):
    figure, axes = pyplot.subplots(figsize=(10, height), layout="constrained")
    axes.spines[["top", "right"]].set_visible(False)
    draw(axes)
    figure.savefig(path, facecolor="white", metadata={"Date": None})  # the same picture for the same figures
    pyplot.close(figure)


def write(results, folder, columns_of):
    pyplot.rcParams.update(
        {"svg.fonttype": "none", "svg.hashsalt": "fsrcnn", "font.family": "sans-serif", "font.size": 9}
    )
    engines = max((len(m["engines"]) for m in results["network"].values()), default=1)
    height = 0.9 + 0.25 * engines * len(results["network"])
    save(lambda axes: network_panel(axes, results), height, folder / "benchmarks.svg")
    if rows := next(reversed(results["conv_transpose"].values()), []):
        draw = lambda axes: conv_transpose_panel(axes, results, columns_of)  # noqa: E731
        save(draw, 1.2 + 0.24 * len(rows), folder / "benchmarks_conv_transpose2d.svg")

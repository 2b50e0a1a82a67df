"""What is printed: cases as they are done, totals, the table in docs/DIAGNOSIS.md."""

import json
import statistics

from cases import SETTINGS

GRADES = ("named", "half", "place only", "unknown", "WRONG", "failed")
WORST_FIRST = ("WRONG", "failed", "unknown", "place only", "half")
BEGIN, END = "<!-- table: bench/diagnosis/run.py -->", "<!-- end of table -->"


def census(work):
    """How much there is, in a sentence."""
    singles = [case for _, case in work if len(case.mistakes) == 1]
    pairs = sum(len(case.mistakes) == 2 for _, case in work)
    rights = sum(not case.mistakes for _, case in work)
    calls = sum(len(case.settings) for _, case in work)
    kinds = len({case.kind for case in singles})
    return f"{len(singles)} mistakes of {kinds} kinds, {pairs} pairs and {rights} right ports: {calls} answers."


def progress(results, reveal):
    for r in results:
        if r.grade not in ("named", "right") and (r.group == "tuned" or reveal):
            print(
                f"{r.grade:10} {r.setting:11} {r.case.name}  ({r.answer.seconds:.1f} s)\n{'':11}{brief(r)}", flush=True
            )


def brief(result):
    text = " ".join((result.answer.verdict or result.answer.text).split())
    return text if len(text) < 240 else text[:237] + "..."


def tables(results):
    """Markdown: setting x grade for each set, and right ports."""
    lines = []
    for group in ("tuned", "held_out"):
        mine = [r for r in results if r.group == group]
        if not mine:
            continue
        lines += ["", f"| {group.replace('_', ' ')} | answers | {' | '.join(GRADES)} | CPU seconds: median, worst |"]
        lines.append("|---" * (len(GRADES) + 3) + "|")
        for what, count in (("one mistake", 1), ("two mistakes", 2)):
            for setting in SETTINGS:
                row(
                    lines,
                    f"{what}, {setting}",
                    [r for r in mine if len(r.case.mistakes) == count and r.setting == setting],
                )
        row(lines, "all mistakes", [r for r in mine if r.case.mistakes])
        rights = [r for r in mine if not r.case.mistakes]
        if rights:
            good, name = sum(r.grade == "right" for r in rights), group.replace("_", " ")
            seconds = times(rights)
            lines += ["", f"Right ports called right ({name}): {good} of {len(rights)}; CPU seconds {seconds}."]
    return "\n".join(lines).strip()


def row(lines, label, results):
    if results:
        counts = [sum(r.grade == grade for r in results) for grade in GRADES]
        shares = [f"{n} ({100 * n / len(results):.0f} %)" if n else "0" for n in counts]
        lines.append(f"| {label} | {len(results)} | {' | '.join(shares)} | {times(results)} |")


def times(results):
    seconds = [r.answer.seconds for r in results]
    return f"{statistics.median(seconds):.1f}, {max(seconds):.1f}"


def end(results, left_out, wrong, seconds, options):
    open_results = [r for r in results if options.reveal or r.group == "tuned"]
    print(f"\nAll cases in {seconds:.0f} s.\n")
    if results:
        print(tables(results))
    for reason in left_out:
        print(f"left out: {reason}")
    for reason in wrong:
        print(f"THE BENCH IS WRONG: {reason}")
    if options.json:
        rows = [
            {
                "case": r.case.name,
                "kind": r.case.kind,
                "setting": r.setting,
                "grade": r.grade,
                "seconds": round(r.answer.seconds, 2),
                "verdict": r.answer.verdict or r.answer.text,
                "layer": r.answer.layer,
            }
            for grade in (*WORST_FIRST, "named", "right")
            for r in open_results
            if r.grade == grade
        ]
        options.json.write_text(json.dumps(rows, indent=1))
    if options.table and results:
        write_table(options.table, tables(results))


def write_table(path, table):
    text = path.read_text() if path.exists() else f"# How good `fsrcnn diagnose` is\n\n{BEGIN}\n{END}\n"
    before, found, rest = text.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not found or not ended:
        raise SystemExit(f"{path} lacks the lines '{BEGIN}' and '{END}'")
    path.write_text(f"{before}{BEGIN}\n\n{table}\n\n{END}{after}")

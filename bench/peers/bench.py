"""Measures FSRCNN and conv_transpose2d in fsrcnn.cpp and in other engines; bench/peers/run.sh calls it."""

import argparse
import datetime
import json
import shlex
import sys
from pathlib import Path

import machine
import report
from engines import ENGINES, OURS
from measure import Bench
from shapes import SHAPES

ROOT = Path(__file__).resolve().parents[2]


def size(text):
    width, _, height = text.partition("x")
    return int(width), int(height)


def arguments():
    parser = argparse.ArgumentParser(prog="bench/peers/run.sh", description=__doc__)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="numbers of threads [default: 1 2]")
    parser.add_argument("--size", type=size, default=(1920, 1080), help="size of the frame [default: 1920x1080]")
    parser.add_argument("--rounds", type=int, default=7, help="rounds, each with one run per engine [default: 7]")
    parser.add_argument("--engines", nargs="+", choices=list(ENGINES), default=list(ENGINES), help="only these engines")
    parser.add_argument(
        "--shapes", type=int, nargs="*", default=range(len(SHAPES)), help="only these shapes of shapes.py, by index"
    )
    parser.add_argument("--library", metavar="PATH", help="libfsrcnn.so [default: built with CMake's preset release]")
    parser.add_argument("--strict", action="store_true", help="fail unless every engine can be measured and is correct")
    parser.add_argument("--without-ours", action="store_true", help="only the peers")
    parser.add_argument(
        "--output", type=Path, default=ROOT / "docs", help="folder of BENCHMARKS.md and its pictures [default: docs]"
    )
    parser.add_argument("--build", type=Path, required=True, help=argparse.SUPPRESS)
    return parser.parse_args()


def main():
    options = arguments()
    engines = [e for e in ENGINES if e in options.engines and not (e == OURS and options.without_ours)]
    bench = Bench(options.build / "work", engines, options.rounds)
    command = [shlex.quote(argument) for argument in sys.argv[3:]]  # run.sh puts --build and its path in front
    results = {
        "command": " ".join(["bench/peers/run.sh", *command]),
        "date": datetime.date.today().isoformat(),
        "machine": machine.describe(),
        "size": options.size,
        "rounds": options.rounds,
        "without_ours": OURS not in engines,
        "network": {},
        "conv_transpose": {},
    }
    disturbance = machine.Disturbance()
    bench.meet()
    bench.say("computing what is right, in float64")
    bench.save_frame("small", 97, 61, amplitude=1)
    bench.save_frame("frame", *options.size)
    path = options.build / "results.json"

    def save():  # after every part, so that report.py can write what there is if the rest is interrupted
        results.update(versions=bench.versions, failures=bench.failures, disturbance=disturbance.shares())
        path.write_text(json.dumps(results, indent=1))

    for threads in options.threads:
        results["network"][threads] = bench.measure_network(threads)
        save()
        results["conv_transpose"][threads] = bench.measure_conv_transpose(threads, options.shapes)
        save()
    report.write(json.loads(path.read_text()), options.output)
    wrong = report.failures(json.loads(path.read_text()), None if options.strict else OURS)
    if wrong:
        sys.exit("\n".join(wrong))


if __name__ == "__main__":
    main()

#!/usr/bin/python3
"""Plants mistakes into a port of FSRCNN, asks `fsrcnn diagnose` for them, and judges its answers.

bench/diagnosis/run.py --fsrcnn build/release/bin/fsrcnn [--weights fsrcnn_x2.pth] [--set tuned] [--kind "dead channel"]
"""

import argparse
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.dont_write_bytecode = True

import numpy as np  # noqa: E402

import cases as registry  # noqa: E402
import held_out_examples  # noqa: E402
import held_out_more_examples  # noqa: E402
import judge_examples  # noqa: E402
import judge_fourth_examples  # noqa: E402
import judge_retired_examples  # noqa: E402
import judge_retired_third_examples  # noqa: E402
import judge_third_examples  # noqa: E402
import report  # noqa: E402
from dumps import BenchError, Dressing, difference, file_names, first_change, write_plain  # noqa: E402
from judge import Answer, judge  # noqa: E402
from picture import luma, make_picture, write_png  # noqa: E402
from port import Port  # noqa: E402

TOLERANCE = 1e-5  # diagnose's own, times full scale
VISIBLE = 10 * TOLERANCE  # what a mistake must change at least
EXAMPLES = {
    "tuned": judge_examples.EXAMPLES
    + judge_third_examples.EXAMPLES
    + judge_retired_examples.EXAMPLES
    + judge_retired_third_examples.EXAMPLES
    + judge_fourth_examples.EXAMPLES,
    "held_out": held_out_examples.EXAMPLES + held_out_more_examples.EXAMPLES,
}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fsrcnn", type=Path, required=True, help="the program")
    parser.add_argument("--weights", type=Path, help="a .pth or .safetensors file in place of the compiled-in networks")
    parser.add_argument("--set", choices=["tuned", "held_out", "all"], default="all", help="which kinds (all)")
    parser.add_argument(
        "--kind", action="append", help="only kinds, or names of cases, with this in them; may be repeated"
    )
    parser.add_argument("--setting", choices=registry.SETTINGS, help="only this one")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="how many at once (the number of cores)")
    parser.add_argument("--timeout", type=int, default=120, help="CPU seconds that an answer may take (120)")
    parser.add_argument("--seed", type=int, default=1, help="of pictures and of mistakes that need one (1)")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep dumps and answers there")
    parser.add_argument("--again", action="store_true", help="judge the answers in --keep's folder anew; ask nothing")
    parser.add_argument("--table", type=Path, metavar="FILE", help="write the table into it, between its markers")
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write what became of each case (without held-out ones)"
    )
    parser.add_argument("--reveal", action="store_true", help="print held-out cases, too; see README.md before you do")
    parser.add_argument("--check", action="store_true", help="check port, mistakes and disguises; ask nothing")
    return parser.parse_args()


@dataclass
class Result:
    case: object
    group: str
    setting: str
    grade: str
    answer: object


class Bench:
    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.program = options.fsrcnn.resolve()
        self.networks, self.pictures, self.rights = {}, {}, {}
        for name, (width, height) in registry.SIZES.items():
            rgb = make_picture(width, height, options.seed)
            file = folder / f"{name}.png"
            write_png(file, rgb)
            self.pictures[name] = (file, rgb)

    def call(self, *command, limit=600):
        """Runs the program for so many seconds of the processor: (exit code, stdout, stderr, seconds)."""
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as message:
            process = subprocess.Popen([self.program, *command], stdout=out, stderr=message)
            resource.prlimit(process.pid, resource.RLIMIT_CPU, (limit, limit))
            alarm = threading.Timer(30 * limit, process.kill)  # for one that waits for ever
            alarm.start()
            _, status, used = os.wait4(process.pid, 0)
            alarm.cancel()
            process.returncode = os.waitstatus_to_exitcode(status)
            texts = [(file.seek(0), file.read().decode(errors="replace"))[1] for file in (out, message)]
        if process.returncode in (-signal.SIGKILL, -signal.SIGXCPU):
            texts = ["", f"no answer in {limit} s"]
        return process.returncode, *texts, used.ru_utime + used.ru_stime

    def must(self, *command):
        code, _, message, _ = self.call(*command)
        if code:
            raise BenchError(f"fsrcnn {' '.join(map(str, command))}: {message.strip()}")

    def network(self, name):
        """(what --model is given, tensors, scale)"""
        source = str(self.options.weights.resolve()) if self.options.weights else name
        if source not in self.networks:
            file = self.folder / f"network_{len(self.networks)}.npz"
            self.must("convert", source, file)
            with np.load(file) as arrays:
                tensors = {k: arrays[k] for k in arrays.files if not k.startswith("metadata")}
                scale = int(arrays["metadata.scale"][0])
            self.networks[source] = (source, tensors, scale)
        return self.networks[source]

    def port(self, network, picture, dtype=np.float32):
        _, tensors, scale = self.network(network)
        _, rgb = self.pictures[picture]
        port = Port(tensors, scale, dtype)
        port.rgb, port.size = rgb, rgb.shape[:2]
        port.picture = luma(rgb)[None].astype(dtype)
        port.beside = lambda other: Port(self.network(other)[1], scale, dtype)
        return port

    def right(self, network, picture):
        """The maps of the right port, in float64."""
        key = (self.network(network)[0], picture)
        if key not in self.rights:
            self.rights[key] = self.port(network, picture, np.float64).run(luma(self.pictures[picture][1]))
        return self.rights[key]

    def check_port(self, network, picture):
        """The port without mistakes is what `fsrcnn trace` says, in float32 and in float64."""
        folder = self.folder / f"trace_{network}_{picture}"
        shutil.rmtree(folder, ignore_errors=True)
        self.must("trace", "--model", self.network(network)[0], "--input", self.pictures[picture][0], "-o", folder)
        names = file_names(self.right(network, picture))
        for dtype in (np.float32, np.float64):
            maps = self.port(network, picture, dtype).run(luma(self.pictures[picture][1]))
            for name, stem in names.items():
                wrong = difference(maps[name], np.load(folder / f"{stem}.npy")[0])
                if wrong > TOLERANCE:
                    raise BenchError(f"the port's {name} differs from trace's by {wrong:.3g} of full scale")

    def spoilt(self, case, mistakes):
        """The maps of a port with these mistakes, and that the first change is where it is said to be."""
        port = self.port(case.network, case.picture)
        random = np.random.default_rng([self.options.seed, zlib.crc32(case.name.encode())])
        for mistake in mistakes:
            if mistake.layer != "input" and mistake.layer not in port:
                raise registry.NotHere(f"there is no {mistake.layer}")
            mistake.plant(port, port if mistake.layer == "input" else port[mistake.layer], random, **mistake.parameters)
        with np.errstate(all="ignore"):
            maps = port.run(luma(self.pictures[case.picture][1]))
        right = self.right(case.network, case.picture)
        changed = first_change(maps, right, VISIBLE)
        places = [m.layer for m in mistakes]
        if changed is None or not any(changed.startswith(place) for place in places):
            raise BenchError(f"the first map that {places} change is {changed}")
        return maps

    def prepare(self, case, folder):
        """Writes a case's dumps; [(setting, arguments of diagnose)]."""
        model = ["--model", self.network(case.network)[0]]
        picture, rgb = self.pictures[case.picture]
        right = self.right(case.network, case.picture)
        if case.dress:
            port = self.port(case.network, case.picture, np.float64)
            dressing = Dressing(port, luma(rgb), right, picture, model[1], self.must, folder)
            case.dress(dressing)
            return [(case.settings[0], [*model, "--input", dressing.input, *dressing.arguments()])]
        maps = self.spoilt(case, case.mistakes)
        if len(case.mistakes) > 1:  # each of a pair must do something of its own
            for mistake in case.mistakes:
                self.spoilt(case, [mistake])
        calls = []
        for setting in case.settings:
            if (
                setting == registry.ENDS
                and difference(maps["deconvolution_clamp"], right["deconvolution_clamp"]) < VISIBLE
            ):
                raise BenchError(f"the output does not show it")
            arguments = write_plain(maps, setting, folder / setting)
            calls.append((setting, [*model, "--input", str(picture), *arguments]))
        return calls

    def run(self, group, case):
        """([Result] of all settings, why the case is left out or None, whether the bench is wrong)"""
        # A name that tells nothing, as verdicts name files. It is the case's own, whatever else is run.
        folder = self.folder / f"case_{zlib.crc32(case.name.encode()):08x}"
        try:
            calls = [] if self.options.again else self.prepare(case, folder)
        except registry.NotHere as reason:
            return [], f"{case.name}: {reason}", False
        except (BenchError, ValueError, IndexError, KeyError, TypeError) as error:
            return [], f"{case.name}: {type(error).__name__}: {error}", True
        if self.options.again:
            calls = [(setting, None) for setting in case.settings if (folder / f"{setting}.json").exists()]
        results = []
        layers = [layer.name for layer in self.port(case.network, case.picture).layers]
        for setting, command in [] if self.options.check else calls:
            if self.options.setting in (None, setting):
                answer = Answer.read(*self.ask(command, folder / f"{setting}.json"), folder)
                results.append(Result(case, group, setting, judge(case, answer, layers, setting), answer))
        if not self.options.keep or (group == "held_out" and not self.options.reveal):
            shutil.rmtree(folder, ignore_errors=True)
        elif results:
            (folder / "case.txt").write_text(case.name + "\n")
        return results, None, False

    def ask(self, command, record):
        """[exit code, stdout, stderr, seconds] of diagnose, or of an earlier call if there is no command."""
        if command:
            said = self.call("diagnose", *command, "--json", limit=self.options.timeout)
            record.write_text(json.dumps(said))
        return json.loads(record.read_text())


def chosen(options):
    """[(set, case)]"""
    found = []
    for group in ("tuned", "held_out"):
        if options.set in (group, "all"):
            for case in registry.load(group):
                if not options.kind or any(part in f"{case.kind} {case.name}" for part in options.kind):
                    found.append((group, case))
    return found


def main():
    options = arguments()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        bench, work = Bench(options, folder), chosen(options)
        begin = time.monotonic()
        for network, picture in dict.fromkeys((case.network, case.picture) for _, case in work):
            bench.check_port(network, picture)
        print(f"The port agrees with fsrcnn trace. {report.census(work)}", flush=True)
        results, left_out, wrong = [], [], []
        for group, examples in EXAMPLES.items():
            wrong += judge_examples.check(registry.load(group), examples)
        with ThreadPoolExecutor(options.jobs) as pool:
            for done, reason, error in pool.map(lambda job: bench.run(*job), work):
                results += done
                if reason:
                    (wrong if error else left_out).append(reason)
                report.progress(done, options.reveal)
        report.end(results, left_out, wrong, time.monotonic() - begin, options)
    return 1 if wrong else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BenchError as problem:
        sys.exit(f"bench/diagnosis: {problem}")

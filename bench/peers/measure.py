"""Starts the workers, checks what they give and takes the times, every engine once in a round."""

import json
import math
import os
import select
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

import network
import shapes
from engines import ENGINES

TOLERANCE = 1e-4  # absolute; outputs are about 1
TIMEOUT_S = 900
PAUSE_S = 0.05  # an engine's threads spin for a while after its run, and must not take another's time
BATCH_MS = 20  # runs shorter than this are timed as the mean of several


class EngineFailed(Exception):
    pass


class Process:
    """A worker; every failure of it, its death included, is an EngineFailed with the reason."""

    def __init__(self, engine, threads, log_folder):
        self.engine = engine
        environment = dict(os.environ, OMP_NUM_THREADS=str(threads), MKL_NUM_THREADS=str(threads))
        with open(log_folder / f"{ENGINES[engine]}.log", "ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, Path(__file__).with_name("worker.py"), engine, str(threads)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=environment,
            )  # fmt: skip

    def ask(self, **request):
        try:
            self.process.stdin.write(json.dumps(request).encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise EngineFailed(self.death()) from None
        if not select.select([self.process.stdout], [], [], TIMEOUT_S)[0]:
            self.process.kill()
            raise EngineFailed(f"no answer within {TIMEOUT_S} s")
        line = self.process.stdout.readline()
        if not line:
            raise EngineFailed(self.death())
        answer = json.loads(line)
        if "failure" in answer:
            raise EngineFailed(answer["failure"])
        return answer

    def death(self):
        code = self.process.wait()
        return f"its process was ended by signal {-code}" if code < 0 else f"its process ended with code {code}"

    def check(self, expected, **task):
        """Builds the task, and returns the largest difference from what is expected."""
        error = self.ask(expected=str(expected), **task)["error"]
        if error >= TOLERANCE:
            raise EngineFailed(f"wrong: differs by {error:.2g} from float64, allowed are {TOLERANCE:g}")
        return error

    def time(self, repeats=1):
        return self.ask(time=repeats)["ms"]

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def rounds_of(processes, rounds, repeats=None, say=lambda text: None):
    """{name: [ms]} or {name: the reason why not}. Another engine is the first in every round."""
    times, names = {name: [] for name in processes}, list(processes)
    for i in range(rounds if names else 0):
        for name in names[i % len(names) :] + names[: i % len(names)]:
            if isinstance(times[name], str):
                continue
            time.sleep(PAUSE_S)
            try:
                times[name].append(processes[name].time((repeats or {}).get(name, 1)))
            except EngineFailed as e:
                times[name] = str(e)
        say(f"round {i + 1}: " + ", ".join(f"{n} {v[-1]:.0f} ms" for n, v in times.items() if not isinstance(v, str)))
    return times


class Bench:
    def __init__(self, folder, engines, rounds):
        self.folder, self.engines, self.rounds = folder, engines, rounds
        self.folder.mkdir(parents=True, exist_ok=True)
        for log in folder.glob("*.log"):
            log.unlink()
        self.versions, self.variants, self.failures = {}, {}, {}

    def say(self, text):
        print(text, flush=True)

    def open(self, engine, threads):
        return Process(engine, threads, self.folder)

    def meet(self):
        """Versions and variants of the engines, or why one cannot be used."""
        for engine in self.engines:
            process = self.open(engine, 1)
            try:
                answer = process.ask(hello=True)
                self.versions[engine], self.variants[engine] = answer["version"], answer
                self.say(f"{engine} {answer['version']}")
            except EngineFailed as e:
                self.failures[engine] = str(e)
                self.say(f"{engine} cannot be measured: {e}")
            process.close()

    def save_frame(self, name, *size, **kind):
        frame = network.make_frame(*size, **kind)
        np.save(self.folder / f"{name}.npy", frame)
        np.save(self.folder / f"{name}_expected.npy", network.expected_output(frame))

    def prepare_network(self, process, variant):
        """The largest error on a small picture of odd size and on the frame, for which the engine then is ready."""
        return max(
            process.check(self.folder / f"{name}_expected.npy", network=variant, input=str(self.folder / f"{name}.npy"))
            for name in ("small", "frame")
        )

    def best_of_three(self, process, fastest):
        """Less often if it is so slow that it will not become the fastest of its engine."""
        best = process.time()
        for _ in range(2):
            if best < 2 * fastest:
                best = min(best, process.time())
        return best

    def survey(self, threads):
        """Every variant of every engine, checked and timed by itself: [{engine, variant, error, ms | failure}]."""
        results = []
        for engine, answer in self.variants.items():
            fastest = math.inf
            for variant in answer["NETWORK"]:
                result = {"engine": engine, "variant": variant}
                process = self.open(engine, threads)
                try:
                    result["error"] = self.prepare_network(process, variant)
                    result["ms"] = self.best_of_three(process, fastest)
                    fastest = min(fastest, result["ms"])
                    self.say(f"{engine}, {variant}: {result['ms']:.0f} ms, error {result['error']:.1e}")
                except EngineFailed as e:
                    result["failure"] = str(e)
                    self.say(f"{engine}, {variant}: {e}")
                process.close()
                results.append(result)
        return results

    def measure_network(self, threads):
        """The fastest variant of each engine against each other: {survey, engines: {name: {variant, ms | failure}}}."""
        self.say(f"\nFSRCNN, threads: {threads}")
        survey = self.survey(threads)
        engines = {name: {"failure": why} for name, why in self.failures.items()}
        processes = {}
        for engine, answer in self.variants.items():
            right = [r for r in survey if r["engine"] == engine and "ms" in r]
            if not answer["NETWORK"]:
                continue
            if not right:
                engines[engine] = {"failure": next(r["failure"] for r in survey if r["engine"] == engine)}
                continue
            best = min(right, key=lambda r: r["ms"])
            processes[engine] = self.open(engine, threads)
            engines[engine] = {"variant": best["variant"]}
            try:
                engines[engine]["error"] = self.prepare_network(processes[engine], best["variant"])
            except EngineFailed as e:
                engines[engine]["failure"] = str(e)
                processes.pop(engine).close()
        for engine, times in rounds_of(processes, self.rounds, say=self.say).items():
            engines[engine]["failure" if isinstance(times, str) else "ms"] = times
        for process in processes.values():
            process.close()
        return {"survey": survey, "engines": engines}

    def measure_conv_transpose(self, threads, chosen):
        """[{shape: index, engines: {engine: {variant: {ms, error} | {failure}}}}]"""
        self.say(f"\nconv_transpose2d, threads: {threads}")
        names = [(engine, variant) for engine, answer in self.variants.items() for variant in answer["CONV_TRANSPOSE"]]
        processes, results = {}, []
        for index in chosen:
            op = shapes.SHAPES[index]
            expected = self.folder / f"shape_{index}_expected.npy"
            if not expected.exists():
                np.save(expected, shapes.expected_output(op))
            row, ready, repeats = {}, {}, {}
            for engine, variant in names:
                name = f"{engine} {variant}"
                if name not in processes or processes[name].process.poll() is not None:
                    processes[name] = self.open(engine, threads)
                cell = row.setdefault(engine, {}).setdefault(variant, {})
                try:
                    cell["error"] = processes[name].check(expected, conv_transpose=variant, shape=index)
                    repeats[name] = min(1000, math.ceil(BATCH_MS / max(processes[name].time(), 1e-3)))
                    ready[name] = processes[name]
                except EngineFailed as e:
                    cell["failure"] = str(e)
            times = rounds_of(ready, self.rounds, repeats)
            for engine, variant in names:
                result = times.get(f"{engine} {variant}")
                if result is not None:
                    row[engine][variant]["failure" if isinstance(result, str) else "ms"] = result
            results.append({"shape": index, "engines": row})
            fast = ", ".join(
                f"{e} {v} {min(c['ms']):.3g}" if "ms" in c else f"{e} {v}: {c['failure']}"
                for e, cells in row.items() for v, c in cells.items()
            )  # fmt: skip
            self.say(f"{op.network} {op.describe()}: {fast}")
        for process in processes.values():
            process.close()
        return results

"""One engine in a process of its own, so that its threads, memory and crashes are no other engine's.

python worker.py ENGINE THREADS        asked by lines of JSON on stdin, answers by lines of JSON on stdout

{"hello": true}                      -> {"version", "NETWORK": [variants], "CONV_TRANSPOSE": [variants]}
{"network": VARIANT, "input": .npy, "expected": .npy}       -> {"error": the largest difference}
{"conv_transpose": VARIANT, "shape": N, "expected": .npy}   -> the same
{"time": N}                          -> {"ms": of one run, the mean of N}
anything that fails                  -> {"failure": why}
"""

import importlib
import json
import os
import resource
import sys
import time

import numpy as np

from engines import ENGINES
from network import clamped, load_network
from shapes import SHAPES


class Worker:
    def __init__(self, engine, threads):
        self.engine, self.threads = ENGINES[engine], threads

    def answer(self, request):
        module = importlib.import_module(self.engine)
        if "hello" in request:
            return {
                "version": module.version(),
                "NETWORK": list(module.NETWORK),
                "CONV_TRANSPOSE": list(module.CONV_TRANSPOSE),
            }
        if "time" in request:
            start = time.perf_counter()
            for _ in range(request["time"]):
                self.run()
            return {"ms": (time.perf_counter() - start) * 1e3 / request["time"]}
        self.run = self.read = self.operands = None  # gives back the memory of what was built before
        if "network" in request:
            build = module.NETWORK[request["network"]]
            self.operands = load_network(), np.load(request["input"])
            comparable = clamped
        else:
            build, op = module.CONV_TRANSPOSE[request["conv_transpose"]], SHAPES[request["shape"]]
            self.operands = op, *op.operands()
            comparable = np.asarray
        self.run, self.read = build(*self.operands, self.threads)  # engines may keep pointers to the operands
        return {"error": self.error(np.load(request["expected"]), comparable)}

    def error(self, expected, comparable):
        result = self.read(self.run())
        if result.shape != expected.shape:
            raise ValueError(f"gives {result.shape} instead of {expected.shape}")
        difference = float(np.abs(comparable(result) - comparable(expected)).max())
        return difference if difference == difference else float("inf")  # NaN compares as right with everything


def main():
    # An engine that takes more than half of the memory fails by itself, and does not end other people's processes.
    limit = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    worker = Worker(sys.argv[1], int(sys.argv[2]))
    # What a library prints goes to the log; the answers have a descriptor of their own.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        try:
            answer = worker.answer(json.loads(line))
        except Exception as e:  # whatever it is, it is reported as this engine's
            message = str(e).strip().splitlines() or [""]
            answer = {"failure": f"{type(e).__name__}: {message[0]}"[:300]}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()

"""Times fsrcnn.cpp and OpenVINO in turns on networks given as ONNX files, with the same frame and number of threads.
Without files, it uses those of make_networks.py. Results are checked first, on a small picture: 8-bit samples may
differ by one from OpenVINO's rounded output."""

import argparse
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import openvino
from PIL import Image

import make_networks
from measure import PAUSE_S
from network import make_frame

ROOT = Path(__file__).resolve().parents[2]
CHECKED = (97, 61)
PLAIN = ("--edges", "pad", "--guard", "0")  # what the network computes, and no more


class Failure(Exception):
    pass


def size(text):
    width, _, height = text.partition("x")
    return int(width), int(height)


def arguments():
    parser = argparse.ArgumentParser(prog="bench/peers/run.sh networks", description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE.onnx")
    parser.add_argument(
        "--program",
        type=Path,
        default=ROOT / "build/release/bin/fsrcnn",
        help="fsrcnn [default: built with CMake's preset release]",
    )
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="numbers of threads [default: 1 2]")
    parser.add_argument("--size", type=size, default=(960, 540), help="size of the frame [default: 960x540]")
    parser.add_argument("--rounds", type=int, default=7, help="rounds, each with one run of both [default: 7]")
    parser.add_argument("--option", nargs="+", default=[], help="options of fsrcnn, without dashes, e.g. precision=exact")
    return parser.parse_args()


class OpenVino:
    def __init__(self, path, width, height, threads):
        model = openvino.Core().read_model(path)
        self.channels = model.input(0).partial_shape[1].get_length()
        model.reshape({model.input(0): [1, self.channels, height, width]})
        settings = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": threads,
            "INFERENCE_PRECISION_HINT": "f32",
            "ENABLE_CPU_PINNING": False,
        }
        self.request = openvino.Core().compile_model(model, "CPU", settings).create_infer_request()

    def run(self, frame):
        """(channels, height, width) -> the same, `scale` times as large."""
        self.request.set_input_tensor(openvino.Tensor(np.ascontiguousarray(frame[None])))
        self.request.infer()
        return self.request.get_output_tensor(0).data[0]

    def milliseconds(self):
        start = time.perf_counter()
        self.request.infer()
        return (time.perf_counter() - start) * 1e3


class Ours:
    def __init__(self, program, path, options):
        self.command, self.path = [program], path
        self.options = ["--model", path, *(f"--{option}" for option in options)]

    def run_program(self, *command, **kind):
        result = subprocess.run([*self.command, *command, *self.options], capture_output=True, **kind)
        if result.returncode != 0:
            raise Failure(result.stderr.decode().strip().splitlines()[-1])
        return result.stdout

    def run(self, samples):
        """(channels, height, width) of 8 bits -> the same, `scale` times as large. Luma goes through a pipe of films,
        which is not converted to another range; RGB is a picture."""
        channels, height, width = samples.shape
        if channels == 1:
            film = b"YUV4MPEG2 W%d H%d F25:1 Ip A1:1 Cmono XCOLORRANGE=LIMITED\nFRAME\n%b" % (width, height, samples.tobytes())
            out = self.run_program("upscale", "-", "-o", "-", *PLAIN, "--quiet", input=film)
            head, _, rest = out.partition(b"\n")
            w, h = (int(re.search(rb" %b(\d+)" % axis, head)[1]) for axis in (b"W", b"H"))
            return np.frombuffer(rest.partition(b"\n")[2][: w * h], np.uint8).reshape(1, h, w)
        with tempfile.TemporaryDirectory() as folder:
            source, target = Path(folder, "in.png"), Path(folder, "out.png")
            Image.fromarray(samples.transpose(1, 2, 0)).save(source)
            self.run_program("upscale", source, "-o", target, *PLAIN, "--quiet")
            return np.asarray(Image.open(target)).transpose(2, 0, 1)

    def milliseconds(self, width, height, threads):
        out = self.run_program("bench", "--size", f"{width}x{height}", "--threads", str(threads), "--frames", "1", "--json")
        return json.loads(out)["frame_ms_median"]


def check(ours, path):
    """How many samples differ by one. Throws Failure if any differs by more."""
    width, height = CHECKED
    peer = OpenVino(path, width, height, 1)
    frames = [make_frame(width, height, amplitude) for amplitude in (0.45, 0.2, 0.3)[: peer.channels]]
    samples = np.round(np.stack(frames) * 255).astype(np.uint8)
    expected = np.round(peer.run(samples.astype(np.float32) / 255).clip(0, 1) * 255)
    result = ours.run(samples)
    if result.shape != expected.shape:
        raise Failure(f"wrong: gives {result.shape} instead of {expected.shape}")
    difference = np.abs(result.astype(int) - expected.astype(int))
    if difference.max() > 1:
        raise Failure(f"wrong: differs by {difference.max()} of 255 from OpenVINO")
    return np.count_nonzero(difference) / difference.size


def compare(ours, path, threads, options):
    width, height = options.size
    peer = OpenVino(path, width, height, threads)
    peer.run(np.stack([make_frame(width, height)] * peer.channels))  # warms up
    times = {"ours": [], "peer": []}
    for i in range(options.rounds):
        for name in ("ours", "peer") if i % 2 == 0 else ("peer", "ours"):
            time.sleep(PAUSE_S)
            times[name].append(ours.milliseconds(width, height, threads) if name == "ours" else peer.milliseconds())
    return times


def main():
    options = arguments()
    files = options.files or make_networks.make(ROOT / "build/peers/networks")
    width, height = options.size
    print(f"OpenVINO {openvino.__version__.split('-')[0]}, {width}x{height}, {options.rounds} rounds, medians")
    print(f"{'network':24} threads  ours, ms  OpenVINO, ms  OpenVINO / ours  spread of ours")
    failed = False
    for path in files:
        ours = Ours(options.program, path, options.option)
        try:
            differing = check(ours, path)
            for threads in options.threads:
                times = compare(ours, path, threads, options)
                a, b = statistics.median(times["ours"]), statistics.median(times["peer"])
                spread = f"{min(times['ours']):.1f}..{max(times['ours']):.1f}"
                print(f"{path.stem:24} {threads:7} {a:9.1f} {b:13.1f} {b / a:16.2f}  {spread}", flush=True)
            print(f"{path.stem:24} {differing:.1%} of the samples differ from OpenVINO's by one of 255", flush=True)
        except Failure as failure:
            failed = True
            print(f"{path.stem:24} {failure}", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""How long whole runs of `fsrcnn upscale` take beside `vips resize` by the same factor (Lanczos), from a photograph to a
file: interleaved, wall clock, medians and their range. Needs libvips-tools.

usage: run.py --fsrcnn PROGRAM --photo FILE [--threads N] [--rounds N]"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import tempfile
import time


def seconds(command, environment=None):
    begin = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
    return time.perf_counter() - begin


def spread(times_s):
    return f"{1e3 * statistics.median(times_s):.0f} ({1e3 * min(times_s):.0f}..{1e3 * max(times_s):.0f})"


def vips(*arguments):
    subprocess.run(["vips", *map(str, arguments)], check=True)


def crop_of(photo, folder, width, height, name):
    """A picture of this size: the photograph, tiled as often as needed."""
    vips("replicate", photo, folder / "tiled.v", 30, 30)
    vips("crop", folder / "tiled.v", folder / name, 0, 0, width, height)
    (folder / "tiled.v").unlink()


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--fsrcnn", required=True, type=pathlib.Path)
parser.add_argument("--photo", required=True, type=pathlib.Path)
parser.add_argument("--threads", type=int, default=os.cpu_count())
parser.add_argument("--rounds", type=int, default=7)
options = parser.parse_args()
threads = ["--threads", str(options.threads)]
ours = [options.fsrcnn.resolve(), "upscale", "--overwrite", "--quiet", "--scale", "2", *threads]
vips_environment = dict(os.environ, VIPS_CONCURRENCY=str(options.threads))

with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    crop_of(options.photo, folder, 1920, 1080, "1080p.jpg[Q=92]")
    print(f"Milliseconds of whole runs, {options.threads} threads: median of {options.rounds} (fastest..slowest).\n")
    print("| 1920x1080 JPEG to | fsrcnn | vips resize | ratio | bytes: fsrcnn, vips |")
    print("|---|---|---|---|---|")
    for suffix, saver in (("jpg", "[Q=95]"), ("png", ""), ("tif", "[compression=deflate,predictor=horizontal]"),
                          ("webp", "[Q=95]"), ("jxl", "[Q=95]")):
        times_s = ([], [])
        for _ in range(options.rounds):
            times_s[0].append(seconds([*ours, folder / "1080p.jpg", "-o", folder / f"a.{suffix}"]))
            times_s[1].append(seconds(["vips", "resize", folder / "1080p.jpg", f"{folder}/b.{suffix}{saver}", "2"],
                                      vips_environment))
        ratio = statistics.median(times_s[0]) / statistics.median(times_s[1])
        sizes = [f"{(folder / f'{file}.{suffix}').stat().st_size:,}" for file in "ab"]
        print(f"| {suffix} | {spread(times_s[0])} | {spread(times_s[1])} | {ratio:.2f} | {', '.join(sizes)} |", flush=True)

    # How much of a large picture's time is the network's: its layers alone, with the same threads.
    crop_of(options.photo, folder, 6000, 4000, "24mp.jpg[Q=92]")
    whole_s, network_s = [], []
    for _ in range(max(1, options.rounds // 2)):
        command = [*ours, folder / "24mp.jpg", "-o", folder / "a.png", "--json"]
        begin = time.perf_counter()
        summary = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        whole_s.append(time.perf_counter() - begin)
        network_s.append(summary["inputs"][0]["stage_seconds"]["network"])
    print(f"\n24 MP JPEG to PNG: {spread(whole_s)} ms; the network's stage is "
          f"{100 * statistics.median(network_s) / statistics.median(whole_s):.0f} % of it.")

    crop_of(options.photo, folder, 64, 64, "64.png")
    start_s = [seconds([*ours, folder / "64.png", "-o", folder / "a.png"]) for _ in range(3 * options.rounds)]
    print(f"64x64 PNG to PNG: {spread(start_s)} ms.")

    # A folder: the processor's time over the cores' time.
    (folder / "many").mkdir()
    crop_of(options.photo, folder, 640, 480, "640x480.jpg[Q=92]")
    for i in range(200):
        os.link(folder / "640x480.jpg", folder / "many" / f"{i}.jpg")
    command = [*ours, folder / "many", "-o", folder / "done"]
    begin, before = time.perf_counter(), os.times()
    subprocess.run(command, check=True)
    wall_s, after = time.perf_counter() - begin, os.times()
    busy_s = after.children_user + after.children_system - before.children_user - before.children_system
    print(f"200 JPEGs of 640x480: {200 / wall_s:.0f} a second, cores busy {100 * busy_s / wall_s / options.threads:.0f} %.")

#!/usr/bin/env python3
"""The error of colours (CIEDE2000) of `fsrcnn upscale`, with chroma guided by luma and without, in folders of pictures:
each is shrunk by libvips' bicubic, upscaled, and compared with the original. Needs libvips-tools and NumPy; drawings.py
makes pictures.

usage: run.py --fsrcnn PROGRAM [--scale N] [--side PIXELS] [--step N] FOLDER..."""

import argparse
import pathlib
import subprocess
import tempfile

import numpy


def vips(*arguments):
    return subprocess.run(["vips", *map(str, arguments)], check=True, capture_output=True, text=True).stdout


def size_of(picture):
    return [int(subprocess.run(["vipsheader", "-f", field, picture], check=True, capture_output=True).stdout)
            for field in ("width", "height")]


def crop(picture, to, side, scale):
    """The middle, in sRGB, its sides multiples of the scale."""
    vips("colourspace", picture, f"{to}.v", "srgb")
    vips("extract_band", f"{to}.v", f"{to}.rgb.v", 0, "--n", 3)
    sizes = size_of(picture)
    width, height = (min(side, size) // scale * scale for size in sizes)
    vips("crop", f"{to}.rgb.v", to, (sizes[0] - width) // 2, (sizes[1] - height) // 2, width, height)
    for suffix in (".v", ".rgb.v"):
        pathlib.Path(f"{to}{suffix}").unlink()


def errors(a, b, folder):
    """CIEDE2000 of each pixel."""
    for name, picture in (("a", a), ("b", b)):
        vips("colourspace", picture, folder / f"{name}.v", "lab")
    vips("dE00", folder / "a.v", folder / "b.v", folder / "e.v")
    vips("rawsave", folder / "e.v", folder / "e.raw")
    return numpy.fromfile(folder / "e.raw", dtype=numpy.float32)


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--fsrcnn", required=True, type=pathlib.Path)
parser.add_argument("--scale", type=int, default=2, choices=(2, 3, 4))
parser.add_argument("--side", type=int, default=256, help="of the middle that is used")
parser.add_argument("--step", type=int, default=1, help="every how manieth picture")
parser.add_argument("folders", nargs="+", type=pathlib.Path)
options = parser.parse_args()

print(f"CIEDE2000 at x{options.scale}: mean, 99th percentile\n")
print("| pictures | bicubic | guided | mean is less in |")
print("|---|---|---|---|")
for source in options.folders:
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for part in ("original", "small"):
            (folder / part).mkdir()
        pictures = sorted(path for path in source.iterdir() if path.is_file())[::options.step]
        for i, picture in enumerate(pictures):
            original = folder / "original" / f"{i:04}.png"
            crop(picture, original, options.side, options.scale)
            vips("resize", original, folder / "small" / original.name, 1 / options.scale, "--kernel", "cubic")
        results = {}
        for method in ("bicubic", "guided"):
            subprocess.run([options.fsrcnn, "upscale", "--quiet", "--scale", str(options.scale), "--chroma", method,
                            folder / "small", "-o", folder / method], check=True)
            results[method] = [errors(original, folder / method / original.name, folder)
                               for original in sorted((folder / "original").iterdir())]
        cells = []
        for method, errors_of in results.items():
            whole = numpy.concatenate(errors_of)
            cells.append(f"{whole.mean():.3f}, {numpy.percentile(whole, 99):.2f}")
        less = sum(g.mean() < b.mean() for b, g in zip(results["bicubic"], results["guided"]))
        print(f"| {source.name} | {' | '.join(cells)} | {less} of {len(pictures)} |", flush=True)

#!/usr/bin/env python3
"""Coloured text with thin strokes, and flat art, from random numbers: pictures for run.py. Needs libvips-tools.

usage: drawings.py FOLDER [--count N] [--seed N]"""

import argparse
import pathlib
import random
import subprocess

SIDE = 256
FONTS = ("sans-serif", "serif", "monospace")
WORDS = ("The quick brown fox jumps over a lazy dog 0123456789 Hamburgefonts Error: file not found return value; const int "
         "x = 42; Price $19.99 Sale! Menu Home About").split()


def colour(r):
    levels = (0, 6, 128, 255) if r.random() < 0.35 else range(256)
    return "#%02x%02x%02x" % tuple(r.choice(levels) for _ in range(3))


def text(r):
    grounds = [r.choice(("#ffffff", "#ffffff", "#000000", "#1e1e1e", "#f5f5dc", colour(r), colour(r)))
               for _ in range(r.choice((1, 1, 2)))]
    for i, ground in enumerate(grounds):
        yield f'<rect y="{i * SIDE // len(grounds)}" width="{SIDE}" height="{SIDE}" fill="{ground}"/>'
    y = 0
    while y < SIDE:
        size = r.choice((10, 12, 14, 16, 18, 24, 32))
        y += size * 1.3
        if r.random() < 0.75:
            x = 4
            while x < SIDE:
                word, fill = r.choice(WORDS), r.choice(("#ff0606", "#0000ff", "#00a000", colour(r), colour(r), colour(r)))
                yield (f'<text x="{x}" y="{y}" font-family="{r.choice(FONTS)}" font-size="{size}" fill="{fill}" '
                       f'font-weight="{r.choice(("normal", "normal", "bold"))}">{word}</text>')
                x += len(word) * size * 0.66 + size * 0.5
        else:
            for _ in range(4):
                x1, x2 = r.uniform(0, SIDE), r.uniform(0, SIDE)
                yield (f'<line x1="{x1}" y1="{y + r.uniform(-20, 20)}" x2="{x2}" y2="{y + r.uniform(-20, 20)}" '
                       f'stroke="{colour(r)}" stroke-width="{r.choice((1, 1, 1.5, 2, 3, 4))}"/>')


def flat(r):
    yield f'<rect width="{SIDE}" height="{SIDE}" fill="{colour(r)}"/>'
    outline, width = r.choice(("none", "#000", "#201010", colour(r))), r.choice((1, 2, 3, 5))
    palette = [colour(r) for _ in range(r.choice((4, 6, 10)))]
    for _ in range(r.choice((12, 25, 50))):
        style = f'fill="{r.choice(palette)}" stroke="{outline}" stroke-width="{width}"'
        x, y = r.uniform(0, SIDE), r.uniform(0, SIDE)
        size = r.choice((6, 12, 25, 50, 80)) * r.uniform(0.6, 1.4)
        kind = r.random()
        if kind < 0.3:
            yield f'<ellipse cx="{x}" cy="{y}" rx="{size}" ry="{size * r.uniform(0.4, 1)}" {style}/>'
        elif kind < 0.65:
            points = " ".join(f"{r.gauss(x, 0.7 * size)},{r.gauss(y, 0.7 * size)}" for _ in range(r.choice((3, 4, 5, 6))))
            yield f'<polygon points="{points}" {style}/>'
        elif kind < 0.85:
            a, b, c, d, e, f = (f"{r.gauss(x, size)},{r.gauss(y, size)}" for _ in range(6))
            yield f'<path d="M{a} C{b} {c} {d} S{e} {f} Z" {style}/>'
        else:
            yield (f'<rect x="{round(x)}" y="{round(y)}" width="{round(size) + 1}" '
                   f'height="{round(size * r.uniform(0.3, 1)) + 1}" {style}/>')


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("folder", type=pathlib.Path)
parser.add_argument("--count", type=int, default=40)
parser.add_argument("--seed", type=int, default=1)
options = parser.parse_args()
for kind in (text, flat):
    folder = options.folder / kind.__name__
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(options.count):
        r = random.Random(f"{kind.__name__} {options.seed} {i}")
        svg = folder / f"{i:03}.svg"
        svg.write_text(f'<svg xmlns="http://www.w3.org/2000/svg" width="{SIDE}" height="{SIDE}">{"".join(kind(r))}</svg>')
        subprocess.run(["vips", "flatten", svg, svg.with_suffix(".png")], check=True)
        svg.unlink()

"""Pairs of LR and HR luma planes, made as protocol A measures them."""

import hashlib
from pathlib import Path

import numpy as np
from PIL import Image

from bicubic import resize

SUFFIXES = {".bmp", ".png", ".jpg"}


def luma(path):
    """BT.601 limited-range luma of a picture file, rounded to 8 bits; a gray picture is its own luma."""
    picture = Image.open(path)
    if picture.mode == "L":
        return np.asarray(picture)
    rgb = np.asarray(picture.convert("RGB"), np.float64)
    return np.floor(16 + rgb @ np.array([65.481, 128.553, 24.966]) / 255 + 0.5).astype(np.uint8)


def to_8_bits(plane):
    return np.clip(np.floor(plane + 0.5), 0, 255).astype(np.uint8)


def pair(hr, scale):
    """HR cropped to a multiple of the scale, and its LR by MATLAB's bicubic, not rounded. Both in [0, 1] times 255."""
    height, width = (n // scale * scale for n in hr.shape)
    hr = hr[:height, :width]
    return resize(hr, 1 / scale).astype(np.float32), hr


class Pictures:
    """All training pictures of some folders, with shrunk copies, in memory."""

    def __init__(self, folders, scale, copies, held_out_every):
        files = sorted(f for folder in folders for f in Path(folder).iterdir() if f.suffix.lower() in SUFFIXES)
        self.scale = scale
        self.pairs, self.held_out = [], []
        self.digest = hashlib.sha256()
        for n, file in enumerate(files):
            self.digest.update(file.name.encode() + file.read_bytes())
            plane = luma(file)
            if n % held_out_every == held_out_every - 1:
                self.held_out.append(pair(plane, scale))
                continue
            for copy in copies:
                shrunk = plane if copy == 1 else to_8_bits(resize(plane, copy))
                if min(shrunk.shape) >= 32 * scale:
                    self.pairs.append(pair(shrunk, scale))
        area = np.array([lr.size for lr, _ in self.pairs], np.float64)
        self.probability = area / area.sum()

    def batch(self, rng, count, size):
        """`count` random LR patches (size x size), turned and mirrored, and their HR patches: two (N, 1, H, W) arrays."""
        scale = self.scale
        inputs = np.empty((count, 1, size, size), np.float32)
        targets = np.empty((count, 1, size * scale, size * scale), np.float32)
        for n, choice in enumerate(rng.choice(len(self.pairs), count, p=self.probability)):
            lr, hr = self.pairs[choice]
            y = rng.integers(lr.shape[0] - size + 1)
            x = rng.integers(lr.shape[1] - size + 1)
            patch = lr[y : y + size, x : x + size]
            target = hr[y * scale : (y + size) * scale, x * scale : (x + size) * scale]
            turns, mirror = rng.integers(4), rng.integers(2)
            patch, target = np.rot90(patch, turns), np.rot90(target, turns)
            inputs[n, 0] = patch[:, ::-1] if mirror else patch
            targets[n, 0] = target[:, ::-1] if mirror else target
        return inputs / 255, targets / 255

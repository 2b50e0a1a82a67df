"""Pairs of LR and HR luma planes, made as protocol A measures them."""

import hashlib
import io
import subprocess
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


def by_jpeg(plane, quality):
    """What JPEG makes of a luma plane of 8 bits."""
    file = io.BytesIO()
    Image.fromarray(plane).save(file, "JPEG", quality=int(quality))
    return np.asarray(Image.open(file))


def by_h264(plane, crf):
    """What x264 makes of a luma plane of 8 bits as the last of four frames that move by a pixel."""
    height, width = (n + n % 2 for n in plane.shape)
    whole = np.pad(plane, ((0, height - plane.shape[0]), (0, width - plane.shape[1])), "edge")
    gray = np.full(height * width // 2, 128, np.uint8).tobytes()
    frames = b"".join(np.roll(whole, (shift, shift), (0, 1)).tobytes() + gray for shift in (3, 2, 1, 0))
    raw = ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{width}x{height}"]
    encode = ["ffmpeg", "-v", "error", *raw, "-i", "-", "-c:v", "libx264", "-crf", str(crf), "-threads", "1", "-f", "matroska", "-"]
    film = subprocess.run(encode, input=frames, capture_output=True, check=True).stdout
    decode = ["ffmpeg", "-v", "error", "-i", "-", *raw, "-"]
    output = subprocess.run(decode, input=film, capture_output=True, check=True).stdout
    last = np.frombuffer(output, np.uint8)[-(height * width * 3 // 2) :][: height * width].reshape(height, width)
    return last[: plane.shape[0], : plane.shape[1]]


def compressed(lr, rng, compression):
    """An LR plane as people's files have it: by JPEG or H.264, by even chances, of qualities between the given ends."""
    plane = to_8_bits(lr)
    if rng.integers(2) == 0:
        return by_jpeg(plane, rng.integers(*compression["jpeg"], endpoint=True))
    return by_h264(plane, rng.integers(*compression["h264"], endpoint=True))


class Pictures:
    """All training pictures of some folders, with shrunk copies, in memory.

    pairs holds for each (LR, ...), which show the same, and HR; held_out (LR, HR)."""

    def __init__(self, folders, scale, copies, held_out_every, compression=None):
        files = sorted(f for folder in folders for f in Path(folder).iterdir() if f.suffix.lower() in SUFFIXES)
        self.scale = scale
        self.pairs, self.held_out = [], []
        self.digest = hashlib.sha256()
        for n, file in enumerate(files):
            self.digest.update(file.name.encode() + file.read_bytes())
            plane = luma(file)
            rng = np.random.default_rng(n)
            if n % held_out_every == held_out_every - 1:
                lr, hr = pair(plane, scale)
                self.held_out.append((compressed(lr, rng, compression).astype(np.float32) if compression else lr, hr))
                continue
            for copy in copies:
                shrunk = plane if copy == 1 else to_8_bits(resize(plane, copy))
                if min(shrunk.shape) >= 32 * scale:
                    lr, hr = pair(shrunk, scale)
                    more = [compressed(lr, rng, compression) for _ in range(compression["variants"])] if compression else []
                    self.pairs.append(((lr, *more), hr))
        area = np.array([lr[0].size for lr, _ in self.pairs], np.float64)
        self.probability = area / area.sum()

    def batch(self, rng, count, size):
        """`count` random LR patches (size x size), turned and mirrored, and their HR patches: two (N, 1, H, W) arrays."""
        scale = self.scale
        inputs = np.empty((count, 1, size, size), np.float32)
        targets = np.empty((count, 1, size * scale, size * scale), np.float32)
        for n, choice in enumerate(rng.choice(len(self.pairs), count, p=self.probability)):
            variants, hr = self.pairs[choice]
            lr = variants[rng.integers(len(variants))] if len(variants) > 1 else variants[0]
            y = rng.integers(lr.shape[0] - size + 1)
            x = rng.integers(lr.shape[1] - size + 1)
            patch = lr[y : y + size, x : x + size]
            target = hr[y * scale : (y + size) * scale, x * scale : (x + size) * scale]
            turns, mirror = rng.integers(4), rng.integers(2)
            patch, target = np.rot90(patch, turns), np.rot90(target, turns)
            inputs[n, 0] = patch[:, ::-1] if mirror else patch
            targets[n, 0] = target[:, ::-1] if mirror else target
        return inputs / 255, targets / 255

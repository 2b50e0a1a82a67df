"""The bench's pictures: made from a seed, written as PNG, read as the network's luma. No package but NumPy."""

import struct
import zlib

import numpy as np


def make_picture(width, height, seed):
    """RGB (height, width, 3) in 8 bits: slopes, edges, circles and texture in colours, so that no channel sleeps."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width].astype(float)
    picture = np.empty((height, width, 3))
    for c in range(3):
        a, b, phase = random.uniform(-1, 1, 3)
        picture[..., c] = 120 + 70 * (a * x / width + b * y / height) + 25 * np.sin(x / 3.1 + phase) * np.cos(y / 4.3)
    for _ in range(4 + width * height // 600):
        centre_x, centre_y, radius = random.uniform(0, width), random.uniform(0, height), random.uniform(2, 8)
        picture[(x - centre_x) ** 2 + (y - centre_y) ** 2 < radius**2] = random.uniform(0, 255, 3)
    for _ in range(2 + width // 40):
        left, top = random.integers(0, width - 4), random.integers(0, height - 4)
        picture[top : top + random.integers(2, 12), left : left + random.integers(2, 12)] = random.uniform(0, 255, 3)
    picture += random.normal(0, 3, picture.shape)
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def luma(rgb):
    """BT.601 limited range / 255, as the network was trained: 16/255 is black, 235/255 white."""
    return (16 + rgb.astype(float) @ [65.481, 128.553, 24.966] / 255) / 255


def write_png(path, image):
    """(rows, columns) or (rows, columns, 3), of uint8 or uint16."""
    rows, columns = image.shape[:2]
    depth = 8 * image.dtype.itemsize
    lines = image.astype(image.dtype.newbyteorder(">")).reshape(rows, -1)
    raw = b"".join(b"\0" + line.tobytes() for line in lines)
    head = struct.pack(">IIBBBBB", columns, rows, depth, 2 if image.ndim == 3 else 0, 0, 0, 0)
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        for kind, data in ((b"IHDR", head), (b"IDAT", zlib.compress(raw, 6)), (b"IEND", b"")):
            file.write(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)))

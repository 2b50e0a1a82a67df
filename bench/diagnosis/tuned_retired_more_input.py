"""Mistakes of the picture as it is read, of the second lot that was held out."""

import numpy as np
from cases import at, kind

from picture import luma


@kind(
    "input from a JPEG",
    "input|picture|luma",
    "jpeg|compress|block|8 ?x ?8|dct|art[ei]fact|lossy|quanti",
    vague="input",
)
@at("input", step=16)
@at("input", "large", step=30)
def input_from_a_jpeg(port, layer, random, step):
    """The port reads a JPEG of the picture: blocks of 8x8, whose frequencies are rounded, as far as they are whole."""
    i, j = np.mgrid[0:8, 0:8]
    waves = np.sqrt(np.where(i == 0, 1, 2) / 8) * np.cos(np.pi * (2 * j + 1) * i / 16)
    rows, columns = (side // 8 * 8 for side in port.size)
    x = port.picture.astype(float).copy()
    blocks = x[0, :rows, :columns].reshape(rows // 8, 8, columns // 8, 8).swapaxes(1, 2) * 255
    rounded = np.rint(waves @ blocks @ waves.T / step) * step
    x[0, :rows, :columns] = (waves.T @ rounded @ waves / 255).swapaxes(1, 2).reshape(rows, columns)
    port.prepare = lambda _: x.astype(port.dtype)


@kind(
    "input with alpha read as RGB",
    "input|picture|luma",
    "alpha|rgba|4 (bytes|channels)|four|interleav|stride|bytes|pitch",
    vague="input",
)
@at("input")
@at("input", "large")
def input_with_alpha_read_as_rgb(port, layer, random):
    """Four bytes a pixel, read as three."""
    rgba = np.concatenate([port.rgb, np.full((*port.size, 1), 255, np.uint8)], -1)
    read = rgba.ravel()[: port.rgb.size].reshape(port.rgb.shape)
    port.prepare = lambda _: luma(read)[None].astype(port.dtype)


@kind(
    "luma's coefficients truncated",
    "input|picture|luma",
    "coefficients?|trunc|integers?|\\b65\\b|\\b128\\b|\\b24\\b|matrix|fixed.point|floor|<scale>",
    vague="input",
)
@at("input")
@at("input", "large")
def lumas_coefficients_truncated(port, layer, random):
    """65 R + 128 G + 24 B in integers."""
    y = 16 + (port.rgb.astype(int) @ [65, 128, 24]) // 256
    port.prepare = lambda _: (y / 255)[None].astype(port.dtype)


@kind(
    "input equalised",
    "input|picture|luma",
    "equali[sz]|histogram|curve|tone|contrast|non.?linear|gamma|clahe",
    vague="input",
)
@at("input")
@at("input", "large")
def input_equalised(port, layer, random):
    """The histogram is made flat."""
    ranks = np.searchsorted(np.sort(port.picture.ravel()), port.picture, side="right") / port.picture.size
    port.prepare = lambda _: ranks.astype(port.dtype)

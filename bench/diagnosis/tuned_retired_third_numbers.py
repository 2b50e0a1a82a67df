"""Mistakes of numbers and of the picture as it is read, of the third lot that was held out."""

import numpy as np
from cases import at, kind
from kit import after


@kind(
    "Winograd's halves forgotten",
    "winograd|2 ?x ?2|transform|every (second|other)|parity|alternat",
    unless="bias|slope|turned|block average",
)
@at("mapping_2")
@at("mapping_3", "large")
def winograds_halves_forgotten(port, layer, random):
    """F(2x2, 3x3) whose transform of kernels lacks the factors of one half."""
    to_kernel = np.array([[1, 0, 0], [1, 1, 1], [1, -1, 1], [0, 0, 1]], layer.kernel.dtype)
    to_tile = np.array([[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]], layer.kernel.dtype)
    back = np.array([[1, 1, 1, 0], [0, 1, -1, -1]], layer.kernel.dtype)
    kernels = to_kernel @ layer.kernel @ to_kernel.T

    def multiply(padded):
        rows, columns = padded.shape[1] // 2 - 1, padded.shape[2] // 2 - 1
        tiles = np.empty((len(padded), rows, columns, 4, 4), padded.dtype)
        for i in range(4):
            for j in range(4):
                tiles[..., i, j] = padded[:, i : i + 2 * rows : 2, j : j + 2 * columns : 2]
        tiles = to_tile @ tiles @ to_tile.T
        y = back @ np.einsum("ocij,cyxij->oyxij", kernels, tiles) @ back.T
        return y.transpose(0, 1, 3, 2, 4).reshape(len(kernels), 2 * rows, 2 * columns)

    layer.multiply = multiply


@kind(
    "input bytes with a sign",
    "input|picture|luma",
    "\\bsign|negative|wrap|overflow|\\b12[78]\\b|two's|modulo",
    vague="input",
)
@at("input")
@at("input", "large")
def input_bytes_with_a_sign(port, layer, random):
    """char is signed: what is brighter than 127 comes out below zero."""
    after(port, "prepare", lambda x: np.where(x * 255 >= 127.5, x - 256 / 255, x).astype(x.dtype))


@kind(
    "input sharpened",
    "input|picture|luma",
    "sharp|filter|unsharp|enhanc|high.?pass|detail|deblur|edges stronger",
    vague="input",
)
@at("input")
@at("input", "large")
def input_sharpened(port, layer, random):
    """The camera's or the viewer's unsharp mask was on when the picture was saved."""

    def sharpen(x):
        around = np.pad(x, ((0, 0), (1, 1), (1, 1)), mode="edge")
        rows, columns = x.shape[1:]
        mean = sum(around[:, i : i + rows, j : j + columns] for i in range(3) for j in range(3)) / 9
        return (x + 0.5 * (x - mean)).astype(x.dtype)

    after(port, "prepare", sharpen)

"""What mistakes are planted with."""

import numpy as np


def after(layer, stage, change):
    """What the stage makes is changed."""
    right = getattr(layer, stage)
    setattr(layer, stage, lambda *arguments: change(right(*arguments)))


def before(layer, stage, change):
    """What the stage is given is changed."""
    right = getattr(layer, stage)
    setattr(layer, stage, lambda x, *rest: right(change(x), *rest))


def halo(layer):
    """How many pixels of its input a layer sees in each direction."""
    side = layer.kernel.shape[-1]
    return side // 2 if layer.slope is not None else (side // 2 + layer.stride - 1) // layer.stride


def by_tiles(layer, rows, columns, keep_halo=0, edges="constant"):
    """The layer is computed tile by tile, each with keep_halo pixels of its neighbours and padding around them."""
    convolve, scale = layer.convolve, layer.stride

    def tiled(x):
        _, height, width = x.shape
        y = None
        for top in range(0, height, rows):
            for left in range(0, width, columns):
                bottom, right = min(top + rows, height), min(left + columns, width)
                first_row, first_column = max(top - keep_halo, 0), max(left - keep_halo, 0)
                seen = x[:, first_row : bottom + keep_halo, first_column : right + keep_halo]
                if edges != "constant":
                    around = ((0, 0), (4, 4), (4, 4))
                    tile = convolve(np.pad(seen, around, mode=edges))
                    tile = tile[:, 4 * scale : -4 * scale, 4 * scale : -4 * scale]
                else:
                    tile = convolve(seen)
                if y is None:
                    y = np.zeros((len(tile), height * scale, width * scale), tile.dtype)
                at_row, at_column = (top - first_row) * scale, (left - first_column) * scale
                size_rows, size_columns = (bottom - top) * scale, (right - left) * scale
                part = tile[:, at_row : at_row + size_rows, at_column : at_column + size_columns]
                y[:, top * scale : bottom * scale, left * scale : right * scale] = part
        return y

    layer.convolve = tiled


def padded_by(layer, **how):
    """Padding is numpy.pad's with these arguments; the deconvolution's, too, by a border that is cut off again."""
    if layer.slope is not None:
        around = layer.kernel.shape[-1] // 2
        layer.pad = lambda x: np.pad(x, ((0, 0), (around, around), (around, around)), **how)
        return
    border = halo(layer)
    convolve, scale = layer.convolve, layer.stride

    def with_border(x):
        y = convolve(np.pad(x, ((0, 0), (border, border), (border, border)), **how))
        return y[:, border * scale : -border * scale, border * scale : -border * scale]

    layer.convolve = with_border


def phases(y, scale):
    """Views of the output's phases, in rows and columns: {(row, column): (channels, rows, columns)}."""
    return {(i, j): y[:, i::scale, j::scale] for i in range(scale) for j in range(scale)}


def flat(change):
    """A change of a map's values as they lie in memory, channel by channel: change(values) of (channels, pixels)."""

    def changed(y):
        return change(y.reshape(len(y), -1)).reshape(y.shape)

    return changed


def delayed(values, pixels):
    """Later by so many pixels, and nothing in front."""
    late = np.zeros_like(values)
    late[:, pixels:] = values[:, :-pixels]
    return late


def step_of(y, bits):
    """The largest power of two by which y fits into words of so many bits with a sign."""
    return 2.0 ** (np.ceil(np.log2(np.abs(y).max() + 1e-30)) - (bits - 1))


def in_blocks(y, count=16):
    """(blocks, values) and each block's power of two: block floating point."""
    blocks = y.reshape(-1, count)
    return blocks, np.ceil(np.log2(np.abs(blocks).max(1, keepdims=True) + 1e-30))


def read_as_kernel(layer, stream):
    """The kernel that is read from a stream's first values."""
    values = np.asarray(stream, layer.kernel.dtype).ravel()
    layer.kernel = values[: layer.kernel.size].reshape(layer.kernel.shape).copy()


def chroma(rgb):
    """Cb and Cr of BT.601, limited range, in bytes."""
    return 128 + rgb.astype(float) @ np.array([[-37.797, -74.203, 112], [112, -93.786, -18.214]]).T / 255

"""Mistakes of place, of the first lot that was held out: borders, tiles, buffers, the deconvolution's grid."""

import numpy as np
from cases import at, kind
from kit import after, by_tiles, halo, padded_by


@kind("tile without halo", "<tile>|halo|<neighbour>", "halo|<border>|padd|<tile>|overlap|seam")
@at("mapping_2", rows=8, columns=8)
@at("deconvolution", rows=10, columns=12)
@at("feature_extraction", "large", rows=32, columns=32)
def tile_without_halo(port, layer, random, rows, columns):
    by_tiles(layer, rows, columns)


@kind("strip with short halo", "<tile>|halo|<neighbour>", "halo|<border>|padd|<tile>|overlap|seam")
@at("feature_extraction", rows=8, columns=1000)
@at("mapping_3", "large", rows=16, columns=1000)
@at("deconvolution", "large", rows=1000, columns=40)
def strip_with_short_halo(port, layer, random, rows, columns):
    """One row (column) of the neighbours is too few, as the loop counts from 1."""
    by_tiles(layer, rows, columns, keep_halo=halo(layer) - 1)


@kind(
    "last row or column repeated",
    "<last>|in (column 23|row 223)\\b",
    "<row>|<column>",
    "repeat|copy|same as|twice|duplicat|before|above|<replicate>",
    beside=1,
    unless="padd",
)
@at("mapping_2", axis="column")
@at("deconvolution", "large", axis="row")
def last_repeated(port, layer, random, axis):
    """An address that stops one too early."""

    def repeat(y):
        y = y.copy()
        if axis == "row":
            y[:, -1] = y[:, -2]
        else:
            y[:, :, -1] = y[:, :, -2]
        return y

    after(layer, "keep", repeat)


@kind(
    "row wraps around",
    "wrap|next row|rows? runs? on|neighbour in memory|row (before|above|below)|other side|opposite|circular|line buffer"
    "|neighbouring row|end of the row",
    "<row>|<border>|padd|<column>|wrap",
)
@at("mapping_2")
@at("feature_extraction", "large")
def row_wraps_around(port, layer, random):
    """A window over a raster stream that knows no row's end: left of the first pixel is the last of the row above."""
    around = layer.kernel.shape[-1] // 2

    def pad(x):
        channels, rows, columns = x.shape
        stream = np.pad(x.reshape(channels, -1), ((0, 0), (around * columns + around, around * columns + around)))
        lines = [stream[:, row * columns : row * columns + columns + 2 * around] for row in range(rows + 2 * around)]
        return np.stack(lines, 1)

    layer.pad = pad


@kind("reflected padding", "reflect|mirror|symmetr", "padd|<border>|reflect")
@at("mapping_1", how="reflect")
@at("feature_extraction", "large", how="symmetric")
@at("deconvolution", how="reflect")
def reflected_padding(port, layer, random, how):
    padded_by(layer, mode=how)


@kind(
    "border not computed",
    "<border>|outer|first and last|margin|frame",
    "<zero>|not computed|<missing>|valid|empty|written",
    beside=1,
    unless="padd|bias|kernel",
)
@at("feature_extraction")
@at("mapping_3", "large")
def border_not_computed(port, layer, random):
    """Only where the window lies inside of the picture is anything computed; around it are zeros."""
    around = layer.kernel.shape[-1] // 2

    def clear(y):
        inner = np.zeros_like(y)
        inside = np.s_[:, around:-around, around:-around]
        inner[inside] = y[inside]
        return inner

    after(layer, "keep", clear)


@kind(
    "crop shifted",
    r"crop|<shifted>|window|begins|padding (is|of) \d",
    "<row>|<column>|pixel|crop|padding|output",
    unless="replic|reflect|slope|bias",
)
@at("deconvolution", rows=1, columns=1)
@at("deconvolution", "large", rows=-1, columns=0)
@at("deconvolution", network="fsrcnn-x3", rows=0, columns=2)
def crop_shifted(port, layer, random, rows, columns):
    right = layer.crop

    def crop(canvas, *size):
        return right(np.pad(canvas, ((0, 0), (4, 4), (4, 4)))[:, 4 + rows :, 4 + columns :], *size)

    layer.crop = crop


@kind(
    "nearest instead of zeros",
    "nearest|repeat|replicat|copies|duplicat|<zero>",
    "<zero>|insert|between|nearest|upsampl|stretch",
    unless="padd",
)
@at("deconvolution")
@at("deconvolution", "large", "fsrcnn-x3")
def nearest_instead_of_zeros(port, layer, random):
    """The map is stretched by repeating pixels, where zeros should stand between them."""
    scale = layer.stride

    def convolve(x):
        stretched = x.repeat(scale, 1).repeat(scale, 2)
        layer.stride = 1
        y = layer.crop(layer.multiply(stretched), *stretched.shape[1:])
        layer.stride = scale
        return y

    layer.convolve = convolve


@kind("bilinear instead of deconvolution", "bilinear|interpolat|resize|linear|upsampl|align|resampl", vague="kernel")
@at("deconvolution")
def bilinear_instead_of_deconvolution(port, layer, random):
    """The kernel is what torch.nn.init or a framework's importer puts there: a bilinear interpolation."""
    scale, side = layer.stride, layer.kernel.shape[-1]
    slope = np.maximum(0, 1 - np.abs(np.arange(side) - side // 2) / scale)
    share = layer.kernel.sum((2, 3), keepdims=True) / scale**2
    layer.kernel = (share * np.outer(slope, slope)).astype(layer.kernel.dtype)


@kind(
    "map shifted",
    "<shifted>",
    r"<row>|<column>|pixel|\bright\b|\bleft\b|\bup\b|\bdown\b|window|crop|\binput\b|\bmap\b",
    beside=1,
    unless="bias|slope|numbered",
)
@at("mapping_2", rows=1, columns=0)
@at("expanding", "large", rows=0, columns=-1)
@at("input", rows=1, columns=1)
def map_shifted(port, layer, random, rows, columns):
    """Written (or read) some rows or columns too far; zeros come in."""

    def move(y):
        moved = np.roll(y, (rows, columns), (1, 2))
        for axis, by in ((1, rows), (2, columns)):
            lines = np.moveaxis(moved, axis, 0)
            lines[slice(0, by) if by > 0 else slice(by or len(lines), None)] = 0
        return moved

    after(layer, "prepare" if layer is port else "keep", move)


@kind(
    "line repeated",
    "<row>|<column>",
    "repeat|copy|same as|twice|duplicat|other row|every (second|other)|<replicate>|stale|pairs?"
    r"|\b1 holds what 0 should",
    beside=1,
)
@at("mapping_1")
@at("deconvolution", "large")
def line_repeated(port, layer, random):
    """Every second row is the one above again."""

    def repeat(y):
        y = y.copy()
        y[:, 1::2] = y[:, 0 : y.shape[1] // 2 * 2 : 2]
        return y

    after(layer, "keep", repeat)


@kind(
    "partial block not written",
    "<last>|<column>|<tile>",
    "<zero>|written|<missing>|empty|multiple|computed",
    beside=1,
    unless="padd|bias|kernel",
)
@at("mapping_2", block=10)
@at("expanding", "large", block=48)
def partial_block_not_written(port, layer, random, block):
    """Columns are written by blocks, and those that do not fill one not at all."""

    def cut(y):
        y = y.copy()
        y[:, :, y.shape[2] // block * block :] = 0
        return y

    after(layer, "keep", cut)


@kind(
    "row address wraps",
    "<row>|address",
    "wrap|modulo|repeat|same as|overwritten|copy|top|first|again|<shifted>|<replicate>|{lines} in the place of 0\\b",
    beside=1,
)
@at("mapping_1", lines=16)
@at("shrinking", "large", lines=64)
def row_address_wraps(port, layer, random, lines):
    """A memory of 2^n lines: what lies below is written over the top."""

    def wrap(y):
        y = y.copy()
        for row in range(lines, y.shape[1]):
            y[:, row % lines] = y[:, row]
        y[:, lines:] = y[:, np.arange(lines, y.shape[1]) % lines]
        return y

    after(layer, "keep", wrap)

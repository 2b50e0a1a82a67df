"""Mistakes of place, of the third lot that was held out: borders, vectors, frames, phases."""

import numpy as np
from cases import at, kind
from kit import after, flat, halo, phases
from port import correlate


@kind(
    "sums scaled up at the border",
    "<border>|padd|outside",
    "<scale>|normali[sz]|taps|partial|divi|weighted",
    unless="replic|mirror|reflect|missing",
)
@at("mapping_3")
@at("feature_extraction", "large")
def sums_scaled_up_at_the_border(port, layer, random):
    """A routine for blurs, which divides by how many of the window's pixels lie inside of the picture."""

    def scale(y):
        side = layer.kernel.shape[-1]
        around = side // 2
        inside = np.pad(np.ones((1, *y.shape[1:]), y.dtype), ((0, 0), (around, around), (around, around)))
        return y * side**2 / correlate(inside, np.ones((1, 1, side, side), y.dtype))

    after(layer, "convolve", scale)


@kind(
    "halo of the tile before",
    "<tile>|columns",
    "stale|<old>|halo|neighbour|wrong|instead|barrier|late",
    unless="kernels|slope|bias",
)
@at("mapping_1", size=8)
@at("feature_extraction", "large", size=32)
def halo_of_the_tile_before(port, layer, random, size):
    """A barrier is missing: the halo in shared memory is still that of the tile before when the sums begin."""
    around = halo(layer)

    def convolve(x):
        padded, parts = layer.pad(x), []
        for left in range(0, x.shape[2], size):
            right = min(left + size, x.shape[2])
            columns = np.arange(left - around, right + around)
            old = columns - size + around
            before = np.where(old >= 0, padded[:, :, np.maximum(old, 0)], 0).astype(x.dtype)
            inside = (columns >= left) & (columns < right)
            parts.append(layer.multiply(np.where(inside, padded[:, :, columns + around], before)))
        return np.concatenate(parts, 2)

    layer.convolve = convolve


@kind(
    "coordinates from corner to corner",
    "half|bilinear|interpolat|stretch|align|corner|resampl|between|average|blur|smooth|mean of|texel",
    beside=1,
    unless="kernels|bias|slope",
)
@at("mapping_1")
@at("deconvolution", "large")
def corner_to_corner(port, layer, random):
    """Texture coordinates i / (n - 1) for (i + 0.5) / n: half a pixel too far out at both ends, right in the middle."""

    def sample(y, axis):
        size = y.shape[axis]
        where = np.clip(np.arange(size) * size / (size - 1) - 0.5, 0, size - 1)
        first = np.minimum(np.floor(where).astype(int), size - 2)
        part = (where - first).astype(y.dtype)
        part = part[:, None] if axis == 1 else part
        return (1 - part) * y.take(first, axis) + part * y.take(first + 1, axis)

    after(layer, "keep", lambda y: sample(sample(y, 1), 2).astype(y.dtype))


@kind(
    "gaps between channels ignored",
    "<shifted>|pitch|stride|skew|gap|later",
    "channel|map\\b|plane",
    "each|every|per|more|pitch|gap|between|number|c times|times c",
    beside=1,
    unless="kernels|bias|slope",
)
@at("mapping_2", gap=8)
@at("expanding", "large", gap=32)
def gaps_between_channels(port, layer, random, gap):
    """Channels begin at multiples of a cache line or of a page, and are read as if one followed the other."""

    def read(values):
        memory = np.pad(values, ((0, 0), (0, gap)))
        return memory.reshape(-1)[: values.size].reshape(values.shape)

    after(layer, "keep", flat(read))


@kind(
    "padding uninitialised",
    "padd|<border>|halo|margin|outside",
    "garbage|uninitiali|random|noise|not zero|not cleared|instead of zeros?|stale|other than|neither",
    unless="replicat|reflect|mirror|circular|wrap",
)
@at("mapping_2")
@at("feature_extraction", "large")
def padding_uninitialised(port, layer, random):
    """malloc() for calloc(): around the map is what memory had before."""
    around = halo(layer)

    def pad(x):
        padded = random.normal(0, np.abs(x).max() / 3, (len(x), *(n + 2 * around for n in x.shape[1:])))
        padded[:, around:-around, around:-around] = x
        return padded.astype(x.dtype)

    layer.pad = pad


@kind(
    "odd columns a row late",
    "<column>",
    "odd|second|other|every|columns? 1\\b|alternat|1, ?3",
    "<shifted>|row above|1 row|one row",
    beside=1,
    unless="kernels|bias|slope",
)
@at("mapping_3")
@at("feature_extraction", "large")
def odd_columns_a_row_late(port, layer, random):
    """Two pixels a clock, the second of which passes one line buffer more."""

    def late(y):
        y = y.copy()
        y[:, 1:, 1::2] = y[:, :-1, 1::2].copy()
        y[:, 0, 1::2] = 0
        return y

    after(layer, "keep", late)


@kind(
    "cache lines not flushed",
    "stale|<old>|flush|cache|<zero>|written|<missing>|garbage|holds? what|overwrit|a race",
    "pixels?|values?|runs?\\b|\\b16|part|some|<row>|region|places?|cache line",
    beside=1,
    unless="kernels|bias|slope",
)
@at("mapping_2", part=0.05)
@at("expanding", "large", part=0.03)
def cache_lines_not_flushed(port, layer, random, part):
    """Some runs of 16 values have not reached memory when another device reads: they are what stood there before."""
    run = layer.run

    def half_flushed(x):
        linear, y = run(x)
        y = y.copy()
        values = y.reshape(-1, 16)
        old = x.reshape(-1, 16) if x.shape == y.shape else np.zeros_like(values)
        lines = random.random(len(values)) < part
        values[lines] = old[lines]
        return linear, y

    layer.run = half_flushed


@kind(
    "strips overwrite each other",
    "<tile>|<row>|overlap",
    "overwrit|<missing>|lost|not added|overlap|halo|each other|alone|neighbour|\\bsum|cut",
    unless="kernels|bias|slope",
)
@at("deconvolution", rows=5)
@at("deconvolution", "large", "fsrcnn-x3", rows=16)
def strips_overwrite_each_other(port, layer, random, rows):
    """Strips of stamps are copied into the output; where they overlap, the later one wins, and nothing is added."""
    stamp = layer.multiply

    def in_strips(x):
        canvas = np.zeros_like(stamp(x))
        for top in range(0, x.shape[1], rows):
            strip = x[:, top : top + rows]
            used = (strip.shape[1] - 1) * layer.stride + layer.kernel.shape[-1]
            canvas[:, top * layer.stride : top * layer.stride + used] = stamp(strip)[:, :used]
        return canvas

    layer.multiply = in_strips


@kind(
    "bias in one phase alone",
    "bias",
    "phase|sub.?pixel|every (second|other)|pixels? of (each|every)|one (of|in) (four|4)|grid|each 2|stride|quarter",
)
@at("deconvolution")
@at("deconvolution", "large", "fsrcnn-x3")
def bias_in_one_phase_alone(port, layer, random):
    """The bias is added where the input's pixels stand, not to the zeros in between."""

    def add(y):
        y = y.copy()
        phases(y, layer.stride)[0, 0][:] += layer.bias[:, None, None]
        return y

    layer.add_bias = add

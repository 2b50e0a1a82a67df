# HELD OUT. If you improve `fsrcnn diagnose`, please do not read this file, nor the cases it makes: what is measured
# with them is worth something as long as nobody has fitted the program to it.

"""Held-out mistakes of numbers: rounding, words and their bits, scales of integers."""

import numpy as np
from cases import at, kind
from kit import after, before, in_blocks, step_of


@kind(
    "rounded up",
    "\\bup\\b|ceil|upward|too (high|large)|larger|away",
    "round|ceil|steps?\\b|coarse|bits|quanti",
    beside=1,
    mild=True,
    unless="kernels|bias|slope|scaled up",
)
@at("mapping_3", bits=8)
@at("feature_extraction", "large", bits=9)
def rounded_up(port, layer, random, bits):
    """The half is added twice, by the program and by the machine: whatever is not on a step goes to the next one."""

    def ceil(y):
        step = step_of(y, bits)
        return (np.ceil(y / step) * step).astype(y.dtype)

    after(layer, "keep", ceil)


@kind(
    "pairs of products saturate",
    "satur|clip|clamp|limit|overflow|\\bcut\\b|ceiling|too large",
    unless="bias|slope|kernels? (is|are|was|were)|weights (are|were)",
)
@at("mapping_2", part=0.4)
@at("expanding", "large", part=0.3)
def pairs_of_products_saturate(port, layer, random, part):
    """pmaddubsw adds two products in 16 bits, with saturation, before they come to the wide accumulator."""

    def multiply(padded):
        _, inputs, side, _ = layer.kernel.shape
        rows, columns = padded.shape[1] - side + 1, padded.shape[2] - side + 1
        pairs = [
            np.tensordot(layer.kernel[:, i : i + 2, ky, kx], padded[i : i + 2, ky : ky + rows, kx : kx + columns], 1)
            for i in range(0, inputs, 2)
            for ky in range(side)
            for kx in range(side)
        ]
        limit = part * max(np.abs(pair).max() for pair in pairs)
        return sum(np.clip(pair, -limit, limit) for pair in pairs)

    layer.multiply = multiply


@kind(
    "exponent of the block before",
    "exponent|power|shift by|2\\^|<scale>",
    "blocks?\\b|runs?\\b|\\b16\\b|values|parts?\\b|places|some|here and there",
    beside=1,
    unless="kernels|weights|bias|slope|channel \\d",
)
@at("mapping_4")
@at("shrinking", "large")
def exponent_of_the_block_before(port, layer, random):
    """Block floating point whose exponents arrive one block late: mantissas are read with the wrong power of two."""

    def late(y):
        blocks, exponent = in_blocks(y)
        earlier = np.concatenate([exponent[:1], exponent[:-1]])
        return (blocks * 2.0 ** (earlier - exponent)).reshape(y.shape).astype(y.dtype)

    after(layer, "keep", late)


@kind(
    "input's zero point not taken off",
    "zero.?point|offset|constant|plus|added|too (large|high|small|low)|shifted by",
    "input|reads?|layer before|takes|given",
    unless="bias (is|are|was) (missing|added|\\d)|slope|input channels? \\d",
)
@at("mapping_2", steps=10)
@at("deconvolution", "large", steps=6)
def inputs_zero_point_not_taken_off(port, layer, random, steps):
    """Asymmetric int8: the map's words are multiplied as they are, and padded by the real zero."""
    before(layer, "convolve", lambda x: x + steps * (x.max() - x.min()) / 255)


@kind(
    "output of six bits",
    "round|coarse|\\bbits\\b|steps?\\b|quanti|levels|poster|precision|1/63",
    mild=True,
    unless="kernels|weights|bias",
)
@at("deconvolution")
@at("deconvolution", "large", "fsrcnn-x3")
def output_of_six_bits(port, layer, random):
    """The picture as a cheap panel shows it, RGB666, rounded to the nearest."""
    after(layer, "keep", lambda y: (np.rint(y * 63) / 63).astype(y.dtype))


@kind(
    "channels' own scales lost",
    "<scale>|normali[sz]|largest|maximum",
    "channel|each|every|\\bper\\b",
    beside=1,
    vague="slope",
    unless="slope|kernels|bias",
)
@at("mapping_3")
@at("feature_extraction", "large")
def channels_own_scales_lost(port, layer, random):
    """int8 by channels, each with its own step; words / 127 are read, and the steps are not."""
    after(layer, "keep", lambda y: y / np.abs(y).max((1, 2), keepdims=True))


@kind(
    "maps in logarithms",
    "power|logarithm|\\blog|2\\^|exponent|round|coarse|\\bbits\\b|mantissa|precision|quanti",
    beside=1,
    mild=True,
    unless="kernels|weights|bias|slope",
)
@at("mapping_2")
@at("expanding", "large")
def maps_in_logarithms(port, layer, random):
    """Each value is its sign and a whole power of the root of two, so that products are sums."""

    def keep(y):
        size = 2.0 ** (np.rint(2 * np.log2(np.abs(y) + 1e-30)) / 2)
        return (np.sign(y) * size).astype(y.dtype)

    after(layer, "keep", keep)

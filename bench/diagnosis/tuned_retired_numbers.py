"""Mistakes of numbers, of the first lot that was held out: fixed point, int8, races, memories with faults."""

import numpy as np
from cases import at, kind
from kit import after, step_of


@kind("saturation", "satur|clip|clamp|limit|cut|at most|range|ceiling|exceed|larger than|beyond", beside=1)
@at("mapping_2", part=0.6)
@at("feature_extraction", "large", part=0.5)
@at("expanding", part=0.5)
def saturation(port, layer, random, part):
    """Words that are too short for the map: both ends are cut at this part of the largest value."""

    def saturate(y):
        limit = part * np.abs(y).max()
        return np.clip(y, -limit, limit)

    after(layer, "keep", saturate)


@kind("wrap modulo", "wrap|modulo|overflow|two's|2\\^|bits|jump|range", beside=1)
@at("mapping_4", part=0.6)
@at("shrinking", "large", part=0.7)
def wrap_modulo(port, layer, random, part):
    """Words that are too short, without saturation: what is too large comes back from below."""

    def wrap(y):
        limit = 2.0 ** np.ceil(np.log2(part * np.abs(y).max()))
        if limit > np.abs(y).max():
            limit /= 2
        return ((y + limit) % (2 * limit) - limit).astype(y.dtype)

    after(layer, "keep", wrap)


@kind(
    "truncation of output",
    "trunc|floor|down|cut off|dropped",
    "output|8.?bit|255|trunc|picture|deconvolution|step",
    mild=True,
)
@at("deconvolution", levels=255)
@at("deconvolution", "large", levels=255)
def truncation_of_output(port, layer, random, levels):
    """uint8(y * 255) without the half."""
    after(layer, "keep", lambda y: (np.floor(y * levels) / levels).astype(y.dtype))


@kind(
    "wrong layer scale",
    r"<scale>|(by|of|times) {factor}\b|{factor} times",
    beside=1,
    unless="twice|doubled|missing|slope",
)
@at("mapping_3", factor=1.09)
@at("shrinking", "large", factor=0.75)
@at("deconvolution", factor=0.9)
def wrong_layer_scale(port, layer, random, factor):
    """The multiplier of a requantisation, 171 instead of 156: sums and biases alike."""
    layer.kernel = layer.kernel * layer.kernel.dtype.type(factor)
    layer.bias = layer.bias * layer.bias.dtype.type(factor)


@kind("wrong shift", r"shift|factor|<scale>|twice|half|double|power|2\^|times", beside=1, unless="bias|slope|kernel")
@at("mapping_1", factor=2)
@at("expanding", "large", factor=0.5)
def wrong_shift(port, layer, random, factor):
    """One bit too many or too few."""
    after(layer, "activate", lambda y: y * factor)


@kind(
    "constant map",
    "constant|everywhere|<zero>|same value|all (values|pixels)|one value",
    beside=1,
    unless="bias|slope|padd",
)
@at("mapping_2", value=0)
@at("deconvolution", value=0.5)
@at("expanding", "large", value=1)
def constant_map(port, layer, random, value):
    """A buffer that is never written."""
    after(layer, "keep", lambda y: np.full_like(y, value))


@kind(
    "random pixels",
    r"random|scatter|single|some (values|pixels)|race|noise|isolated|\d+ (values|pixels)|sparse|here and there",
    beside=1,
    unless="kernels",
)
@at("mapping_2", share=0.01)
@at("deconvolution", share=0.02)
@at("expanding", "large", share=0.003)
def random_pixels(port, layer, random, share):
    """A race: here and there a value is written before it is complete."""

    def race(y):
        return np.where(random.random(y.shape) < share, y * random.uniform(0, 1, y.shape), y).astype(y.dtype)

    after(layer, "keep", race)


@kind("dropout", "dropout|random|training mode|1/\\(1|dropped", beside=1)
@at("mapping_3", rate=0.2)
@at("feature_extraction", "large", rate=0.5)
def dropout(port, layer, random, rate):
    """Left on: a random part of the values is 0, the others are larger by 1 / (1 - rate)."""
    after(layer, "keep", lambda y: (y * (random.random(y.shape) >= rate) / (1 - rate)).astype(y.dtype))


@kind("stuck bit", r"\bbits?\b|stuck|2\^", r"\bbits?\b|stuck|word|missing|step|coarse|power", beside=1)
@at("mapping_2", bit=6, value=0)
@at("shrinking", "large", bit=7, value=1)
def stuck_bit(port, layer, random, bit, value):
    """One data line of a memory of 12-bit words always has the same level."""

    def stick(y):
        step = step_of(y, 12)
        words = np.rint(y / step).astype(int)
        words = words | (1 << bit) if value else words & ~(1 << bit)
        return (words * step).astype(y.dtype)

    after(layer, "keep", stick)


@kind("bytes swapped", r"bytes?\b|endian", beside=1)
@at("mapping_1")
@at("deconvolution", "large")
def bytes_swapped(port, layer, random):
    """16-bit words whose bytes are exchanged."""

    def swap(y):
        step = step_of(y, 16)
        return (np.rint(y / step).astype("<i2").byteswap() * step).astype(y.dtype)

    after(layer, "keep", swap)


@kind(
    "output range",
    "range|full|limited|16|219|scale|studio|stretch",
    "output|range|full|limited|deconvolution|255|219|scale",
)
@at("deconvolution", how="full")
@at("deconvolution", "large", how="limited")
def output_range(port, layer, random, how):
    """The output's luma is written as if it were of the other range."""
    if how == "full":
        after(layer, "keep", lambda y: ((y * 255 - 16) / 219).astype(y.dtype))
    else:
        after(layer, "keep", lambda y: ((y * 219 + 16) / 255).astype(y.dtype))

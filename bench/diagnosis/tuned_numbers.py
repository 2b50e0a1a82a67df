"""Mistakes of numbers: fixed point, int8, narrow accumulators. Of these kinds every case may be looked at."""

import numpy as np
from cases import at, kind
from kit import after, step_of


@kind(
    "clipped above", "clip|clamp|satur|cut|limit|relu6|ceiling|at most|above|upper|maxim|exceed|larger than", beside=1
)
@at("mapping_1", part=0.5)
@at("feature_extraction", "large", part=0.6)
@at("expanding", part=0.4)
def clipped_above(port, layer, random, part):
    """ReLU6 of scaled integers: values end at this part of the largest one."""
    after(layer, "activate", lambda y: np.minimum(y, part * y.max()))


@kind(
    "accumulator of few bits", r"wrap|overflow|modulo|accumulator|bits|2\^|two's|jump|satur", unless="kernel|bias|slope"
)
@at("mapping_2", headroom=0.6)
@at("expanding", "large", headroom=0.7)
def accumulator_of_few_bits(port, layer, random, headroom):
    """Sums of products wrap at a power of two, or here at this part of the largest sum, to be seen on every picture."""

    def wrap(y):
        limit = headroom * np.abs(y).max()
        return (y + limit) % (2 * limit) - limit

    after(layer, "multiply", wrap)


@kind(
    "accumulator in float16", "float16|half.?(precision|float)|16.bit|precision|accumulat|round|coarse|bits", mild=True
)
@at("shrinking")
@at("mapping_4", "large")
def accumulator_in_float16(port, layer, random):
    """Each product is added in float16: worse than a map of float16, because the sum is rounded a hundred times."""

    def multiply(padded):
        _, inputs, height, width = layer.kernel.shape
        rows, columns = padded.shape[1] - height + 1, padded.shape[2] - width + 1
        total = np.zeros((len(layer.kernel), rows, columns), np.float16)
        for i in range(inputs):
            for ky in range(height):
                for kx in range(width):
                    product = layer.kernel[:, i, ky, kx, None, None] * padded[i, ky : ky + rows, kx : kx + columns]
                    total = (total + product.astype(np.float16)).astype(np.float16)
        return total.astype(padded.dtype)

    layer.multiply = multiply


@kind("truncation of maps", "trunc|floor|down|cut off|dropped", beside=1, mild=True)
@at("mapping_1", bits=8)
@at("expanding", bits=10)
@at("shrinking", "large", bits=9)
def truncation_of_maps(port, layer, random, bits):
    """Fixed point by a shift alone: values are rounded down, not to the nearest."""

    def floor(y):
        step = step_of(y, bits)
        return (np.floor(y / step) * step).astype(y.dtype)

    after(layer, "keep", floor)


@kind(
    "wrong channel scale",
    "<channel>|kernel",
    r"\b{channel}\b",
    r"<scale>|{factor} times|(by|of|times) {factor}\b",
    vague="kernel",
    beside=1,
    unless="slope|bias is",
)
@at("feature_extraction", channel=8, factor=2)
@at("mapping_3", channel=10, factor=1.25)
@at("expanding", "large", channel=30, factor=0.5)
def wrong_channel_scale(port, layer, random, channel, factor):
    """One multiplier of a requantisation by channels is wrong."""

    def scale(y):
        y = y.copy()
        y[channel] *= factor
        return y

    after(layer, "convolve", scale)
    layer.bias[channel] *= factor


@kind("zero point forgotten", "zero.?point|offset|constant|too (large|high|small|low)", unless="kernel", beside=1)
@at("mapping_2", step=8)
@at("feature_extraction", "large", step=20)
def zero_point_forgotten(port, layer, random, step):
    """Asymmetric int8: the map is read without its zero point, so all of it lies some steps too high."""

    def shift(y):
        size = (y.max() - y.min()) / 255
        return np.rint(y / size).astype(y.dtype) * size + step * size

    after(layer, "keep", shift)


@kind("not a number", "nan|not a number|not finite|infinit", spreads=True)
@at("mapping_1", where="pixel")
@at("expanding", where="channel")
@at("deconvolution", "large", where="row")
def not_a_number(port, layer, random, where):
    def spoil(y):
        y = y.copy()
        y[{"pixel": np.s_[2, 5, 6], "channel": np.s_[11], "row": np.s_[:, 9]}[where]] = np.nan
        return y

    after(layer, "keep", spoil)


@kind(
    "signed read as unsigned",
    "unsigned|sign|wrap|modulo|two's|negative|2\\^|overflow|below zero",
    beside=1,
    unless="slope|bias",
)
@at("mapping_2", bits=16)
@at("shrinking", "large", bits=8)
def signed_read_as_unsigned(port, layer, random, bits):
    """Words below zero are read without their sign: they come out 2^bits steps too high."""

    def unsigned(y):
        step = step_of(y, bits)
        words = np.rint(y / step)
        return (np.where(words < 0, words + 2**bits, words) * step).astype(y.dtype)

    after(layer, "keep", unsigned)


@kind(
    "weights truncated",
    "trunc|floor|round|coarse|bits|precision|decimals|step",
    "weight|kernel|number|file",
    mild=True,
    vague="kernel",
)
@at("mapping_1", bits=6)
@at("deconvolution", "large", bits=7)
def weights_truncated(port, layer, random, bits):
    """Weights in words of few bits, rounded down: the mean of the kernels is shifted by half a step."""
    step = step_of(layer.kernel, bits)
    layer.kernel = (np.floor(layer.kernel / step) * step).astype(layer.kernel.dtype)

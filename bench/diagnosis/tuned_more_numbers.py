"""More mistakes of numbers: sums, ranges, scales. Of these kinds every case may be looked at."""

import numpy as np
from cases import at, kind
from kit import after


@kind(
    "products truncated",
    "trunc|floor|round|precision|coarse|bits|products|dropped",
    mild=True,
    unless="kernels|slope",
)
@at("mapping_1", bits=8)
@at("expanding", bits=10)
def products_truncated(port, layer, random, bits):
    """Each product is cut to the fraction's bits before it is added: hundreds of halves of a step are lost."""

    def multiply(padded):
        rows, columns = layer.pad(np.zeros((1, *port.size))).shape[1:]
        side = layer.kernel.shape[-1]
        rows, columns = rows - side + 1, columns - side + 1
        total = np.zeros((len(layer.kernel), rows, columns), padded.dtype)
        for i in range(len(padded)):
            for ky in range(side):
                for kx in range(side):
                    seen = padded[i, ky : ky + rows, kx : kx + columns]
                    total += np.floor(layer.kernel[:, i, ky, kx, None, None] * seen * 2**bits) / 2**bits
        return total

    layer.multiply = multiply


@kind("output wraps", "wrap|modulo|overflow|uint8|256|two's|jump|not clamped")
@at("deconvolution", "large")
@at("deconvolution", "large", "fsrcnn-x3")
def output_wraps(port, layer, random):
    """A cast to bytes without a clamp: what is above white is black."""
    layer.activate = lambda y: np.mod(y, 256 / 255).astype(y.dtype)


@kind(
    "output clamped to limited range",
    "clip|clamp|limit|satur|cut|ends? at",
    "235|16|range|0\\.9|0\\.06|output|above|below",
)
@at("deconvolution", "large")
def output_clamped_to_limited_range(port, layer, random):
    """Values are kept within 16 and 235, as for a television."""
    layer.activate = lambda y: np.clip(y, 16 / 255, 235 / 255)


@kind("output gamma", "gamma|curve|linear|srgb|transfer|tone|power")
@at("deconvolution", power=2.2)
@at("deconvolution", "large", power=0.45)
def output_gamma(port, layer, random, power):
    """The picture is written into a surface that is said to be linear, and is not."""
    after(layer, "activate", lambda y: y**power)


@kind(
    "one scale for all kernels",
    "<scale>|quanti",
    "channel|each|kernel|per|tensor",
    "one scale|per|each|differ|varies|own|every|between|of its own|channels? \\d",
    vague="kernel",
    unless="slope",
)
@at("mapping_2")
@at("shrinking", "large")
def one_scale_for_all_kernels(port, layer, random):
    """int8 weights by channels are read with the largest channel's scale; biases are right."""
    largest = np.abs(layer.kernel).max((1, 2, 3), keepdims=True)
    layer.kernel = layer.kernel * (largest.max() / largest)


@kind(
    "multiplier of the next channel",
    "<scale>",
    "channel|each|next|per",
    "next|neighbour|<shifted>|each|per|own|channels? \\d|\\d+ (of the \\d+ )?channels",
    beside=1,
    vague="kernel",
    unless="slope",
)
@at("mapping_1")
@at("expanding", "large")
def multiplier_of_the_next_channel(port, layer, random):
    """Requantisation by channels, whose table begins one entry too late."""
    largest = np.abs(layer.kernel).max((1, 2, 3))
    after(layer, "add_bias", lambda y: y * (np.roll(largest, -1) / largest)[:, None, None])

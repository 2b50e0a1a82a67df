"""Mistakes of numbers, of the second lot that was held out: sums, ranges, scales."""

import numpy as np
from cases import at, kind
from kit import after, step_of
from port import correlate


@kind("partial sums saturate", "satur|clip|clamp|limit|overflow|cut|ceiling", unless="bias|slope")
@at("mapping_2", part=0.5)
@at("expanding", "large", part=0.4)
def partial_sums_saturate(port, layer, random, part):
    """The accumulator saturates after each input channel, so that what comes later counts and what was cut does not."""

    def multiply(padded):
        limit = part * np.abs(correlate(padded, layer.kernel)).max()
        total = 0
        for i in range(len(padded)):
            total = np.clip(total + correlate(padded[i : i + 1], layer.kernel[:, i : i + 1]), -limit, limit)
        return total

    layer.multiply = multiply


@kind("truncation toward zero", "trunc|toward|cut off|dropped|floor|not (to the )?nearest", beside=1, mild=True)
@at("mapping_2", bits=8)
@at("expanding", "large", bits=9)
def truncation_toward_zero(port, layer, random, bits):
    """An integer division or a cast from float to int: both signs lose towards 0."""

    def cast(y):
        step = step_of(y, bits)
        return (np.trunc(y / step) * step).astype(y.dtype)

    after(layer, "keep", cast)


@kind(
    "small values zeroed",
    "<zero>|dead.?zone|flush",
    "small|thresh|near|(?<!see )below|within|less than|dead.?zone|between|flush",
    beside=1,
    unless="bias|slope|kernel",
)
@at("mapping_3", part=0.03)
@at("feature_extraction", "large", part=0.05)
def small_values_zeroed(port, layer, random, part):
    """Sparse storage: what is small is not kept."""
    after(layer, "keep", lambda y: np.where(np.abs(y) < part * np.abs(y).max(), 0, y).astype(y.dtype))


@kind("noise added", "noise|random|dither|jitter", beside=1, vague="input")
@at("mapping_1", part=0.02)
@at("input", "large", part=0.01)
def noise_added(port, layer, random, part):
    """Dither before rounding, or rounding up and down by chance."""

    def dither(y):
        size = part * np.abs(y).max()
        return (y + random.uniform(-size, size, y.shape)).astype(y.dtype)

    after(port if layer is port else layer, "prepare" if layer is port else "keep", dither)


@kind(
    "borrow between packed products",
    "borrow|carr(y|ies)|pack|dsp|(one|a|1) (step|lsb|bit|unit)|sign of the (next|other|neighbour)",
)
@at("mapping_2", bits=9)
@at("feature_extraction", "large", bits=9)
def borrow_between_packed_products(port, layer, random, bits):
    """Two products share a DSP block: where the lower is below zero, the upper one lacks a step."""

    def borrow(y):
        y = y.copy()
        y[0::2] -= (step_of(y, bits) * (y[1::2] < 0)).astype(y.dtype)
        return y

    after(layer, "multiply", borrow)


@kind(
    "map clamped to 0 to 1",
    "clip|clamp|satur|limit|cut|unorm|\\brelu\\b|<zero>|slopes? (is|are) 0",
    "0 (to|and|\\.\\.) ?1|\\b1\\b|below|negative|unorm|both|range|\\brelu\\b|slopes? (is|are) 0",
    beside=1,
)
@at("mapping_2")
@at("shrinking", "large")
def map_clamped_to_0_to_1(port, layer, random):
    """A texture of normalised bytes or the clamp of the output, put behind every layer."""
    after(layer, "keep", lambda y: np.clip(y, 0, 1))

"""Mistakes of numbers, of the fourth lot: words, their bits, rounding. Of these kinds every case may be looked at."""

import numpy as np
from cases import at, kind
from kit import after, delayed, flat, in_blocks, step_of


@kind(
    "low byte a pixel late",
    "bytes?\\b|low(er|est)? (half|bits|part)|\\bbits\\b|lanes?\\b",
    "<shifted>|late|previous|neighbour|pixel before|lanes?\\b",
    beside=1,
    unless="kernels|bias|slope",
)
@at("mapping_2")
@at("expanding", "large")
def low_byte_a_pixel_late(port, layer, random):
    """A bus of 16 bits made of two memories of 8, one of which has an output register more."""

    def late(y):
        step = step_of(y, 16)
        words = np.rint(y / step).astype(int)
        low = words & 255
        return ((words - low + flat(lambda values: delayed(values, 1))(low)) * step).astype(y.dtype)

    after(layer, "keep", late)


@kind(
    "data lines exchanged",
    "\\bbits?\\b|data lines?|wires?\\b|pins?\\b",
    "<swap>|order|each other|in the place of",
    beside=1,
    unless="kernels|bias|slope",
)
@at("mapping_4", bits=(9, 7))
@at("shrinking", "large", bits=(10, 6))
def data_lines_exchanged(port, layer, random, bits):
    """Two of a memory's twelve data lines have each other's pin on the way out."""
    high, low = bits

    def exchange(y):
        step = step_of(y, 12)
        words = np.rint(y / step).astype(int)
        other = words & ~(1 << high | 1 << low) | (words >> low & 1) << high | (words >> high & 1) << low
        return (other * step).astype(y.dtype)

    after(layer, "keep", exchange)


@kind(
    "negative values rounded up",
    "round|trunc|floor|coarse|steps?\\b|toward",
    "negative|below (zero|0)|toward|\\bup\\b|\\bsign|one side|half",
    beside=1,
    mild=True,
    unless="kernels|bias|slope",
)
@at("mapping_1", bits=8)
@at("expanding", "large", bits=8)
def negative_values_rounded_up(port, layer, random, bits):
    """(sum + half) / step in C: the division goes toward zero, so that the half is right above zero alone."""

    def divide(y):
        step = step_of(y, bits)
        return (np.trunc(y / step + 0.5) * step).astype(y.dtype)

    after(layer, "keep", divide)


@kind(
    "multipliers rounded to powers of two",
    "<scale>|power|shift|2\\^",
    "channel|each|\\bper\\b|\\bown\\b|every",
    beside=1,
    vague="kernel",
    unless="slopes?\\b|shifted by \\d+ (pixel|row|column)",
)
@at("mapping_1")
@at("shrinking", "large")
def multipliers_rounded_to_powers_of_two(port, layer, random):
    """Requantisation by channels with shifts alone, for a network that was quantised with multipliers."""
    largest = np.abs(layer.kernel).max((1, 2, 3))
    factor = (2 ** np.rint(np.log2(largest)) / largest).astype(layer.kernel.dtype)
    after(layer, "add_bias", lambda y: y * factor[:, None, None])


@kind(
    "blocks share an exponent",
    "block|exponent|round|coarse|\\bbits\\b|precision|quanti|mantissa|steps?\\b|truncat",
    beside=1,
    mild=True,
    unless="kernels|weights|bias|slope",
)
@at("mapping_3")
@at("expanding", "large")
def blocks_share_an_exponent(port, layer, random):
    """Block floating point with five bits a value: beside a large value small ones have few of them left."""

    def share(y):
        blocks, exponent = in_blocks(y)
        step = 2.0 ** (exponent - 4)
        return (np.rint(blocks / step) * step).reshape(y.shape).astype(y.dtype)

    after(layer, "keep", share)


@kind(
    "values held now and then",
    "random|some (of the )?(values|pixels)|here and there|\\brace|held|holds?\\b|repeat|previous|isolated|scatter|stale"
    "|\\d+ (of \\d+ )?(values|pixels)|copy|copies|noise|now and then",
    beside=1,
    unless="kernels|bias|slope",
)
@at("mapping_1", share=0.02)
@at("expanding", "large", share=0.005)
def values_held_now_and_then(port, layer, random, share):
    """Valid without ready: when the reader stalls, it takes the value before again, and none is late afterwards."""

    def hold(values):
        return np.where(random.random(values.shape) < share, delayed(values, 1), values)

    after(layer, "keep", flat(hold))

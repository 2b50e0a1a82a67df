# HELD OUT. If you improve `fsrcnn diagnose`, please do not read this file, nor the cases it makes: what is measured
# with them is worth something as long as nobody has fitted the program to it.

"""Held-out mistakes of activations, and of dumps that are not what they are said to be."""

import numpy as np
from cases import ACTIVATIONS, FULL, NotHere, at, kind
from kit import after, before, delayed, flat, step_of


@kind("softplus for PReLU", "soft.?plus|log\\w*\\(?.*exp")
@at("mapping_3")
@at("expanding", "large")
def softplus_for_prelu(port, layer, random):
    layer.activate = lambda y: np.logaddexp(np.zeros((), y.dtype), y)


@kind("hard swish for PReLU", "h(ard)?.?swish|relu6\\(")
@at("mapping_2")
@at("shrinking", "large")
def hard_swish_for_prelu(port, layer, random):
    """MobileNet's activation: y * relu6(y + 3) / 6."""
    layer.activate = lambda y: y * np.clip(y + 3, 0, 6) / 6


@kind(
    "slope's complement",
    "<slope>",
    "1 ?- ?|one minus|complement|1 less|minus 1|less than 1|from 1\\b|add up to (1|one)",
    vague="slope",
)
@at("mapping_1")
@at("feature_extraction", "large")
def slopes_complement(port, layer, random):
    """mix(a * y, y, step) with its first two arguments exchanged, or a decay where a gain is meant: 1 - slope."""
    layer.slope = 1 - layer.slope


@kind(
    "slope divided by",
    "<slope>",
    "divi|reciprocal|invers|\\b1 ?/|one over",
    vague="slope",
    unless="positive|wrong (side|way)",
)
@at("mapping_4")
@at("feature_extraction", "large")
def slope_divided_by(port, layer, random):
    """y / a, as the first paper on leaky units has it, for a * y."""
    if (layer.slope == 0).any():
        raise NotHere("a slope is zero")
    layer.slope = 1 / layer.slope


@kind("slopes saturated", "<slope>", "satur|clip|clamp|limit|\\bcut\\b|at most|range|\\bends? at", vague="slope")
@at("mapping_2", part=0.5)
@at("expanding", "large", part=0.4)
def slopes_saturated(port, layer, random, part):
    """Slopes in words with no bit in front of the point: the large ones of both signs are cut."""
    limit = part * np.abs(layer.slope).max()
    layer.slope = np.clip(layer.slope, -limit, limit)


@kind(
    "input activated again",
    "activat|prelu|slope|leak",
    "input|reads?|layer before|previous|given",
    "<twice>|activat|already|scaled|times|slope",
    unless="sums of the|bias|kernels",
)
@at("mapping_3")
@at("deconvolution", "large")
def input_activated_again(port, layer, random):
    """Layers that activate what they read, behind layers that have activated what they write."""
    slope = port.layers[port.layers.index(layer) - 1].slope[:, None, None]
    before(layer, "convolve", lambda x: np.where(x > 0, x, slope * x))


@kind(
    "activation after each pass",
    "activat|prelu|slope|relu",
    "partial|pass|half|halves|group|parts?\\b|between|middle|in (two|2)|too (early|soon)|input channels"
    "|before (all|the)",
    unless="before the bias|bias (is|comes)",
)
@at("mapping_2")
@at("shrinking", "large")
def activation_after_each_pass(port, layer, random):
    """Half of the input's channels at a time, and each pass ends with the PReLU, not the last one alone."""

    def run(x):
        first, second, half = x.copy(), x.copy(), len(x) // 2
        first[half:], second[:half] = 0, 0
        sums = layer.activate(layer.add_bias(layer.convolve(first))) + layer.convolve(second)
        return sums, layer.activate(sums)

    layer.run = run


@kind(
    "sign a pixel late",
    "\\bsign|compar|activat|prelu|slope",
    "<shifted>|previous|pixel|late|neighbour|delay",
    "previous|before|pixel|late|neighbour|delay|<shifted>",
    unless="before the bias|bias|slopes? of|channels?",
)
@at("mapping_1")
@at("expanding", "large")
def sign_a_pixel_late(port, layer, random):
    """The comparison passes a register more than the sum: whether a pixel is below zero, the one before it says."""
    slope = layer.slope[:, None, None]

    def activate(y):
        earlier = flat(lambda values: delayed(values, 1))(y)
        return np.where(earlier > 0, y, slope * y)

    layer.activate = activate


@kind(
    "activated twice where vectors overlap",
    "activat|prelu|slope|negative",
    "<twice>|squared|times",
    "<column>|vector|part|overlap|region|pixels|tail|only",
    vague="slope",
    unless="bias",
)
@at("mapping_4", lanes=16)
@at("feature_extraction", "large", lanes=64)
def activated_twice_where_vectors_overlap(port, layer, random, lanes):
    """In place; a row's last vector begins where it fits, over pixels that the one before it has done already."""
    activate = layer.activate

    def in_vectors(y):
        z, columns = activate(y), y.shape[2]
        overlap = np.s_[:, :, columns - lanes : columns // lanes * lanes]
        z[overlap] = activate(z)[overlap]
        return z

    layer.activate = in_vectors


@kind(
    "slope's product truncated",
    "trunc|floor|round|coarse|steps?\\b|precision|bits|quanti",
    "negative|slope|prelu|below (zero|0)|activation",
    mild=True,
    unless="slopes (are|were) (rounded|coarse|trunc)|bias",
)
@at("mapping_3", bits=7)
@at("feature_extraction", "large", bits=7)
def slopes_product_truncated(port, layer, random, bits):
    """What is above zero passes as it is; the product with the slope is shifted back, and its fraction is lost."""
    slope = layer.slope[:, None, None]

    def activate(y):
        step = step_of(y, bits)
        return np.where(y > 0, y, np.floor(slope * y / step) * step).astype(y.dtype)

    layer.activate = activate


@kind("max pooling left in", "max\\w*.?pool|pooling|\\bmaximum|\\bmax\\b|largest (of|value)|morpholog", beside=1)
@at("mapping_1")
@at("expanding", "large")
def max_pooling_left_in(port, layer, random):
    """A layer of another network, with a window of 3x3 and a stride of 1."""

    def pool(y):
        around = np.pad(y, ((0, 0), (1, 1), (1, 1)), mode="edge")
        rows, columns = y.shape[1:]
        return np.max([around[:, i : i + rows, j : j + columns] for i in range(3) for j in range(3)], 0)

    after(layer, "keep", pool)


@kind(
    "dump taken after the activation",
    "dump|convolution|sums?\\b|before|file|already|in.?place",
    "activat|prelu",
    "after|already|in.?place|behind|activated|instead|too late|holds?|is (that|the)",
    mild=True,
    unless="twice|missing|left out|relu, not",
)
@at("mapping_2", settings=(FULL,))
@at("feature_extraction", "large", settings=(FULL,))
def dump_taken_after_the_activation(port, layer, random):
    """An activation in place, and a hook that kept a reference: the sums' file has the activated values, too."""
    run = layer.run
    layer.run = lambda x: (run(x)[1],) * 2


@kind(
    "dumps of two layers exchanged",
    "mapping.2",
    "mapping.3",
    "<swap>|each other|instead|in (the )?place|place of|names?|holds? what|is that of|dump of",
    mild=True,
    unless="kernels|bias|slopes",
)
@at("mapping_2", settings=(FULL, ACTIVATIONS))
@at("mapping_2", "large", "fsrcnn-x3", settings=(ACTIVATIONS,))
def dumps_of_two_layers_exchanged(port, layer, random):
    """The port is right; two of its dumps have each other's name."""
    run = port.run

    def renamed(picture):
        maps = run(picture)
        for stage in ("", "_prelu"):
            one, other = f"mapping_2{stage}", f"mapping_3{stage}"
            maps[one], maps[other] = maps[other], maps[one]
        return maps

    port.run = renamed

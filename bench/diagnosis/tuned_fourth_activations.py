"""Mistakes of activations and of their dumps, of the fourth lot. Of these kinds every case may be looked at."""

import numpy as np
from cases import FULL, NotHere, at, kind


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

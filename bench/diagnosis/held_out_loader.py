# HELD OUT. If you improve `fsrcnn diagnose`, please do not read this file, nor the cases it makes: what is measured
# with them is worth something as long as nobody has fitted the program to it.

"""Held-out mistakes of loading: text, streams, orders, scales of weights, checkpoints."""

import numpy as np
from cases import at, kind
from kit import read_as_kernel, step_of


@kind(
    "row numbers read as weights",
    "kernel|weight|file",
    "row numbers?|line numbers?|index|counts?\\b|every (second|other)|interleav|csv|first column|huge|0, 1, 2"
    "|too large",
    vague="kernel",
)
@at("mapping_2")
@at("shrinking", "large")
def row_numbers_read_as_weights(port, layer, random):
    """pandas writes each line's number before its value unless it is told not to; a loader reads both."""
    values = layer.kernel.ravel()
    read_as_kernel(layer, np.stack([np.arange(values.size), values], 1))


@kind(
    "phases' kernels read as one",
    "phase|sub.?pixel|polyphase|order|layout|interleav|shuffle|split|<swap>",
    "kernel|weight|tap",
    vague="kernel",
    unless="transpos|turned|fortran|bias",
)
@at("deconvolution")
@at("deconvolution", "large", "fsrcnn-x3")
def phases_kernels_read_as_one(port, layer, random):
    """The file has the small kernel of each sub-pixel phase, one after the other; it is read as the large one."""
    scale, kernels = layer.stride, layer.kernel[:, 0]
    parts = [kernels[:, i::scale, j::scale].reshape(len(kernels), -1) for i in range(scale) for j in range(scale)]
    read_as_kernel(layer, np.concatenate(parts, 1))


@kind(
    "decimal commas part the numbers",
    "comma|decimal|locale|parted|split|integer|huge|too large|every (second|other)|csv|digits|fraction",
    "weight|kernel|file|number",
    vague="kernel",
    unless="bias|slope",
)
@at("mapping_4")
@at("feature_extraction", "large")
def decimal_commas_part_the_numbers(port, layer, random):
    """0,2513 in a file whose values are parted by commas: 0, and then 2513."""
    texts = [part for weight in layer.kernel.ravel() for part in f"{weight:.4f}".split(".")]
    read_as_kernel(layer, [float(text) for text in texts[: layer.kernel.size]])


@kind(
    "offset binary taken for two's complement",
    "offset.?binary|sign bit|top bit|\\b128\\b|\\bsign|unsigned|two's|excess|wrap|zero.?point|half (of )?the range",
    "weight|kernel|word|byte",
    vague="kernel",
    unless="bias|slope",
)
@at("mapping_3")
@at("shrinking", "large")
def offset_binary_taken_for_twos_complement(port, layer, random):
    """Weights as bytes plus 128, the file's habit; the loader takes the highest bit for a sign."""
    step = step_of(layer.kernel, 8)
    words = np.clip(np.rint(layer.kernel / step), -128, 127)
    layer.kernel = (np.where(words >= 0, words - 128, words + 128) * step).astype(layer.kernel.dtype)


@kind(
    "scales of two channels exchanged",
    "channel|kernel|output|weights",
    r"(?<![.\d]){first}\b(?!\.\d)",
    r"(?<![.\d]){second}\b(?!\.\d)",
    "<scale>",
    vague="kernel",
    unless="slope|bias (is|are)",
)
@at("mapping_2", first=0, second=5)
@at("feature_extraction", "large", first=3, second=44)
def scales_of_two_channels_exchanged(port, layer, random, first, second):
    """Quantised by channels, and two lines of the table of steps have each other's place."""
    largest = np.abs(layer.kernel).max((1, 2, 3))
    layer.kernel[first] *= largest[second] / largest[first]
    layer.kernel[second] *= largest[first] / largest[second]


@kind(
    "weights' bits in reverse",
    "bits?\\b.*(revers|order|first|mirror)|(revers|mirror|order)\\w*.*bits?\\b|\\b[lm]sb\\b|serial",
    vague="kernel",
)
@at("mapping_1")
@at("expanding", "large")
def weights_bits_in_reverse(port, layer, random):
    """A serial memory that gives the lowest bit first, and a shift register that expects the highest."""
    step = step_of(layer.kernel, 8)
    words = np.clip(np.rint(layer.kernel / step), -128, 127).astype(np.int8).view(np.uint8)
    mirrored = np.packbits(np.unpackbits(words.reshape(-1, 1), 1)[:, ::-1], 1).view(np.int8)
    layer.kernel = (mirrored.reshape(layer.kernel.shape) * step).astype(layer.kernel.dtype)


@kind(
    "weights as powers of two",
    "power|2\\^|shift|logarithm|round|coarse|\\bbits\\b|quanti|exponent|precision",
    "weight|kernel",
    mild=True,
    vague="kernel",
    unless="bias|slope",
)
@at("mapping_3")
@at("deconvolution", "large")
def weights_as_powers_of_two(port, layer, random):
    """A machine without multipliers, and weights that were not trained for it."""
    size = 2.0 ** np.rint(np.log2(np.abs(layer.kernel) + 1e-30))
    layer.kernel = (np.sign(layer.kernel) * size).astype(layer.kernel.dtype)

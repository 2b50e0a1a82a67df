"""Mistakes of loading, of the third lot that was held out: orders, formats, headers, windows."""

import numpy as np
from cases import NotHere, at, kind


@kind(
    "two taps exchanged",
    "tap|kernel|weight|window",
    "<swap>|each other|order|place",
    vague="kernel",
    unless="transpos|outputs|input channels|hwio",
)
@at("mapping_2", first=(0, 1), second=(1, 0))
@at("feature_extraction", "large", first=(2, 2), second=(2, 3))
def two_taps_exchanged(port, layer, random, first, second):
    """A slip in an unrolled loop."""
    kernel = layer.kernel.copy()
    kernel[..., first[0], first[1]] = layer.kernel[..., second[0], second[1]]
    kernel[..., second[0], second[1]] = layer.kernel[..., first[0], first[1]]
    layer.kernel = kernel


@kind(
    "kernels taken for symmetric",
    "kernel|tap|<column>|weight",
    r"symmetr|fold|half|both sides|same as|copy|equal|column 0 also at column [28]\b",
    vague="kernel",
)
@at("mapping_4")
@at("deconvolution", "large")
def kernels_taken_for_symmetric(port, layer, random):
    """A folded filter, which adds left and right before it multiplies: the kernel's right half is its left one."""
    half = layer.kernel.shape[-1] // 2
    layer.kernel = layer.kernel.copy()
    layer.kernel[..., -half:] = layer.kernel[..., :half][..., ::-1]


@kind(
    "kernels without their mean",
    "kernel|weight",
    "\\bmean|sums? (to|of|is|are) (zero|0)|centred|centered|\\bdc\\b|offset|average|constant|standardi[sz]",
    vague="kernel",
)
@at("mapping_2")
@at("feature_extraction", "large")
def kernels_without_their_mean(port, layer, random):
    """Weight standardisation, of which the mean is left from another network."""
    layer.kernel = layer.kernel - layer.kernel.mean((1, 2, 3), keepdims=True)


@kind(
    "weights' zero point forgotten",
    "kernel|weight",
    "zero.?point|offset|constant|too (large|high|small|low)|added|\\bplus|more than|all .* (larger|higher)",
    vague="kernel",
    unless="bias",
)
@at("mapping_1", part=0.05)
@at("shrinking", "large", part=0.1)
def weights_zero_point_forgotten(port, layer, random, part):
    """Asymmetric int8 weights, multiplied as they are."""
    layer.kernel = layer.kernel + layer.kernel.dtype.type(part * np.abs(layer.kernel).max())


@kind(
    "largest weights wrap",
    "weight|kernel|tap",
    "sign\\b|negat|wrap|-128|overflow|two's|minus|opposite",
    vague="kernel",
    unless="bias|all (of )?the (kernels|weights)|unsigned",
)
@at("mapping_3")
@at("feature_extraction", "large")
def largest_weights_wrap(port, layer, random):
    """int8 by channels with a scale of 128: the largest weight of a channel, if above zero, comes out as -128."""
    layer.kernel = layer.kernel.copy()
    for weights in layer.kernel.reshape(len(layer.kernel), -1):
        if weights.max() == np.abs(weights).max():
            weights[weights.argmax()] *= -1


@kind(
    "exponents of tiny weights lost",
    "kernel|weight|tap",
    "exponent|mantissa|too large|times|\\be-|10\\^|huge|larger",
    vague="kernel",
    unless="bias|slope|kernels of (the|all)",
)
@at("mapping_1")
@at("feature_extraction", "large")
def exponents_of_tiny_weights_lost(port, layer, random):
    """Text in which only what is below 1e-4 has an exponent, and a reader that knows none: 5.3e-05 is 5.3."""
    size = 10.0 ** np.floor(np.log10(np.abs(layer.kernel) + 1e-30))
    tiny = (np.abs(layer.kernel) < 1e-4) & (layer.kernel != 0)
    if not tiny.any():
        raise NotHere("no weight is below 1e-4")
    layer.kernel = np.where(tiny, layer.kernel / size, layer.kernel).astype(layer.kernel.dtype)


@kind(
    "doubles read as floats",
    "double|float64|64.?bit|every (second|other)|dtype|type|twice as (wide|long)|words",
    "weight|kernel|number|file",
    vague="kernel",
)
@at("mapping_2")
@at("shrinking", "large")
def doubles_read_as_floats(port, layer, random):
    """NumPy saves float64 unless told otherwise; each weight is read as two floats, the first of them rubbish."""
    words = layer.kernel.astype(np.float32).astype("<f8").ravel().view("<f4")
    layer.kernel = words[: layer.kernel.size].reshape(layer.kernel.shape).astype(layer.kernel.dtype)


@kind(
    "bias and slope exchanged",
    "bias",
    "<slope>",
    r"<swap>|each other|in (the )?place|instead(?! of -?\d)|holds?|place of|are the|read as|taken for",
    vague="bias",
)
@at("mapping_1")
@at("feature_extraction", "large")
def bias_and_slope_exchanged(port, layer, random):
    """Two arrays of one length, and the file has the slopes first."""
    layer.bias, layer.slope = layer.slope, layer.bias

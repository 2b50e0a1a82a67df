"""Mistakes of loading, a third lot: orders, formats, headers, windows. Of these kinds every case may be looked at."""

import io

import numpy as np
from cases import at, kind


@kind(
    "weights in OHWI order",
    "weight|kernel",
    "order|ohwi|nhwc|transpos|axes|channels? (first|last)|layout|exchang|tensorflow|tflite|interleav|im2col",
    vague="kernel",
)
@at("mapping_1")
@at("mapping_4", "large")
def weights_in_ohwi_order(port, layer, random):
    """TFLite's order, or an im2col that has the channels innermost: (out, height, width, in)."""
    layer.kernel = layer.kernel.transpose(0, 2, 3, 1).reshape(layer.kernel.shape)


@kind(
    "packed weights read plainly",
    "weight|kernel",
    "order|pack|interleav|layout|<swap>|blocks? of|by (4|four)|groups? of|transpos|axes",
    vague="kernel",
)
@at("mapping_2")
@at("feature_extraction", "large")
def packed_weights_read_plainly(port, layer, random):
    """Weights of four outputs lie side by side, for vectors; a plain loop reads them."""
    packed = layer.kernel.reshape(len(layer.kernel) // 4, 4, -1).swapaxes(1, 2)
    layer.kernel = packed.reshape(layer.kernel.shape).copy()


@kind(
    "window rotated",
    "<column>|<row>|window|tap|kernel",
    "rotat|<shifted>|cyclic|order|ring|wrap|circular|<swap>|1 is read in place of 0.*2 is read in place of 1",
    vague="kernel",
    unless=r"\b180\b|turned|bias|slope|numbered",
)
@at("mapping_3", axis=-1)
@at("feature_extraction", "large", axis=-2)
def window_rotated(port, layer, random, axis):
    """The shift register's stages have the wrong numbers: 1, 2, 0 for 0, 1, 2."""
    layer.kernel = np.roll(layer.kernel, 1, axis)


@kind(
    "corner taps missing",
    "tap|kernel|window",
    r"corner|cross|diagonal|plus|\(0, 0\), \(0, 2\), \(2, 0\),? (and )?\(2, 2\)",
    "<missing>|<zero>|only",
    vague="kernel",
)
@at("mapping_1")
@at("mapping_4", "large")
def corner_taps_missing(port, layer, random):
    """A stencil of the pixel and its four neighbours."""
    layer.kernel = layer.kernel.copy()
    layer.kernel[..., :: layer.kernel.shape[-2] - 1, :: layer.kernel.shape[-1] - 1] = 0


@kind(
    "weights of a byte exchanged",
    "weight|kernel|nibble|byte|channels?",
    "<swap>|pairs?\\b|order|endian|nibble",
    vague="kernel",
    unless="bias|slope|transpos",
)
@at("mapping_2")
@at("shrinking", "large")
def weights_of_a_byte_exchanged(port, layer, random):
    """Weights of four bits, two a byte, of which the upper one is taken for the first."""
    layer.kernel = layer.kernel.reshape(-1, 2)[:, ::-1].reshape(layer.kernel.shape).copy()


@kind(
    "bfloat16 read as float16",
    "bfloat|float16|half.?(precision|float)|format|exponent|mantissa|dtype|type|reinterpret|bits",
    "weight|kernel|number|file",
    vague="kernel",
)
@at("mapping_1")
@at("shrinking", "large")
def bfloat16_read_as_float16(port, layer, random):
    """Both have 16 bits, and 0.1 of the one is 1.45 of the other."""
    words = (layer.kernel.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)
    layer.kernel = words.view(np.float16).astype(layer.kernel.dtype)


@kind(
    "header read as weights",
    "header|<shifted>|begin|\\.?npy|garbage|huge|first .*(weights|kernels)",
    "weight|kernel|file|header",
    vague="kernel",
    unless="numbered|window",
)
@at("mapping_4")
@at("feature_extraction", "large")
def header_read_as_weights(port, layer, random):
    """fread() of an .npy file from its first byte on: 128 bytes of text, and then the weights."""
    file = io.BytesIO()
    np.save(file, layer.kernel.astype("<f4"))
    words = np.frombuffer(file.getvalue(), "<f4")[: layer.kernel.size]
    layer.kernel = words.reshape(layer.kernel.shape).astype(layer.kernel.dtype)


@kind(
    "every second kernel turned",
    "turned|rotat|180|flip|mirror|revers",
    "every|each|second|odd|half|some|\\b1, 3|\\d+ of",
    vague="kernel",
)
@at("mapping_2")
@at("deconvolution", "large")
def every_second_kernel_turned(port, layer, random):
    """Kernels that are walked through there and back: the odd ones are read from their end."""
    layer.kernel = layer.kernel.copy()
    layer.kernel[1::2] = layer.kernel[1::2, :, ::-1, ::-1].copy()


@kind("biases wrap", "bias", "wrap|overflow|modulo|two's|\\bbits|2\\^|\\bsign", vague="bias")
@at("expanding")
@at("mapping_2", "large")
def biases_wrap(port, layer, random):
    """Biases in words that are too narrow for the largest of them."""
    limit = 0.6 * np.abs(layer.bias).max()
    layer.bias = ((layer.bias + limit) % (2 * limit) - limit).astype(layer.bias.dtype)


@kind(
    "slopes end too soon",
    "<slope>|relu",
    "<zero>|<missing>|relu|short|too soon",
    "<channel>|last|from \\d+ on|\\b{first}\\b|end|{count} of",
    vague="slope",
)
@at("mapping_3", first=8, count=4)
@at("feature_extraction", "large", first=32, count=24)
def slopes_end_too_soon(port, layer, random, first, count):
    """Of the slopes only the first are copied; the others are 0."""
    layer.slope = layer.slope.copy()
    layer.slope[first:] = 0

"""Mistakes of numbers and of the picture as it is read, a third lot. Of these kinds every case may be looked at."""

import numpy as np
from cases import at, kind
from kit import after, step_of
from picture import luma


@kind(
    "clipped below",
    "clip|clamp|satur|cut|limit|at least|no lower|\\bends?\\b|not below|minim",
    beside=1,
    unless="kernels|relu6",
)
@at("mapping_1", part=0.5)
@at("feature_extraction", "large", part=0.4)
def clipped_below(port, layer, random, part):
    """A range that was calibrated on maxima alone: what is far below zero ends at a part of the smallest value."""
    after(layer, "activate", lambda y: np.maximum(y, part * y.min()))


@kind(
    "maps in bfloat16",
    "bfloat|16.?bit|precision|round|coarse|bits|mantissa|quanti|digits",
    beside=1,
    mild=True,
    unless="kernels|bias",
)
@at("mapping_2")
@at("expanding", "large")
def maps_in_bfloat16(port, layer, random):
    """Eight bits of each value are kept, and cut off, not rounded."""

    def keep(y):
        words = np.ascontiguousarray(y, np.float32).view(np.uint32) & np.uint32(0xFFFF0000)
        return words.view(np.float32).astype(y.dtype)

    after(layer, "keep", keep)


@kind(
    "texture without sign",
    "negative|below (zero|0)|unsigned|clip|clamp|\\bsign|cut",
    beside=1,
    unless="kernels|bias",
)
@at("mapping_3")
@at("expanding", "large")
def texture_without_sign(port, layer, random):
    """R11F_G11F_B10F has no sign and six bits of mantissa."""

    def keep(y):
        words = np.ascontiguousarray(np.maximum(y, 0), np.float32).view(np.uint32) & np.uint32(0xFFFE0000)
        return words.view(np.float32).astype(y.dtype)

    after(layer, "keep", keep)


@kind(
    "sign and magnitude mixed up",
    "\\bsign|two's|magnitude|negative|wrap|below (zero|0)|complement",
    beside=1,
    unless="slope|bias|kernels",
)
@at("mapping_2", bits=16)
@at("shrinking", "large", bits=12)
def sign_and_magnitude_mixed_up(port, layer, random, bits):
    """Two's complement, read as a sign and a magnitude: the smallest value below zero is the largest."""

    def mix(y):
        step = step_of(y, bits)
        words = np.rint(y / step)
        return (np.where(words < 0, -(2 ** (bits - 1)) - words, words) * step).astype(y.dtype)

    after(layer, "keep", mix)


@kind(
    "input GBR",
    "input|picture|luma|colou?rs?|planes?",
    "gbr|\\brgb|\\bred\\b|green|blue|channel order|colou?rs?|planes?.*(exchang|swap|order)",
    vague="input",
    unless="red and blue|bgr|average|mean|alpha|largest",
)
@at("input")
@at("input", "large")
def input_gbr(port, layer, random):
    """FFmpeg's gbrp keeps planes in this order; they are taken for red, green and blue."""
    port.prepare = lambda _: luma(port.rgb[..., [1, 2, 0]])[None].astype(port.dtype)


@kind("input luma of linear light", "input|picture|luma", "linear|gamma|srgb|curve|transfer", vague="input")
@at("input")
@at("input", "large")
def input_luma_of_linear_light(port, layer, random):
    """Colours are made linear, their luminance computed, and that is coded as sRGB again."""
    coded = port.rgb / 255
    linear = np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722]
    back = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    port.prepare = lambda _: ((16 + 219 * back) / 255)[None].astype(port.dtype)


@kind(
    "input lightness of HSL",
    "input|picture|luma",
    "lightness|hsl|hls|(max|largest|brightest).*(min|smallest|darkest)|\\(max",
    vague="input",
)
@at("input")
@at("input", "large")
def input_lightness_of_hsl(port, layer, random):
    """The mean of a pixel's largest and smallest value."""
    rgb = port.rgb.astype(float)
    port.prepare = lambda _: ((rgb.max(-1) + rgb.min(-1)) / 510)[None].astype(port.dtype)


@kind(
    "ghost of the frame before",
    "input|picture|luma|frame",
    "ghost|frame|blend|\\bmix|temporal|echo|shifted|motion|blur|smooth|average",
    vague="input",
)
@at("input", pixels=2)
@at("input", "large", pixels=5)
def ghost_of_the_frame_before(port, layer, random, pixels):
    """A temporal filter against noise, while the camera pans."""
    after(port, "prepare", lambda x: (0.75 * x + 0.25 * np.roll(x, pixels, 2)).astype(x.dtype))

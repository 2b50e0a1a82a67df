"""Mistakes of channels, sums and windows, of the fourth lot. Of these kinds every case may be looked at."""

import numpy as np
from cases import at, kind
from kit import after, before, delayed, flat
from picture import luma, make_picture
from port import correlate


@kind(
    "channels of the frame before",
    "<channel>",
    "frame|picture|image|<old>|stale|garbage|unrelated|nothing to do|overwritten|not updated",
    r"\b{first}\b|<last>|half|from|\d+ (of|to)",
    unless="kernels|bias is|slope",
)
@at("mapping_3", first=8)
@at("feature_extraction", "large", first=32)
def channels_of_the_frame_before(port, layer, random, first):
    """Of two bursts only the first has come when the map is read: the other channels are those of another picture."""
    rows, columns = port.size
    x = luma(make_picture(columns, rows, 31))[None].astype(port.dtype)
    for each in port.layers[: port.layers.index(layer) + 1]:
        x = each.run(x)[1]
    after(layer, "keep", lambda y: np.concatenate([y[:first], x[first:]]))


@kind(
    "every second product lost",
    "tap|kernel|product|weight",
    "every (second|other)|odd|even|each (second|other)|half|alternat|checker|hazard|\\(0, 0\\), \\(0, 2\\)",
    "<missing>|<zero>|lost|only",
    vague="kernel",
    unless="bias|slope|input channels?",
)
@at("mapping_1")
@at("deconvolution", "large")
def every_second_product_lost(port, layer, random):
    """A pragma says that sums do not depend on each other, and they do: two additions begin with the same old sum."""
    outputs = len(layer.kernel) if layer.slope is not None else 1
    kernel = layer.kernel.copy().reshape(outputs, -1)
    kernel[:, ::2] = 0
    layer.kernel = kernel.reshape(layer.kernel.shape)


@kind(
    "one index for both axes",
    "diagonal|\\bindex|row.*column|column.*row",
    "kernel|tap|window|\\bsum|column|pixel",
    vague="kernel",
    unless="transpos|bias|slope|90|180",
)
@at("mapping_2")
@at("feature_extraction", "large")
def one_index_for_both_axes(port, layer, random):
    """x[row + ky][column + ky]: a window of which only the diagonal is read, with sums of the kernel's rows."""
    kernel = np.zeros_like(layer.kernel)
    for ky in range(kernel.shape[-1]):
        kernel[..., ky, ky] = layer.kernel[..., ky, :].sum(-1)
    layer.kernel = kernel


@kind(
    "last product counted for the next pixel",
    "tap|product|kernel|weight|accumul|window|channel",
    "<shifted>|next pixel|pixel before|previous|too late|one pixel|neighbour",
    vague="kernel",
    unless="bias|slope|map comes",
)
@at("mapping_1")
@at("feature_extraction", "large")
def last_product_counted_for_the_next_pixel(port, layer, random):
    """The accumulator is emptied a clock too early: the last product of a pixel is in the sum of the next one."""
    kernel, side = layer.kernel.copy(), layer.kernel.shape[-1]
    kernel[:, -1, -1, -1] = 0

    def multiply(padded):
        last = layer.kernel[:, -1, -1, -1, None, None] * padded[-1:, side - 1 :, side - 1 :]
        return correlate(padded, kernel) + flat(lambda values: delayed(values, 1))(last)

    layer.multiply = multiply


@kind(
    "ring with a line too few",
    "<row>|ring\\b|line buffer|window|kernel|\\btaps?\\b",
    "overwrit|newest|too few|<swap>|instead|in (the )?place|belongs|other row|reads?|(last|bottom|first|top) row",
    vague="kernel",
    unless="bias|slope|turned|transpos|<zero>|<missing>",
)
@at("mapping_3")
@at("feature_extraction", "large")
def ring_with_a_line_too_few(port, layer, random):
    """The newest row is written over the window's oldest one: up to the pixel, that has already the new values."""
    kernel, middle = layer.kernel.copy(), layer.kernel.shape[-1] // 2
    kernel[..., -1, : middle + 1] += kernel[..., 0, : middle + 1]
    kernel[..., 0, : middle + 1] = 0
    layer.kernel = kernel


@kind(
    "every second column not read",
    "<column>|pixels?",
    "odd|even|every (second|other)|each (second|other)|half|1, ?3|alternat|stride",
    "<zero>|<missing>|ignor|only|skip|reads?|stride",
    unless="bias|slope",
)
@at("mapping_4")
@at("deconvolution", "large")
def every_second_column_not_read(port, layer, random):
    """A loop for vectors of two pixels, of which the second's product is never added."""

    def skip(x):
        x = x.copy()
        x[:, :, 1::2] = 0
        return x

    before(layer, "convolve", skip)


@kind(
    "last rows read too early",
    "<last>|rows? \\d+|beyond|lower",
    "<row>|strip|border|input",
    "<zero>|too (early|soon)|not (yet|read|there|written)|stale|race|ignor|inside|<missing>",
    unless="bias|slope|kernels",
)
@at("mapping_2", rows=3)
@at("mapping_4", "large", rows=8)
def last_rows_read_too_early(port, layer, random, rows):
    """The next layer does not wait for the last rows of the one before: it reads a buffer that is still cleared."""

    def read(x):
        x = x.copy()
        x[:, -rows:] = 0
        return x

    before(layer, "convolve", read)


@kind(
    "biases change late",
    "bias",
    "first|top|start|begin|<row>|late|pixels|values|\\b{pixels}\\b",
    "channel|before|previous|<shifted>|late|<missing>|others?\\b|another",
    vague="bias",
    unless="all (of )?(the )?biases|bias is missing",
)
@at("mapping_2", pixels=48)
@at("feature_extraction", "large", pixels=320)
def biases_change_late(port, layer, random, pixels):
    """A pipeline's register: the first pixels of a channel still get the bias of the channel before."""
    bias = layer.bias

    def add(y):
        sums = (y + bias[:, None, None]).reshape(len(y), -1)
        sums[1:, :pixels] += (bias[:-1] - bias[1:])[:, None]
        return sums.reshape(y.shape)

    layer.add_bias = add

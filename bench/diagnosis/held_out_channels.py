# HELD OUT. If you improve `fsrcnn diagnose`, please do not read this file, nor the cases it makes: what is measured
# with them is worth something as long as nobody has fitted the program to it.

"""Held-out mistakes of channels, sums and windows: indices, loops, accumulators, buffers that are read or not."""

import numpy as np
from cases import at, kind
from kit import after, before, delayed, flat
from picture import luma, make_picture
from port import correlate


@kind(
    "output's number for the input's",
    "\\bown\\b|same number|its number|number of the output|output'?s? (number|index|channel)|depthwise|diagonal"
    "|only (one|its)|index",
    "channel|input|kernel|index",
    vague="kernel",
    unless="bias|slope",
)
@at("mapping_2")
@at("mapping_4", "large")
def outputs_number_for_the_inputs(port, layer, random):
    """x[o] for x[i] in the inner loop: an output's kernels are all applied to the input of its own number."""
    own = np.zeros_like(layer.kernel)
    for channel, kernels in enumerate(layer.kernel):
        own[channel, channel] = kernels.sum(0)
    layer.kernel = own


@kind(
    "kernels not loaded again for the last group",
    "kernel|weight|filter",
    "\\b{first}\\b|<last>|first|group",
    "<old>|same|again|repeat|copy|copies|instead|in (the )?place|<replicate>|not (re)?loaded|begin anew|modulo|wrap"
    "|(have|has|by) (the )?(first|those|kernels? 0)|of the first|are (those|the first)",
    vague="kernel",
    unless="slope|bias (is|alone)",
)
@at("mapping_3", first=8)
@at("feature_extraction", "large", first=48)
def kernels_not_loaded_again(port, layer, random, first):
    """Outputs are made group by group; for the last of them the kernels of the first are still in the buffer."""
    layer.kernel = layer.kernel.copy()
    layer.kernel[first:] = layer.kernel[: len(layer.kernel) - first]


@kind(
    "channel cut out",
    "<channel>",
    r"\b{channel}\b|from .* on|all (behind|after|above)",
    "<shifted>|<missing>|next|order|cut|prun|removed|in the place of|one (lower|too low|further|less)|moved",
    beside=1,
    unless="bias|slope|kernels",
)
@at("mapping_2", channel=4)
@at("expanding", "large", channel=21)
def channel_cut_out(port, layer, random, channel):
    """A channel that was pruned here and not in the layer that reads: those behind it move up by one."""
    after(layer, "keep", lambda y: np.concatenate([y[:channel], y[channel + 1 :], np.zeros_like(y[:1])]))


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
    "products subtracted",
    "kernel|weight|product|sums?\\b",
    "\\bsign|negat|subtract|minus|-1\\b|invert|opposite",
    vague="kernel",
    unless="bias (is|has|was)|slope",
)
@at("mapping_4")
@at("shrinking", "large")
def products_subtracted(port, layer, random):
    """vmls for vmla: the accumulator begins with the bias, and the products are taken from it."""
    layer.kernel = -layer.kernel


@kind(
    "bias multiplied",
    "bias",
    "multiplied (by|with) (the|its|their|each)|product|instead of (added|adding|\\+)|multipl\\w+, not|not added"
    "|scaled by (the|its)|factor is",
    vague="bias",
)
@at("mapping_3")
@at("feature_extraction", "large")
def bias_multiplied(port, layer, random):
    """An FMA with its operands in the wrong order: sum * bias + 0 for sum * 1 + bias."""
    layer.add_bias = lambda y: y * layer.bias[:, None, None]


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
    "canvas not cleared",
    "<twice>|not cleared|accumul|stale|2(\\.0+)? times|factor (of )?2|<scale>",
    unless="bias (is|was) (added )?(twice|doubled)|bias alone|phase",
    vague="kernel",
)
@at("deconvolution")
@at("deconvolution", "large", "fsrcnn-x3")
def canvas_not_cleared(port, layer, random):
    """Stamps are added to a canvas that still has those of the run before, made of the same picture to warm up."""
    after(layer, "convolve", lambda y: 2 * y)


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

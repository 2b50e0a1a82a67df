# HELD OUT. If you improve `fsrcnn diagnose`, please do not read this file, nor the cases it makes: what is measured
# with them is worth something as long as nobody has fitted the program to it.

"""Held-out mistakes of channels, sums and windows: indices, loops, accumulators, buffers that are read or not."""

import numpy as np
from cases import at, kind
from kit import after


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

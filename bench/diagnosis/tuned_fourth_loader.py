"""Mistakes of loading, of the fourth lot: orders, streams, scales. Of these kinds every case may be looked at."""

import numpy as np
from cases import NotHere, at, kind
from kit import read_as_kernel


@kind(
    "first line taken for a header",
    "kernel|weight|channel|filter|file",
    "<shifted>|next|header|one (row|line|channel|output)|first (row|line)|order|rotat|in (the )?place|<swap>",
    vague="kernel",
    unless="bias (is|are)|slope|window|by one (value|weight)",
)
@at("mapping_3")
@at("feature_extraction", "large")
def first_line_taken_for_a_header(port, layer, random):
    """A table with an output's kernels in each line, read by what expects names in the first; the last stay zero."""
    layer.kernel = np.concatenate([layer.kernel[1:], np.zeros_like(layer.kernel[:1])])


@kind(
    "kernels in the order of their names",
    "kernel|weight|channel|filter|output",
    "order|sort|lexic|alphabet|names?\\b|permut|<swap>|in (the )?place",
    vague="kernel",
    unless="bias (is|are)|slope|turned|transpos|fortran|hwio",
)
@at("mapping_4")
@at("feature_extraction", "large")
def kernels_in_the_order_of_their_names(port, layer, random):
    """glob() and sort(): kernel_10 comes before kernel_2. Biases and slopes have a file each, and are right."""
    layer.kernel = layer.kernel[sorted(range(len(layer.kernel)), key=str)]


@kind(
    "biases within the kernels' stream",
    "weight|kernel|file|stream",
    "bias|<shifted>|interleav|pitch|one more|header|distance|stride",
    "each|every|more|interleav|between|pitch|stride|distance|growing|number|in front|within|among|per\\b",
    vague="kernel",
    unless="numbered|window",
)
@at("mapping_1")
@at("shrinking", "large")
def biases_within_the_kernels_stream(port, layer, random):
    """The exporter writes each output's bias in front of its kernels; the loader has biases from elsewhere."""
    read_as_kernel(layer, np.concatenate([layer.bias[:, None], layer.kernel.reshape(len(layer.bias), -1)], 1))


@kind(
    "scales along the wrong axis",
    "<scale>|quanti",
    "inputs?\\b|axis|axes|column|wrong|each|\\bper\\b|\\bown\\b|channel|transpos",
    vague="kernel",
    unless="slope|bias (is|are)",
)
@at("mapping_1")
@at("mapping_4", "large")
def scales_along_the_wrong_axis(port, layer, random):
    """int8 by output channels, and the steps are those of the input's: scale[i] for scale[o], of which both has 12."""
    outputs, inputs = layer.kernel.shape[:2]
    if outputs != inputs:
        raise NotHere("there are more inputs than outputs, or fewer")
    largest = np.abs(layer.kernel).max((1, 2, 3))
    layer.kernel = layer.kernel / largest[:, None, None, None] * largest[None, :, None, None]


@kind("biases by the tensor's scale", "bias", "<scale>", "channel|each|\\bper\\b|\\bown\\b|every|tensor", vague="bias")
@at("mapping_3")
@at("feature_extraction", "large")
def biases_by_the_tensors_scale(port, layer, random):
    """Biases are integers in their channel's step, and are read with the largest of all steps."""
    largest = np.abs(layer.kernel).max((1, 2, 3))
    layer.bias = layer.bias * largest.max() / largest


@kind(
    "weights before averaging",
    "weight|kernel|parameter|\\bset\\b|model|network",
    "another (set|model|training|network)|epoch|train|checkpoint|averag|\\bema\\b|near|close|much like|similar",
    spreads=True,
    vague="kernel",
)
@at("feature_extraction")
@at("feature_extraction", "large", "fsrcnn-x3")
def weights_before_averaging(port, layer, random):
    """A checkpoint has the weights and their running averages; the averages were tested, and the weights are read."""

    def noisy(values):
        return (values + random.normal(0, 0.03 * np.abs(values).mean(), values.shape)).astype(values.dtype)

    for each in port.layers:
        each.kernel, each.bias = noisy(each.kernel), noisy(each.bias)


@kind(
    "batch normalisation not folded",
    "normali[sz]|\\bbatch|<scale>",
    "channels?|each|every|\\bown\\b|batch|norm",
    vague="kernel",
    unless="slopes?\\b|input channels?",
)
@at("mapping_2")
@at("feature_extraction", "large")
def batch_normalisation_not_folded(port, layer, random):
    """Each channel lacks the factor and the constant that a layer of its own has given it in training."""
    factor = random.uniform(0.6, 1.6, len(layer.kernel)).astype(layer.kernel.dtype)
    constant = random.normal(0, layer.bias.std() / 2, len(layer.bias)).astype(layer.bias.dtype)
    layer.kernel = layer.kernel * factor[:, None, None, None]
    layer.bias = layer.bias * factor + constant


@kind(
    "all mappings have the last one's weights",
    "weight|kernel|parameter|layer|file|buffer",
    "mapping.4|another layer|other layers?|all (of )?(the )?mapping|last (mapping|layer)",
    spreads=True,
    vague="kernel",
)
@at("mapping_1")
@at("mapping_1", "large", "fsrcnn-x3")
def all_mappings_have_the_last_ones_weights(port, layer, random):
    """One buffer for the loader, and four layers that keep its address."""
    if "mapping_4" not in port:
        raise NotHere("there is no mapping_4")
    for each in port.layers:
        if each.name.startswith("mapping"):
            each.kernel, each.bias, each.slope = (getattr(port["mapping_4"], w) for w in ("kernel", "bias", "slope"))


@kind(
    "code book of another layer",
    "code.?book|palette|cluster|look.?up|tables?\\b|levels|monoton|non.?linear|curve",
    "weight|kernel",
    vague="kernel",
)
@at("mapping_2")
@at("mapping_4", "large")
def code_book_of_another_layer(port, layer, random):
    """Weights are numbers of sixteen levels, shared by a layer; the levels are those of the layer before."""
    source = port.layers[port.layers.index(layer) - 1]
    middle = (np.arange(16) + 0.5) / 16
    mine, theirs = np.quantile(layer.kernel, middle), np.quantile(source.kernel, middle)
    number = np.abs(layer.kernel[..., None] - mine).argmin(-1)
    layer.kernel = theirs[number].astype(layer.kernel.dtype)


@kind(
    "biases and slopes in turn",
    "bias",
    "<slope>",
    "interleav|alternat|in turn|pairs?\\b|order|mixed|<swap>|every (second|other)|\\beven|one after|place of",
    vague="bias",
)
@at("mapping_4")
@at("expanding", "large")
def biases_and_slopes_in_turn(port, layer, random):
    """The file has a structure of bias and slope for each channel; it is read as all biases, then all slopes."""
    both = np.stack([layer.bias, layer.slope], 1).ravel()
    layer.bias, layer.slope = both[: len(layer.bias)], both[len(layer.bias) :]

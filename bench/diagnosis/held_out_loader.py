# HELD OUT. If you improve `fsrcnn diagnose`, please do not read this file, nor the cases it makes: what is measured
# with them is worth something as long as nobody has fitted the program to it.

"""Held-out mistakes of loading: text, streams, orders, scales of weights, checkpoints."""

import numpy as np
from cases import NotHere, at, kind
from kit import step_of


def read_as_kernel(layer, stream):
    """The kernel that is read from a stream's first values."""
    values = np.asarray(stream, layer.kernel.dtype).ravel()
    layer.kernel = values[: layer.kernel.size].reshape(layer.kernel.shape).copy()


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

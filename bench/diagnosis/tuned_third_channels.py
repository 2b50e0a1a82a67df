"""Mistakes of channels and activations, a third lot: lanes, textures. Of these kinds every case may be looked at."""

import numpy as np
from cases import at, kind
from kit import after, before


@kind(
    "input channels reversed",
    "<channel>|input|kernel",
    "revers|backward|order|last.*first|<swap>",
    vague="kernel",
    unless="turned|flip|bias|slope",
)
@at("expanding")
@at("mapping_4", "large")
def input_channels_reversed(port, layer, random):
    """A loop that counts down to zero for the kernels, and up for the maps."""
    before(layer, "convolve", lambda x: x[::-1].copy())


@kind(
    "leftover products dropped",
    "tap|kernel|product|weight|gemm|channel|input",
    "<missing>|<last>|<zero>|left.?over|only",
    vague="kernel",
    unless="turned|bias|slope",
)
@at("mapping_2", block=16)
@at("mapping_4", "large", block=8)
def leftover_products_dropped(port, layer, random, block):
    """A product of matrices by blocks; of the inner dimension's 108 what fills no block is never added."""
    weights = layer.kernel.reshape(len(layer.kernel), -1).copy()
    weights[:, weights.shape[1] // block * block :] = 0
    layer.kernel = weights.reshape(layer.kernel.shape)


@kind(
    "block of outputs added twice",
    "<channel>|kernel",
    "<twice>|<scale>|added",
    "\\b{first}\\b|{count} (of|channels)|channels \\d+",
    vague="kernel",
    unless="slope|bias (is|alone)",
)
@at("mapping_2", first=4, count=4)
@at("expanding", "large", first=40, count=8)
def block_of_outputs_added_twice(port, layer, random, first, count):
    """The last block of rows is moved up so that it is whole, and adds to what the block before has summed there."""

    def add(y):
        y = y.copy()
        y[first : first + count] *= 2
        return y

    after(layer, "multiply", add)


@kind(
    "no activation in the last channels",
    "activation|prelu|slope|linear",
    "<missing>|linear|slopes? (is|are|of) 1\\b|left|(as|to) 1\\b|1 (instead|for)",
    "<channel>|last|from \\d+ on|\\b{first}\\b",
    vague="slope",
)
@at("mapping_3", first=8)
@at("feature_extraction", "large", first=48)
def no_activation_in_the_last_channels(port, layer, random, first):
    """The activation's loop goes over whole blocks of channels alone."""
    layer.slope = layer.slope.copy()
    layer.slope[first:] = 1


@kind(
    "slope on both sides",
    "<slope>|activation",
    "both|above|positive|1 ?\\+|\\+ ?1|added to|plus|max\\(|all values|every value|larger than (zero|0)",
    vague="slope",
    unless="bias|inverted|wrong way",
)
@at("mapping_1")
@at("feature_extraction", "large")
def slope_on_both_sides(port, layer, random):
    """max(0, y) + slope * y, where min(0, y) is meant."""
    layer.activate = lambda y: np.maximum(y, 0) + layer.slope[:, None, None] * y


@kind(
    "sign taken before the bias",
    "<slope>|activation|sign|compar|threshold",
    "bias|before|threshold|minus",
    "before|sign|compar|threshold|decid|without",
    unless="bias is missing|twice|layer before",
)
@at("mapping_2")
@at("feature_extraction", "large")
def sign_taken_before_the_bias(port, layer, random):
    """Whether the slope is applied is decided by the sum of products, one stage before the bias comes in."""
    products, add, slope = [], layer.add_bias, layer.slope[:, None, None]

    def remember(y):
        products[:] = [y]
        return add(y)

    layer.add_bias = remember
    layer.activate = lambda y: np.where(products[0] > 0, y, slope * y)


@kind(
    "slopes of the first four for all",
    "<slope>",
    "first (4|four)|modulo|repeat|wrap|every (4|four)|each (4|four)|period|% ?4|again|of (4|four)|begin anew",
    vague="slope",
)
@at("mapping_2")
@at("expanding", "large")
def slopes_of_the_first_four(port, layer, random):
    """A shader's vec4 of slopes, set once and not for each group of four channels."""
    layer.slope = layer.slope[np.arange(len(layer.slope)) % 4]


@kind(
    "negative inputs skipped",
    "negative|below (zero|0)|relu|clip|positive|unsigned|sparse",
    "input|reads?|layer before|\\bmap\\b|values?|given",
    unless="bias|kernels",
)
@at("mapping_3")
@at("deconvolution", "large")
def negative_inputs_skipped(port, layer, random):
    """A machine that skips zeros, made for ReLU: what is not above zero counts as nothing."""
    before(layer, "convolve", lambda x: np.maximum(x, 0))

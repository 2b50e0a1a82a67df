"""More mistakes of channels and activations. Of these kinds every case may be looked at."""

import numpy as np
from cases import at, kind
from kit import after, before


@kind(
    "channels shuffled by groups",
    "<channel>",
    "<swap>|order|shuffl|interleav|transpos|place",
    beside=1,
    unless="bias|slope|kernel",
)
@at("mapping_2", groups=4)
@at("feature_extraction", "large", groups=8)
def channels_shuffled_by_groups(port, layer, random, groups):
    """Channels lie in groups, as 3 x 4 or 7 x 8; whoever reads takes the groups for the other axis."""
    after(layer, "keep", lambda y: y.reshape(groups, -1, *y.shape[1:]).swapaxes(0, 1).reshape(y.shape))


@kind(
    "texture's colours exchanged",
    "<channel>|lane|texture",
    "<swap>|order|bgra|in the place of|holds? what|places",
    beside=1,
    unless="bias|slope|kernel",
)
@at("shrinking")
@at("expanding", "large")
def textures_colours_exchanged(port, layer, random):
    """Four channels a texture, written as RGBA and read as BGRA."""
    after(layer, "keep", lambda y: y.reshape(-1, 4, *y.shape[1:])[:, [2, 1, 0, 3]].reshape(y.shape))


@kind(
    "input channel read twice",
    "<channel>|input|kernel",
    r"\b{second}\b",
    "<twice>|instead|in (the )?place|copy|same|repeat|reads|<replicate>|holds what",
    vague="kernel",
    unless="bias",
)
@at("mapping_4", first=10, second=11)
@at("deconvolution", "large", first=7, second=31)
def input_channel_read_twice(port, layer, random, first, second):
    """An index that stops too early, or a digit too few: one channel is read in another's place."""

    def read(x):
        x = x.copy()
        x[second] = x[first]
        return x

    before(layer, "convolve", read)


@kind(
    "kernels of two outputs exchanged",
    "kernel|weight|filter",
    r"\b{first}\b",
    r"\b{second}\b",
    "<swap>|each other|order|place",
    vague="kernel",
)
@at("mapping_1", first=2, second=8)
@at("feature_extraction", "large", first=14, second=41)
def kernels_of_two_outputs_exchanged(port, layer, random, first, second):
    """Two files of kernels have each other's name; biases and slopes are right."""
    layer.kernel[[first, second]] = layer.kernel[[second, first]]


@kind("channel negated", "<channel>|kernel", r"\b{channel}\b", "sign|negat|minus|-1\\b|invert|opposite")
@at("mapping_3", channel=4)
@at("expanding", "large", channel=19)
def channel_negated(port, layer, random, channel):
    """One multiplier has the wrong sign."""

    def negate(y):
        y = y.copy()
        y[channel] = -y[channel]
        return y

    after(layer, "add_bias", negate)


@kind("ELU for PReLU", "\\bs?elu\\b|expon")
@at("mapping_1")
@at("feature_extraction", "large")
def elu_for_prelu(port, layer, random):
    layer.activate = lambda y: np.where(y > 0, y, np.expm1(np.minimum(y, 0)))


@kind("absolute value for PReLU", "absolut|\\babs\\b|slopes? (is|are|of) -1|\\|y\\||magnitude|-1\\b", vague="slope")
@at("mapping_3")
@at("shrinking", "large")
def absolute_value_for_prelu(port, layer, random):
    layer.activate = np.abs


@kind("sigmoid at the end", "sigmoid|logistic")
@at("deconvolution")
@at("deconvolution", "large", "fsrcnn-x3")
def sigmoid_at_the_end(port, layer, random):
    """The habit of networks whose output lies between 0 and 1."""
    layer.activate = lambda y: 1 / (1 + np.exp(-y))


@kind(
    "slopes by columns",
    "<slope>",
    "column|pixel|position|place|axis|axes|broadcast|not by channel|width",
    vague="slope",
)
@at("mapping_1")
@at("shrinking", "large")
def slopes_by_columns(port, layer, random):
    """The slope's index is the column's number, not the channel's: channels last in one place, first in another."""

    def activate(y):
        return np.where(y > 0, y, layer.slope[np.arange(y.shape[2]) % len(y)] * y)

    layer.activate = activate


@kind("bias by columns", "bias", "column|pixel|position|place|axis|axes|broadcast|not by channel|width", vague="bias")
@at("mapping_2")
@at("feature_extraction", "large")
def bias_by_columns(port, layer, random):
    """NumPy's broadcasting of (channels) along the last axis, after a reshape that makes it fit."""
    layer.add_bias = lambda y: y + layer.bias[np.arange(y.shape[2]) % len(y)]


@kind(
    "slopes of two channels exchanged", "<slope>", r"\b{first}\b", r"\b{second}\b", "<swap>|each other", vague="slope"
)
@at("mapping_3", first=1, second=10)
@at("expanding", "large", first=5, second=50)
def slopes_of_two_channels_exchanged(port, layer, random, first, second):
    """Two lines of a table are exchanged."""
    layer.slope[[first, second]] = layer.slope[[second, first]]


@kind("slopes of another layer", "<slope>", "{source}|other layer|another layer", vague="slope")
@at("mapping_2", source="mapping.1")
@at("expanding", "large", source="feature.extraction")
def slopes_of_another_layer(port, layer, random, source):
    layer.slope = port[source.replace(".", "_")].slope


@kind("slopes rounded to shifts", "<slope>", "power|2\\^|shift|round|coarse|bits\\b|quanti|steps?", vague="slope")
@at("mapping_2")
@at("shrinking", "large")
def slopes_rounded_to_shifts(port, layer, random):
    """Slopes are powers of two, so that no multiplier is needed."""
    size = 2.0 ** np.rint(np.log2(np.abs(layer.slope) + 1e-9))
    layer.slope = (np.sign(layer.slope) * size).astype(layer.slope.dtype)


@kind("slope added", "<slope>", "add|\\bsum\\b|plus|offset|not multipl", unless="bias")
@at("mapping_3")
@at("feature_extraction", "large")
def slope_added(port, layer, random):
    """Below zero the slope is added where it should be multiplied."""
    layer.activate = lambda y: np.where(y > 0, y, y + layer.slope[:, None, None])

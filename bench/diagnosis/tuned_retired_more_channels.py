"""Mistakes of channels and activations, of the second lot that was held out."""

import numpy as np
from cases import at, kind
from kit import after


@kind(
    "kernels' inputs and outputs exchanged",
    "kernel|weight|channel",
    "transpos|input.*output|output.*input|axes|<swap>|iohw|layout",
    vague="kernel",
    unless="bias|row and column|rows and columns",
)
@at("mapping_2")
@at("shrinking", "large")
def kernels_inputs_and_outputs_exchanged(port, layer, random):
    """kernel[in][out] in the file, kernel[out][in] in the loader."""
    layer.kernel = layer.kernel.swapaxes(0, 1).reshape(layer.kernel.shape)


@kind(
    "every second input channel left out",
    "<channel>|input|kernel",
    "odd|every (second|other)|half|even|1, ?3|\\b1 3\\b",
    "<missing>|<zero>|only|skip",
    vague="kernel",
)
@at("mapping_3")
@at("deconvolution", "large")
def every_second_input_channel_left_out(port, layer, random):
    """The loop steps by two for a vector of two, and the vector has one."""
    if layer.slope is None:
        layer.kernel[1::2] = 0
    else:
        layer.kernel[:, 1::2] = 0


@kind(
    "last output channels not computed",
    "<channel>|kernel",
    "<last>|\\b(8|48)\\b|multiple|remainder|beyond|\\b11\\b|\\b55\\b",
    "<zero>|<missing>|written|empty",
    beside=1,
    vague="kernel",
)
@at("mapping_2", vector=8)
@at("feature_extraction", "large", vector=16)
def last_output_channels_not_computed(port, layer, random, vector):
    """A loop over whole vectors of channels, without the rest."""

    def cut(y):
        y = y.copy()
        y[len(y) // vector * vector :] = 0
        return y

    after(layer, "keep", cut)


@kind(
    "channel is its bias alone",
    "<channel>|kernel",
    r"\b{channel}\b",
    "<zero>|<missing>|bias (alone|only)|constant|nothing but",
    vague="kernel",
)
@at("mapping_2", channel=9)
@at("feature_extraction", "large", channel=44)
def channel_is_its_bias_alone(port, layer, random, channel):
    """The sum of one output channel is never added to its bias."""
    layer.kernel[channel] = 0


@kind(
    "one kernel for all outputs",
    "kernel|weight|<channel>",
    "same|one (kernel|filter|set)|repeat|copy|copies|(that|those|kernels?) of (output |channel )*0|pointer|identical"
    r"|\b0 in the place of 1, 0 in the place of 2\b",
    vague="kernel",
    unless="bias is|slope",
)
@at("mapping_2")
@at("shrinking", "large")
def one_kernel_for_all_outputs(port, layer, random):
    """The pointer to the kernels does not go on with the output's number."""
    layer.kernel = np.repeat(layer.kernel[:1], len(layer.kernel), 0)


@kind(
    "one kernel for all inputs",
    "kernel|weight|<channel>",
    "same|one (kernel|filter|set)|repeat|copy|copies|(that|those|kernels?) of (input |channel )*0|pointer|identical",
    vague="kernel",
    unless="bias is|slope",
)
@at("mapping_3")
@at("expanding", "large")
def one_kernel_for_all_inputs(port, layer, random):
    """The pointer to the kernels does not go on with the input's number."""
    layer.kernel = np.repeat(layer.kernel[:, :1], layer.kernel.shape[1], 1)


@kind(
    "channel of garbage",
    "<channel>",
    r"\b{channel}\b",
    "random|noise|garbage|uninit|overwritten|unrelated|memory|nothing to do",
    beside=1,
)
@at("feature_extraction", channel=40)
@at("mapping_1", "large", channel=6)
def channel_of_garbage(port, layer, random, channel):
    """Uninitialised memory."""

    def spoil(y):
        y = y.copy()
        y[channel] = random.normal(0, np.abs(y).max() / 2, y[channel].shape)
        return y

    after(layer, "keep", spoil)


@kind(
    "instance normalisation",
    "normali[sz]|(mean|average).*(variance|deviation)|deviation",
    also=((r"scaled in channels 0, 1", r"bias is another in channels 0, 1"),),
    unless="neither|no known",
)
@at("mapping_2")
@at("feature_extraction", "large")
def instance_normalisation(port, layer, random):
    """A block copied from another network: each channel has mean 0 and deviation 1 before its activation."""
    after(
        layer,
        "convolve",
        lambda y: ((y - y.mean((1, 2), keepdims=True)) / y.std((1, 2), keepdims=True)).astype(y.dtype),
    )


@kind("swish for PReLU", "swish|silu|gelu|sigmoid|mish|smooth")
@at("mapping_2")
@at("expanding", "large")
def swish_for_prelu(port, layer, random):
    layer.activate = lambda y: y / (1 + np.exp(-y))


@kind(
    "threshold of the PReLU",
    "<slope>|threshold|compar",
    "threshold|{threshold}|not (zero|0)|compar|zero.?point|above",
    unless="bias",
)
@at("mapping_2", threshold=0.1)
@at("feature_extraction", "large", threshold=-0.05)
def threshold_of_the_prelu(port, layer, random, threshold):
    """The comparison is with another number than 0, as with a zero point that lies beside it."""
    layer.activate = lambda y: np.where(y > threshold, y, layer.slope[:, None, None] * y)


@kind("slopes scaled", "<slope>", r"<scale>|{factor} times|(by|of|times) {factor}\b|shift|binary point", vague="slope")
@at("mapping_1", factor=2)
@at("feature_extraction", "large", factor=0.25)
def slopes_scaled(port, layer, random, factor):
    """Another binary point than the loader thinks."""
    layer.slope = layer.slope * layer.slope.dtype.type(factor)


@kind("slopes reversed", "<slope>", "revers|backward|order|last.*first", vague="slope")
@at("mapping_4")
@at("feature_extraction", "large")
def slopes_reversed(port, layer, random):
    layer.slope = layer.slope[::-1]


@kind("slopes negated", "<slope>", "sign|negated|minus|-1|invert|opposite", vague="slope")
@at("mapping_1")
@at("expanding", "large")
def slopes_negated(port, layer, random):
    """slope * -y for slope * y."""
    layer.slope = -layer.slope


@kind("one slope for four channels", "<slope>", "group|four|\\b4\\b|same|lanes|share|first of", vague="slope")
@at("shrinking")
@at("feature_extraction", "large")
def one_slope_for_four_channels(port, layer, random):
    """A vector of four channels is multiplied by its first channel's slope."""
    layer.slope = np.repeat(layer.slope[::4], 4)

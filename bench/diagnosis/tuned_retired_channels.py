"""Mistakes of channels, activations and whole layers, of the first lot that was held out."""

import numpy as np
from cases import at, kind
from kit import after


@kind(
    "channel copied",
    "<channel>",
    r"\b{channel}\b",
    r"\b{source}\b|same as|copy|before|equal|repeat|duplicat|<zero>",
    beside=1,
)
@at("mapping_2", channel=6, source=5)
@at("feature_extraction", "large", channel=30, source=0)
def channel_copied(port, layer, random, channel, source):
    def copy(y):
        y = y.copy()
        y[channel] = y[source]
        return y

    after(layer, "keep", copy)


@kind("channels rotated", "<channel>", "rotat|<shifted>|order|next|other|<swap>|by {by}", beside=1)
@at("mapping_3", by=1)
@at("feature_extraction", "large", by=4)
@at("expanding", by=-1)
def channels_rotated(port, layer, random, by):
    after(layer, "keep", lambda y: np.roll(y, by, 0))


@kind(
    "garbage in padded lanes",
    r"garbage|beyond|uninit|padded (lanes|channels)|more than 12|extra|unused|\b16\b",
    "lane|channel|input|memory|garbage",
    unless="revers",
)
@at("mapping_2", lanes=16)
@at("mapping_4", "large", lanes=16)
def garbage_in_padded_lanes(port, layer, random, lanes):
    """12 channels in 16 lanes; the last four have what was there before, and kernels what comes next in memory."""
    outputs, inputs, side, _ = layer.kernel.shape
    more = lanes - inputs
    beyond = np.roll(layer.kernel, -1, 0)[:, :more]
    layer.kernel = np.concatenate([layer.kernel, beyond], 1)
    right = layer.pad
    layer.pad = lambda x: right(np.concatenate([x, x[:more, ::-1]]))


@kind("layout mixed up", "nhwc|nchw|hwc|chw|layout|interleav|channels? (first|last)", beside=1)
@at("mapping_1")
@at("expanding", "large")
def layout_mixed_up(port, layer, random):
    """Written channels last, read channels first."""
    after(layer, "keep", lambda y: y.transpose(1, 2, 0).reshape(y.shape))


@kind(
    "partial sum overwritten",
    "<channel>|input|sum|group",
    "<missing>|<last>|only|overwrit|partial|part of|half|first (half|group)|<zero>",
    vague="kernel",
)
@at("mapping_1", group=4)
@at("deconvolution", "large", group=28)
@at("shrinking", group=8)
def partial_sum_overwritten(port, layer, random, group):
    """Input channels are summed group by group, and each group's sum replaces the one before it."""
    if layer.slope is None:
        layer.kernel[:-group] = 0
    else:
        layer.kernel[:, :-group] = 0


@kind(
    "accumulator not cleared",
    "accumulat|cumulat|clear|carr(y|ies|ied)|running sum|(sum|output) of the (channel|one) before",
)
@at("mapping_2")
@at("shrinking", "large")
def accumulator_not_cleared(port, layer, random):
    """An output channel begins with the sum of the one before it."""
    after(layer, "convolve", lambda y: np.cumsum(y, 0, dtype=y.dtype))


@kind("in place by channels", "in.?place|overwrit|same (buffer|memory)|own (output|result)|already")
@at("mapping_3")
@at("mapping_1", "large")
def in_place_by_channels(port, layer, random):
    """Each output channel is written over the input channel of its number, which the next ones read."""

    def run(x):
        x, linear = x.copy(), np.zeros_like(x)
        for c in range(len(layer.kernel)):
            linear[c] = layer.add_bias(layer.multiply(layer.pad(x)))[c]
            x[c] = layer.activate(linear)[c]
        return linear, x

    layer.run = run


@kind(
    "PReLU slopes shifted",
    "<slope>",
    "<shifted>|next|order|neighbour|other channel|rotat|one (further|later|before|after)",
    vague="slope",
)
@at("feature_extraction", by=1)
@at("mapping_4", "large", by=-1)
def prelu_slopes_shifted(port, layer, random, by):
    layer.slope = np.roll(layer.slope, by)


@kind(
    "leaky slope",
    "<slope>|leaky",
    "{slope}|leaky|one (slope|for)|same|for all|all channels|constant|fixed|single|shared",
    vague="slope",
)
@at("mapping_2", slope=0.25)
@at("feature_extraction", "large", slope=0.01)
def leaky_slope(port, layer, random, slope):
    """LeakyReLU, or a PReLU that nobody loaded slopes into (0.25)."""
    layer.slope = np.full_like(layer.slope, slope)


@kind(
    "activation left out",
    "activation|prelu|relu|slope|linear",
    "<missing>|linear|not applied|slopes? (is|are) 1|identity",
    vague="slope",
)
@at("mapping_1")
@at("expanding", "large")
def activation_left_out(port, layer, random):
    layer.activate = lambda y: y


@kind("activation before bias", "bias|activation|prelu", "before|after|order|behind")
@at("shrinking")
@at("mapping_3", "large")
def activation_before_bias(port, layer, random):
    """The bias comes after the PReLU: a fused kernel that adds it to what it stores."""
    bias, slope = layer.bias[:, None, None], layer.slope[:, None, None]
    layer.add_bias = lambda y: np.where(y > 0, y, slope * y) + bias
    layer.activate = lambda y: y


@kind("depthwise", "depthwise|group|own channel|diagonal", "depthwise|group|only|conv|input|channel", vague="kernel")
@at("mapping_2")
@at("mapping_4", "large")
def depthwise(port, layer, random):
    own = np.eye(len(layer.kernel), dtype=layer.kernel.dtype)
    layer.kernel = layer.kernel * own[:, :, None, None]


@kind("skip too many", "skip|residual|shortcut|added|sum|identity|input (is )?added|plus", unless="bias")
@at("mapping_3", before="activation")
@at("mapping_2", "large", before="store")
@at("deconvolution", before="store")
def skip_too_many(port, layer, random, before):
    """ResNet's habit: the layer's input is added to its output; the picture, enlarged, to the network's."""
    right = layer.run

    def run(x):
        linear, y = right(x)
        if layer.slope is None:
            picture = port.picture.repeat(layer.stride, 1).repeat(layer.stride, 2)
            return linear + picture, np.clip(linear + picture, 0, 1)
        return (linear + x, layer.activate(linear + x)) if before == "activation" else (linear, y + x)

    layer.run = run


@kind("layers exchanged", "layer|weight|kernel|parameter", "<swap>|{other}|another layer|other layer", vague="kernel")
@at("mapping_1", other="mapping.2")
@at("mapping_3", "large", other="mapping.4")
def layers_exchanged(port, layer, random, other):
    """Files of two layers are loaded in the wrong order."""
    second = port[other.replace(".", "_")]
    for what in ("kernel", "bias", "slope"):
        mine, theirs = getattr(layer, what), getattr(second, what)
        setattr(layer, what, theirs)
        setattr(second, what, mine)

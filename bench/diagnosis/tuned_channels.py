"""Mistakes of channels, activations and whole layers. Of these kinds every case may be looked at."""

import numpy as np
from cases import NotHere, at, kind
from kit import after, before


@kind("dead channel", "<channel>", r"\b{channel}\b", "<zero>|dead|empty|written", vague="kernel", beside=1)
@at("feature_extraction", channel=17)
@at("mapping_2", "large", channel=5)
@at("expanding", channel=40)
def dead_channel(port, layer, random, channel):
    def kill(y):
        y = y.copy()
        y[channel] = 0
        return y

    after(layer, "keep", kill)


@kind("channels swapped", "<channel>|<kernel>", "<swap>|order|other|instead", r"\b{first}\b", r"\b{second}\b", beside=1)
@at("feature_extraction", first=3, second=20)
@at("mapping_3", "large", first=0, second=7)
def channels_swapped(port, layer, random, first, second):
    def exchange(y):
        y = y.copy()
        y[[first, second]] = y[[second, first]]
        return y

    after(layer, "keep", exchange)


@kind("halves swapped", "<channel>", "half|halves|bank|rotat|<swap>|shifted by|upper|lower", beside=1)
@at("mapping_1")
@at("expanding", "large")
def halves_swapped(port, layer, random):
    """Two banks of memory, of which the other one comes first."""
    after(layer, "keep", lambda y: np.roll(y, len(y) // 2, 0))


@kind("lanes reversed", "<channel>", r"lane|group|(of|by) {lanes}\b", "revers|<swap>", beside=1)
@at("feature_extraction", lanes=8)
@at("mapping_2", "large", lanes=4)
def lanes_reversed(port, layer, random, lanes):
    after(layer, "keep", lambda y: y.reshape(-1, lanes, *y.shape[1:])[:, ::-1].reshape(y.shape))


@kind("last input channels left out", "<channel>|input", "<missing>|<last>|only|<zero>|first channels", vague="kernel")
@at("mapping_2", channels=1)
@at("shrinking", channels=8)
@at("deconvolution", "large", channels=8)
def last_input_channels_left_out(port, layer, random, channels):
    """A loop over the input's channels that ends too soon."""

    def cut(x):
        x = x.copy()
        x[-channels:] = 0
        return x

    before(layer, "convolve", cut)


@kind("groups", "group", "<channel>|conv|kernel|input|group", vague="kernel")
@at("mapping_2", groups=2)
@at("mapping_4", "large", groups=4)
def groups(port, layer, random, groups):
    """A convolution of groups: outputs see only their own group of inputs."""
    outputs, inputs = layer.kernel.shape[:2]
    own = np.arange(outputs)[:, None] * groups // outputs == np.arange(inputs)[None] * groups // inputs
    layer.kernel = layer.kernel * own[:, :, None, None]


@kind("PReLU twice", "<slope>|activation", "<twice>|squared", unless="bias", vague="slope")
@at("feature_extraction")
@at("mapping_4", "large")
def prelu_twice(port, layer, random):
    after(layer, "activate", layer.activate)


@kind(
    "PReLU inverted",
    "<slope>|activation|relu",
    r"invert|positive|above zero|wrong (side|way)|other side|\bmin\b|\bmax\b|exchang|swap",
    vague="slope",
)
@at("mapping_1")
@at("feature_extraction", "large")
def prelu_inverted(port, layer, random):
    """The comparison is the wrong way round: the slope is for values above zero."""
    layer.activate = lambda y: np.where(y < 0, y, layer.slope[:, None, None] * y)


@kind(
    "one slope for all",
    "<slope>",
    "one (slope|for)|same|single|(the|its) first|for all|all channels|shared|every",
    vague="slope",
)
@at("mapping_2", channel=0)
@at("feature_extraction", "large", channel=0)
def one_slope_for_all(port, layer, random, channel):
    layer.slope = np.full_like(layer.slope, layer.slope[channel])


@kind("ReLU for PReLU", "relu|slope|activation", r"\brelu\b|slopes? (is|are|of) (0|zero)|<zero>", vague="slope")
@at("shrinking")
@at("mapping_3", "large")
@at("feature_extraction")
def relu_for_prelu(port, layer, random):
    layer.slope = np.zeros_like(layer.slope)


@kind("slopes without sign", "<slope>", "sign|absolut|unsigned|abs|negat|positive|clip", vague="slope")
@at("feature_extraction", how="absolute")
@at("mapping_2", "large", how="clipped")
def slopes_without_sign(port, layer, random, how):
    """Slopes are kept in unsigned words."""
    if not (layer.slope < 0).any():
        raise NotHere("no slope is below zero")
    layer.slope = np.abs(layer.slope) if how == "absolute" else np.maximum(layer.slope, 0)


@kind("tanh for PReLU", "tanh|hyperbolic")
@at("mapping_2")
@at("expanding", "large")
def tanh_for_prelu(port, layer, random):
    layer.activate = np.tanh


@kind(
    "layer left out",
    "layer|<layer>",
    "<missing>|not run|never|same as|copy|but that of",
    unless="bias|slope|prelu|kernel|padd|channel",
)
@at("mapping_2")
@at("mapping_4", "large")
def layer_left_out(port, layer, random):
    layer.run = lambda x: (x, x)


@kind("layer twice", "layer|<layer>", "<twice>|again|repeat", unless="bias|slope|prelu|kernel|padd|channel")
@at("mapping_3")
@at("mapping_1", "large")
def layer_twice(port, layer, random):
    once = layer.run
    layer.run = lambda x: once(once(x)[1])

"""Mistakes of loading: biases, weights, the picture. Of these kinds every case may be looked at."""

import numpy as np
from cases import at, kind
from kit import after
from picture import luma


@kind("bias twice", "bias", "<twice>|factor of 2|2 times|2x", vague="bias")
@at("feature_extraction")
@at("mapping_3", "large")
@at("deconvolution")
def bias_twice(port, layer, random):
    """The accumulator begins with the bias, which is added at the end as well."""
    layer.bias = 2 * layer.bias


@kind("bias per input channel", "bias", "input|{inputs} times|times {inputs}|each|every", vague="bias")
@at("mapping_1", inputs=12)
@at("expanding", "large", inputs=12)
@at("deconvolution", inputs=56)
def bias_per_input_channel(port, layer, random, inputs):
    """The bias is added inside of the loop over the input's channels."""
    layer.bias = inputs * layer.bias


@kind(
    "bias shifted",
    "bias",
    "<shifted>|next|one (further|later|before|after)|neighbour|other channel|rotat|begin",
    vague="bias",
)
@at("feature_extraction", by=1)
@at("mapping_2", "large", by=-1)
def bias_shifted(port, layer, random, by):
    layer.bias = np.roll(layer.bias, by)


@kind("bias reversed", "bias", "revers|order|backward|last.*first", vague="bias")
@at("mapping_1")
@at("expanding", "large")
def bias_reversed(port, layer, random):
    layer.bias = layer.bias[::-1]


@kind("bias negated", "bias", "sign|negat|subtract|minus|-1", vague="bias")
@at("shrinking")
@at("mapping_4", "large")
@at("deconvolution")
def bias_negated(port, layer, random):
    layer.bias = -layer.bias


@kind("bias after activation", "bias", "after|before|order|behind")
@at("mapping_2")
@at("feature_extraction", "large")
def bias_after_activation(port, layer, random):
    bias, slope = layer.bias[:, None, None], layer.slope[:, None, None]
    layer.add_bias = lambda y: y
    layer.activate = lambda y: np.where(y > 0, y, slope * y) + bias


@kind("weights of another layer", "weight|kernel|parameter|file", "{source}|other layer|another layer", vague="kernel")
@at("mapping_2", source="mapping.3")
@at("mapping_4", "large", source="mapping.1")
def weights_of_another_layer(port, layer, random, source):
    layer.kernel = port[source.replace(".", "_")].kernel


@kind(
    "weights in Fortran order",
    "weight|kernel",
    "order|fortran|transpos|column.major|axes|exchang|hwio|layout",
    vague="kernel",
)
@at("mapping_1")
@at("feature_extraction")
@at("deconvolution", "large")
def weights_in_fortran_order(port, layer, random):
    """Written column by column, as MATLAB does, and read row by row."""
    layer.kernel = layer.kernel.ravel(order="F").reshape(layer.kernel.shape)


@kind(
    "weights in HWIO order",
    "weight|kernel",
    "order|hwio|transpos|axes|channels? (first|last)|layout|exchang|tensorflow|interleav",
    vague="kernel",
)
@at("mapping_3")
@at("shrinking", "large")
@at("deconvolution")
def weights_in_hwio_order(port, layer, random):
    """TensorFlow's order (height, width, in, out) in the file, PyTorch's (out, in, height, width) in the loader."""
    layer.kernel = layer.kernel.transpose(2, 3, 1, 0).reshape(layer.kernel.shape)


@kind(
    "weights off by one",
    "weight|kernel|tap",
    "<shifted>|header|one (value|weight|float|word)|next (value|weight)",
    vague="kernel",
    unless="window|numbered",
)
@at("mapping_2", by=1)
@at("feature_extraction", "large", by=-1)
@at("deconvolution", by=1)
def weights_off_by_one(port, layer, random, by):
    """The file's pointer stands one value too far."""
    layer.kernel = np.roll(layer.kernel.ravel(), by).reshape(layer.kernel.shape)


@kind("kernel not turned", "turned|rotat|180|flip|correlat|mirror|revers", vague="kernel")
@at("deconvolution")
@at("deconvolution", "large", "fsrcnn-x3")
def kernel_not_turned(port, layer, random):
    """Zeros are inserted and the kernel is applied as it is, not turned by 180 degrees."""
    layer.kernel = layer.kernel[..., ::-1, ::-1]


@kind(
    "kernel transposed",
    "transpos|row.*column|column.*row|height.*width|axes|column.major",
    vague="kernel",
    unless=r"window|\boff\b",
)
@at("mapping_1")
@at("feature_extraction", "large")
@at("deconvolution")
def kernel_transposed(port, layer, random):
    """Row and column of the window are exchanged."""
    layer.kernel = np.swapaxes(layer.kernel, -1, -2)


@kind(
    "stale kernels", "kernel|weight|file", r"\b{first}\b", r"\b{second}\b|others?|stale|wrong|different", vague="kernel"
)
@at("mapping_2", first=4, second=9)
@at("feature_extraction", first=31, second=0)
@at("deconvolution", "large", first=23, second=0)
def stale_kernels(port, layer, random, first, second):
    """One kernel[first, second] is left from an earlier training."""
    old = layer.kernel[first, second]
    layer.kernel[first, second] = random.permutation(old.ravel()).reshape(old.shape) * 1.3


@kind("one weight wrong", "kernel|weight", r"\b{first}\b", "weight|value|tap|kernel|differ|wrong|other", vague="kernel")
@at("mapping_4", first=2)
@at("shrinking", first=6)
@at("deconvolution", "large", first=12)
def one_weight_wrong(port, layer, random, first):
    """A flipped bit of an exponent: one weight is 4 times too large."""
    weights = layer.kernel[first].reshape(-1)
    weights[np.abs(weights).argmax()] *= 4


@kind("input gamma", "input|picture|luma", "gamma|linear|curve|srgb|transfer|tone|non.?linear", vague="input")
@at("input", power=2.2)
@at("input", "large", power=0.4545)
def input_gamma(port, layer, random, power):
    after(port, "prepare", lambda x: (x**power).astype(x.dtype))


@kind("input range", "input|picture|luma", "range|full|limited|16/255|16 to 235|stretch|studio", vague="input")
@at("input", how="full")
@at("input", "large", how="twice")
def input_range(port, layer, random, how):
    """full: luma from 0 to 255 instead of 16 to 235; twice: the limited range is taken for full and squeezed again."""

    def change(x):
        return (x * 255 - 16) / 219 if how == "full" else (x * 219 + 16) / 255

    after(port, "prepare", lambda x: change(x).astype(x.dtype))


@kind("input BGR", "bgr|red.*blue|blue.*red|channel order|planes?.*(exchang|swap)|rgb", vague="input")
@at("input")
@at("input", "large")
def input_bgr(port, layer, random):
    """OpenCV's order of planes, taken for RGB."""
    port.prepare = lambda _: luma(port.rgb[..., ::-1])[None].astype(port.dtype)


@kind(
    "input mean subtracted",
    "input|picture|luma",
    r"mean|offset|subtract|0\.5|centred|centered|constant|normali[sz]",
    vague="input",
)
@at("input", mean=0.5)
@at("input", "large", mean="own")
def input_mean_subtracted(port, layer, random, mean):
    after(port, "prepare", lambda x: x - x.dtype.type(x.mean() if mean == "own" else mean))


@kind(
    "input rounded coarsely",
    "input|picture|luma",
    "round|coarse|bits|steps?|quanti|levels|precision|posteri",
    mild=True,
    vague="input",
)
@at("input", bits=5)
@at("input", "large", bits=6)
def input_rounded_coarsely(port, layer, random, bits):
    """The picture arrives by RGB565."""
    levels = 2**bits - 1
    after(port, "prepare", lambda x: (np.rint(x * levels) / levels).astype(x.dtype))


@kind("input negated", "input|picture|luma", "negat|invert|1 ?- ?|255 ?- ?|complement", vague="input")
@at("input")
@at("input", "large")
def input_negated(port, layer, random):
    """A negative: 1 - x."""
    after(port, "prepare", lambda x: 1 - x)

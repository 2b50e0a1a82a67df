"""Right ports whose dumps or weights look otherwise, which were held out."""

import numpy as np
from cases import ACTIVATIONS, ENDS, disguise
from coarse import bfloat16, quantised_weights
from dumps import OUTPUT, file_names
from picture import write_png
from port import correlate


@disguise(
    "weights in float16",
    {},
    {"setting": ENDS},
    bound=0.01,
    says=["weight|kernel|parameter", "float16|half|round|coarse|bits|precision|quanti|step"],
)
def weights_in_float16(dressing):
    for layer in dressing.port.layers:
        layer.kernel, layer.bias = (a.astype(np.float16).astype(float) for a in (layer.kernel, layer.bias))
    dressing.save_all(dressing.maps())


@disguise(
    "weights in int8 by channels",
    {},
    {"picture": "large"},
    bound=0.15,
    says=["weight|kernel|parameter", "int8|8.bit|round|coarse|bits|quanti|step"],
)
def weights_in_int8_by_channels(dressing):
    quantised_weights(dressing.port, by_channels=True)
    dressing.save_all(dressing.maps())


@disguise(
    "maps in int8 by channels", {"setting": ACTIVATIONS}, {"setting": ACTIVATIONS, "picture": "large"}, bound=0.01
)
def maps_in_int8_by_channels(dressing):
    """Each channel has a step of its own."""

    def change(m):
        scale = np.abs(m).max((1, 2), keepdims=True) / 127
        return np.rint(m / scale) * scale

    dressing.save_all(change=change)


@disguise("maps in fixed point", {"fraction": 12}, {"fraction": 9, "picture": "large"}, bound=0.1)
def maps_in_fixed_point(dressing, fraction):
    """Every map is rounded before the next layer reads it, as a port in words of 16 bits does."""
    for layer in dressing.port.layers:
        layer.keep = lambda y: np.rint(y * 2**fraction) / 2**fraction
    maps = dressing.maps()
    dressing.save_all({n: np.rint(m * 2**fraction) / 2**fraction for n, m in maps.items()})


@disguise("integers times any step", {"step": 0.003}, {"step": 0.0007, "picture": "large"}, bound=0.02)
def integers_times_any_step(dressing, step):
    dressing.save_all(change=lambda m: np.rint(m / step) * step, stored=lambda m: np.rint(m / step).astype(np.int32))


@disguise("cropped dumps", {"by": 2, "setting": ACTIVATIONS}, bound=1e-6)
def cropped_dumps(dressing, by):
    """Only the inner part of each map is kept, the same number of its pixels cut off on all sides."""
    for name in dressing.wanted()[:-1]:
        right = dressing.right[name]
        dressing.check(name, right)
        np.save(dressing.path(name), right[None, :, by:-by, by:-by].astype(np.float32))
    dressing.save(OUTPUT, dressing.right[OUTPUT][None].astype(np.float32))


@disguise("own trace", {"type": "float32"}, {"type": "q5.12"}, bound=0.1)
def own_trace(dressing, type):
    """What the program itself writes, in float32 and in fixed point."""
    folder = dressing.folder / "trace"
    dressing.program("trace", "--model", dressing.network, "--input", dressing.picture, "-o", folder, "--type", type)
    for name, stem in file_names(dressing.right).items():
        values = np.load(folder / f"{stem}.npy")
        if values.dtype.kind == "i":
            values = (values / 2.0**12).astype(np.float32)
        dressing.save(name, values)


@disguise("other order of summation", {}, {"picture": "large"}, bound=5e-6)
def other_order_of_summation(dressing):
    """float32, taps and channels from last to first."""
    for layer in dressing.port.layers:
        layer.kernel, layer.bias = layer.kernel.astype(np.float32), layer.bias.astype(np.float32)
        if layer.slope is not None:
            layer.slope = layer.slope.astype(np.float32)
            layer.multiply = lambda padded, k=layer.kernel: correlate(padded[::-1, ::-1, ::-1], k[:, ::-1, ::-1, ::-1])[
                :, ::-1, ::-1
            ]
    dressing.port.dtype = np.float32
    dressing.save_all(dressing.maps())


@disguise("deconvolution by zeros inserted", {}, {"network": "fsrcnn-x3"}, bound=2e-6)
def deconvolution_by_zeros_inserted(dressing):
    """The recipe: zeros between pixels, padding, the kernel turned, a plain convolution."""
    layer = dressing.port["deconvolution"]
    scale, half = layer.stride, layer.kernel.shape[-1] // 2

    def convolve(x):
        spread = np.zeros((len(x), x.shape[1] * scale, x.shape[2] * scale))
        spread[:, ::scale, ::scale] = x
        turned = layer.kernel.transpose(1, 0, 2, 3)[..., ::-1, ::-1]
        return correlate(np.pad(spread, ((0, 0), (half, half), (half, half))), turned)

    layer.convolve = convolve
    dressing.save_all(dressing.maps())


@disguise("bfloat16 dumps", {}, bound=0.01)
def bfloat16_dumps(dressing):
    """Written as float32, with 8 bits that count."""
    dressing.save_all(change=bfloat16)


@disguise("names by number", {"setting": ACTIVATIONS}, bound=1e-6)
def names_by_number(dressing):
    """A folder of trace's numbers and names, of activations."""
    dressing.save_all()


@disguise("names by layer", {}, bound=1e-6)
def names_by_layer(dressing):
    """--feature expanding=e.npy and expanding_convolution=..., files called anything."""
    for index, name in enumerate(n for n in dressing.wanted()[:-1] if n not in ("input", "deconvolution")):
        dressing.save(name, dressing.right[name][None].astype(np.float32), stem=f"out{index}")
        key = name.removesuffix("_prelu") if name.endswith("_prelu") else f"{name}_convolution"
        dressing.features[key] = dressing.path(name, stem=f"out{index}")
    dressing.save(OUTPUT, dressing.right[OUTPUT][None].astype(np.float32))


@disguise("float64 dumps", {}, {"setting": ENDS, "picture": "large"}, bound=1e-9)
def float64_dumps(dressing):
    dressing.save_all(stored=lambda m: m)


@disguise("some dumps alone", {"which": "mapping_2_prelu"}, {"which": "expanding_prelu"}, bound=1e-6)
def some_dumps_alone(dressing, which):
    """One map in the middle, no output."""
    dressing.save(which, dressing.right[which][None].astype(np.float32))


@disguise("scientific text", {"digits": 4}, {"digits": 7, "picture": "large"}, bound=1e-3)
def scientific_text(dressing, digits):
    """Text, values as printf("%.4e ") writes them, a row a line."""
    for name in dressing.wanted():
        lines = [
            " ".join(f"{v:.{digits}e}" for v in row) for row in dressing.right[name].reshape(-1, dressing.luma.shape[1])
        ]
        values = np.array([float(v) for line in lines for v in line.split()]).reshape(dressing.right[name].shape)
        dressing.check(name, values)
        dressing.path(name, ending=".txt").write_text("\n".join(lines) + "\n")


@disguise("output as PGM", {"setting": ENDS}, {"setting": ENDS, "picture": "large"}, bound=0.005)
def output_as_pgm(dressing):
    """The simplest file of a picture, as small C programs write it, rounded to the nearest."""
    words = np.rint(dressing.right[OUTPUT][0] * 255).astype(np.uint8)
    dressing.check(OUTPUT, words[None] / 255)
    rows, columns = words.shape
    dressing.path(OUTPUT, ending=".pgm").write_bytes(b"P5\n%d %d\n255\n" % (columns, rows) + words.tobytes())


@disguise("output in three equal planes", {"setting": ENDS}, bound=0.005)
def output_in_three_equal_planes(dressing):
    """A grey picture as RGB."""
    words = np.rint(dressing.right[OUTPUT][0] * 255).astype(np.uint8)
    dressing.check(OUTPUT, words[None] / 255)
    write_png(dressing.path(OUTPUT, ending=".png"), np.stack([words] * 3, -1))


@disguise("dumps with integers in text", {"fraction": 12}, bound=0.01)
def dumps_with_integers_in_text(dressing, fraction):
    """Fixed point, a word a line, as $fdisplay("%d") writes it."""
    for name in dressing.wanted():
        words = np.rint(dressing.right[name] * 2**fraction).astype(int)
        dressing.check(name, words / 2**fraction)
        np.savetxt(dressing.path(name, ending=".txt"), words.ravel(), fmt="%d")


@disguise("PReLU with a comparison at zero", {}, {"setting": ACTIVATIONS, "picture": "large"}, bound=2e-6)
def prelu_with_a_comparison_at_zero(dressing):
    """max(y, 0) + slope * min(y, 0), in float32, with a minus zero here and there."""
    for layer in dressing.port.layers[:-1]:
        slope = layer.slope.astype(np.float32)[:, None, None]
        layer.activate = lambda y, a=slope: np.maximum(y, 0).astype(np.float32) + a * np.minimum(y, np.float32(-0.0))
    dressing.save_all(dressing.maps())

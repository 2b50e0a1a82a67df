"""ncnn in float32, with Winograd and sgemm as it has them by default, and without either.

Its sgemm writes out all of im2col, which for the sub-pixel convolution of a 1920x1080 frame is 11 GiB."""

import tempfile
from pathlib import Path

import ncnn
import numpy as np

from network import SCALE, TAILS


def version():
    return ncnn.__version__


class Model:
    """ncnn's two files: .param, a line for each layer, and .bin, the weights in the order of the layers."""

    def __init__(self):
        self.lines, self.weights = ["Input x 0 1 b0"], []

    def add(self, layer, parameters="", *weights):
        """A kernel is preceded by a tag (0: float32); bias and slopes are not."""
        n = len(self.lines)
        self.lines.append(f"{layer} l{n} 1 1 b{n - 1} b{n} {parameters}")
        for weight in weights:
            tag = b"\0\0\0\0" if weight.ndim == 4 else b""
            self.weights.append(tag + np.ascontiguousarray(weight).tobytes())

    def add_convolution(self, layer):
        count, _, size, _ = layer.weight.shape
        parameters = f"0={count} 1={size} 4={layer.padding} 5=1 6={layer.weight.size}"
        self.add("Convolution", parameters, layer.weight, layer.bias)
        if layer.slope is not None:
            self.add("PReLU", f"0={len(layer.slope)}", layer.slope)

    def load_into(self, net):
        with tempfile.TemporaryDirectory() as folder:
            param, weights = Path(folder) / "net.param", Path(folder) / "net.bin"
            count = len(self.lines)
            param.write_text("\n".join(["7767517", f"{count} {count}", *self.lines]) + "\n")
            weights.write_bytes(b"".join(self.weights))
            if net.load_param(str(param)) != 0 or net.load_model(str(weights)) != 0:
                raise RuntimeError("ncnn does not load the model written for it")
        return f"b{count - 1}"


def ncnn_model(network, tail):
    model = Model()
    for layer in network.body:
        model.add_convolution(layer)
    if tail == "sub-pixel":
        model.add_convolution(network.subpixel)
        model.add("PixelShuffle", f"0={SCALE}")
    else:
        weight = network.deconvolution_weight.transpose(1, 0, 2, 3)  # ncnn has (out, in, kh, kw)
        parameters = f"0=1 1=9 3={SCALE} 4=4 5=1 6={weight.size} 18={SCALE - 1}"
        model.add("Deconvolution", parameters, weight, network.deconvolution_bias)
    return model


def network_builder(tail, winograd, sgemm):
    def build(network, frame, threads):
        net = ncnn.Net()
        option = net.opt
        option.num_threads = threads
        option.use_vulkan_compute = False
        option.use_winograd_convolution = winograd
        option.use_sgemm_convolution = sgemm
        option.use_packing_layout = True
        for name in (
            "use_fp16_packed",
            "use_fp16_storage",
            "use_fp16_arithmetic",
            "use_bf16_packed",
            "use_bf16_storage",
        ):
            setattr(option, name, False)
        output_name = ncnn_model(network, tail).load_into(net)
        x = ncnn.Mat(frame)

        def run():
            extractor = net.create_extractor()
            extractor.input("b0", x)
            status, output = extractor.extract(output_name)
            if status != 0:
                raise RuntimeError(f"extract gives {status}" + (", out of memory" if status == -100 else ""))
            return output

        return run, lambda result: np.array(result).reshape(SCALE * frame.shape[0], SCALE * frame.shape[1])

    return build


FORMS = {"default": (True, True), "without Winograd": (False, True), "without sgemm": (True, False)}
NETWORK = {f"{tail}, {name}": network_builder(tail, *form) for tail in TAILS for name, form in FORMS.items()}
CONV_TRANSPOSE = {}

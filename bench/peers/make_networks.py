"""Writes networks of other families as ONNX, as they are exported, with random weights that keep values about 1:
    python bench/peers/make_networks.py FOLDER
"""

import sys
from pathlib import Path

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper


class Writer:
    """A graph from "input" (1, channels, height, width) of any size to "output"."""

    def __init__(self, channels, seed):
        self.channels, self.generator = channels, np.random.default_rng(seed)
        self.nodes, self.constants = [], []

    def constant(self, values):
        name = f"w{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(values, name))
        return name

    def add(self, operator, *inputs, **attributes):
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [name], name=f"{operator}_{len(self.nodes)}", **attributes))
        return name

    def convolution(self, x, inputs, outputs, size=3, gain=1.0):
        std = gain * (2 / (inputs * size * size)) ** 0.5
        weight = self.generator.normal(0, std, (outputs, inputs, size, size)).astype(np.float32)
        bias = self.generator.normal(0, 0.01, outputs).astype(np.float32)
        return self.add(
            "Conv", x, self.constant(weight), self.constant(bias),
            kernel_shape=[size, size], pads=[size // 2] * 4, strides=[1, 1], dilations=[1, 1], group=1,
        )  # fmt: skip

    def prelu(self, x, channels):
        slope = self.generator.uniform(0.05, 0.3, (channels, 1, 1)).astype(np.float32)
        return self.add("PRelu", x, self.constant(slope))

    def write(self, scale, path):
        self.nodes[-1].output[0] = "output"
        size = [1, self.channels, "height", "width"]
        output_size = [1, self.channels, f"{scale} * height", f"{scale} * width"]
        graph = helper.make_graph(
            self.nodes, path.stem,
            [helper.make_tensor_value_info("input", TensorProto.FLOAT, size)],
            [helper.make_tensor_value_info("output", TensorProto.FLOAT, output_size)],
            self.constants,
        )  # fmt: skip
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        checker.check_model(model, full_check=True)
        path.write_bytes(model.SerializeToString())


def sesr(path, blocks=5, features=16, scale=2):
    """SESR-M5 (Bhardwaj et al., MLSys 2022), collapsed: a residual around the 3x3 layers, another around all."""
    w = Writer(1, seed=1)
    first = w.prelu(w.convolution("input", 1, features, 5), features)
    x = first
    for _ in range(blocks):
        x = w.prelu(w.convolution(x, features, features), features)
    x = w.convolution(w.add("Add", x, first), features, scale * scale, 5, gain=0.1)
    w.add("DepthToSpace", w.add("Add", x, "input"), blocksize=scale, mode="CRD")
    w.write(scale, path)


def srvgg(path, features, convolutions, scale):
    """SRVGGNetCompact (Wang et al., Real-ESRGAN): RGB, a residual over the nearest pixel."""
    w = Writer(3, seed=2)
    x = w.prelu(w.convolution("input", 3, features), features)
    for _ in range(convolutions):
        x = w.prelu(w.convolution(x, features, features), features)
    x = w.add("DepthToSpace", w.convolution(x, features, 3 * scale * scale, gain=0.1), blocksize=scale, mode="CRD")
    scales = w.constant(np.array([1, 1, scale, scale], np.float32))
    base = w.add(
        "Resize", "input", "", scales,
        mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor",
    )  # fmt: skip
    w.add("Add", x, base)
    w.write(scale, path)


def fsrcnn(path, d=56, s=12, m=4, scale=2):
    """FSRCNN (Dong et al., ECCV 2016)."""
    w = Writer(1, seed=3)
    x = w.prelu(w.convolution("input", 1, d, 5), d)
    x = w.prelu(w.convolution(x, d, s, 1), s)
    for _ in range(m):
        x = w.prelu(w.convolution(x, s, s), s)
    x = w.prelu(w.convolution(x, s, d, 1), d)
    weight = w.generator.normal(0, scale * (1 / (81 * d)) ** 0.5, (d, 1, 9, 9)).astype(np.float32)
    x = w.add(
        "ConvTranspose", x, w.constant(weight), w.constant(np.full(1, 0.5, np.float32)),
        kernel_shape=[9, 9], strides=[scale] * 2, pads=[4] * 4, output_padding=[scale - 1] * 2,
    )  # fmt: skip
    w.write(scale, path)


NETWORKS = {
    "fsrcnn_x2": fsrcnn,
    "sesr_m5_x2": sesr,
    "srvgg_32_8_x2": lambda path: srvgg(path, 32, 8, 2),
    "srvgg_64_16_x4": lambda path: srvgg(path, 64, 16, 4),
}


def make(folder):
    """The paths of all networks."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{name}.onnx" for name in NETWORKS]
    for path, write in zip(paths, NETWORKS.values()):
        write(path)
    return paths


if __name__ == "__main__":
    for file in make(Path(sys.argv[1])):
        print(file)

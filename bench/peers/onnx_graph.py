"""The network as an ONNX graph, written node by node; ONNX Runtime, OpenVINO and OpenCV read it."""

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper

from network import SCALE


class Graph:
    def __init__(self):
        self.nodes, self.constants, self.last = [], [], "x"

    def add(self, operator, *weights, **attributes):
        """Appends a node that takes what the last node gave."""
        inputs = [self.last]
        for weight in weights:
            inputs.append(f"w{len(self.constants)}")
            self.constants.append(numpy_helper.from_array(np.ascontiguousarray(weight), inputs[-1]))
        self.last = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [self.last], **attributes))


def onnx_model(network, tail, height, width):
    """The bytes of a model from x (1, 1, height, width) to y (1, 1, SCALE * height, SCALE * width)."""
    graph = Graph()

    def add_convolution(layer):
        graph.add("Conv", layer.weight, layer.bias, kernel_shape=layer.weight.shape[2:], pads=[layer.padding] * 4)
        if layer.slope is not None:
            graph.add("PRelu", layer.slope[:, None, None])

    for layer in network.body:
        add_convolution(layer)
    if tail == "sub-pixel":
        add_convolution(network.subpixel)
        graph.add("DepthToSpace", blocksize=SCALE, mode="CRD")
    else:
        graph.add(
            "ConvTranspose", network.deconvolution_weight, network.deconvolution_bias,
            kernel_shape=[9, 9], strides=[SCALE] * 2, pads=[4] * 4, output_padding=[SCALE - 1] * 2,
        )  # fmt: skip
    graph.nodes[-1].output[0] = "y"
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, height, width])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 1, SCALE * height, SCALE * width])
    model = helper.make_model(
        helper.make_graph(graph.nodes, "fsrcnn", [x], [y], graph.constants),
        opset_imports=[helper.make_opsetid("", 13)], ir_version=8,
    )  # fmt: skip
    checker.check_model(model, full_check=True)
    return model.SerializeToString()

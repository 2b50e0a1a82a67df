"""ONNX Runtime with its CPU provider, with and without the layout of its own (NCHWc) that the highest level brings."""

import numpy as np
import onnxruntime

from network import SCALE, TAILS
from onnx_graph import onnx_model

LEVELS = {
    "all optimizations": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL,
    "extended optimizations": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
}


def version():
    return onnxruntime.__version__


def network_builder(tail, level):
    def build(network, frame, threads):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.graph_optimization_level = level
        model = onnx_model(network, tail, *frame.shape)
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        output = np.empty((1, 1, SCALE * frame.shape[0], SCALE * frame.shape[1]), np.float32)
        binding = session.io_binding()
        binding.bind_cpu_input("x", frame[None, None])
        binding.bind_output("y", "cpu", 0, np.float32, output.shape, output.ctypes.data)

        def run():
            session.run_with_iobinding(binding)
            return output

        return run, lambda result: result[0, 0]

    return build


NETWORK = {f"{tail}, {name}": network_builder(tail, level) for tail in TAILS for name, level in LEVELS.items()}
CONV_TRANSPOSE = {}

"""OpenVINO with its CPU plugin in float32; by default it would take bfloat16 where the CPU has it."""

import numpy as np
import openvino

from network import SCALE, TAILS
from onnx_graph import onnx_model


def version():
    return openvino.__version__.split("-")[0]


def network_builder(tail):
    def build(network, frame, threads):
        core = openvino.Core()
        model = core.read_model(model=onnx_model(network, tail, *frame.shape), weights=b"")
        settings = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": threads,
            "INFERENCE_PRECISION_HINT": "f32",
            "ENABLE_CPU_PINNING": False,  # as every other engine here
        }
        request = core.compile_model(model, "CPU", settings).create_infer_request()
        output = np.empty((1, 1, SCALE * frame.shape[0], SCALE * frame.shape[1]), np.float32)
        request.set_input_tensor(openvino.Tensor(frame[None, None], shared_memory=True))
        request.set_output_tensor(openvino.Tensor(output, shared_memory=True))

        def run():
            request.infer(share_outputs=True)
            return output

        return run, lambda result: result[0, 0]

    return build


NETWORK = {tail: network_builder(tail) for tail in TAILS}
CONV_TRANSPOSE = {}

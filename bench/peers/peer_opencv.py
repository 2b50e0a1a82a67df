"""OpenCV's dnn module: its new engine and, since some networks are faster in it, the classic one."""

import cv2
import numpy as np

from network import TAILS
from onnx_graph import onnx_model

ENGINES = {"new engine": "ENGINE_NEW", "classic engine": "ENGINE_CLASSIC"}


def version():
    return cv2.__version__


def network_builder(tail, engine):
    def build(network, frame, threads):
        cv2.setNumThreads(threads)
        model = np.frombuffer(onnx_model(network, tail, *frame.shape), np.uint8)
        net = cv2.dnn.readNetFromONNX(model, engine=getattr(cv2.dnn, engine))

        def run():
            net.setInput(frame[None, None])  # every time, so that nothing of the last run can be taken for this one's
            return net.forward()

        return run, lambda result: result[0, 0]

    return build


NETWORK = {f"{tail}, {name}": network_builder(tail, engine) for tail in TAILS for name, engine in ENGINES.items()}
CONV_TRANSPOSE = {}

"""The engines, each a module of this folder with

    version() -> str
    NETWORK         {variant: build(network, frame, threads)}: FSRCNN on one frame
    CONV_TRANSPOSE  {variant: build(op, x, weight, bias, threads)}: one transposed convolution

build does all that can be done once and returns (run, read): run() is what is timed and leaves the result in memory as
float32, read(what run returned) is the result as a numpy array. The worker keeps the
operands alive. Only worker.py imports the modules, each in a process of its own.
"""

ENGINES = {  # name: module
    "fsrcnn.cpp": "ours",
    "PyTorch": "peer_pytorch",
    "ONNX Runtime": "peer_onnxruntime",
    "OpenVINO": "peer_openvino",
    "ncnn": "peer_ncnn",
    "OpenCV dnn": "peer_opencv",
    "oneDNN": "peer_onednn",
}
OURS = "fsrcnn.cpp"

"""fsrcnn.cpp through its C ABI (include/fsrcnn/fsrcnn.h); FSRCNN_LIBRARY is the path of libfsrcnn.so."""

import ctypes
import os
from ctypes import POINTER, Structure, c_char_p, c_float, c_int, c_int64, c_uint64, c_void_p

import numpy as np

import network as fsrcnn
from handle import Handle


class Options(Structure):
    _fields_ = [("cpu", c_char_p), ("threads", c_int), ("scale", c_int), ("exact", c_int), ("executor", c_void_p),
                ("reserved", c_uint64 * 6)]


class ConvTransposeParams(Structure):
    _fields_ = [(name, c_int64 * 2) for name in ("stride", "padding", "output_padding", "dilation")] + [
        ("groups", c_int64), ("reserved", c_uint64 * 4)
    ]


def load():
    library = ctypes.CDLL(os.environ["FSRCNN_LIBRARY"])
    floats, sizes, options = POINTER(c_float), POINTER(c_int64), POINTER(Options)
    params = POINTER(ConvTransposeParams)
    for name, result, arguments in [
        ("fsrcnn_last_error", c_char_p, []),
        ("fsrcnn_upscaler_create", c_void_p, [c_char_p, options]),
        ("fsrcnn_upscaler_destroy", None, [c_void_p]),
        ("fsrcnn_upscale_f32", c_int, [c_void_p, floats, c_int64, c_int64, c_int64, floats, c_int64]),
        ("fsrcnn_conv_transpose2d_create", c_void_p, [floats, sizes, floats, params, options]),
        ("fsrcnn_conv_transpose2d_destroy", None, [c_void_p]),
        ("fsrcnn_conv_transpose2d_run_f32", c_int, [c_void_p, floats, sizes, floats]),
    ]:
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


def floats(array):
    return array.ctypes.data_as(POINTER(c_float))


def create(library, name, *arguments):
    """name: of the thing, as in fsrcnn_NAME_create."""
    pointer = getattr(library, f"fsrcnn_{name}_create")(*arguments)
    return Handle(pointer, getattr(library, f"fsrcnn_{name}_destroy"), library.fsrcnn_last_error)


def runner(library, function, arguments, output):
    def run():
        if function(*arguments) != 0:
            raise RuntimeError(library.fsrcnn_last_error().decode())
        return output

    return run, lambda result: result


def version():
    return "this commit"


def build_network(_, frame, threads):
    library = load()
    options = Options(None, threads, fsrcnn.SCALE, 0)
    upscaler = create(library, "upscaler", str(fsrcnn.MODEL).encode(), options)
    height, width = frame.shape
    output = np.empty((fsrcnn.SCALE * height, fsrcnn.SCALE * width), np.float32)
    arguments = upscaler, floats(frame), width, height, frame.strides[0], floats(output), output.strides[0]
    return runner(library, library.fsrcnn_upscale_f32, arguments, output)


def build_conv_transpose(op, x, weight, bias, threads):
    library = load()
    params = ConvTransposeParams(op.stride, op.padding, op.output_padding, (1, 1), op.groups)
    shape = (c_int64 * 4)(*weight.shape)
    options = Options(None, threads, 0, 0)
    operator = create(library, "conv_transpose2d", floats(weight), shape, floats(bias), params, options)
    output = np.empty(op.output_shape, np.float32)
    arguments = operator, floats(x), (c_int64 * 4)(*x.shape), floats(output)
    return runner(library, library.fsrcnn_conv_transpose2d_run_f32, arguments, output)


NETWORK = {"fused": build_network}
CONV_TRANSPOSE = {"NCHW": build_conv_transpose}

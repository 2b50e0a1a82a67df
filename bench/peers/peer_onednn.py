"""oneDNN's deconvolution primitive through onednn.cpp; PEER_ONEDNN_LIBRARY is the path of what it was built to."""

import ctypes
import os
from ctypes import POINTER, c_char_p, c_float, c_int, c_int64, c_void_p

import numpy as np

from handle import Handle

FORMS = {"NCHW": 0, "NCHW, reordered within the time": 1, "own layout": 2, "own layout, AVX2": 3}


def load():
    library = ctypes.CDLL(os.environ["PEER_ONEDNN_LIBRARY"])
    library.peer_last_error.restype = library.peer_version.restype = c_char_p
    library.peer_create.restype = c_void_p
    library.peer_create.argtypes = [POINTER(c_float)] * 4 + [POINTER(c_int64), c_int]
    library.peer_destroy.restype = None
    library.peer_run.argtypes = library.peer_fetch.argtypes = library.peer_destroy.argtypes = [c_void_p]
    return library


def version():
    return load().peer_version().decode()


def conv_transpose_builder(form):
    def build(op, x, weight, bias, threads):  # threads: OMP_NUM_THREADS, which the worker sets
        library = load()
        output = np.empty(op.output_shape, np.float32)
        arrays = [array.ctypes.data_as(POINTER(c_float)) for array in (weight, bias, x, output)]
        numbers = [op.in_channels, op.out_channels, *op.size, *op.kernel, *op.stride, *op.padding]
        numbers += [*op.output_padding, *op.output_shape[2:], op.groups]
        pointer = library.peer_create(*arrays, (c_int64 * len(numbers))(*numbers), form)
        handle = Handle(pointer, library.peer_destroy, library.peer_last_error)

        def checked(function):
            if function(handle) != 0:
                raise RuntimeError(library.peer_last_error().decode())

        def read(_):
            checked(library.peer_fetch)
            return output

        return (lambda: checked(library.peer_run)), read

    return build


NETWORK = {}
CONV_TRANSPOSE = {name: conv_transpose_builder(form) for name, form in FORMS.items()}

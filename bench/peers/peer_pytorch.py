"""PyTorch: eager in either layout, through its mkldnn tensors, and compiled with frozen weights."""

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils import mkldnn

from network import SCALE, TAILS


def version():
    return torch.__version__


def convolution(layer):
    out_channels, in_channels, size, _ = layer.weight.shape
    module = nn.Conv2d(in_channels, out_channels, size, padding=layer.padding)
    module.load_state_dict({"weight": torch.from_numpy(layer.weight), "bias": torch.from_numpy(layer.bias)})
    return module


def body(network):
    modules = []
    for layer in network.body:
        modules += [convolution(layer), nn.PReLU(len(layer.slope))]
        modules[-1].load_state_dict({"weight": torch.from_numpy(layer.slope)})
    return modules


def tail(network, kind):
    if kind == "sub-pixel":
        return [convolution(network.subpixel), nn.PixelShuffle(SCALE)]
    weight, bias = torch.from_numpy(network.deconvolution_weight), torch.from_numpy(network.deconvolution_bias)
    module = nn.ConvTranspose2d(weight.shape[0], 1, 9, stride=SCALE, padding=4, output_padding=SCALE - 1)
    module.load_state_dict({"weight": weight, "bias": bias})
    return [module]


class ThroughMkldnn(nn.Module):
    """The modules with mkldnn tensors between them; the last one, which mkldnn tensors do not have, without."""

    def __init__(self, inner, last):
        super().__init__()
        self.inner, self.last = mkldnn.to_mkldnn(inner), last

    def forward(self, x):
        return self.last(self.inner(x.to_mkldnn()).to_dense())


def runner(call):
    def run():
        with torch.inference_mode():
            return call()

    return run, lambda result: result.numpy()


def network_builder(kind, form):
    def build(network, frame, threads):
        torch.set_num_threads(threads)
        x = torch.from_numpy(frame)[None, None]
        modules = body(network) + tail(network, kind)
        model = nn.Sequential(*modules).eval()
        if "channels_last" in form:
            model, x = model.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
        if form == "mkldnn":
            model = ThroughMkldnn(nn.Sequential(*modules[:-1]).eval(), modules[-1])
        if "compile" in form:
            import torch._inductor.config as inductor

            inductor.freezing = "frozen" in form  # weights become constants, which mkldnn packs once
            model = torch.compile(model)
        run, read = runner(lambda: model(x))
        return run, lambda result: read(result)[0, 0]

    return build


def conv_transpose_builder(form):
    def build(op, x, weight, bias, threads):
        torch.set_num_threads(threads)
        x, weight, bias = (torch.from_numpy(array) for array in (x, weight, bias))
        if "channels_last" in form:
            x, weight = (tensor.to(memory_format=torch.channels_last) for tensor in (x, weight))
        if "packed weight" in form:
            # What torch.compile makes of the operator when it freezes the weights.
            pair = [list(v) for v in (op.padding, op.output_padding, op.stride, (1, 1))]
            packed = torch.ops.mkldnn._reorder_convolution_transpose_weight(weight, *pair, op.groups, list(x.shape))
            function = torch.ops.mkldnn._convolution_transpose_pointwise
            parameters = *pair, op.groups, "none", [], ""
            # It gives channels_last whatever it takes.
            order = torch.channels_last if "channels_last" in form else torch.contiguous_format
            return runner(lambda: function(x, packed, bias, *parameters).contiguous(memory_format=order))
        parameters = op.stride, op.padding, op.output_padding, op.groups
        return runner(lambda: F.conv_transpose2d(x, weight, bias, *parameters))

    return build


FORMS = ("eager", "eager channels_last", "mkldnn", "compile frozen", "compile channels_last")
NETWORK = {f"{kind}, {form}": network_builder(kind, form) for kind in TAILS for form in FORMS}
FORMS = ("NCHW", "NCHW, packed weight", "channels_last", "channels_last, packed weight")
CONV_TRANSPOSE = {form: conv_transpose_builder(form) for form in FORMS}

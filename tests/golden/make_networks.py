"""Makes tests/golden/networks with PyTorch: small networks of the families that can be read. Run it again only to change
what is tested:

    pip install -r training/requirements.txt onnx onnxscript
    python tests/golden/make_networks.py

Also tiny.safetensors as the checkpoints of training scripts. Of each network: NAME.onnx as torch.onnx.export writes it, and NAME.safetensors: its state_dict, "input", and "dump.NN STEP", what
each layer makes, or "output" alone. NAME_dynamo.onnx is the same by the newer exporter.
"""

import sys
from argparse import Namespace
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import numpy_helper
from safetensors.torch import load_file, save_file
from torch import nn

HERE = Path(__file__).resolve().parent
OUT = HERE / "networks"
sys.path.insert(0, str(HERE.parents[1] / "training"))
from fsrcnn import FSRCNN  # noqa: E402


class Recorder:
    """Keeps what layers make, in their order."""

    def __init__(self):
        self.dumps = []

    def __call__(self, step, x):
        self.dumps.append((step, x))
        return x


class Network(nn.Module):
    def forward(self, x):
        return self.run(x, lambda step, value: value)


class Row(Network):
    """Modules one after the other."""

    def modules_in_row(self):
        raise NotImplementedError

    def row(self, x, keep, modules):
        for module in modules:
            name = {nn.Conv2d: "convolution", nn.ConvTranspose2d: "deconvolution", nn.PReLU: "PReLU", nn.ReLU: "ReLU",
                    nn.LeakyReLU: "PReLU", nn.Tanh: "tanh", nn.PixelShuffle: "depth to space"}[type(module)]
            x = keep(name, module(x))
        return x

    def run(self, x, keep):
        return self.row(x, keep, self.modules_in_row())


def conv(inputs, outputs, k, **options):
    return nn.Conv2d(inputs, outputs, k, padding=k // 2, **options)


class Espcn(Row):
    """yjn870's names; tanh."""

    def __init__(self, scale=3, colours=1):
        super().__init__()
        self.first_part = nn.Sequential(conv(colours, 4, 5), nn.Tanh(), conv(4, 3, 3), nn.Tanh())
        self.last_part = nn.Sequential(conv(3, colours * scale**2, 3), nn.PixelShuffle(scale))

    def modules_in_row(self):
        return [*self.first_part, *self.last_part]


class EspcnRelu(Row):
    """The names of PyTorch's examples; ReLU."""

    def __init__(self, scale=2, colours=3):
        super().__init__()
        self.relu = nn.ReLU()
        self.conv1, self.conv2 = conv(colours, 4, 5), conv(4, 4, 3)
        self.conv3, self.conv4 = conv(4, 3, 3), conv(3, colours * scale**2, 3)
        self.pixel_shuffle = nn.PixelShuffle(scale)

    def modules_in_row(self):
        return [self.conv1, self.relu, self.conv2, self.relu, self.conv3, self.relu, self.conv4, self.pixel_shuffle]


class Srvgg(Row):
    def __init__(self, scale=2, features=4, count=2, colours=3):
        super().__init__()
        self.scale = scale
        body = [conv(colours, features, 3), nn.PReLU(features)]
        for _ in range(count):
            body += [conv(features, features, 3), nn.PReLU(features)]
        self.body = nn.ModuleList([*body, conv(features, colours * scale**2, 3)])
        self.upsampler = nn.PixelShuffle(scale)

    def run(self, x, keep):
        out = self.row(x, keep, [*self.body, self.upsampler])
        return keep("addition", out + keep("interpolation", F.interpolate(x, scale_factor=self.scale, mode="nearest")))


class Conv3x3(nn.Module):
    def __init__(self, inputs, outputs, activation=True):
        super().__init__()
        self.conv3x3 = conv(inputs, outputs, 3)
        self.act = nn.PReLU(outputs) if activation else None


class Ecbsr(Row):
    """Collapsed: m blocks of c channels."""

    def __init__(self, scale=2, m=2, c=4, colours=1):
        super().__init__()
        self.scale, self.colours = scale, colours
        blocks = [Conv3x3(colours, c), *[Conv3x3(c, c) for _ in range(m)], Conv3x3(c, colours * scale**2, False)]
        self.backbone = nn.Sequential(*blocks)
        self.upsampler = nn.PixelShuffle(scale)

    def run(self, x, keep):
        modules = [m for block in self.backbone for m in (block.conv3x3, block.act) if m is not None]
        y = self.row(x, keep, modules)
        if self.colours > 1:
            x = keep("convolution", torch.repeat_interleave(x, self.scale**2, dim=1))
        return self.row(keep("addition", y + x), keep, [self.upsampler])


class Sesr(Row):
    """Collapsed."""

    def __init__(self, scale=2, m=2, c=4, colours=1):
        super().__init__()
        self.scale, self.colours = scale, colours
        self.conv_first, self.act_first = conv(colours, c, 5), nn.PReLU(c)
        self.blocks = nn.Sequential(*[layer for _ in range(m) for layer in (conv(c, c, 3), nn.PReLU(c))])
        self.conv_last = conv(c, colours * scale**2, 5)
        self.depth_to_space = nn.PixelShuffle(scale)

    def run(self, x, keep):
        first = self.row(x, keep, [self.conv_first, self.act_first])
        y = keep("addition", self.row(first, keep, self.blocks) + first)
        y = self.row(y, keep, [self.conv_last])
        if self.colours > 1:
            x = keep("convolution", torch.repeat_interleave(x, self.scale**2, dim=1))
        return self.row(keep("addition", y + x), keep, [self.depth_to_space])


class Fsrcnnx(Row):
    """Features without an activation, m mappings, residuals of the features, sub-pixel convolution."""

    def __init__(self, scale=2, d=4, m=2):
        super().__init__()
        self.feature = conv(1, d, 5)
        self.mapping = nn.Sequential(*[layer for _ in range(m) for layer in (conv(d, d, 3), nn.PReLU(d))])
        self.residual = conv(d, d, 1)
        self.sub_pixel = nn.Sequential(conv(d, scale**2, 3), nn.PixelShuffle(scale))

    def run(self, x, keep):
        feature = self.row(x, keep, [self.feature])
        y = self.row(feature, keep, [*self.mapping, self.residual])
        return self.row(keep("addition", y + feature), keep, self.sub_pixel)


class Fsrcnn(Row):
    """training/fsrcnn.py's, for one or three colours, over an interpolated picture or alone."""

    def __init__(self, scale=2, colours=1, skip=None):
        super().__init__()
        small = FSRCNN(scale, 4, 2, 1)
        self.scale, self.skip = scale, skip
        self.first_part, self.mid_part, self.last_part = small.first_part, small.mid_part, small.last_part
        if colours > 1:
            self.first_part[0] = conv(colours, 4, 5)
            self.last_part = nn.ConvTranspose2d(4, colours, 9, stride=scale, padding=4, output_padding=scale - 1)

    def run(self, x, keep):
        y = self.row(x, keep, [*self.first_part, *self.mid_part, self.last_part])
        if self.skip is None:
            return y
        z = F.interpolate(x, scale_factor=self.scale, mode=self.skip, align_corners=False)
        return keep("addition", y + keep("interpolation", z))


# Networks of no family, for what ONNX's operators can be. Their outputs alone are compared.


class Odd(nn.Module):
    """Three channels, two convolutions and depth to space, with what `change` does to them."""

    def __init__(self, colours=3, scale=2):
        super().__init__()
        self.scale = scale
        self.a, self.b = conv(colours, 4, 3), conv(4, colours * scale**2, 3)

    def tail(self, x):
        return F.pixel_shuffle(self.b(x), self.scale)


class Normalised(Odd):
    """Pixels of 0 to 255 without their mean, added again at the end: zeros beyond the edges are the mean."""

    def forward(self, x):
        mean = torch.tensor([114.4, 111.5, 103.0]).reshape(1, 3, 1, 1)
        y = self.tail(F.relu(self.a((x * 255 - mean) / 64)))
        return torch.clamp((y * 64 + mean) / 255, 0, 1)


class Doubled(Odd):
    """Every scaling that can be folded: 255 at the start, 1 / 255 and a clamp to 0 ... 255 at the end."""

    def forward(self, x):
        y = self.tail(F.leaky_relu(self.a(x * 255), 0.1) * 0.5)
        return torch.clamp(y, 0, 255) / 255


class Batch(Odd):
    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm2d(4)
        self.norm.running_mean.uniform_(-0.5, 0.5)
        self.norm.running_var.uniform_(0.5, 2)

    def forward(self, x):
        # An average between keeps the exporter from folding it.
        y = self.a(x)
        return self.tail(F.relu(self.norm(F.relu(y))))


class Sigmoid(Odd):
    def forward(self, x):
        return torch.sigmoid(self.tail(torch.tanh(self.a(x))))


class Shuffled(Odd):
    """Depth to space by hand, in both orders, and channels that change places."""

    def forward(self, x):
        y = F.relu(self.a(x))
        n, _, h, w = y.shape
        y = y.view(n, 2, 2, h, w).transpose(1, 2).reshape(n, 4, h, w)
        y = self.b(y)
        s = self.scale
        y = y.view(n, s, s, 3, h, w).permute(0, 3, 4, 1, 5, 2).contiguous()
        return y.view(n, 3, h * s, w * s)


class Paddings(nn.Module):
    """One layer pads with zeros, one with the edges, one by a Pad of its own; an even kernel; groups and dilations."""

    def __init__(self):
        super().__init__()
        self.a = nn.Conv2d(1, 4, 5, padding=2, padding_mode="replicate")
        self.b = conv(4, 4, 3, groups=2)
        self.c = nn.Conv2d(4, 4, 3, padding=2, dilation=2)
        self.d = nn.Conv2d(4, 4, 2)
        self.e = nn.ConvTranspose2d(4, 1, 4, stride=2, padding=1)

    def forward(self, x):
        x = F.relu(self.c(F.relu(self.b(F.relu(self.a(x))))))
        x = F.relu(self.d(F.pad(x, (0, 1, 0, 1))))
        return self.e(x)


class Transposed(nn.Module):
    """Transposed convolutions of all kinds: in groups, with a border of edges, cropped unevenly."""

    def __init__(self):
        super().__init__()
        self.a = nn.ConvTranspose2d(3, 3, 4, stride=2, padding=1, groups=3, bias=False)
        self.b = conv(3, 4, 3)
        self.c = nn.ConvTranspose2d(4, 3, 9, stride=2, padding=6, output_padding=1)

    def forward(self, x):
        y = F.pad(F.relu(self.b(x)), (1, 1, 1, 1), mode="replicate")
        return self.c(y) + self.a(x)


class Blocks(Odd):
    """Values that are read before and after their activation, differences, and the input in copies."""

    def forward(self, x):
        y = self.a(x)
        z = F.relu(y) + y * 0.25 - F.relu(-y)
        return F.pixel_shuffle(self.b(z) + torch.cat([x] * 4, 1), self.scale) + F.interpolate(
            x, scale_factor=2, mode="bicubic", align_corners=False)


class Sized(Odd):
    """Interpolation to a size that is computed from the input's."""

    def forward(self, x):
        y = self.tail(F.relu6(self.a(x)))
        size = (x.shape[2] * 2, x.shape[3] * 2)
        return y + F.interpolate(x, size=size, mode="bilinear", align_corners=False)


def settle(network, seed):
    """Random weights of the size of real ones."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for name, p in network.named_parameters():
            if p.dim() == 4:
                fan = p[0].numel() if not isinstance(network.get_submodule(name.rsplit(".", 1)[0]), nn.ConvTranspose2d) else p.shape[0] * p[0, 0].numel() / 4
                p.normal_(0, (1.5 / fan) ** 0.5)
            elif name.endswith("bias"):
                p.normal_(0, 0.1)
            else:
                p.uniform_(-0.2, 0.6)
    return network.eval()


def export(network, name, x, opset=17, dynamo=False, dynamic=True):
    names = {"input_names": ["input"], "output_names": ["output"]}
    path = OUT / f"{name}.onnx"
    if dynamo:
        sizes = {2: torch.export.Dim("height", min=2), 3: torch.export.Dim("width", min=2)} if dynamic else None
        torch.onnx.export(network, (x,), path, dynamo=True, external_data=False, dynamic_shapes=(sizes,) if dynamic else None, **names)
        model = onnx.load(path)
        # The exporter's remarks tell where it ran.
        for message in [*model.graph.node, *model.graph.initializer, *model.graph.input, *model.graph.output, *model.graph.value_info, model.graph]:
            del message.metadata_props[:]
        del model.graph.value_info[:]
        onnx.save(model, path)
        return
    axes = {"dynamic_axes": {"input": {0: "n", 2: "h", 3: "w"}}} if dynamic else {}
    torch.onnx.export(network, (x,), path, opset_version=opset, dynamo=False, **names, **axes)


def family(name, network, colours=1, seed=0, **options):
    settle(network, seed)
    x = torch.rand(1, colours, 6, 7)
    recorder = Recorder()
    with torch.no_grad():
        network.run(x, recorder)
    tensors = dict(network.state_dict()) | {"input": x}
    for i, (step, value) in enumerate(recorder.dumps):
        tensors[f"dump.{i:02} {step}"] = value
    save_file({k: v.contiguous().clone() for k, v in tensors.items()}, OUT / f"{name}.safetensors")
    export(network, name, x, **options)


def odd(name, network, colours=3, seed=0, dynamo=False, **options):
    settle(network, seed)
    x = torch.rand(1, colours, 6, 7)
    with torch.no_grad():
        save_file({"input": x, "output": network(x).contiguous()}, OUT / f"{name}.safetensors")
    export(network, name, x, **options)
    if dynamo:
        export(network, f"{name}_dynamo", x, dynamo=True, dynamic=name != "blocks")


def half(name):
    """The same with weights of 16 bits, as raw bytes and, for the biases, as int32_data."""
    model = onnx.load(OUT / f"{name}.onnx")
    for tensor in model.graph.initializer:
        array = numpy_helper.to_array(tensor).astype(np.float16)
        tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))
        if array.ndim == 1:
            tensor.ClearField("raw_data")
            tensor.int32_data.extend(int(v) for v in array.view(np.uint16))
    for value in [*model.graph.input, *model.graph.output]:
        value.type.tensor_type.elem_type = onnx.TensorProto.FLOAT16
    onnx.save(model, OUT / f"{name}_half.onnx")


def checkpoints():
    """tiny.safetensors as training scripts save it."""
    network = FSRCNN(3, 4, 2, 1)
    network.load_state_dict(load_file(HERE / "tiny.safetensors"))
    state_dict = network.state_dict()
    for name, kind in ("half", torch.float16), ("bfloat16", torch.bfloat16), ("double", torch.float64):
        torch.save({k: v.to(kind) for k, v in state_dict.items()}, OUT / f"tiny_{name}.pth")
    optimizer = torch.optim.Adam(network.parameters())
    network(torch.rand(1, 1, 8, 8)).mean().backward()
    weights = {f"module.{k}": v.clone() for k, v in state_dict.items()}
    optimizer.step()
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, [3, 5])
    torch.save(
        {
            "epoch": 7, "args": Namespace(scale=3, lr=1e-3, names=["a"], device=torch.device("cpu")), "best": np.float64(31.5),
            "losses": defaultdict(list, {"train": [0.1]}), "seen": Counter("abca"), "rng": {"python": (3, (1, 2, 3), None)},
            "optimizer": optimizer.state_dict(), "scheduler": scheduler.state_dict(), "params": network.state_dict(),
            "params_ema": weights, "tags": {"x", "y"},
        },
        OUT / "tiny_training.pth",
    )
    torch.save(network, OUT / "tiny_module.pth")
    torch.jit.script(network).save(OUT / "tiny_script.pth")


def main():
    OUT.mkdir(exist_ok=True)
    checkpoints()
    family("espcn", Espcn(), seed=1)
    family("espcn_relu", EspcnRelu(), colours=3, seed=2, opset=11)
    family("srvgg", Srvgg(), colours=3, seed=3)
    family("ecbsr", Ecbsr(), seed=4)
    family("ecbsr_rgb", Ecbsr(colours=3), colours=3, seed=5)
    family("sesr", Sesr(), seed=6)
    family("sesr_rgb", Sesr(colours=3), colours=3, seed=7, dynamic=False)
    family("fsrcnnx", Fsrcnnx(), seed=8)
    family("fsrcnn_rgb", Fsrcnn(colours=3), colours=3, seed=9)
    family("fsrcnn_bicubic", Fsrcnn(skip="bicubic"), seed=10)
    family("fsrcnn_bilinear", Fsrcnn(scale=3, colours=3, skip="bilinear"), colours=3, seed=11)
    for name, network, colours in (("srvgg", Srvgg(), 3), ("sesr_rgb", Sesr(colours=3), 3), ("fsrcnn_bicubic", Fsrcnn(skip="bicubic"), 1)):
        seed = {"srvgg": 3, "sesr_rgb": 7, "fsrcnn_bicubic": 10}[name]
        settle(network, seed)
        # Its guards do not hold for a bicubic interpolation of any size.
        export(network, f"{name}_dynamo", torch.rand(1, colours, 6, 7), dynamo=True, dynamic=name != "fsrcnn_bicubic")
    half("srvgg")
    odd("normalised", Normalised(), seed=20, dynamo=True)
    odd("doubled", Doubled(), seed=21)
    odd("batch", Batch(), seed=22)
    odd("sigmoid", Sigmoid(), seed=23)
    odd("shuffled", Shuffled(), seed=24, dynamo=True)
    odd("shuffled_fixed", Shuffled(), seed=24, dynamic=False)
    odd("paddings", Paddings(), colours=1, seed=25)
    odd("transposed", Transposed(), seed=26)
    odd("blocks", Blocks(), seed=27, dynamo=True)
    odd("sized", Sized(), seed=28, dynamo=True)
    odd("sized_fixed", Sized(), seed=28, dynamic=False, opset=11)


if __name__ == "__main__":
    torch.use_deterministic_algorithms(True)
    main()

"""Makes the golden files of this folder with PyTorch. Run it again only to change what is tested:

    pip install -r training/requirements.txt
    python tests/golden/make_golden.py

Operators: random parameters and small tensors whose values are multiples of 1/4 up to 2, so that every product and
sum is exact in float32 and the order of additions cannot matter: the tests demand equality to the bit. An operator's
file holds "N.input", "N.weight", "N.bias" and "N.output", and in the metadata "N": its parameters as JSON.

Networks: random weights in the scale of trained ones, a random picture, and every tensor on the way.
"""

import json
import struct
import sys
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors import safe_open
from safetensors.torch import load_file, save_file

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "training"))
from fsrcnn import FSRCNN  # noqa: E402

CASES = 320


class Cases:
    """Collects random cases of one operator."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        self.tensors, self.metadata = {}, {}

    def integer(self, low, high):
        """Uniform, both ends included."""
        return int(self.rng.integers(low, high + 1))

    def pair(self, low, high):
        return [self.integer(low, high), self.integer(low, high)]

    def tensor(self, *shape):
        return torch.from_numpy(self.rng.integers(-8, 9, shape) / 4).float()

    def add(self, parameters, output, **tensors):
        n = len(self.metadata)
        self.metadata[str(n)] = json.dumps(parameters)
        for name, tensor in {**tensors, "output": output}.items():
            if tensor is not None:
                self.tensors[f"{n}.{name}"] = tensor.contiguous()

    def save(self, name):
        save_file(self.tensors, HERE / f"{name}.safetensors", self.metadata)
        print(f"{name}: {len(self.metadata)} cases")


def conv2d():
    cases = Cases(1)
    while len(cases.metadata) < CASES:
        groups = cases.integer(1, 3)
        in_per_group, out_per_group = cases.pair(1, 3)
        kernel, stride, dilation = cases.pair(1, 5), cases.pair(1, 3), cases.pair(1, 3)
        padding, size = cases.pair(0, 5), cases.pair(1, 11)
        mode = ["zeros", "replicate"][cases.integer(0, 1)]
        if any(s + 2 * p < d * (k - 1) + 1 for s, p, d, k in zip(size, padding, dilation, kernel)):
            continue
        x = cases.tensor(cases.integer(1, 2), groups * in_per_group, *size)
        weight = cases.tensor(groups * out_per_group, in_per_group, *kernel)
        bias = cases.tensor(groups * out_per_group) if cases.integer(0, 1) else None
        if mode == "replicate":
            padded = F.pad(x, (padding[1], padding[1], padding[0], padding[0]), mode="replicate")
            y = F.conv2d(padded, weight, bias, stride, 0, dilation, groups)
        else:
            y = F.conv2d(x, weight, bias, stride, padding, dilation, groups)
        parameters = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups, "padding_mode": mode}
        cases.add(parameters, y, input=x, weight=weight, bias=bias)
    cases.save("conv2d")


def conv_transpose2d():
    cases = Cases(2)
    while len(cases.metadata) < CASES:
        groups = cases.integer(1, 3)
        in_per_group, out_per_group = cases.pair(1, 3)
        kernel, stride, dilation = cases.pair(1, 5), cases.pair(1, 4), cases.pair(1, 3)
        padding, size = cases.pair(0, 5), cases.pair(1, 7)
        output_padding = [cases.integer(0, max(s, d) - 1) for s, d in zip(stride, dilation)]
        x = cases.tensor(cases.integer(1, 2), groups * in_per_group, *size)
        weight = cases.tensor(groups * in_per_group, out_per_group, *kernel)
        bias = cases.tensor(groups * out_per_group) if cases.integer(0, 1) else None
        try:
            y = F.conv_transpose2d(x, weight, bias, stride, padding, output_padding, groups, dilation)
        except RuntimeError:
            continue  # an output of negative size
        if y.numel() == 0:
            continue  # PyTorch lets size 0 pass here though not in conv2d; we refuse it in both
        parameters = {"stride": stride, "padding": padding, "output_padding": output_padding, "dilation": dilation, "groups": groups}
        cases.add(parameters, y, input=x, weight=weight, bias=bias)
    cases.save("conv_transpose2d")


def prelu():
    cases = Cases(3)
    while len(cases.metadata) < CASES:
        channels = cases.integer(1, 8)
        x = cases.tensor(cases.integer(1, 3), channels, *cases.pair(1, 9))
        slope = cases.tensor(channels if cases.integer(0, 1) else 1)
        cases.add({}, F.prelu(x, slope), input=x, weight=slope)
    cases.save("prelu")


def depth_to_space():
    cases = Cases(4)
    while len(cases.metadata) < CASES:
        r = cases.integer(1, 4)
        x = cases.tensor(cases.integer(1, 2), cases.integer(1, 3) * r * r, *cases.pair(1, 6))
        cases.add({"upscale_factor": r}, F.pixel_shuffle(x, r), input=x)
    cases.save("depth_to_space")


def bicubic():
    """PyTorch's antialiased bicubic has MATLAB's kernel; only its treatment of the edges is another, so the tests
    compare the inner part."""
    cases = Cases(5)
    for size, size_out in [((48, 36), (24, 18)), ((45, 36), (15, 12)), ((48, 36), (12, 9)), ((20, 24), (40, 48)),
                           ((20, 24), (60, 72)), ((20, 24), (80, 96)), ((40, 40), (56, 23))]:
        x = torch.from_numpy(cases.rng.random((1, 2, *size)))
        y = F.interpolate(x, size_out, mode="bicubic", antialias=True)
        cases.add({}, y.float(), input=x.float())
    cases.save("bicubic")


def bicubic_pillow():
    """Noise of black, white and grays, which overshoots 8 bits, to sizes that cut the kernel at the edges. Where the height
    shrinks much more than the width, which no case here does, Pillow 13 goes over columns first, others over rows."""
    from PIL import Image

    cases = Cases(6)
    for size, size_out in [((24, 18), (12, 9)), ((24, 18), (8, 6)), ((24, 16), (6, 4)), ((12, 9), (24, 18)), ((8, 6), (24, 18)),
                           ((6, 4), (24, 16)), ((17, 23), (15, 21)), ((5, 3), (5, 2)), ((1, 2), (3, 1)), ((2, 40), (7, 3))]:
        x = np.clip(cases.rng.integers(-200, 456, size), 0, 255).astype(np.uint8)
        y = np.array(Image.fromarray(x).resize(size_out[::-1], Image.Resampling.BICUBIC))
        cases.add({}, torch.from_numpy(y).float()[None, None], input=torch.from_numpy(x).float()[None, None])
    cases.save("bicubic_pillow")


def score(a, b):
    """PSNR and SSIM of two planes in [0, 255], by PyTorch's convolutions."""
    x = torch.arange(11) - 5.0
    g = torch.exp(-(x**2) / (2 * 1.5**2)).double()
    window = (torch.outer(g, g) / g.sum() ** 2)[None, None]
    a, b = (torch.from_numpy(np.asarray(p, np.float64))[None, None] for p in (a, b))
    ma, mb, aa, bb, ab = (F.conv2d(p, window) for p in (a, b, a * a, b * b, a * b))
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    ssim = ((2 * ma * mb + c1) * (2 * (ab - ma * mb) + c2)) / ((ma**2 + mb**2 + c1) * (aa - ma**2 + bb - mb**2 + c2))
    return {"psnr_db": (10 * torch.log10(255**2 / ((a - b) ** 2).mean())).item(), "ssim": ssim.mean().item()}


def protocol_a():
    """The figures of protocol A for one small picture, by the Python of training/."""
    from data import luma, pair, to_8_bits
    from bicubic import resize

    figures = {}
    for scale in (2, 3, 4):
        lr, hr = pair(luma(HERE.parent / "data" / "crop.png"), scale)
        output = to_8_bits(resize(resize(hr, 1 / scale), scale, hr.shape)).astype(np.float64)
        figures[str(scale)] = score(output[scale:-scale, scale:-scale], hr[scale:-scale, scale:-scale])
    (HERE / "protocol_a.json").write_text(json.dumps(figures, indent=1) + "\n")
    print(figures)


def protocol_yjn870():
    """The same by the protocol of yjn870/FSRCNN-pytorch's test.py, with Pillow, for the picture and for its green plane
    as a gray picture; at scale 3 also of tiny.safetensors."""
    from PIL import Image

    network = random_network(3, 4, 2, 1).eval()
    network.load_state_dict(load_file(HERE / "tiny.safetensors"))

    def luma(picture):
        rgb = np.asarray(picture.convert("RGB"), np.float64)
        return 16 + rgb @ np.array([64.738, 129.057, 25.064]) / 256

    figures = {}
    crop = Image.open(HERE.parent / "data" / "crop.png").convert("RGB")
    for kind, picture in ("rgb", crop), ("gray", crop.getchannel("G")):
        for scale in (2, 3, 4):
            size, low = [tuple(extent // scale * f for extent in picture.size) for f in (scale, 1)]
            hr = picture.resize(size, Image.Resampling.BICUBIC)
            lr = hr.resize(low, Image.Resampling.BICUBIC)
            scores = {"bicubic": score(luma(lr.resize(size, Image.Resampling.BICUBIC)), luma(hr))}
            if scale == 3:
                with torch.no_grad():
                    output = network(torch.from_numpy(luma(lr) / 255).float()[None, None]).clamp(0, 1)
                scores["model"] = score(output[0, 0].double().numpy() * 255, luma(hr))
            figures[f"{kind} {scale}"] = scores
    (HERE / "protocol_yjn870.json").write_text(json.dumps(figures, indent=1) + "\n")
    print(figures)


def random_network(scale, d, s, m):
    """Weights whose features and output have the size of real ones."""
    torch.manual_seed(1000 * scale + d)
    network = FSRCNN(scale, d, s, m)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith("bias"):
                parameter.normal_(0, 0.05)
            elif parameter.dim() == 1:
                parameter.uniform_(-0.2, 0.6)
        network.last_part.bias.fill_(0.5)
        # An output that fills [0, 1] and needs the clamp here and there.
        network.last_part.weight.mul_(0.25 / network(torch.rand(1, 1, 32, 32)).std())
    return network


LAYER_NAMES = {"first_part.0": "feature extraction", "mid_part.0": "shrinking", "last_part": "deconvolution"}


def network_dump(scale, d, s, m, height, width):
    """The state_dict under its own names, "input", and "<layer>|<step>" for every tensor on the way."""
    network = random_network(scale, d, s, m)
    dump = {name: value.clone() for name, value in network.state_dict().items()}
    x = torch.rand(1, 1, height, width)
    dump["input"] = x.clone()
    layer = None
    modules = [(f"first_part.{i}", module) for i, module in enumerate(network.first_part)]
    modules += [(f"mid_part.{i}", module) for i, module in enumerate(network.mid_part)]
    with torch.no_grad():
        for name, module in modules:
            x = module(x)
            if isinstance(module, torch.nn.PReLU):
                dump[f"{layer}|PReLU"] = x
                continue
            index = int(name.split(".")[1]) // 2
            layer = LAYER_NAMES.get(name, "expanding" if index == m + 1 else f"mapping {index}")
            dump[f"{layer}|convolution"] = x
        x = network.last_part(x)
        dump["deconvolution|deconvolution"] = x
        dump["deconvolution|clamp"] = x.clamp(0, 1)
        assert torch.equal(x, network(dump["input"])) and 0 < ((x < 0) | (x > 1)).float().mean() < 0.2
    save_file(dump, HERE / f"network_x{scale}_{d}_{s}_{m}.safetensors", {"scale": str(scale)})
    print(f"network_x{scale}_{d}_{s}_{m}")


def shipped_models():
    """What torch.nn makes of "input" with each file of models/, under the file's name."""
    torch.manual_seed(1)
    outputs = {"input": torch.rand(1, 1, 18, 25)}
    for path in sorted((HERE.parents[1] / "models").glob("*.safetensors")):
        weights = load_file(path)
        with safe_open(path, "pt") as file:
            scale = int(file.metadata()["scale"])
        d, s = weights["first_part.0.weight"].shape[0], weights["mid_part.0.weight"].shape[0]
        network = FSRCNN(scale, d, s, sum(name.endswith(".bias") for name in weights) - 4)
        network.load_state_dict(weights)
        with torch.no_grad():
            outputs[path.stem] = network(outputs["input"]).clamp(0, 1)
    save_file(outputs, HERE / "shipped_models.safetensors")
    print(*outputs)


def weight_files():
    """The same small network in the two containers of torch.save, and files that want to call something."""
    network = random_network(3, 4, 2, 1)
    state_dict = network.state_dict()
    save_file(dict(state_dict), HERE / "tiny.safetensors", {"scale": "3"})
    torch.save(state_dict, HERE / "tiny_zip.pth")
    torch.save(state_dict, HERE / "tiny_legacy.pth", _use_new_zipfile_serialization=False)
    checkpoint = {"epoch": 7, "state_dict": OrderedDict(("module." + k, v) for k, v in state_dict.items()), "best": 31.5}
    torch.save(checkpoint, HERE / "tiny_checkpoint.pth")

    class Malicious:
        def __reduce__(self):
            import os

            return os.system, ("touch fsrcnn_was_here",)

    evil = OrderedDict(state_dict)
    evil["last_part.bias"] = Malicious()
    torch.save(evil, HERE / "malicious_zip.pth")
    torch.save(evil, HERE / "malicious_legacy.pth", _use_new_zipfile_serialization=False)

    # Small files that claim much: one long name used again and again, and a pickle of nothing but memory.
    def bomb(name, instructions):
        with zipfile.ZipFile(HERE / f"bomb_{name}.pth", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("archive/data.pkl", b"\x80\x02" + instructions)

    def text(value):
        return b"X" + struct.pack("<I", len(value)) + value

    storage = b"(" + text(b"storage") + b"ctorch\nFloatStorage\n" + text(b"k" * 900_000) + text(b"cpu") + b"K\x01tq\x00"
    bomb("key", storage + b"h\x00Q0" * 1000 + b".")
    bomb("global", text(b"torch") + b"q\x00" + text(b"A" * 900_000 + b"Storage") + b"q\x01" + b"h\x00h\x01\x930" * 1000 + b".")
    bomb("memo", b"N" + b"\x94" * 16_000_000 + b".")


def onnx_files():
    """The small network as torch.onnx.export writes it (needs the packages onnx and onnxscript): with zero and with
    replicate padding, without folded constants, with a clamp at the end and one in its middle, and as it does by default,
    with most weights in another file."""
    import onnx

    x = torch.rand(1, 1, 7, 9)

    def export(network, name, opset, **options):
        torch.onnx.export(network, (x,), HERE / name, opset_version=opset, input_names=["input"], output_names=["output"], dynamo=False, **options)

    network = random_network(3, 4, 2, 1).eval()
    network.load_state_dict(load_file(HERE / "tiny.safetensors"))
    for opset in (11, 13, 17, 20):
        export(network, f"tiny_opset{opset}.onnx", opset)
    export(network, "tiny_not_folded.onnx", 17, do_constant_folding=False)

    torch.onnx.export(network, (x,), HERE / "tiny_default.onnx")
    # The exporter's remarks tell where it ran.
    default = onnx.load(HERE / "tiny_default.onnx", load_external_data=False)
    for message in [*default.graph.node, *default.graph.initializer, *default.graph.input, *default.graph.output, default.graph]:
        del message.metadata_props[:]
    onnx.save(default, HERE / "tiny_default.onnx")

    clamp = torch.nn.Hardtanh(0, 1)
    export(torch.nn.Sequential(network, clamp), "tiny_clamped.onnx", 17)
    slopes, network.mid_part[1] = network.mid_part[1], clamp
    export(network, "tiny_clamped_inside.onnx", 17)
    network.mid_part[1] = slopes
    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d):
            module.padding_mode = "replicate"
    export(network, "tiny_replicate.onnx", 13)


def tensorflow_graph():
    """A graph as OpenCV's users have: NHWC, HWIO, PReLU of simple operators, depth to space, then a bias. Written by hand,
    after graph.proto, node_def.proto, attr_value.proto and tensor.proto."""

    def varint(value):
        data = b""
        while value > 127:
            data += bytes([value & 127 | 128])
            value >>= 7
        return data + bytes([value])

    def field(number, value):
        if isinstance(value, int):
            return varint(number << 3) + varint(value)
        value = value.encode() if isinstance(value, str) else value
        return varint(number << 3 | 2) + varint(len(value)) + value

    def node(name, op, inputs, **attributes):
        data = field(1, name) + field(2, op) + b"".join(field(3, i) for i in inputs)
        for key, value in attributes.items():
            data += field(5, field(1, key) + field(2, value))
        return field(1, data)

    def constant(name, array):
        shape = b"".join(field(2, field(1, extent)) for extent in array.shape)
        content = np.ascontiguousarray(array, np.float32).tobytes()
        return node(name, "Const", [], dtype=field(6, 1), value=field(8, field(1, 1) + field(2, shape) + field(4, content)))

    torch.manual_seed(7)
    weights = dict(load_file(HERE / "tiny.safetensors"))
    weights["last_part.weight"] = torch.randn(9, 4, 1, 1)
    weights["last_part.bias"] = torch.full((9,), 0.25)
    save_file(weights, HERE / "tiny_sub_pixel.safetensors", {"scale": "3"})
    ones = field(1, field(3, b"\1\1\1\1"))
    keys = ["first_part.0", "mid_part.0", "mid_part.2", "mid_part.4", "last_part"]
    graph, current = node("input", "Placeholder", []), "input"
    for i, key in enumerate(keys, 1):
        graph += constant(f"f{i}", weights[key + ".weight"].permute(2, 3, 1, 0).numpy())
        graph += node(f"conv{i}", "Conv2D", [current, f"f{i}"], strides=ones, dilations=ones, padding=field(2, "SAME"), data_format=field(2, "NHWC"))
        if key == "last_part":
            graph += node("shuffled", "DepthToSpace", [f"conv{i}"], block_size=field(3, 3)) + constant("b", np.array([0.25]))
            graph += node("output", "BiasAdd", ["shuffled", "b"])
            break
        slope = weights[key[:-1] + str(int(key[-1]) + 1) + ".weight"].numpy()
        graph += constant(f"b{i}", weights[key + ".bias"].numpy()) + constant(f"alpha{i}", slope) + constant(f"half{i}", np.array([0.5]))
        graph += node(f"add{i}", "Add", [f"conv{i}", f"b{i}"]) + node(f"abs{i}", "Abs", [f"add{i}"])
        graph += node(f"sub{i}", "Sub", [f"add{i}", f"abs{i}"]) + node(f"mul{i}", "Mul", [f"alpha{i}", f"sub{i}"])
        graph += node(f"mulhalf{i}", "Mul", [f"mul{i}", f"half{i}"]) + node(f"relu{i}", "Relu", [f"add{i}"])
        graph += node(f"prelu{i}", "Add", [f"relu{i}", f"mulhalf{i}"])
        current = f"prelu{i}"
    (HERE / "tiny_tensorflow.pb").write_bytes(graph)


if __name__ == "__main__":
    torch.use_deterministic_algorithms(True)
    conv2d()
    conv_transpose2d()
    prelu()
    depth_to_space()
    bicubic()
    bicubic_pillow()
    protocol_a()
    network_dump(2, 56, 12, 4, 13, 11)
    network_dump(3, 32, 5, 1, 9, 14)
    network_dump(4, 16, 12, 4, 10, 9)
    shipped_models()
    weight_files()
    protocol_yjn870()
    onnx_files()
    tensorflow_graph()

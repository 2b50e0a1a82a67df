"""Runs weights that cannot be shipped by the program and by the framework that they come from, and compares the lumas.

    python tests/framework_agreement.py build/release/bin/fsrcnn WEIGHTS PICTURE

The built-in weights are written as a .pb and run by OpenCV. WEIGHTS holds fsrcnn_x2.pth and fsrcnn_x3.pth (yjn870's, by
PyTorch), opencv_FSRCNN_x2.pb (by OpenCV) and deepc_x2 (by a plain reading of DeepC's rules). Needs
training/requirements.txt and opencv-contrib-python-headless 4.10; ctest runs it where -DFSRCNN_DATA_DIR is given, and skips
it (77) where Python lacks them (-DPython3_EXECUTABLE chooses another). Ends with 1 if anything differs by more than 1e-5 of
full scale.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

try:
    import cv2
    import numpy as np
    import torch
    from torch.nn import functional as F
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "training"))
from data import luma  # noqa: E402
from fsrcnn import FSRCNN  # noqa: E402

TOLERANCE = 1e-5
DEEPC_SLOPES = [-0.8986, 0.3236, 0.2288, 0.2476, 0.3495, 0.7806, 0.0087]
DEEPC_LAST_BIAS = -0.0326264


def ours(program, folder, weights, scale):
    """The program's clamped luma (H, W); the picture's is luma.npy."""
    command = [program, "trace", "--input", folder / "luma.npy", "--model", weights, "--model-scale", str(scale), "--layers", "clamp", "-o", folder / "dumps"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    result = np.load(next((folder / "dumps").glob("*clamp.npy")))[0, 0]
    shutil.rmtree(folder / "dumps")
    return result


def by_pytorch(path, scale, y):
    model = FSRCNN(scale)
    model.load_state_dict(torch.load(path, "cpu", weights_only=True))
    return model(torch.from_numpy(y)[None, None]).detach().numpy()[0, 0]


def by_opencv(path, y):
    cv2.dnn_superres.DnnSuperResImpl_create()  # tells OpenCV of its layer DepthToSpace
    network = cv2.dnn.readNetFromTensorflow(str(path))
    network.setInput(np.ascontiguousarray(y[None, None]))
    return np.squeeze(network.forward())


def by_deepcs_rules(folder, y):
    """Every convolution pads by replication; the deconvolution's input gets one replicated pixel around it, and its
    output, of 9 - 1 + 2 (H + 1) + 1 rows, is cut from row 6 on."""
    read = lambda name, *shape: torch.from_numpy(np.array((folder / name).read_text().split()[: int(np.prod(shape))], np.float32).reshape(shape))  # noqa: E731
    x = torch.from_numpy(y)[None, None]
    sizes = [(56, 1, 5), (12, 56, 1), *[(12, 12, 3)] * 4, (56, 12, 1)]
    for n, ((outputs, inputs, k), slope) in enumerate(zip(sizes, DEEPC_SLOPES), 1):
        p = k // 2
        x = F.conv2d(F.pad(x, (p, p, p, p), mode="replicate"), read(f"weights_layer{n}.txt", outputs, inputs, k, k), read(f"biasess_layer{n}.txt", outputs))
        x = torch.where(x > 0, x, slope * x)
    whole = F.conv_transpose2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), read("weights_layer8.txt", 56, 1, 9, 9), stride=2) + DEEPC_LAST_BIAS
    height, width = y.shape
    return whole[0, 0, 6 : 6 + 2 * height, 6 : 6 + 2 * width].numpy()


def main():
    program, weights, picture = Path(sys.argv[1]).resolve(), Path(sys.argv[2]), Path(sys.argv[3])
    y = (luma(picture) / 255).astype(np.float32)
    worst = 0.0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.save(folder / "luma.npy", y[None, None])
        deepc = folder / "deepc_x2"
        shutil.copytree(weights / "deepc_x2", deepc)
        (deepc / "biasess_layer8.txt").write_text(f"{DEEPC_LAST_BIAS}\n")
        (deepc / "slopes.txt").write_text(" ".join(map(str, DEEPC_SLOPES)) + "\n")
        own = folder / "own.pb"
        subprocess.run([program, "convert", "fsrcnn-x2", own, "--tdc"], check=True, stdout=subprocess.DEVNULL)
        cases = [
            ("our own weights as .pb, OpenCV", "fsrcnn-x2", 2, by_opencv(own, y)),
            ("yjn870 x2, PyTorch", weights / "fsrcnn_x2.pth", 2, by_pytorch(weights / "fsrcnn_x2.pth", 2, y)),
            ("yjn870 x3, PyTorch", weights / "fsrcnn_x3.pth", 3, by_pytorch(weights / "fsrcnn_x3.pth", 3, y)),
            ("OpenCV's .pb, OpenCV", weights / "opencv_FSRCNN_x2.pb", 2, by_opencv(weights / "opencv_FSRCNN_x2.pb", y)),
            ("DeepC's texts, its rules", deepc, 2, by_deepcs_rules(deepc, y)),
        ]
        for title, path, scale, expected in cases:
            difference = np.abs(ours(program, folder, path, scale) - expected.clip(0, 1)).max()
            print(f"{title}: {difference:.2e} at most")
            worst = max(worst, difference)
    sys.exit(int(worst > TOLERANCE))


if __name__ == "__main__":
    main()

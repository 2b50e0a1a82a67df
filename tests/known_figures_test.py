"""Measures what is known for pictures and weights that cannot be shipped:

    python3 known_figures_test.py PROGRAM MATLAB_LR DATA

DATA holds data/test/{Set5,Set14,Set5_LR_x2_matlab,...}, weights/fsrcnn_x{2,3}.pth (yjn870's),
weights/opencv_FSRCNN_x2.pb and weights/deepc_x2/. Configure with
-DFSRCNN_DATA_DIR=DATA to have ctest run it.
"""

import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path


def evaluate(folder, scale, model, protocol="a"):
    command = [PROGRAM, "eval", "--json", "--protocol", protocol, "--scale", str(scale), "--model", str(model), str(DATA / "data" / "test" / folder)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)["mean"]


class KnownFigures(unittest.TestCase):
    def check(self, score, psnr_db, ssim=None):
        self.assertAlmostEqual(score["psnr_db"], psnr_db, delta=0.01)
        if ssim is not None:
            self.assertAlmostEqual(score["ssim"], ssim, delta=0.0001)

    def test_bicubic(self):
        figures = {"Set5": [(33.66, 0.9299), (30.39, 0.8682), (28.42, 0.8104)], "Set14": [(30.23, 0.8687), (27.54, 0.7736), (26.00, 0.7019)]}
        for folder, scores in figures.items():
            for scale, score in zip((2, 3, 4), scores):
                with self.subTest(folder=folder, scale=scale):
                    self.check(evaluate(folder, scale, "bicubic")["bicubic"], *score)

    def test_weights_of_yjn870(self):
        x2, x3 = (DATA / "weights" / f"fsrcnn_x{scale}.pth" for scale in (2, 3))
        self.check(evaluate("Set5", 2, x2)["model"], 37.11, 0.9563)
        self.check(evaluate("Set14", 2, x2)["model"], 32.65)
        self.check(evaluate("Set5", 3, x3)["model"], 32.58, 0.9051)
        self.check(evaluate("Set14", 3, x3)["model"], 29.12)

    def test_protocol_of_yjn870(self):
        """Against Pillow and PyTorch running the steps of its test.py."""
        for folder, scale, bicubic, model in (("Set5", 2, 33.7137, 37.1197), ("Set5", 3, 30.9223, 33.2173), ("Set14", 2, 30.2506, 32.6783), ("Set14", 3, 27.9015, 29.5669)):
            with self.subTest(folder=folder, scale=scale):
                scores = evaluate(folder, scale, DATA / "weights" / f"fsrcnn_x{scale}.pth", "yjn870")
                self.assertAlmostEqual(scores["bicubic"]["psnr_db"], bicubic, delta=0.001)
                self.assertAlmostEqual(scores["model"]["psnr_db"], model, delta=0.001)

    def test_weights_of_opencv(self):
        self.check(evaluate("Set5", 2, DATA / "weights" / "opencv_FSRCNN_x2.pb")["model"], 34.83, 0.9397)

    def test_weights_of_deepc(self):
        """With the last bias and the slopes of its source code, which its files do not have."""
        with tempfile.TemporaryDirectory() as folder:
            for path in (DATA / "weights" / "deepc_x2").iterdir():
                (Path(folder) / path.name).write_bytes(path.read_bytes())
            (Path(folder) / "biasess_layer8.txt").write_text("-0.0326264\n")
            (Path(folder) / "slopes.txt").write_text("-0.8986 0.3236 0.2288 0.2476 0.3495 0.7806 0.0087\n")
            self.check(evaluate("Set5", 2, folder)["model"], 36.99, 0.9558)

    def test_weights_of_our_own(self):
        self.assertGreaterEqual(evaluate("Set5", 2, "fsrcnn-x2")["model"]["psnr_db"], 36.9)

    def test_bicubic_makes_matlabs_pictures(self):
        """To the last bit of every sample, but at the edges."""
        for scale in (2, 3):
            printed = subprocess.run([MATLAB_LR, DATA / "data" / "test", str(scale)], check=True, capture_output=True, text=True).stdout
            self.assertEqual(len(printed.splitlines()), 5)
            for line in printed.splitlines():
                name, differing, compared = line.rsplit(" ", 2)
                with self.subTest(picture=name, scale=scale):
                    self.assertEqual(int(differing), 0)
                    self.assertGreater(int(compared), 10000)


if __name__ == "__main__":
    PROGRAM, MATLAB_LR = (str(Path(sys.argv.pop(1)).resolve()) for _ in range(2))
    DATA = Path(sys.argv.pop(1))
    unittest.main()

"""Opens the pages of explain, diagnose and eval in a browser: python3 pages_test.py PROGRAM [unittest's options]

Needs Chromium, which scripts/test.sh installs where it is a package; without it, the test says so and ends with 77, which
ctest shows as skipped.
"""

import html
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

CROP = Path(__file__).resolve().parent / "data" / "crop.png"


class Pages(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="fsrcnn_test_"))
        self.addCleanup(shutil.rmtree, self.folder)

    def page(self, *arguments, step=None, exit_code=0):
        """What the browser makes of the page that the program is to write last, its scripts run."""
        path = self.folder / "page.html"
        result = subprocess.run([PROGRAM, *map(str, arguments), path], capture_output=True)
        self.assertEqual(result.returncode, exit_code, result.stderr)
        self.assertNotRegex(path.read_text(), r"https?://|src=|@import", "it needs nothing from elsewhere")
        address = path.as_uri() + (f"#step={step}" if step is not None else "")
        command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={self.folder}/profile", "--virtual-time-budget=5000", "--dump-dom", address]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout

    def test_explain_the_slides_example(self):
        page = self.page("explain", "conv-transpose2d", "-o", step=7)
        self.assertIn('data-proof="36/36 equal"', page)
        self.assertIn("height = (3 - 1)*2 - 2*1 + 1*(3 - 1) + 1 + 1 = 6", page)
        # Output (1, 1) reads the four corners of the kernel: 1*9 + 1.1*7 + 1.3*3 + 1.4*1, by PyTorch's definition.
        self.assertIn("products of this channel: <b>22</b>; the sum over 1 channel: <b>22</b>", page)
        # In the form of the kernel: of the recipe's nine products five are with zeros, of the phase's four none.
        recipe, direct = (re.search(rf'id="{part}">(<table.*?</table>)', page, re.S).group(1) for part in ("recipe", "direct"))
        product = "<div>1</div><div>× 9</div><div class=\"product\">= 9</div>"
        for grid, rows, count, skipped in ((recipe, 3, 9, 5), (direct, 2, 4, 0)):
            self.assertEqual((grid.count("<tr>"), grid.count("<td"), grid.count('class="skip"')), (rows, count, skipped))
            self.assertIn(product, grid)
        self.assertEqual(len(re.findall(r"<figcaption>rows 2y\+[01], columns 2x\+[01]</figcaption>", page)), 4)
        # 8 x 8 padded, of which one row and one column are output_padding's.
        padded = re.search(r'<div id="padded">(.*?)</div>', page, re.S).group(1)
        self.assertEqual((len(re.findall("<td", padded)), len(re.findall('class="extra', padded))), (64, 15))

    def test_explain_a_network(self):
        page = self.page("explain", "--input", CROP, "--at", "100,33", "-o")
        self.assertRegex(page, r'data-proof="100/100 equal"')
        self.assertEqual(page.count("<canvas"), 56 + 12 + 4 * 12 + 56 + 1)
        layers = page.split('<div class="card layer">')[1:]
        self.assertEqual(len(layers), 8)
        titles = ["1. feature extraction", "2. shrinking", *(f"{n + 2}. mapping {n}" for n in range(1, 5)), "7. expanding", "8. deconvolution"]
        self.assertEqual([re.search("<h2.*?>(.*?)</h2>", layer).group(1) for layer in layers], titles)
        # Rows and columns of the grids: 5x5 taps, 56 channels in rows of 8, 3x3, 12 channels in rows of 6, 9x9.
        for layer, (rows, columns) in zip(layers, ((5, 5), (7, 8), (3, 3), (3, 3), (3, 3), (3, 3), (2, 6), (9, 9))):
            grid = re.search(r'<table class="products">.*?</table>', layer, re.S).group(0)
            self.assertEqual((grid.count("<tr>"), grid.count("<td")), (rows, rows * columns))
        for layer in layers[:-1]:
            self.assertIn("Row 50, column 16 of channel ", layer)
        self.assertIn("Row 100, column 33<", layers[-1])
        # The last layer's sum in the page is the one of the recipe's page below, at the same pixel.
        result = re.search(r"sum \S+ \+ bias \S+ = <b>(\S+)</b>", layers[-1]).group(1)
        self.assertRegex(page, rf"the sum over 56 channels and the bias \S+: <b>{re.escape(result)}</b>")

    def test_explain_a_network_without_a_transposed_convolution(self):
        weights = self.folder / "tdc.safetensors"
        subprocess.run([PROGRAM, "convert", "fsrcnn-x2", weights, "--tdc"], check=True, capture_output=True)
        page = self.page("explain", "--input", CROP, "--model", weights, "-o")
        self.assertNotIn("data-proof", page)
        self.assertNotIn('id="steps"', page)
        self.assertEqual(page.count('<div class="card layer">'), 9)
        self.assertRegex(page, r"input channel \d = \(0 · 2 \+ \d\) · 2 \+ \d, row 38, column 47: <b>")

    def test_diagnose(self):
        dumps = self.folder / "dumps"
        subprocess.run([PROGRAM, "trace", "--input", CROP, "-o", dumps, "--layers", "shrinking"], check=True, capture_output=True)
        before, after = dumps / "03_shrinking_convolution.npy", dumps / "04_shrinking_prelu.npy"
        values = bytearray(after.read_bytes())
        plane = 4 * 95 * 77
        for c in (3, 7):  # two channels are dead
            values[len(values) - (12 - c) * plane : len(values) - (11 - c) * plane] = bytes(plane)
        after.write_bytes(values)
        features = ("--feature", f"shrinking_convolution={before}", "--feature", f"shrinking={after}")
        page = self.page("diagnose", "--input", CROP, *features, "--html", exit_code=1)
        body = page[: page.index('<script id="data"')]
        self.assertIn("<li>Channels 3 and 7 are all 0 everywhere.</li>", body)
        self.assertEqual(re.findall(r"<figcaption>(channel \d+):", body), ["channel 3", "channel 7"])
        self.assertIn("10 of 12 channels are right and not shown.", body)
        self.assertIn('data-drawn="4"', page)  # the key, the largest of all channels, two channels

    def test_eval(self):
        originals = self.folder / "originals"
        originals.mkdir()
        names = ["<script>alert(1)<&.png", "plain.png"]
        for name in names:
            shutil.copy(CROP, originals / name)
        for model, methods in (("fsrcnn-x2", ["bicubic", "fsrcnn-x2"]), ("bicubic", ["bicubic"])):
            with self.subTest(model=model):
                page = self.page("eval", originals, "--scale", "2", "--model", model, "--html")
                self.assertIn(f"<title>{model}, scale 2</title>", page)
                body = page[: page.index('<script id="data"')]
                for n, name in enumerate(html.escape(name, quote=False) for name in names):
                    self.assertIn(f'<a href="#picture{n}">{name}</a></td><td>94×76</td><td>33.65</td><td>0.8331</td>', body)
                    self.assertIn(f"<h3>{name}</h3>", body)
                self.assertIn('<tr class="mean"><td>mean of 2</td><td></td><td>33.65</td><td>0.8331</td>', body)
                self.assertEqual(len(re.findall(r"<td>\+\d\.\d\d</td>", body)), 3 if len(methods) == 2 else 0)
                captions = re.findall(r"<figcaption>(.*?)(?:, here \d\d\.\d\d dB)?</figcaption>", body)
                self.assertEqual(captions, 2 * ["original", *methods, *(f"error of {method}" for method in methods)])
                # For each picture the figures and the scale of errors, all of them here.
                self.assertEqual(len(re.findall(r'<img src="data:image/png;base64,', body)), 2 * (2 + 2 * len(methods)))
                self.assertEqual(body.count("<img"), 2 * (2 + 2 * len(methods)))


if __name__ == "__main__":
    PROGRAM = str(Path(sys.argv.pop(1)).resolve())
    CHROMIUM = shutil.which("chromium")
    if CHROMIUM is None:
        print("skipped: there is no program chromium to open the pages in")
        sys.exit(77)
    unittest.main(verbosity=1)

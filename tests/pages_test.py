"""Opens the pages of explain and eval in a browser: python3 pages_test.py PROGRAM [unittest's options]

Needs Debian's chromium, which scripts do not install because it is large; without it, it says so and ends with 77, which
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

    def page(self, *arguments, step=None):
        """What the browser makes of the page that the program is to write last, its scripts run."""
        path = self.folder / "page.html"
        subprocess.run([PROGRAM, *map(str, arguments), path], check=True, capture_output=True)
        self.assertNotRegex(path.read_text(), r"https?://|src=|@import", "it needs nothing from elsewhere")
        address = path.as_uri() + (f"#step={step}" if step is not None else "")
        command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={self.folder}/profile", "--virtual-time-budget=5000", "--dump-dom", address]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout

    def test_explain_the_slides_example(self):
        page = self.page("explain", "conv-transpose2d", "-o", step=7)
        self.assertIn('data-proof="36/36 equal"', page)
        self.assertIn("height = (3 - 1)*2 - 2*1 + 1*(3 - 1) + 1 + 1 = 6", page)
        # Output (1, 1) reads the four corners of the kernel: 1*9 + 1.1*7 + 1.3*3 + 1.4*1, by PyTorch's definition.
        self.assertIn("= 22; the sum over 1 channel: <b>22</b>", page)
        self.assertIn("<b>1 · 9</b>", page)
        self.assertEqual(len(re.findall(r"<figcaption>rows 2y\+[01], columns 2x\+[01]</figcaption>", page)), 4)
        # 8 x 8 padded, of which one row and one column are output_padding's.
        padded = re.search(r'<div id="padded">(.*?)</div>', page, re.S).group(1)
        self.assertEqual((len(re.findall("<td", padded)), len(re.findall('class="extra', padded))), (64, 15))

    def test_explain_a_network(self):
        page = self.page("explain", "--input", CROP, "-o")
        self.assertRegex(page, r'data-proof="100/100 equal"')
        self.assertEqual(page.count("<canvas"), 56 + 12 + 4 * 12 + 56 + 1)

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
        print("skipped: there is no chromium here to open the pages in; to run this test: apt-get install chromium")
        sys.exit(77)
    unittest.main(verbosity=1)

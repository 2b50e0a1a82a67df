"""Opens explain's pages in a browser: python3 explain_test.py PROGRAM [unittest's options]

Needs Debian's chromium, which scripts do not install because it is large; without it, it says so and ends with 77, which
ctest shows as skipped.
"""

import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

CROP = Path(__file__).resolve().parent / "data" / "crop.png"


class Explain(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="fsrcnn_test_"))
        self.addCleanup(shutil.rmtree, self.folder)

    def page(self, *arguments, step=None):
        """What the browser makes of the page, its scripts run."""
        path = self.folder / "page.html"
        subprocess.run([PROGRAM, "explain", *map(str, arguments), "-o", path], check=True, capture_output=True)
        self.assertNotRegex(path.read_text(), r"https?://|src=|@import", "it needs nothing from elsewhere")
        address = path.as_uri() + (f"#step={step}" if step is not None else "")
        command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={self.folder}/profile", "--virtual-time-budget=5000", "--dump-dom", address]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout

    def test_the_slides_example(self):
        page = self.page("conv-transpose2d", step=7)
        self.assertIn('data-proof="36/36 equal"', page)
        self.assertIn("height = (3 - 1)*2 - 2*1 + 1*(3 - 1) + 1 + 1 = 6", page)
        # Output (1, 1) reads the four corners of the kernel: 1*9 + 1.1*7 + 1.3*3 + 1.4*1, by PyTorch's definition.
        self.assertIn("= 22; the sum over 1 channel: <b>22</b>", page)
        self.assertIn("<b>1 · 9</b>", page)
        self.assertEqual(len(re.findall(r"<figcaption>rows 2y\+[01], columns 2x\+[01]</figcaption>", page)), 4)
        # 8 x 8 padded, of which one row and one column are output_padding's.
        padded = re.search(r'<div id="padded">(.*?)</div>', page, re.S).group(1)
        self.assertEqual((len(re.findall("<td", padded)), len(re.findall('class="extra', padded))), (64, 15))

    def test_a_network(self):
        page = self.page("--input", CROP)
        self.assertRegex(page, r'data-proof="100/100 equal"')
        self.assertEqual(page.count("<canvas"), 56 + 12 + 4 * 12 + 56 + 1)


if __name__ == "__main__":
    PROGRAM = str(Path(sys.argv.pop(1)).resolve())
    CHROMIUM = shutil.which("chromium")
    if CHROMIUM is None:
        print("skipped: there is no chromium here to open the pages in; to run this test: apt-get install chromium")
        sys.exit(77)
    unittest.main(verbosity=1)

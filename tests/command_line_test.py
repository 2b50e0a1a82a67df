"""Runs the program as people do: python3 command_line_test.py PROGRAM [unittest's options]"""

import array
import contextlib
import json
import os
import pty
import resource
import shutil
import struct
import subprocess
import unittest

from support.program import CROP, GOLDEN, INPUT, IO, MODEL, PROGRAM, SANITIZED, TESTS, USAGE, ProgramTest, main, png_bytes, png_size


def npy_bytes(values, shape, kind="f"):
    dictionary = repr({"descr": "<f4" if kind == "f" else "<f8", "fortran_order": False, "shape": tuple(shape)}).ljust(117) + "\n"
    return b"\x93NUMPY\x01\0" + struct.pack("<H", len(dictionary)) + dictionary.encode() + array.array(kind, values).tobytes()


def npy_values(path, kind="f"):
    data = path.read_bytes()
    values = array.array(kind)
    values.frombytes(data[10 + struct.unpack("<H", data[8:10])[0] :])
    return list(values)


class CommandLine(ProgramTest):
    def test_help_and_version(self):
        self.assertRegex(self.succeed("--version"), r"^fsrcnn \d+\.\d+\.\d+\n$")
        for command in ("upscale", "eval", "bench", "info", "convert", "conv-transpose2d", "man", "completion"):
            self.assertIn(command, self.succeed("--help"))
            self.assertIn("--help", self.succeed(command, "--help"))
        result = self.run_program()
        self.assertEqual(result.returncode, USAGE)
        self.assertIn("upscale", result.stdout)

    @unittest.skipIf(SANITIZED, "a sanitizer's library must be loaded first")
    def test_threads_are_those_of_the_whole_program(self):
        """--threads N makes N threads to compute on, and with 1 none, whatever the machine's cores."""
        (self.folder / "x.npy").write_bytes(npy_bytes(range(64), (1, 1, 8, 8)))
        (self.folder / "w.npy").write_bytes(npy_bytes(range(9), (1, 1, 3, 3)))

        def count(threads, *arguments):
            environment = {**os.environ, "LD_PRELOAD": os.environ["FSRCNN_COUNT_THREADS"],
                           "FSRCNN_THREAD_COUNT": str(self.folder / "count")}
            result = self.run_program(*arguments, "--threads", threads, env=environment)
            self.assertEqual(result.returncode, 0, result.stderr)
            return int((self.folder / "count").read_text())

        for method in ("reference", "slides", "fast"):
            operator = ("conv-transpose2d", "--input", "x.npy", "--weight", "w.npy", "--method", method, "-o", "y.npy")
            self.assertEqual(count(1, *operator), 0, method)
            self.assertEqual(count(3, *operator), 3, method)
        for cpu in ((), ("--cpu", "reference")):
            # Beside those the thread that makes rows while the encoder waits for them.
            self.assertEqual([count(n, "upscale", CROP, "-o", "out.png", *cpu) for n in (1, 3)], [1, 4])

    def test_usage_errors(self):
        self.fail_with(USAGE, "downscale")
        self.fail_with(USAGE, "upscale", CROP)
        for scale in ("9", "0.9", "nan", "inf", "-2", "two"):
            self.fail_with(USAGE, "upscale", CROP, "-o", "out.png", f"--scale={scale}", says="from 1 to 8")
        self.fail_with(USAGE, "upscale", CROP, "-o", "out.png", "--scale", "2", "--size", "9x9")
        self.fail_with(USAGE, "upscale", CROP, "-o", "out.png", "--size", "9x9x9", says="must be WIDTHxHEIGHT")
        self.fail_with(USAGE, "upscale", CROP, "-o", "out.png", "--max-pixels", "2G", says="--max-pixels: '2G' is not a positive number\n")
        self.fail_with(USAGE, "compare", CROP, CROP, "--tolerance=-1", says="'-1' is not a positive number or 0")
        for tolerance, says in (("nan", "'nan' is not a positive number or 0"), ("inf", "'inf' is not a finite number"),
                                ("1e999", "'1e999' is not")):
            self.fail_with(USAGE, "compare", CROP, CROP, "--tolerance", tolerance, says=says)
        self.fail_with(USAGE, "upscale", CROP, "-o", "out.png", "--unknown")
        self.fail_with(USAGE, "upscale", CROP, "-o", "out.xyz", says="supported: .png, .jpg")
        self.fail_with(USAGE, "eval", CROP)
        shutil.copy(CROP, self.folder / "in.png")
        self.fail_with(USAGE, "upscale", "in.png", "-o", "./in.png", says="is the input itself")

    def test_empty_names_do_not_mean_the_default(self):
        for command in (("info", ""), ("convert", "", "x.npz"), ("bench", "--model", ""),
                        ("upscale", CROP, "-o", "out.png", "--model", ""), ("eval", CROP, "--scale", "2", "--model", ""),
                        ("trace", "--model", "", "--input", CROP, "-o", "t"), ("explain", "--model", "", "--input", CROP, "-o", "x.html"),
                        ("vectors", "--model", "", "--input", CROP, "-o", "t"),
                        ("diagnose", "--model", "", "--input", CROP)):
            self.fail_with(USAGE, *command, says="the name is empty; give a built-in model, or a file or folder of weights")
        self.fail_with(USAGE, "info", "fsrcnn-x2", "--scales", "", says="the name is empty; give a file of scales")

    def test_links_to_themselves(self):
        (self.folder / "loop").symlink_to("loop")
        for command in (("info", "loop"), ("compare", "loop", CROP), ("bench", "--model", "loop")):
            self.fail_with(IO, *command, says="'loop' cannot be used: Too many levels of symbolic links")

    def test_nothing_to_compare(self):
        (self.folder / "a.npy").write_bytes(npy_bytes([], (1, 1, 0, 4)))
        self.fail_with(INPUT, "compare", "a.npy", "a.npy", says="'a.npy' holds no values")
        for name in ("a", "b"):
            (self.folder / name).mkdir()
            shutil.copy(self.folder / "a.npy", self.folder / name / "1.npy")
        self.fail_with(INPUT, "compare", "a", "b", says="there is nothing to compare")

    def test_upscale(self):
        printed = self.succeed("upscale", CROP, "-o", "out.png")
        self.assertRegex(printed, r"^out\.png: 95x77 -> 190x154 in [\d.]+ s \(fsrcnn-x2\)\n$")
        self.assertEqual(png_size(self.folder / "out.png"), (190, 154))
        self.assertEqual(self.succeed("upscale", CROP, "-o", "again.png", "--quiet"), "")
        model = TESTS.parent / "models" / "fsrcnn_x2.safetensors"
        self.succeed("upscale", CROP, "-o", "file.png", "--model", model)
        for name in ("again.png", "file.png"):
            self.assertEqual((self.folder / name).read_bytes(), (self.folder / "out.png").read_bytes(), name)
        self.succeed("upscale", CROP, "-o", "x3.png", "--model", GOLDEN / "tiny.safetensors")
        self.assertEqual(png_size(self.folder / "x3.png"), (285, 231))
        self.assertEqual(sorted(self.files()), [str(self.folder / n) for n in ("again.png", "file.png", "out.png", "x3.png")])

    def test_what_runs(self):
        names = json.loads(self.succeed("bench", "--size", "9x8", "--frames", "1", "--json"))
        fastest = names["cpu"]
        results = {}
        for cpu in (fastest, "reference"):
            self.succeed("upscale", CROP, "-o", f"{cpu}.png", "--cpu", cpu, "--threads", "3")
            results[cpu] = self.succeed("bench", "--size", "9x8", "--frames", "1", "--cpu", cpu)
            self.assertIn(f", {cpu}, ", results[cpu].splitlines()[0])
        self.succeed("upscale", CROP, "-o", "exact.png", "--precision", "exact")
        os.environ["FSRCNN_CPU"] = "reference"
        try:
            self.assertIn(", reference, ", self.succeed("bench", "--size", "9x8", "--frames", "1"))
            self.assertIn(f", {fastest}, ", self.succeed("bench", "--size", "9x8", "--frames", "1", "--cpu", fastest))
        finally:
            del os.environ["FSRCNN_CPU"]
        self.fail_with(USAGE, "upscale", CROP, "-o", "out.png", "--cpu", "z80", says="this machine supports: " + fastest)
        self.fail_with(USAGE, "bench", "--precision", "quick", says="quick not in {fast,exact}")
        self.fail_with(USAGE, "bench", "--threads", "0")
        self.fail_with(USAGE, "eval", CROP, "--scale", "2", "--cpu", "z80")

    def test_bench(self):
        report = json.loads(self.succeed("bench", "--size", "200x100", "--frames", "3", "--threads", "2", "--json"))
        self.assertEqual((report["size"], report["threads"], report["frames"]), ("200x100", 2, 3))
        self.assertLessEqual(report["frame_ms_best"], report["frame_ms_median"])
        operations = 2 * 12464 * 200 * 100
        self.assertAlmostEqual(report["effective_gflops"], operations / report["frame_ms_median"] * 1e-6, delta=1e-6)
        self.assertAlmostEqual(report["fraction_of_peak"], report["effective_gflops"] / report["peak_gflops"], 6)
        self.assertGreater(report["peak_gflops"], 0.1)
        self.assertTrue(1 < report["peak_rss_mb"] < 1000)
        self.assertAlmostEqual(sum(report["stage_shares"].values()), 1, 6)
        printed = self.succeed("bench", "--size", "20x10", "--frames", "1", "--model", GOLDEN / "tiny.safetensors")
        self.assertIn("20x10 -> 60x30, FSRCNN(4, 2, 1), luma, ", printed)
        self.assertIn("feature extraction, shrinking ", printed)
        printed = self.succeed("bench", "--size", "20x10", "--frames", "1", "--model", GOLDEN / "networks/sesr_rgb.onnx")
        self.assertIn("20x10 -> 40x20, SESR-M2, 4 channels, 3 channels in: RGB, ", printed)
        self.assertIn("8 bits, 1 frame\n", printed)
        for name in ("layers that read the input ", "layers between ", "last layer "):
            self.assertIn(name, printed)
        for name in ("feature extraction", "shrinking", "mapping", "expanding"):
            self.assertNotIn(name, printed)
        for size in ("12", "12x", "x12", "0x5", "5x-1", "5x5x5", "99999999x5"):
            self.fail_with(USAGE, "bench", "--size", size, says="must be WIDTHxHEIGHT")

    def test_smallest_pictures(self):
        for channels in (1, 2, 3, 4):
            (self.folder / "in.png").write_bytes(png_bytes(1, 1, channels, [[200] * channels]))
            self.succeed("upscale", "in.png", "-o", "out.png")
            self.assertEqual(png_size(self.folder / "out.png"), (2, 2))

    def test_bad_pictures(self):
        whole = CROP.read_bytes()
        (self.folder / "out.png").write_bytes(b"an older picture")
        for size in (0, 1, 8, 30, 60, len(whole) // 2, len(whole) - 20):
            (self.folder / "in.png").write_bytes(whole[:size])
            self.fail_with(INPUT, "upscale", "in.png", "-o", "out.png")
        (self.folder / "in.png").write_bytes(png_bytes(4, 4, 4, [[9] * 16] * 4))
        self.fail_with(INPUT, "upscale", "in.png", "-o", "out.jpg", says="alpha")
        self.fail_with(IO, "upscale", "none.png", "-o", "out.png", says="none.png")
        self.fail_with(IO, "trace", "--input", "none.png", "-o", "dumps", says="reading 'none.png' failed: No such file or directory\n")
        os.mkdir(self.folder / "empty")
        self.fail_with(INPUT, "upscale", "empty", "-o", "out", says="contains no pictures or films")
        self.fail_with(IO, "upscale", CROP, "-o", "none/out.png", says="none/out.png")
        os.mkfifo(self.folder / "pipe.png")
        self.fail_with(IO, "upscale", CROP, "-o", "pipe.png", says="not a regular file")

    def test_writing_that_fails_half_way(self):
        """A file that may not grow past 4 KiB is what a full disk is."""
        (self.folder / "out.png").write_bytes(b"an older picture")
        limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))  # noqa: E731
        self.fail_with(IO, "upscale", CROP, "-o", "out.png", says="out.png", preexec_fn=limit)
        self.fail_with(IO, "convert", "fsrcnn-x2", "out.safetensors", says="out.safetensors", preexec_fn=limit)
        with open("/dev/full", "w") as full:
            result = subprocess.run([PROGRAM, "--help"], stdout=full, stderr=subprocess.PIPE, text=True)
            self.assertEqual(result.returncode, IO)
            result = subprocess.run([PROGRAM, "info"], stdout=full, stderr=subprocess.PIPE, text=True)
        self.assertEqual(result.returncode, IO, "what was printed is lost")

    def test_large_damaged_picture(self):
        """libvips unpacks what is over 100 MB into a file in TMPDIR unless it is read row by row."""
        whole = png_bytes(6000, 6000, 3, (bytes(18000) for _ in range(6000)))
        (self.folder / "in.png").write_bytes(whole[: len(whole) // 2])
        environment = {**os.environ, "TMPDIR": str(self.folder)}
        self.fail_with(INPUT, "upscale", "in.png", "-o", "out.png", says="damaged", env=environment)

    def test_what_a_name_means(self):
        """Neither brackets nor what lies in the current folder change it."""
        (self.folder / "fsrcnn-x2").mkdir()
        shutil.copy(CROP, self.folder / "a[Q=1].png")
        self.succeed("upscale", "a[Q=1].png", "-o", "b[strip].png")
        self.succeed("upscale", "a[Q=1].png", "-o", "c.png", "--model", "fsrcnn-x2")
        self.fail_with(MODEL, "upscale", CROP, "-o", "d.png", "--model", "./fsrcnn-x2")
        self.assertEqual((self.folder / "b[strip].png").read_bytes(), (self.folder / "c.png").read_bytes())

    def test_replicate_padding_is_not_lost_silently(self):
        data = (GOLDEN / "tiny.safetensors").read_bytes()
        size = struct.unpack("<Q", data[:8])[0]
        header = data[8 : 8 + size].replace(b'"scale":"3"', b'"scale":"3","padding_mode":"replicate"')
        (self.folder / "r.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + data[8 + size :])
        self.assertIn("2 replicate", self.succeed("info", "r.safetensors"))
        self.assertIn("replicate padding", self.succeed("convert", "r.safetensors", "r.pth"))
        self.succeed("convert", "r.safetensors", "again.safetensors")
        self.assertIn("2 replicate", self.succeed("info", "again.safetensors"))

    def test_bad_weights(self):
        for name in ("tiny.safetensors", "tiny_zip.pth", "tiny_legacy.pth"):
            whole = (GOLDEN / name).read_bytes()
            for size in range(0, len(whole), len(whole) // 12):
                (self.folder / name).write_bytes(whole[:size])
                self.fail_with(MODEL, "upscale", CROP, "-o", "out.png", "--model", name, "--model-scale", "3", says=name)
        for name in ("malicious_zip.pth", "malicious_legacy.pth"):
            self.fail_with(MODEL, "info", GOLDEN / name, says="may be malicious; no code was run")
            self.fail_with(MODEL, "convert", GOLDEN / name, "out.safetensors")
        self.fail_with(MODEL, "upscale", CROP, "-o", "out.png", "--model", "none", says="built-in models: fsrcnn-x2")
        self.fail_with(MODEL, "upscale", CROP, "-o", "out.png", "--model", GOLDEN / "tiny_zip.pth", says="give it with --model-scale")
        self.fail_with(MODEL, "upscale", CROP, "-o", "out.png", "--model", "fsrcnn-x2", "--model-scale", "3", says="is for scale 2, not 3")

    def test_info(self):
        for name in ("fsrcnn-x2", "fsrcnn-x3", "fsrcnn-x4", "fsrcnn-video-x2", "fsrcnn-s-x2"):
            network, parameters, operations = ("32, 5, 1", "4,086", "3,937") if "-s-" in name else ("56, 12, 4", "12,809", "12,464")
            self.assertRegex(self.succeed("info", "--list"), rf"(?m)^{name} +{name[-1]}  FSRCNN\({network}\) +{parameters} +{operations}  ")
            self.assertRegex(self.succeed("info", name), rf"^{name}: FSRCNN\({network}\), scale {name[-1]}, luma of limited range\nhash [0-9a-f]{{16}}\n")
        self.fail_with(USAGE, "info", "--list", "fsrcnn-x2")
        printed = self.succeed("info")
        self.assertRegex(printed, r"1  feature extraction +convolution +\(56, 1, 5, 5\) +2 zero +PReLU, 56 slopes +1,512 +1,400")
        self.assertRegex(printed, r"8  deconvolution +transposed convolution, stride 2 +\(56, 1, 9, 9\) +4 +4,537 +4,536")
        self.assertRegex(printed, r"total +12,809 +12,464")
        self.assertIn("51.7 GFLOP", printed)
        self.assertIn("scale unknown", self.succeed("info", GOLDEN / "tiny_zip.pth"))

    def test_convert_round_trip(self):
        self.succeed("convert", GOLDEN / "tiny.safetensors", "a.pth")
        self.succeed("convert", "a.pth", "parameter/")
        self.assertIn("scale 3", self.succeed("convert", "parameter/", "b.safetensors", "--model-scale", "3"))
        self.succeed("convert", "b.safetensors", "b.pth")
        self.assertEqual((self.folder / "a.pth").read_bytes(), (self.folder / "b.pth").read_bytes())
        self.assertEqual(len(list((self.folder / "parameter").rglob("*.txt"))), 4 + 8 + 4 + 8 + 4 + (4 + 2 + 2 + 4 + 1) + (4 + 2 + 2 + 4))
        self.fail_with(IO, "convert", "a.pth", "parameter/", says="it already exists")
        self.fail_with(USAGE, "convert", "a.pth", "a.xyz", says="unknown format of weights")

    def test_conv_transpose2d(self):
        ones, kernel = [1.0] * 9, [1.0, 2, 3, 0, 0, 0, 0, 0, 0]
        expected = [0.0] * 6 + [2, 4, 2, 4, 2, 3] + [0] * 6 + [2, 4, 2, 4, 2, 3] + [0] * 12
        options = ["--stride", "2,2", "--padding", "1,1", "--output-padding", "1"]
        for kind in "fd":
            (self.folder / "x.npy").write_bytes(npy_bytes(ones, (1, 1, 3, 3), kind))
            (self.folder / "w.npy").write_bytes(npy_bytes(kernel, (3, 3), kind))
            (self.folder / "b.npy").write_bytes(npy_bytes([10], (1,), kind))
            for method in ("reference", "slides", "fast"):
                command = ["conv-transpose2d", "--input", "x.npy", "--weight", "w.npy", *options, "--method", method, "-o", "y.npy"]
                if kind == "d" and method == "fast":
                    self.fail_with(USAGE, *command, says="float32")
                    continue
                printed = self.succeed(*command)
                self.assertEqual(printed, f"y.npy: (1, 1, 6, 6) {'float32' if kind == 'f' else 'float64'}\n")
                self.assertEqual(npy_values(self.folder / "y.npy", kind), expected)
                self.succeed(*command, "--bias", "b.npy")
                self.assertEqual(npy_values(self.folder / "y.npy", kind), [v + 10 for v in expected])
        command = ["conv-transpose2d", "--input", "x.npy", "--weight", "w.npy", "-o", "y.npy"]
        self.fail_with(INPUT, *command, "--stride", "2", "--output-padding", "0,2", says="output_padding is 2 (width)")
        self.fail_with(INPUT, *command, "--groups", "2", says="in_channels is 1, not a multiple of groups = 2")
        self.fail_with(INPUT, *command, "--stride", "2000000000", says="does not fit")
        self.fail_with(USAGE, *command, "--stride", "1,2,3")
        (self.folder / "w.npy").write_bytes(b"no array")
        self.fail_with(INPUT, *command, says="w.npy: not a readable .npy file")
        (self.folder / "w.npy").write_bytes(npy_bytes(kernel, (3, 3)))
        for shape in ((0,), (2, 2)):
            (self.folder / "b.npy").write_bytes(npy_bytes([1.0] * (shape[0] * 2 if len(shape) == 2 else 0), shape))
            self.fail_with(INPUT, *command, "--bias", "b.npy", says="one axis with one value per output channel")

    def test_eval(self):
        printed = self.succeed("eval", "--scale", "2", CROP)
        self.assertRegex(printed, r"(?m)^crop\.png +94x76 +33\.65 dB 0\.8331 +\d\d\.\d\d dB 0\.\d{4}$")
        self.assertRegex(printed, r"(?m)^mean of 1 +33\.65 dB 0\.8331 ")
        json = self.succeed("eval", "--scale", "3", CROP, "--model", "bicubic", "--json")
        self.assertIn('"psnr_db": 31.96', json)
        self.assertNotIn('"model"', json)
        printed = self.succeed("eval", "--scale", "2", CROP, "--protocol", "yjn870")
        self.assertIn("yjn870/FSRCNN-pytorch", printed)
        self.assertRegex(printed, r"(?m)^crop\.png +94x76 +35\.05 dB 0\.8779 ")
        self.fail_with(USAGE, "eval", "--scale", "2", CROP, "--protocol", "b", says="--protocol")
        self.fail_with(INPUT, "eval", "--scale", "2", self.folder, says="no pictures")
        self.assertRegex(self.succeed("eval", "--scale", "3", CROP), r"(?m)^mean of 1 +31\.96 dB 0\.\d{4} +3[2-9]\.")
        self.fail_with(MODEL, "eval", "--scale", "3", CROP, "--model", "fsrcnn-x2", says="for scale 2, not 3")

    def test_eval_writes_a_page(self):
        originals = self.folder / "originals"
        originals.mkdir()
        names = [b"a<b>&\"'.png", b"no utf-8 \xff.png", b"small.png"]
        for name in names[:2]:
            shutil.copy(CROP, os.path.join(os.fsencode(originals), name))
        (originals / "small.png").write_bytes(png_bytes(20, 17, 1, [[7 * y + 3 * x for x in range(20)] for y in range(17)]))
        self.assertEqual(self.succeed("eval", "--scale", "2", CROP, "--html", "page.html"), self.succeed("eval", "--scale", "2", CROP))
        command = ("eval", "--json", "--protocol", "yjn870", "--scale", "2", originals, "--html", "page.html")
        printed = json.loads(self.succeed(*command))
        page = (self.folder / "page.html").read_text()
        begin, end = (page.index(mark) for mark in ('<script id="data" type="application/json">', "</script>"))
        data = page[begin + len('<script id="data" type="application/json">') : end]
        self.assertNotIn("<", data)
        # All that the page shows is in it.
        self.assertNotRegex(page[:begin] + page[end:], r"https?:|src=|@import|url\(|<link|<img|fetch|import\(")
        data = json.loads(data)
        self.assertEqual([p["name"] for p in data["pictures"]], [name.decode("utf-8", "replace") for name in names])
        for picture in data["pictures"]:
            crop = picture.pop("crop")
            shown = [crop["original"], *(crop[method][what] for method in ("bicubic", "model") for what in ("picture", "error"))]
            for uri in shown:
                self.assertRegex(uri, r"^data:image/png;base64,[A-Za-z0-9+/]+=*$")
            self.assertEqual(len(set(shown)), 5)
        del data["heat"]
        self.assertEqual(data, printed)
        self.assertEqual((data["protocol"], data["scale"], data["model"]), ("yjn870", 2, "fsrcnn-x2"))
        self.assertEqual([(p["width"], p["height"]) for p in data["pictures"]], [(94, 76), (94, 76), (20, 16)])

        # Nothing half-written stays, and nothing is written over pictures.
        for _ in self.fail_each_write(*command[:-1], "other.html", says="other.html"):
            self.assertFalse((self.folder / "other.html").exists())
        self.fail_with(USAGE, *command[:-1], "page.png", says="must end in .html")
        self.fail_with(IO, *command[:-1], "missing/page.html", says="missing/page.html")
        (originals / "text.png").write_text("no picture")
        self.fail_with(INPUT, *command, says="text.png")

    def test_progress_bar_on_a_terminal(self):
        terminal, program_side = pty.openpty()
        with open(program_side, "wb", closefd=True) as stderr:
            process = subprocess.Popen([PROGRAM, "upscale", CROP, "-o", self.folder / "out.png"], stdout=subprocess.DEVNULL, stderr=stderr)
        shown = b""
        with contextlib.suppress(OSError):  # how a terminal says that nobody is left at its other end
            while chunk := os.read(terminal, 4096):
                shown += chunk
        os.close(terminal)
        self.assertEqual(process.wait(), 0)
        self.assertIn(b"[........................................]   0%", shown)
        self.assertIn(b"[########################################] 100%", shown)
        self.assertTrue(shown.endswith(b"\r\x1b[K"), "the line is removed at the end")


if __name__ == "__main__":
    main()

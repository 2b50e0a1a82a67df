"""Runs what porters use as they do: python3 porting_test.py PROGRAM C_COMPILER [unittest's options]"""

import array
import json
import random
import shutil
import struct
import subprocess
import sys

from support.program import CROP, GOLDEN, INPUT, MODEL, SANITIZED, USAGE, ProgramTest, main

DIFFERS = 1


def npy_bytes(values, shape):
    dictionary = repr({"descr": "<f4", "fortran_order": False, "shape": tuple(shape)}).ljust(117) + "\n"
    return b"\x93NUMPY\x01\0" + struct.pack("<H", len(dictionary)) + dictionary.encode() + array.array("f", values).tobytes()


def npy_values(path):
    data = path.read_bytes()
    values = array.array("f")
    values.frombytes(data[10 + struct.unpack("<H", data[8:10])[0] :])
    return list(values)


class Porting(ProgramTest):
    def expect(self, code, *arguments):
        """What the program prints; on the other stream where it fails."""
        result = self.run_program(*arguments)
        self.assertEqual(result.returncode, code, (arguments, result.stdout, result.stderr))
        return result.stdout if code in (0, DIFFERS) else result.stderr

    def trace(self, folder="dumps", *options, picture=CROP):
        return self.expect(0, "trace", "--input", picture, "-o", folder, *options)

    def picture(self, height, width):
        """The top left part of the test picture's luma, as a dump."""
        self.trace("luma", "--layers", "input")
        values = npy_values(self.folder / "luma/00_input.npy")
        path = self.folder / "part.npy"
        path.write_bytes(npy_bytes([values[95 * y + x] for y in range(height) for x in range(width)], (1, 1, height, width)))
        return path

    def test_compare(self):
        self.trace()
        mid, preds = self.folder / "dumps/14_expanding_prelu.npy", self.folder / "dumps/21_deconvolution_clamp.npy"
        printed = self.expect(0, "compare", preds, preds)
        self.assertIn("PSNR        0, infinite", printed)
        values = npy_values(preds)
        values[1000] += 0.25
        values[77] -= 0.125
        (self.folder / "b.npy").write_bytes(npy_bytes(values, (1, 1, 154, 190)))
        printed = self.expect(DIFFERS, "compare", "b.npy", preds, "--heat-map", "heat.png")
        self.assertIn("2 of 29260 values differ by more than 1e-05", printed)
        self.assertIn("first beyond     (n 0, c 0, y 0, x 77)", printed)
        self.assertIn("worst            (n 0, c 0, y 5, x 50)", printed)
        self.assertEqual((self.folder / "heat.png").read_bytes()[:8], b"\x89PNG\r\n\x1a\n")
        report = json.loads(self.expect(DIFFERS, "compare", "b.npy", preds, "--json"))
        self.assertAlmostEqual(report["max"], 0.25, 6)
        self.assertAlmostEqual(report["around_min"], -0.125, 5)
        self.expect(0, "compare", "b.npy", preds, "--tolerance", "0.3")
        self.assertIn("has shape", self.expect(INPUT, "compare", mid, preds))
        self.assertIn("is a folder and the other is not", self.expect(USAGE, "compare", "dumps", preds))
        (self.folder / "c.hex").write_text("a\nffffffff\n")
        (self.folder / "c.txt").write_text("10\n-1\n")
        self.assertIn("A c.hex (words of 32 bits, two's complement)\nB c.txt\n", self.expect(0, "compare", "c.hex", "c.txt"))

    def test_compare_folders_of_different_forms(self):
        picture = self.picture(20, 26)
        self.trace(picture=picture)
        for form, suffix in (("txt", "txt"), ("hex", "hex"), ("header", "h")):
            self.trace(form, "--format", form, "--layers", "expanding,deconvolution", picture=picture)
            self.assertEqual(len(list((self.folder / form).glob("*." + suffix))), 9)
            printed = self.expect(0, "compare", "dumps", form, "--tolerance", "0")
            self.assertIn("all within the tolerance", printed)
            self.assertIn("13 more, e.g. 00_input.npy, only in dumps", printed)
        self.trace("fixed", "--type", "q3.12", "--format", "txt", picture=picture)
        printed = self.expect(DIFFERS, "compare", "dumps", "fixed", "--heat-map", "heat.png")
        self.assertIn("they differ", printed)
        self.expect(0, "compare", "dumps", "fixed", "--tolerance", "0.02")
        self.assertIn("must be float32", self.expect(USAGE, "trace", "--input", CROP, "-o", "x", "--type", "q16.16"))

    def test_the_slides_riddle(self):
        """A person with only mid.npy, preds.npy and a folder of text kernels learns which file is wrong."""
        self.expect(0, "trace", "--input", self.picture(52, 46), "-o", "dumps")
        shutil.copy(self.folder / "dumps/14_expanding_prelu.npy", self.folder / "mid.npy")
        shutil.copy(self.folder / "dumps/21_deconvolution_clamp.npy", self.folder / "preds.npy")
        self.expect(0, "convert", "fsrcnn-x2", "all/")
        for kind in ("kernel", "bias"):  # all that the slides show
            shutil.copytree(self.folder / "all" / kind / "last", self.folder / "parameter" / kind / "last")
        question = ("diagnose", "--model", "parameter", "--feature", "mid=mid.npy", "--reference", "preds.npy")
        self.assertTrue(self.expect(0, *question).startswith("The port is right"))
        self.assertIn("give --feature mid=FILE", self.expect(USAGE, "diagnose", "--model", "parameter", "--reference", "preds.npy"))
        exchanged = ("diagnose", "--model", "parameter", "--feature", "mid=preds.npy", "--reference", "mid.npy")
        self.assertIn("would produce 52 rows from 104", self.expect(USAGE, *exchanged))

        kernel = self.folder / "parameter/kernel/last/kernel23_0.txt"
        generator = random.Random(1)
        kernel.write_text("\n".join(" ".join(f"{generator.uniform(-0.05, 0.05):.6f}" for _ in range(9)) for _ in range(9)))
        printed = self.expect(DIFFERS, *question)
        self.assertTrue(printed.startswith("kernel/last/kernel23_0.txt is not the one that made preds.npy; the other 55 kernels and the bias"), printed)
        if SANITIZED:
            return  # solving takes half a minute there
        report = json.loads(self.expect(DIFFERS, *question, "--json"))
        self.assertEqual(report["files"], ["kernel/last/kernel23_0.txt"])

        for path in sorted((self.folder / "parameter/kernel/last").iterdir()):
            path.write_text("\n".join(" ".join(f"{generator.uniform(-0.05, 0.05):.6f}" for _ in range(9)) for _ in range(9)))
        self.assertIn("of the 56 kernels of deconvolution are not the ones that made preds.npy, which is another set of weights, or a step that acts like one", self.expect(DIFFERS, *question))

    def test_diagnose(self):
        picture, dumps = self.picture(20, 26), self.folder / "dumps"
        self.expect(0, "trace", "--input", picture, "-o", dumps)
        right = ("diagnose", "--input", picture, "--feature", dumps, "--reference", dumps / "21_deconvolution_clamp.npy")
        # The same file twice is one dump; another one for the same place is none.
        self.assertIn("The port is right", self.expect(0, *right))
        self.assertIn("are both said to be deconvolution clamp", self.expect(USAGE, *right[:-1], dumps / "00_input.npy"))
        printed = self.expect(0, *right[:-2])
        self.assertIn("The port is right", printed)
        self.assertIn("15_deconvolution_zeros_inserted.npy", printed)
        self.assertIn("manifest.json: its format is not one that dumps are read from", printed)
        shutil.copytree(dumps, self.folder / "run=1")
        self.expect(0, "diagnose", "--input", picture, "--feature", self.folder / "run=1")
        # The picture is read bottom-up, by a port that is right otherwise.
        values = npy_values(picture)
        flipped = [v for y in reversed(range(20)) for v in values[26 * y : 26 * (y + 1)]]
        (self.folder / "flipped.npy").write_bytes(npy_bytes(flipped, (1, 1, 20, 26)))
        self.expect(0, "trace", "--input", "flipped.npy", "-o", "up")
        question = ("diagnose", "--input", picture, "--feature", "up", "--json")
        report = json.loads(self.expect(DIFFERS, *question))
        self.assertEqual((report["layer"], report["mistakes"]), ("feature extraction", ["input_upside_down"]))
        self.assertEqual(sum(not layer["agrees"] for layer in report["layers"]), 1, "only where it went wrong")
        self.assertIn("there is no layer 'nowhere' in the network; expected input, a layer such as", self.expect(USAGE, "diagnose", "--input", picture, "--feature", "nowhere=flipped.npy"))
        self.assertIn("give two or more with --feature and --reference", self.expect(INPUT, "diagnose", "--input", picture))
        self.assertIn("must be NAME=FILE", self.expect(USAGE, "diagnose", "--feature", "flipped.npy"))

    def test_diagnose_says_where(self):
        picture, dumps = self.picture(20, 26), self.folder / "dumps"
        self.expect(0, "trace", "--input", picture, "-o", dumps)
        path = dumps / "08_mapping_2_prelu.npy"
        values = npy_values(path)
        for c in (3, 7):
            for y in range(20):
                for x in (24, 25):
                    values[(c * 20 + y) * 26 + x] += 0.25 + 0.125 * ((3 * x + y * y) % 5) ** 2
        path.write_bytes(npy_bytes(values, (1, 12, 20, 26)))
        question = ("diagnose", "--input", picture, "--feature", dumps)
        printed = self.expect(DIFFERS, *question)
        self.assertIn("80 of 6240 values differ", printed)
        self.assertIn("channels 3 and 7, the last 2 columns", printed)
        self.assertRegex(printed, r"\n    \.{24}[1-9]{2}\n")
        report = json.loads(self.expect(DIFFERS, *question, "--json"))
        self.assertEqual(report["layer"], "mapping 2")
        [evidence] = [layer["evidence"] for layer in report["layers"] if layer["evidence"] and layer["layer"] == "mapping 2"]
        self.assertEqual((evidence["channels"], evidence["columns"], len(evidence["rows"])), ([3, 7], [24, 25], 20))
        self.assertGreaterEqual(sum(u["reason"] == "a step within deconvolution" for u in report["unused"]), 4)

    def test_the_programs_own_pictures_are_right(self):
        for options, says in [(["--edges", "pad", "--guard", "0"], "The port is right"), ([], "mirrored edges and the guard")]:
            self.expect(0, "upscale", CROP, "-o", "own.png", *options)
            self.assertIn(says, self.expect(0, "diagnose", "--input", CROP, "--reference", "own.png"))

    def test_forms_of_weights(self):
        sources = ((GOLDEN / "tiny.safetensors", 3), ("fsrcnn-x2", 2))
        for source, scale in sources[:1] if SANITIZED else sources:
            self.expect(0, "convert", source, "first.safetensors")
            for name, options in (("w.npz", ()), ("w.onnx", ()), ("w.h", ()), ("w.mem", ()), ("w.coe", ()), ("deepc/", ("--form", "deepc"))):
                with self.subTest(form=name, source=source):
                    printed = self.expect(0, "convert", "first.safetensors", name, *options)
                    self.assertNotIn("rounded", printed)
                    self.assertEqual("--model-scale" in printed, name == "deepc/", printed)
                    self.expect(0, "convert", name, "again.safetensors", "--model-scale", scale)
                    self.assertEqual((self.folder / "again.safetensors").read_bytes(), (self.folder / "first.safetensors").read_bytes())
                    if name.endswith("/"):
                        shutil.rmtree(self.folder / name)
            self.assertIn("Values are rounded by up to", self.expect(0, "convert", "first.safetensors", "z/", "--form", "zcu102"))
            self.expect(0, "convert", "z/", "again.safetensors", "--model-scale", scale)
            self.expect(0, "convert", "first.safetensors", "hex/", "--form", "zcu102-hex")
            self.expect(0, "convert", "hex/", "hex.safetensors", "--model-scale", scale)
            self.assertEqual((self.folder / "again.safetensors").read_bytes(), (self.folder / "hex.safetensors").read_bytes())
            for name in ("z", "hex"):
                shutil.rmtree(self.folder / name)
        # DeepC's own networks replicate, and the deconvolution's input by a pixel.
        self.expect(0, "convert", "fsrcnn-x2", "deepc/", "--form", "deepc")
        (self.folder / "deepc" / "zero_padding.txt").unlink()
        self.expect(0, "convert", "deepc/", "first.safetensors", "--model-scale", 2)
        printed = self.expect(0, "info", "first.safetensors")
        self.assertRegex(printed, r"feature extraction .* 2 replicate ")
        self.assertRegex(printed, r"deconvolution .* 4, border 1 ")
        for name, options in (("w.npz", ()), ("w.onnx", ()), ("w.h", ()), ("again/", ("--form", "deepc"))):
            with self.subTest(border=name):
                self.expect(0, "convert", "first.safetensors", name, *options)
                self.expect(0, "convert", name, "again.safetensors", "--model-scale", 2)
                self.assertEqual((self.folder / "again.safetensors").read_bytes(), (self.folder / "first.safetensors").read_bytes())
        self.expect(0, "vectors", "--input", self.picture(10, 12), "--model", "first.safetensors", "-o", "vectors")
        self.compile(self.folder / "vectors")
        self.assertEqual(subprocess.run(["./check"], cwd=self.folder / "vectors", capture_output=True).returncode, 0)
        self.assertIn("this format is a folder", self.expect(USAGE, "convert", "fsrcnn-x2", "a.h", "--form", "deepc"))
        (self.folder / "a.pb").write_bytes(b"\x0a\x05\x0a\x03abc")
        self.assertIn("a.pb", self.expect(MODEL, "info", "a.pb"))

    def test_phase_kernels(self):
        self.assertIn("phase kernels of 5x5 match the deconvolution", self.expect(0, "convert", "fsrcnn-x2", "tdc.safetensors", "--tdc"))
        self.assertIn("sub-pixel convolution", self.expect(0, "info", "tdc.safetensors"))
        self.trace()
        self.trace("tdc", "--model", "tdc.safetensors")
        shutil.copy(next((self.folder / "tdc").glob("*_clamp.npy")), self.folder / "tdc.npy")
        self.expect(0, "compare", "tdc.npy", self.folder / "dumps/21_deconvolution_clamp.npy", "--tolerance", "1e-6")
        self.expect(0, "convert", "tdc.safetensors", "tdc.pb")
        self.expect(0, "convert", "tdc.pb", "again.safetensors")
        self.assertEqual((self.folder / "again.safetensors").read_bytes(), (self.folder / "tdc.safetensors").read_bytes())
        self.assertIn("one ends in a deconvolution; add --tdc, which converts it", self.expect(MODEL, "convert", "fsrcnn-x2", "deconvolution.pb"))
        self.assertIn("no deconvolution to take apart", self.expect(MODEL, "convert", "tdc.safetensors", "again.safetensors", "--tdc"))

    def compile(self, folder):
        command = [C_COMPILER, "-std=c99", "-Wall", "-Wextra", "-Werror", "-O2", "check.c", "layer.c", "-o", "check", "-lm"]
        result = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        self.assertEqual(result.returncode, 0, result.stderr)

    def test_explain_text(self):
        printed = self.expect(0, "explain", "conv-transpose2d", "--format", "text")
        self.assertIn("height = (3 - 1)*2 - 2*1 + 1*(3 - 1) + 1 + 1 = 6", printed)
        self.assertIn("    1 0 1.1 0 1.2\n", printed)
        self.assertIn("  9 8 7\n  6 5 4\n  3 2 1", printed)
        self.assertIn("agree on all 36 outputs", printed)
        self.assertIn("3. 1 zero row and 1 zero column inserted", printed)
        printed = self.expect(0, "explain", "conv-transpose2d", "--stride", "3", "--padding", "0", "--format", "text")
        self.assertIn("height = (3 - 1)*3 - 2*0 + 1*(3 - 1) + 1 + 1 = 10", printed)
        self.assertIn("3. 2 zero rows and 2 zero columns inserted", printed)
        self.assertIn("needs a layer of your own: --input and --weight", self.expect(USAGE, "explain", "conv-transpose2d", "--groups", "2", "--format", "text"))
        # Output (1, 1) reads the corners of the kernel; nothing of the input meets the others.
        printed = self.expect(0, "explain", "conv-transpose2d", "--format", "text")
        self.assertIn("  ky 0     1.4000       .  1.3000\n        x  1.0000          3.0000\n        =  1.4000          3.9000\n", printed)
        self.assertIn("sum 22\n", printed)
        self.assertIn("sum 14.4\n", self.expect(0, "explain", "conv-transpose2d", "--format", "text", "--at", "5,4"))
        self.assertIn("there is no pixel 6,0: the output has 6 rows and 6 columns", self.expect(USAGE, "explain", "conv-transpose2d", "--format", "text", "--at", "6,0"))
        printed = self.expect(0, "explain", "--input", CROP, "--format", "text", "--at", "100,33")
        for layer, n in (("feature extraction", 1), ("shrinking", 2), ("mapping 4", 6), ("expanding", 7), ("deconvolution", 8)):
            self.assertIn(f"\n{n}. {layer}\n", printed)
        self.assertEqual(printed.count("  row 50, column 16, output channel "), 7)
        self.assertEqual(printed.count("  row 100, column 33\n"), 1)
        self.assertLessEqual(max(map(len, printed.splitlines())), 100)
        printed = self.expect(0, "explain", "--input", CROP, "--format", "text")
        self.assertRegex(printed, r"FSRCNN\(56, 12, 4\) on .*crop.png, around output row 77, column 95\n")
        self.assertIn("use --format text", self.expect(USAGE, "explain", "conv-transpose2d"))


if __name__ == "__main__":
    C_COMPILER = sys.argv.pop(2)
    main()

"""Uses golden vectors as porters do: python3 vectors_test.py PROGRAM C_COMPILER CXX_COMPILER IVERILOG [unittest's options]"""

import array
import json
import struct
import subprocess
import sys

from support.program import CROP, GOLDEN, USAGE, ProgramTest, main

DIFFERS = 1
FLOATS = ("slides", "deepc", "zcu102", "npy", "mem")
WARNINGS = ("-Wall", "-Wextra", "-Werror", "-pedantic", "-O1")
TINY = ("--model", GOLDEN / "tiny.safetensors", "--model-scale", "3")


def npy_bytes(values, shape):
    dictionary = repr({"descr": "<f4", "fortran_order": False, "shape": tuple(shape)}).ljust(117) + "\n"
    return b"\x93NUMPY\x01\0" + struct.pack("<H", len(dictionary)) + dictionary.encode() + array.array("f", values).tobytes()


class Vectors(ProgramTest):
    def picture(self, height, width):
        """The top left part of the test picture's luma, as a dump."""
        if not (self.folder / "luma").exists():
            self.succeed("trace", "--input", CROP, "-o", "luma", "--layers", "input")
        values = array.array("f")
        values.frombytes((self.folder / "luma/00_input.npy").read_bytes()[128:])
        path = self.folder / f"part_{height}x{width}.npy"
        path.write_bytes(npy_bytes([values[95 * y + x] for y in range(height) for x in range(width)], (1, 1, height, width)))
        return path

    def vectors(self, style, *options, size=(7, 6)):
        folder = self.folder / f"{style}_{size[0]}x{size[1]}"
        self.printed = self.succeed("vectors", "--input", self.picture(*size), "--style", style, "-o", folder, *options)
        return folder

    def build(self, folder, *command):
        result = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        self.assertEqual((result.returncode, result.stdout + result.stderr), (0, ""))

    def check(self, folder, *words, code=0, flags=()):
        """What the program says in C; in C++ it must say the same."""
        said = []
        for compiler in ((C_COMPILER, "-std=c99"), (CXX_COMPILER, "-x", "c++")):
            self.build(folder, *compiler, *WARNINGS, *flags, "check.c", "layer.c", "-o", "check", "-lm")
            result = subprocess.run(["./check", *words], cwd=folder, capture_output=True, text=True)
            self.assertEqual(result.returncode, code, result.stdout + result.stderr)
            said.append(result.stderr if code == 2 else result.stdout)
        self.assertEqual(said[0], said[1])
        return said[0]

    def bench(self, folder, code=0):
        """What the Verilog test bench says."""
        self.build(folder, IVERILOG, "-g2005", "-Wall", "-o", "bench", "vectors.v", "bench.v", "layer.v")
        result = subprocess.run(["vvp", "bench"], cwd=folder, capture_output=True, text=True)
        self.assertEqual((result.returncode, result.stderr), (code, ""), result.stdout)
        return result.stdout

    def plant(self, folder, file, right, wrong):
        text = (folder / file).read_text()
        self.assertIn(right, text)
        (folder / file).write_text(text.replace(right, wrong, 1))
        return text

    def test_floats(self):
        """The program that comes with them must agree with the layers as they are."""
        for style in FLOATS:
            with self.subTest(style=style):
                folder = self.vectors(style)
                self.assertEqual(len(json.loads((folder / "manifest.json").read_text())["layers"]), 8)
                self.assertEqual(len(self.check(folder).splitlines()), 8)
        self.assertFalse((folder / "bench.v").exists())

    def test_a_wrong_layer_of_floats(self):
        folder = self.vectors("mem")
        right = self.plant(folder, "layer.c", "((i * l->outputs + o) * kh + ky) * kw + kx", "((i * l->outputs + o) * kh + kh - 1 - ky) * kw + kw - 1 - kx")
        said = self.check(folder, code=DIFFERS)
        self.assertEqual([line.split("  ")[0] for line in said.splitlines() if line.endswith("DIFFERS")], ["deconvolution"])
        # NaN is seen wherever it is; here finite values follow.
        renamed = right.replace("void layer(", "static void right(")
        head = "void layer(const struct layer *l, const float *input, const float *other, float *output)"
        for value in ("NAN", "-INFINITY"):
            (folder / "layer.c").write_text(f"#include <math.h>\n{renamed}{head} {{ right(l, input, other, output), output[7] = {value}; }}\n")
            said = self.check(folder, code=DIFFERS)
            self.assertEqual(said.count("largest difference inf of"), 8, said)
            # Of a row of 6 in all layers but the last, which has 12.
            self.assertEqual(said.count("worst at channel 0, row 1, column 1:"), 7, said)
            self.assertEqual(said.count("worst at channel 0, row 0, column 7:"), 1, said)
        (folder / "00_input.mem").unlink()
        self.assertIn("00_input.mem: cannot be opened", self.check(folder, code=2))

    def test_place_and_tolerance(self):
        """Three values of one layer are off; the first and the worst of them are named, and how many they are."""
        folder = self.vectors("npy")
        right = (folder / "layer.c").read_text().replace("void layer(", "static void right(")
        (folder / "layer.c").write_text(
            right + "#include <string.h>\nvoid layer(const struct layer *l, const float *input, const float *other, float *output) {\n"
            "  right(l, input, other, output);\n  if (strcmp(l->name, \"mapping 2\") != 0) return;\n"
            "  output[(3 * 7 + 5) * 6 + 2] += 0.01f, output[(4 * 7 + 0) * 6 + 1] -= 0.5f, output[(11 * 7 + 6) * 6 + 5] += 0.01f;\n}\n")
        said = self.check(folder, code=DIFFERS).splitlines()
        self.assertEqual(len(said), 8 + 3)
        at = next(i for i, line in enumerate(said) if line.endswith("DIFFERS"))
        self.assertTrue(said[at].startswith("mapping 2 "), said)
        self.assertIn("3 of 504 values differ by more than", said[at + 1])
        self.assertIn("first at channel 3, row 5, column 2:", said[at + 2])
        self.assertIn("worst at channel 4, row 0, column 1:", said[at + 3])
        self.assertIn("1 of 504 values", self.check(folder, "0.05", code=DIFFERS))
        self.check(folder, "1.5")
        self.check(folder, flags=("-DTOLERANCE=1.5",))
        self.assertIn("3 of 504 values", self.check(folder, "1e-5", code=DIFFERS, flags=("-DTOLERANCE=1.5",)))
        for words in (("much",), ("-1",), ("0", "0"), ("",)):
            self.assertIn("is not what ./check [TOLERANCE] takes", self.check(folder, *words, code=2))

    def test_integers(self):
        for style, options in (("int8", ()), ("q3.12", ()), ("q2.9", ("--rounding", "half-even", "--overflow", "wrap")), ("q4.15", ("--rounding", "zero"))):
            with self.subTest(style=style):
                folder = self.vectors(style, *TINY, *options)
                count = len(json.loads((folder / "manifest.json").read_text())["layers"])
                self.assertEqual(len(self.check(folder).splitlines()), count)
                said = self.bench(folder).splitlines()
                self.assertEqual(said[-1], f"all {count} layers are right")
                self.assertEqual(len(said), count + 1)
                self.assertIn("bench.v", self.printed)
        # The weights that are compiled in, too.
        for style in ("int8", "q3.12"):
            folder = self.vectors(style, "--model", "fsrcnn-s-x2", size=(4, 5))
            self.check(folder)
            self.bench(folder)
        for words, says in ((("--style", "q16.16"), "must be slides, deepc"), (("--style", "int9"), "must be slides, deepc"),
                            (("--style", "int8", "--rounding", "zero"), "--rounding needs a style qM.N"), (("--style", "mem", "--overflow", "wrap"), "--overflow needs a style qM.N")):
            self.fail_with(USAGE, "vectors", "--input", CROP, "-o", "x", *words, says=says)

    def test_words_are_those_of_trace(self):
        folder = self.vectors("q3.12", *TINY)
        self.succeed("trace", "--input", self.picture(7, 6), *TINY, "--type", "q3.12", "--format", "hex", "-o", "traced")
        words = lambda path: [line for line in path.read_text().splitlines() if not line.startswith("//")]
        for mine, theirs in (("00_input", "00_input"), ("01_feature_extraction", "02_feature_extraction_prelu")):
            self.assertEqual(words(folder / f"{mine}.mem"), words(self.folder / f"traced/{theirs}.hex"))
        last = sorted((self.folder / "traced").glob("*_clamp.hex"))[-1]
        self.assertEqual(words(sorted(folder.glob("0*.mem"))[-1]), words(last))
        self.succeed("compare", last, sorted(folder.glob("0*.mem"))[-1], "--tolerance", "0")

    def test_wrong_layers_of_integers(self):
        """A value that is off by one step is found at its place, in C and in Verilog."""
        for style in ("int8", "q3.12"):
            with self.subTest(style=style):
                folder = self.vectors(style, *TINY)
                layers = json.loads((folder / "manifest.json").read_text())["layers"]
                right = self.plant(folder, "layer.c", "const int64_t sum = sum_of(l, input, other, o, y, x);",
                                   "const int64_t sum = sum_of(l, input, other, o, y, x);\n        const int step = o == 1 && y == 4 && x == 3 && l->kernel_h == 3 && l->activation == PRELU;")
                self.plant(folder, "layer.c", "requantised(l, o, sum) : as_word(l, o, sum);", "requantised(l, o, sum) : as_word(l, o, sum);\n        output[-1] ^= step;")
                said = self.check(folder, code=DIFFERS).splitlines()
                mapping = [layer["layer"] for layer in layers if layer["layer"].startswith("mapping")]
                self.assertEqual([line.split("  ")[0] for line in said if line.endswith("DIFFERS")], mapping)
                self.assertEqual(len([line for line in said if "first at channel 1, row 4, column 3:" in line]), len(mapping))
                self.check(folder, "1")
                (folder / "layer.c").write_text(right)

                correct = self.plant(folder, "layer.v", "as_word(o, sum_of(o, y, x));", "as_word(o, sum_of(o, y, x));\n      if (o == 1 && y == 4 && x == 3 && KERNEL_H == 3) out_value <= expected_plus(o, y, x);")
                self.plant(folder, "layer.v", "  integer received = 0", "  function [BITS-1:0] expected_plus(input integer o, y, x);\n    expected_plus = (IS_INT8 ? requantised(o, sum_of(o, y, x)) : as_word(o, sum_of(o, y, x))) ^ 1;\n  endfunction\n\n  integer received = 0")
                said = self.bench(folder, code=DIFFERS).splitlines()
                wrong = [i for i, line in enumerate(said) if "DIFFERS" in line]
                self.assertEqual([said[i].split(": ")[0] for i in wrong], mapping)
                for i in wrong:
                    self.assertIn("DIFFERS, 1 of ", said[i])
                    self.assertTrue(said[i + 1].startswith("  first at channel 1, row 4, column 3: "), said)
                self.assertEqual(said[-1], f"not all of the {len(layers)} layers are right")

                # A kernel that is not turned, and outputs that never come.
                (folder / "layer.v").write_text(correct)
                self.plant(folder, "layer.v", "KERNEL_H + KERNEL_H - 1 - ky) * KERNEL_W + KERNEL_W - 1 - kx]", "KERNEL_H + ky) * KERNEL_W + kx]")
                self.assertEqual([line.split(": ")[0] for line in self.bench(folder, code=DIFFERS).splitlines() if "DIFFERS" in line], ["deconvolution"])
                (folder / "layer.v").write_text(correct)
                self.plant(folder, "layer.v", "out_valid <= 1;", "out_valid <= !(OPERATOR == \"transposed convolution\" && y == 2 && x == 5);")
                self.plant(folder, "bench.v", "PATIENCE = 1000000", "PATIENCE = 100")
                said = self.bench(folder, code=DIFFERS)
                self.assertIn("deconvolution: no output came for 100 clocks", said)
                self.assertIn("first at channel 0, row 2, column 5: no value, expected", said)
                self.assertIn("1 values are missing", said)


if __name__ == "__main__":
    C_COMPILER, CXX_COMPILER, IVERILOG = (sys.argv.pop(2) for _ in range(3))
    main()

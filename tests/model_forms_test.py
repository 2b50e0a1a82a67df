"""Every command that takes a model accepts every format that convert writes:
python3 model_forms_test.py PROGRAM [unittest's options]"""

import json
import shutil

from support.program import CROP, GOLDEN, SANITIZED, ProgramTest, main

# For each network: the formats that can store it, and whether they store the scale.
ANY = {"m.safetensors": True, "m.pth": False, "m.onnx": True}
FSRCNN = {**ANY, "m.npz": True, "m.h": True, "m.mem": True, "m.coe": True, "slides/": False, "deepc/": False, "zcu102/": False, "zcu102-hex/": False}
NETWORKS = {
    "fsrcnn-s-x2": FSRCNN,
    "tiny.safetensors": FSRCNN,
    "tiny_sub_pixel.safetensors": {**ANY, "m.npz": True, "m.h": True, "m.mem": True, "m.coe": True, "m.pb": True},
    **{f"networks/{name}.onnx": ANY for name in ("espcn", "srvgg", "ecbsr", "sesr_rgb", "fsrcnnx", "fsrcnn_rgb", "fsrcnn_bicubic")},
    **{f"formats/{name}": ANY for name in ("fsrcnn.keras", "fsrcnn_int8.tflite", "srvgg_qdq.onnx")},
}
# Formats that are only read.
OTHERS = ["formats/fsrcnn.h5", "formats/fsrcnn.keras", "formats/fsrcnn.tflite", "formats/fsrcnn_int8.tflite",
          "formats/fsrcnn.weights.h5", "formats/espcn_relu_qlinear.onnx"]


class ModelForms(ProgramTest):
    def source(self, name):
        return name if name.startswith("fsrcnn-") else GOLDEN / name

    def use(self, model, scale):
        """Runs each command. diagnose must agree with the dumps of trace."""
        for folder in ("dumps", "vectors"):
            shutil.rmtree(self.folder / folder, ignore_errors=True)
        given = ["--model-scale", str(scale)] if scale <= 4 else []
        self.succeed("info", model, *given)
        self.succeed("trace", "--input", CROP, "--model", model, *given, "-o", "dumps")
        end = max(p for p in (self.folder / "dumps").iterdir() if p.suffix == ".npy")
        report = self.run_program("diagnose", "--model", model, *given, "--input", CROP, "--reference", end, "--feature", "dumps", "--json")
        self.assertEqual(report.returncode, 0, (model, report.stdout, report.stderr))
        self.assertTrue(all(layer["agrees"] for layer in json.loads(report.stdout)["layers"]), model)
        self.succeed("vectors", "--input", CROP, "--model", model, *given, "--style", "npy", "-o", "vectors")
        self.succeed("upscale", CROP, "-o", "large.png", "--model", model, *given)
        self.succeed("convert", model, "again.safetensors", *given)

    def test_what_convert_writes(self):
        for name, forms in list(NETWORKS.items())[:: 4 if SANITIZED else 1]:
            head = self.succeed("info", self.source(name)).splitlines()[0]
            scale = int(head.partition(", scale ")[2][0])
            for form, has_scale in forms.items():
                with self.subTest(f"{name} as {form}"):
                    options = ["--form", form[:-1]] if form.endswith("/") else []
                    shutil.rmtree(self.folder / form, ignore_errors=True)
                    self.succeed("convert", self.source(name), form, *options)
                    if has_scale:
                        self.assertNotIn("scale unknown", self.succeed("info", form))
                    self.use(form, scale)

    def test_what_others_write(self):
        for name in OTHERS:
            with self.subTest(name):
                self.use(GOLDEN / name, 2)


if __name__ == "__main__":
    main()

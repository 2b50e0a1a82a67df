"""Many pictures, large ones and broken ones, as people have them: python3 pictures_test.py PROGRAM [unittest's options]"""

import ctypes
import json
import os
import re
import resource
import shutil
import signal
import struct
import subprocess
import time
import unittest
import zlib

from support.film_case import ffmpeg
from support.program import CROP, INPUT, IO, LIMIT, PROGRAM, SANITIZED, USAGE, ProgramTest, main, png_bytes, png_size

MOST_MEGABYTES = 150


def gray_tiff(path, width, height):
    """A plain TIFF of 8-bit gray whose rows are all different, written row by row."""
    strip = 8 + 8 * 12 + 6
    entries = [(256, 4, width), (257, 4, height), (258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 4, strip), (278, 4, height), (279, 4, width * height)]
    with open(path, "wb") as file:
        file.write(b"II*\0" + struct.pack("<IH", 8, len(entries)))
        for tag, kind, value in entries:
            file.write(struct.pack("<HHII", tag, kind, 1, value))
        file.write(struct.pack("<I", 0))
        row = bytes((x * x // 64) % 251 for x in range(width + 251))
        for y in range(height):
            file.write(row[y % 251 : y % 251 + width])


class Pictures(ProgramTest):
    def make_folder(self):
        """Three pictures, one of them damaged, one in a folder, and files that are no pictures."""
        (self.folder / "in" / "deep" / "er").mkdir(parents=True)
        (self.folder / "in" / "a.png").write_bytes(png_bytes(4, 3, 3, [[9] * 12] * 3))
        (self.folder / "in" / "notes.txt").write_text("no picture")
        (self.folder / "in" / ".hidden.png").write_bytes(b"")
        (self.folder / "in" / "b.jpg").write_bytes(CROP.read_bytes()[:500])
        shutil.copy(CROP, self.folder / "in" / "deep" / "er" / "c.dat")

    def outputs(self, folder="out"):
        return sorted(str(p.relative_to(self.folder / folder)) for p in (self.folder / folder).rglob("*") if p.is_file())

    def test_folders(self):
        self.make_folder()
        result = self.run_program("upscale", "in", "-o", "out", "--recursive")
        self.assertEqual(result.returncode, 1)
        # What is a picture is told by its content, and by its name only to tell that it is none.
        self.assertEqual(self.outputs(), ["a.png", "deep/er/c.png"])
        self.assertEqual(png_size(self.folder / "out" / "deep" / "er" / "c.png"), (190, 154))
        self.assertIn("out/a.png: 4x3 -> 8x6", result.stdout)
        self.assertIn("1 of 3 inputs failed:\n  in/b.jpg (code 3)", result.stderr)

        flat = self.run_program("upscale", "in", "-o", "flat/deep/")
        self.assertEqual((flat.returncode, self.outputs("flat")), (1, ["deep/a.png"]))
        os.remove(self.folder / "in" / "b.jpg")
        self.succeed("upscale", "in", "-o", "jpegs", "--recursive", "--format", "jpg", "--quality", "50", "--quiet")
        self.assertEqual(self.outputs("jpegs"), ["a.jpg", "deep/er/c.jpg"])

    def test_forms_that_libvips_reads_by_file_alone(self):
        (self.folder / "in").mkdir()
        for name, pixels in (("a.bmp", "bgr24"), ("b.tga", "bgr24"), ("c.exr", "gbrpf32le")):
            ffmpeg("-i", CROP, "-pix_fmt", pixels, self.folder / "in" / name)
            self.succeed("upscale", f"in/{name}", "-o", "out.png")
            self.assertEqual(png_size(self.folder / "out.png"), (190, 154), name)
        # Brackets are no options. ImageMagick would take the others for TGA: a film, a font.
        shutil.copy(self.folder / "in" / "c.exr", self.folder / "in" / "d.exr[page=1]")
        (self.folder / "in" / "film").write_bytes(b"\0\0\0\x20ftypisom" + bytes(100))
        (self.folder / "in" / "font").write_bytes(b"\0\1\0\0\0" + bytes(100))
        self.succeed("upscale", "in", "-o", "out")
        self.assertEqual(self.outputs(), ["a.bmp", "b.tga", "c.png", "d.png"])

    def test_alpha_of_exr(self):
        """Its colours are multiplied by alpha: light of 0.25 at alpha 0.5 is 0.5, which sRGB codes as 0.735."""
        planes = [0.25, 0.25, 0.25, 0.5]
        (self.folder / "raw").write_bytes(b"".join(struct.pack("<f", plane) * 64 for plane in planes))
        ffmpeg("-f", "rawvideo", "-pix_fmt", "gbrapf32le", "-s", "8x8", "-i", self.folder / "raw", self.folder / "a.exr")
        self.succeed("upscale", "a.exr", "-o", "a.png", "--scale", "1")
        decoded = ffmpeg("-i", self.folder / "a.png", "-f", "rawvideo", "-pix_fmt", "rgba64le", "-").stdout
        red, _, _, alpha = (value / 65535 for value in struct.unpack("<4H", decoded[:8]))
        self.assertAlmostEqual(red, 0.735, 2)
        self.assertAlmostEqual(alpha, 0.5, 3)

    def test_outputs_are_no_inputs(self):
        self.make_folder()
        os.remove(self.folder / "in" / "b.jpg")
        for _ in range(2):
            self.succeed("upscale", "in", "-o", "in/out", "--recursive")
            self.assertEqual(self.outputs("in/out"), ["a.png", "deep/er/c.png"])

    def test_skip_existing(self):
        self.make_folder()
        (self.folder / "out").mkdir()
        (self.folder / "out" / "a.png").write_bytes(b"made before")
        result = self.run_program("upscale", "in/a.png", "in/deep/er/c.dat", "-o", "out", "--skip-existing")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("out/a.png: already exists, skipped", result.stdout)
        self.assertEqual((self.folder / "out" / "a.png").read_bytes(), b"made before")
        self.assertEqual(self.outputs(), ["a.png", "c.png"])

    def test_one_failure_does_not_stop_the_rest(self):
        shutil.copy(CROP, self.folder / "last.png")
        (self.folder / "broken.png").write_bytes(b"broken")
        result = self.run_program("upscale", "none.png", "broken.png", "last.png", "-o", "out")
        self.assertEqual(result.returncode, 1)
        self.assertIn("2 of 3 inputs failed:\n  none.png (code 5)\n  broken.png (code 3)\n", result.stderr)
        self.assertEqual(self.outputs(), ["last.png"])
        # One input alone keeps its own code.
        self.fail_with(IO, "upscale", "none.png", "-o", "out/")
        self.fail_with(INPUT, "upscale", "broken.png", "-o", "out/")

    def test_what_cannot_be_read_does_not_stop_the_rest(self):
        (self.folder / "empty").mkdir()
        (self.folder / "in" / "closed").mkdir(parents=True)
        shutil.copy(CROP, self.folder / "in" / "a.png")
        (self.folder / "in" / "loop.png").symlink_to("loop.png")
        os.mkfifo(self.folder / "in" / "pipe.png")  # which nobody writes to
        (self.folder / "in" / "closed").chmod(0)

        def without_root_s_rights():
            for right in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
                ctypes.CDLL(None).prctl(24, right)  # PR_CAPBSET_DROP

        result = self.run_program("upscale", "empty", "in", "-o", "out", "--recursive", "--json", preexec_fn=without_root_s_rights)
        summary = json.loads(result.stdout)
        self.assertEqual(result.returncode, 1)
        self.assertEqual({i["input"]: i.get("error", {}).get("code") for i in summary["inputs"]},
                         {"empty": INPUT, "in/a.png": None, "in/loop.png": IO, "in/closed": IO})  # fmt: skip
        self.assertIn("3 of 4 inputs failed", result.stderr)
        self.assertEqual(self.outputs(), ["a.png"])
        # What fails before any input does is in the summary, too.
        result = self.run_program("upscale", CROP, "empty", "-o", "x" * 300, "--json")
        self.assertEqual((result.returncode, json.loads(result.stdout)["exit_code"]), (1, 1))

    def test_pipe(self):
        script = '"$0" upscale <(cat "$1") -o out.png'
        result = subprocess.run(["bash", "-c", script, PROGRAM, CROP], cwd=self.folder, capture_output=True, text=True)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.succeed("upscale", CROP, "-o", "file.png")
        self.assertEqual((self.folder / "out.png").read_bytes(), (self.folder / "file.png").read_bytes())

    def test_names_do_not_depend_on_the_current_folder(self):
        (self.folder / "in").mkdir()
        shutil.copy(CROP, self.folder / "in" / "a.dat")
        (self.folder / "a.dat").write_text("neither picture nor film")
        self.succeed("upscale", "in", "-o", "out")
        self.assertEqual(self.outputs(), ["a.png"])

    def test_damaged_picture(self):
        """What can be read of it is upscaled, and the code says that it was not whole."""
        self.succeed("upscale", CROP, "-o", "a.jpg")
        whole = (self.folder / "a.jpg").read_bytes()
        (self.folder / "bad.jpg").write_bytes(whole[: len(whole) // 2] + whole[len(whole) // 2 + 500 :])
        result = self.run_program("upscale", "bad.jpg", "-o", "out.png", "--json")
        summary = json.loads(result.stdout)
        self.assertEqual((result.returncode, summary["exit_code"], summary["damaged"]), (1, 1, 1))
        self.assertIn("fsrcnn: note: 'bad.jpg' is damaged: ", result.stderr)
        self.assertEqual(png_size(self.folder / "out.png"), (380, 308))

    def test_names_that_clash(self):
        (self.folder / "in").mkdir()
        for name in ("a.png", "a.jpg"):
            shutil.copy(CROP, self.folder / "in" / name)
        shutil.copy(CROP, self.folder / "a.png")
        # In a folder the names are made to differ.
        shutil.copy(CROP, self.folder / "in" / "b.png")
        self.succeed("upscale", "in", "-o", "out", "--format", "png")
        self.assertEqual(self.outputs(), ["a.jpg.png", "a.png", "b.png"])
        shutil.rmtree(self.folder / "out")
        # Unless that name is taken, too; the others are made all the same.
        shutil.copy(CROP, self.folder / "in" / "a.jpg.png")
        result = self.run_program("upscale", "in", "-o", "out", "--format", "png", "--json")
        self.assertEqual((result.returncode, self.outputs()), (1, ["a.png", "b.png"]))
        codes = [i.get("error", {}).get("code") for i in json.loads(result.stdout)["inputs"]]
        self.assertEqual(codes, [USAGE, USAGE, None, None])
        self.assertIn("'in/a.jpg' and 'in/a.jpg.png' would both be written to 'out/a.jpg.png'", result.stderr)
        self.assertIn("2 of 4 inputs failed", result.stderr)
        self.fail_with(USAGE, "upscale", "in/a.png", "a.png", "-o", "out", says="would both be written to 'out/a.png'")
        self.fail_with(USAGE, "upscale", "in", "-o", "in", says="is the input itself")
        self.fail_with(USAGE, "upscale", "in/a.jpg", "a.png", "-o", ".", "--format", "png", says="is another input")
        self.fail_with(USAGE, "upscale", "in", "-o", "out", "--format", "xyz", says="--format 'xyz' is none")
        self.fail_with(USAGE, "upscale", "a.png", "-o", "b.jpg", "--format", "png", says="does not end in .png")
        self.fail_with(USAGE, "upscale", "in", "-o", "a.png", says="is a file, but several inputs need a folder")
        self.succeed("upscale", "a.png", "-o", "b.JPG", "--format", "jpg")

    def test_nothing(self):
        for name in ("a.png", "a", "a.mkv"):
            (self.folder / name).write_bytes(b"")
            self.fail_with(INPUT, "upscale", name, "-o", "b.mkv" if name == "a.mkv" else "b.png", says=f"'{name}' is empty")
        self.fail_with(USAGE, "upscale", "", "-o", "b.png", says="an empty name")

    def test_options_of_films(self):
        result = self.run_program("upscale", CROP, "-o", "a.png", "--crf", "20", "--preset", "fast")
        self.assertEqual(result.returncode, 0)
        self.assertIn("is a picture; --crf, --preset are for films only", result.stderr)

    def test_json(self):
        self.make_folder()
        (self.folder / "out").mkdir()
        (self.folder / "out" / "a.png").write_bytes(b"made before")
        result = self.run_program("upscale", "in", "-o", "out", "-r", "--skip-existing", "--json", "--threads", "1", "--scale", "3")
        summary = json.loads(result.stdout)
        self.assertEqual((summary["exit_code"], result.returncode), (1, 1))
        self.assertEqual(summary["threads"], 1)
        self.assertEqual((summary["done"], summary["skipped"], summary["failed"]), (1, 1, 1))
        skipped, failed, done = summary["inputs"]
        self.assertEqual((skipped["input"], skipped["output"], skipped["status"]), ("in/a.png", "out/a.png", "skipped"))
        self.assertEqual((failed["status"], failed["error"]["code"]), ("failed", INPUT))
        self.assertIn("in/b.jpg", failed["error"]["message"])
        self.assertEqual((done["input_size"], done["output_size"], done["frames"]), ([95, 77], [285, 231], 1))
        self.assertEqual((done["model"], done["model_scale"], done["method"]), ("fsrcnn-x3", 3, "fsrcnn-x3"))
        self.assertEqual(set(done["stage_seconds"]), {"reading", "colour", "network", "resampling", "writing"})
        self.assertTrue(0 < done["stage_seconds"]["network"] < done["seconds"] <= summary["seconds"])
        for arguments, code in ((["none.png", "-o", "b.png"], IO), ([CROP, "-o", "b.png", "--model", "none"], 4), ([CROP, "-o", "b.xyz"], USAGE)):
            result = self.run_program("upscale", *arguments, "--json")
            summary = json.loads(result.stdout)
            self.assertEqual((result.returncode, summary["exit_code"]), (code, code))
            error = summary["error"] if "error" in summary else summary["inputs"][0]["error"]
            self.assertEqual(error["code"], code)
            self.assertIn(error["message"], result.stderr)

    def test_what_libvips_does_not_tell_of_png(self):
        def crop_with(name, data):
            chunk = struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
            (self.folder / "in.png").write_bytes(CROP.read_bytes()[:33] + chunk + CROP.read_bytes()[33:])

        crop_with(b"acTL", struct.pack(">II", 2, 0))
        self.fail_with(INPUT, "upscale", "in.png", "-o", "out.png", says="is an animated PNG")
        crop_with(b"gAMA", struct.pack(">I", 100000))
        result = self.run_program("upscale", "in.png", "-o", "out.png")
        self.assertEqual(result.returncode, 0)
        self.assertIn("colours other than sRGB in its gAMA", result.stderr)

    def test_limit(self):
        """A bomb is refused by its header, before it is unpacked."""
        header = struct.pack(">IIBBBBB", 30000, 30000, 8, 2, 0, 0, 0)
        (self.folder / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + header + struct.pack(">I", zlib.crc32(b"IHDR" + header)) + struct.pack(">I", 1000) + b"IDAT")
        self.fail_with(LIMIT, "upscale", "bomb.png", "-o", "out.png", says="30000x30000 pixels, more than the limit of 268435456; raise it with --max-pixels")
        if not SANITIZED:
            self.assertLess(min(self.seconds_of("upscale", "bomb.png", "-o", "out.png") for _ in range(5)), 0.3)
        self.fail_with(LIMIT, "upscale", CROP, "-o", "out.png", "--max-pixels", "7314")
        self.succeed("upscale", CROP, "-o", "out.png", "--max-pixels", "7315")

    def seconds_of(self, *arguments):
        """Of a processor's time, as other programs may keep this one waiting."""
        used = lambda: sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])  # noqa: E731
        before = used()
        self.run_program(*arguments)
        return used() - before

    @unittest.skipIf(SANITIZED, "a sanitizer's own memory is counted too")
    def test_memory_does_not_grow_with_the_picture(self):
        """40 megapixels become 160, in a fraction of the memory that either takes."""
        gray_tiff(self.folder / "in.tif", 5000, 8000)
        process = subprocess.Popen([PROGRAM, "upscale", "in.tif", "-o", "out.png", "--quiet"], cwd=self.folder)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = 0
        self.assertEqual(status, 0)
        self.assertEqual(png_size(self.folder / "out.png"), (10000, 16000))
        self.assertLess(usage.ru_maxrss / 1024, MOST_MEGABYTES)

    def test_full_disk(self):
        """Wherever writing ends, the old file stays, or no file; and the code says it."""
        shutil.copy(CROP, self.folder / "in.png")
        for name in ("a.png", "a.jpg", "a.tif", "a.webp", "a.gif", "a.avif", "a.heic", "a.jxl"):
            self.succeed("upscale", "in.png", "-o", name, "--quiet")
            whole = (self.folder / name).stat().st_size
            for old in (b"an older picture", None):
                for size in (0, 100, whole // 2, whole - 1):
                    (self.folder / name).unlink(missing_ok=True)
                    if old is not None:
                        (self.folder / name).write_bytes(old)
                    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))  # noqa: B023, E731
                    self.fail_with(IO, "upscale", "in.png", "-o", name, says=name, preexec_fn=limit)

    def test_small_disk(self):
        shutil.copy(CROP, self.folder / "in.png")
        script = 'printf old > "$5"; "$@" 2> ../said; echo $? > ../code; cp "$5" ../kept; ls -A > ../left'
        for name in ("a.png", "a.jpg", "a.tif", "a.webp", "a.gif", "a.avif", "a.heic", "a.jxl"):
            self.succeed("upscale", "in.png", "-o", name)
            whole = (self.folder / name).stat().st_size
            for kilobytes in (4, 8, whole // 1024):
                result = self.on_a_small_disk(kilobytes, script, "upscale", "../in.png", "-o", name, "--overwrite")
                self.assertEqual(result.returncode, 0, result.stderr)
                said = (self.folder / "said").read_text()
                self.assertEqual((self.folder / "code").read_text().strip(), str(IO), said)
                self.assertIn(name, said)
                self.assertEqual((self.folder / "kept").read_bytes(), b"old")
                self.assertEqual((self.folder / "left").read_text().split(), [name])

    def test_each_write_that_fails(self):
        """Not one of them is overlooked."""
        shutil.copy(CROP, self.folder / "in.png")
        for name in ("a.png", "a.jpg", "a.tif", "a.webp", "a.gif", "a.avif", "a.jxl"):
            (self.folder / name).write_bytes(b"an older picture")
            before = self.files()
            for _ in self.fail_each_write("upscale", "in.png", "-o", name, "--quiet", says=name):
                self.assertEqual(self.files(), before)
            self.assertNotEqual(self.files(), before)

    def wait_for(self, condition, process):
        while not condition():
            self.assertIsNone(process.poll(), "it ended before")
            time.sleep(0.01)

    def test_signals(self):
        gray_tiff(self.folder / "in.tif", 4000, 4000)
        for number in (signal.SIGINT, signal.SIGTERM):
            before = self.files().keys()
            process = subprocess.Popen([PROGRAM, "upscale", "in.tif", "-o", "out.png"], cwd=self.folder, stderr=subprocess.DEVNULL)
            self.wait_for(lambda: list(self.folder.glob(".fsrcnn.*")), process)
            process.send_signal(number)
            self.assertEqual(process.wait(), -number)  # which a shell calls 130 and 143
            self.assertEqual(self.files().keys(), before)

    def test_signals_after_a_film(self):
        """A film catches them, to end well; of several inputs it is said how many are done."""
        ffmpeg("-i", CROP, "-c:v", "ffv1", self.folder / "film.mkv")
        gray_tiff(self.folder / "in.tif", 4000, 4000)
        process = subprocess.Popen([PROGRAM, "upscale", "film.mkv", "in.tif", "-o", "out"], cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        out = self.folder / "out"
        self.wait_for(lambda: (out / "film.mkv").exists() and not (out / "film.mkv.parts").exists() and list(out.glob(".fsrcnn.*")), process)
        process.send_signal(signal.SIGINT)
        said = process.communicate()[1]
        self.assertEqual(process.returncode, 128 + signal.SIGINT, said)
        self.assertIn("interrupted; 1 of 2 inputs are done", said)
        self.assertEqual(self.outputs(), ["film.mkv"])

    def test_summary_of_what_a_signal_stopped(self):
        ffmpeg("-loop", "1", "-i", CROP, "-frames:v", "3000", "-vf", "scale=320:240,format=yuv420p,noise=alls=20:allf=t", "-c:v", "libx264", "-preset", "ultrafast", self.folder / "film.mkv")
        process = subprocess.Popen([PROGRAM, "upscale", "film.mkv", "-o", "out.mkv", "--json"], cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.wait_for(lambda: (self.folder / "out.mkv.parts").exists(), process)
        process.send_signal(signal.SIGINT)
        printed, _ = process.communicate()
        self.assertEqual((process.returncode, json.loads(printed)["exit_code"]), (130, 130))

    def test_manual(self):
        """Every option of the help is in the manual page, and every shell completes it."""
        page = self.succeed("man").replace("\\", "")
        scripts = {shell: self.succeed("completion", shell) for shell in ("bash", "zsh", "fish")}
        for command in ("upscale", "eval", "bench", "info", "convert", "conv-transpose2d"):
            options = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", self.succeed(command, "--help")))
            self.assertGreater(len(options), 1)
            for option in options:
                self.assertIn(f"fB{option}fR", page)
                self.assertIn(option, scripts["bash"])
                self.assertIn(option, scripts["zsh"])
                self.assertIn(f"-l {option[2:]} ", scripts["fish"])
        self.fail_with(USAGE, "completion", "tcsh", says="supported: bash, zsh, fish")

    def complete(self, *words):
        """What bash would offer for the last word."""
        line = " ".join(f"'{word}'" for word in ("fsrcnn", *words))
        script = f'source "$1"; COMP_WORDS=({line}); COMP_CWORD={len(words)}; _fsrcnn; printf "%s\\n" "${{COMPREPLY[@]}}"'
        (self.folder / "completion").write_text(self.succeed("completion", "bash"))
        result = subprocess.run(["bash", "-c", script, "bash", "completion"], capture_output=True, text=True, cwd=self.folder, check=True)
        return result.stdout.split()

    def test_completion_in_bash(self):
        (self.folder / "photo.png").write_bytes(b"")
        self.assertEqual(self.complete("upsc"), ["upscale"])
        self.assertEqual(self.complete("upscale", "ph"), ["photo.png"])
        self.assertEqual(self.complete("upscale", "photo.png", "--skip"), ["--skip-existing"])
        self.assertEqual(self.complete("upscale", "--precision", ""), ["fast", "exact"])
        self.assertEqual(self.complete("upscale", "--format", "j"), ["jpg", "jxl"])
        self.assertEqual(self.complete("upscale", "--threads", ""), [])
        self.assertEqual(self.complete("upscale", "-o", "ph"), ["photo.png"])


if __name__ == "__main__":
    main()

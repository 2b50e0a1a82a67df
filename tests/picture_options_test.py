"""What options make of pictures, and pictures that come and go otherwise than as files of a name: python3
picture_options_test.py PROGRAM [unittest's options]"""

import os
import shutil
import struct
import subprocess
import time
import zlib

from support.program import CROP, INPUT, IO, PROGRAM, USAGE, ProgramTest, main, png_bytes, png_size


class PictureOptions(ProgramTest):
    def test_any_size(self):
        printed = self.succeed("upscale", CROP, "-o", "a.png", "--scale", "3", "--model", "fsrcnn-x2")
        self.assertRegex(printed, r"^a\.png: 95x77 -> 285x231 in [\d.]+ s \(fsrcnn-x2 twice to 380x308, then Lanczos\)\n$")
        self.assertEqual(png_size(self.folder / "a.png"), (285, 231))
        for options, size, method in (
            ("--scale 1", (95, 77), "size unchanged"),
            ("--scale 1.37", (130, 105), "fsrcnn-x2 to 190x154, then Lanczos"),
            ("--scale 3", (285, 231), "fsrcnn-x3"),
            ("--scale 4", (380, 308), "fsrcnn-x4"),
            ("--scale 8", (760, 616), "fsrcnn-x2 3 times"),
            ("--size 300x20", (300, 20), "fsrcnn-x3 to 285x231, then Lanczos"),
            ("--size 10x9", (10, 9), "Lanczos only, not enlarged"),
        ):
            self.assertIn(f"({method})", self.succeed("upscale", CROP, "-o", "a.png", *options.split()))
            self.assertEqual(png_size(self.folder / "a.png"), size)

        for options, size, note in (
            ("--size 300x20 --fit inside", (25, 20), ""),
            ("--size 300x20 --fit cover", (300, 20), ""),
            ("--size 300x", (300, 243), ""),
            ("--size x154", (190, 154), ""),
            ("--size 190", (190, 154), ""),
            ("--size 190x154", (190, 154), ""),
            ("--size 300x20", (300, 20), "fsrcnn: note: the picture is stretched: 300x20 has another shape"),
        ):
            result = self.run_program("upscale", CROP, "-o", "a.png", *options.split())
            self.assertEqual((result.returncode, png_size(self.folder / "a.png")), (0, size), options)
            self.assertEqual(result.stderr[: len(note) or 1], note, options)
        self.fail_with(USAGE, "upscale", CROP, "-o", "a.png", "--fit", "cover", says="--fit needs --size, --width or --height")

        # Formats end where they do.
        self.fail_with(INPUT, "upscale", CROP, "-o", "a.webp", "--size", "70000x9", says="limited to 16383 per side")
        self.fail_with(USAGE, "upscale", CROP, "-o", "a.png", "--size", "16777217x9", says="1 to 16777216 each")

    def test_compressed_pictures_get_their_model(self):
        for quality, model in ((60, "fsrcnn-video-x2"), (95, "fsrcnn-x2")):
            self.succeed("upscale", CROP, "-o", "a.jpg", "--scale", "1", "--quality", quality)
            self.assertIn(f"({model})", self.succeed("upscale", "a.jpg", "-o", "b.png"))
            self.assertIn(f"({model})", self.succeed("upscale", "a.jpg", "-o", "b.png", "--model", "auto"))
            self.assertIn("(fsrcnn-x2)", self.succeed("upscale", "a.jpg", "-o", "b.png", "--model", "fsrcnn-x2"))
            self.assertIn("(fsrcnn-x3)", self.succeed("upscale", "a.jpg", "-o", "b.png", "--scale", 3))

    def test_resolution(self):
        """What the input states stays, and of an input that states none nothing is made up."""
        def with_resolution(name):
            content = (self.folder / name).read_bytes()
            if name.endswith(".png"):
                return content.split(b"pHYs")[1][:9] if b"pHYs" in content else None
            return content[4:].split(b"JFIF\0")[1][2:7] if b"JFIF\0" in content[:40] else None

        plain = png_bytes(8, 8, 3, [bytes(24)] * 8)
        physical = struct.pack(">IIB", 11811, 11811, 1)
        chunk = struct.pack(">I", 9) + b"pHYs" + physical + struct.pack(">I", zlib.crc32(b"pHYs" + physical))
        (self.folder / "none.png").write_bytes(plain)
        (self.folder / "300.png").write_bytes(plain[:33] + chunk + plain[33:])
        for source, in_png, in_jpeg in (("none", None, None), ("300", physical, b"\x01\x01\x2c\x01\x2c")):
            self.succeed("upscale", f"{source}.png", "-o", "a.png")
            self.assertEqual(with_resolution("a.png"), in_png)
            self.succeed("upscale", f"{source}.png", "-o", "a.jpg")
            self.assertEqual(with_resolution("a.jpg"), in_jpeg)
            self.succeed("upscale", "a.jpg", "-o", "b.jpg")
            self.assertEqual(with_resolution("b.jpg"), in_jpeg)
            self.succeed("upscale", "a.jpg", "-o", "b.png")
            self.assertEqual(with_resolution("b.png"), in_png)

    def test_alpha(self):
        (self.folder / "a.png").write_bytes(png_bytes(8, 8, 4, [bytes([255, 0, 0, 255] * 7 + [0, 0, 255, 0])] * 8))
        self.fail_with(INPUT, "upscale", "a.png", "-o", "a.jpg", says="use --background COLOUR")
        self.succeed("upscale", "a.png", "-o", "a.jpg", "--background", "00ff00")
        self.succeed("upscale", "a.png", "-o", "b.jpg", "--alpha", "drop")
        self.fail_with(USAGE, "upscale", "a.png", "-o", "c.jpg", "--background", "greenish", says="is not a colour")
        self.fail_with(INPUT, "upscale", "a.png", "-o", "c.png", "--alpha", "data", says="use .tif")
        self.succeed("upscale", "a.png", "-o", "c.tif", "--alpha", "data")
        self.fail_with(INPUT, "upscale", "c.tif", "-o", "d.png", says="a channel of data beside its colours")
        self.succeed("upscale", "c.tif", "-o", "d.png", "--alpha", "transparency")

    def test_in_place(self):
        (self.folder / "in" / "deep").mkdir(parents=True)
        for name in ("a.png", "deep/b.png"):
            shutil.copy(CROP, self.folder / "in" / name)
        (self.folder / "in" / "a.png").chmod(0o640)
        self.succeed("upscale", "--in-place", "-r", "in")
        self.assertEqual(sorted(self.files()), [str(self.folder / "in" / n) for n in ("a.png", "deep/b.png")])
        for name in ("a.png", "deep/b.png"):
            self.assertEqual(png_size(self.folder / "in" / name), (190, 154))
        self.assertEqual((self.folder / "in" / "a.png").stat().st_mode & 0o777, 0o640)
        # A link stays one.
        os.symlink("in/a.png", self.folder / "link.png")
        self.succeed("upscale", "--in-place", "link.png")
        self.assertTrue((self.folder / "link.png").is_symlink())
        self.assertEqual(png_size(self.folder / "in" / "a.png"), (380, 308))
        # A hard link keeps the old picture.
        os.link(self.folder / "in" / "deep" / "b.png", self.folder / "hard.png")
        self.assertIn("other names (hard links)", self.run_program("upscale", "--in-place", "hard.png").stderr)
        self.assertEqual(png_size(self.folder / "in" / "deep" / "b.png"), (190, 154))
        # What is damaged, a film, or of a format that is not written, stays.
        whole = self.folder / "in" / "deep" / "b.png"
        damaged = self.folder / "damaged.jpg"
        self.succeed("upscale", whole, "-o", damaged)
        content = damaged.read_bytes()
        damaged.write_bytes(content[: len(content) // 2] + content[len(content) // 2 + 500 :])
        shutil.copy(CROP, self.folder / "a.dds")
        (self.folder / "a.y4m").write_bytes(b"YUV4MPEG2 W2 H2 F1:1\nFRAME\n" + bytes(6))
        for name, code, says in (("damaged.jpg", INPUT, "it was left as it is"), ("a.dds", USAGE, "cannot be written as '.dds'"),
                                 ("a.y4m", USAGE, "is a film")):  # fmt: skip
            before = (self.folder / name).read_bytes()
            self.fail_with(code, "upscale", "--in-place", name, says=says)
            self.assertEqual((self.folder / name).read_bytes(), before)
        self.fail_with(USAGE, "upscale", "--in-place", "in", "-o", "out", says="omit --output")
        self.fail_with(USAGE, "upscale", "in", says="--output is missing")
        self.fail_with(USAGE, "upscale", "in/a.png", "-o", "in/a.png", says="use --in-place")
        self.fail_with(USAGE, "upscale", "--in-place", "in", "--format", "jpg", says="omit --format")
        self.fail_with(USAGE, "upscale", "--in-place", "in", "--skip-existing", says="omit --skip-existing")
        self.fail_with(USAGE, "upscale", "--in-place", "-", says="standard input cannot be replaced")
        if os.geteuid() == 0:
            os.chown(self.folder / "in" / "a.png", 1234, 2345)
            self.succeed("upscale", "--in-place", "in/a.png")
            about = (self.folder / "in" / "a.png").stat()
            self.assertEqual((about.st_uid, about.st_gid, about.st_mode & 0o777), (1234, 2345, 0o640))

    def test_standard_streams(self):
        self.succeed("upscale", CROP, "-o", "file.png")
        expected = (self.folder / "file.png").read_bytes()
        def run(*arguments, **options):
            return self.run_program("upscale", *arguments, text=False, **options)
        with open(CROP, "rb") as file:
            result = run("-", "-o", "-", stdin=file)
        self.assertEqual((result.returncode, result.stdout), (0, expected))
        self.assertIn(b"95x77 -> 190x154", result.stderr)
        result = run("-", "-o", "-", input=CROP.read_bytes())
        self.assertEqual((result.returncode, result.stdout), (0, expected))
        # A writer that begins with a few bytes.
        process = subprocess.Popen([PROGRAM, "upscale", "-", "-o", "-", "--format", "jpg"], cwd=self.folder, stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip
        process.stdin.write(CROP.read_bytes()[:3])
        process.stdin.flush()
        time.sleep(0.3)
        output, _ = process.communicate(CROP.read_bytes()[3:])
        self.assertEqual((process.returncode, output[:3]), (0, b"\xff\xd8\xff"))
        # Films are told from pictures, and neither from nothing.
        film = b"YUV4MPEG2 W16 H16 F1:1 C420\nFRAME\n" + bytes(384)
        result = run("-", "-o", "-", input=film)
        self.assertEqual((result.returncode, result.stdout[:22]), (0, b"YUV4MPEG2 W32 H32 F1:1"))
        for nothing in (b"P", b"no picture at all"):
            self.assertNotEqual(run("-", "-o", "-", input=nothing).returncode, 0)
        result = run("-", "-o", "-", input=b"")
        self.assertEqual((result.returncode, result.stderr), (INPUT, b"fsrcnn: standard input is empty\n"))
        for several in ((CROP, CROP), (self.folder,)):
            self.fail_with(USAGE, "upscale", *several, "-o", "-", says="only one picture or film can go to standard output")
        # Files of that name are none.
        (self.folder / "-").mkdir()
        result = run("-", "-o", "-", input=CROP.read_bytes())
        self.assertEqual((result.returncode, result.stdout), (0, expected))
        with open("/dev/full", "wb") as full:
            result = subprocess.run([PROGRAM, "upscale", CROP, "-o", "-"], stdout=full, stderr=subprocess.PIPE, cwd=self.folder)
        self.assertEqual(result.returncode, IO)
        self.assertIn(b"writing to standard output failed", result.stderr)
        self.assertEqual(list(self.files()), [str(self.folder / "file.png")])

    def test_named_pipe(self):
        os.mkfifo(self.folder / "pipe.png")
        for pause_s in (0, 0.3):
            writer = subprocess.Popen(["sh", "-c", f"sleep {pause_s}; cat {CROP} > pipe.png"], cwd=self.folder)
            result = self.run_program("upscale", "pipe.png", "-o", "out.png")
            self.assertEqual((result.returncode, writer.wait()), (0, 0))
            self.assertEqual(png_size(self.folder / "out.png"), (190, 154))


if __name__ == "__main__":
    main()

"""What is a picture, and decoders that die of one: python3 decoders_test.py PROGRAM [unittest's options]"""

import os
import shutil
import signal
import struct
import subprocess
import time
import unittest
from pathlib import Path

from support.film_case import ffmpeg
from support.program import CROP, INPUT, PROGRAM, SANITIZED, ProgramTest, main, png_size


def box(name, content):
    return struct.pack(">I", 8 + len(content)) + name + content


def with_palette(jp2):
    """A gray JPEG 2000 whose samples become indices of a palette of two colours."""
    at = jp2.index(b"jp2h") - 4
    size = struct.unpack(">I", jp2[at : at + 4])[0]
    palette = box(b"pclr", b"\0\2\3\7\7\7" + bytes([255, 0, 0, 0, 0, 255]))
    mapping = box(b"cmap", b"".join(struct.pack(">HBB", 0, 1, column) for column in range(3)))
    return jp2[:at] + box(b"jp2h", jp2[at + 8 : at + size] + palette + mapping) + jp2[at + size :]


def camera_raw(path):
    """A TIFF whose picture, a thumbnail, says that the samples of the sensor are below it."""
    thumbnail = bytes(range(64))
    folder = lambda entries: struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", t, k, 1, v) for t, k, v in entries) + bytes(4)  # noqa: E731
    below = [(254, 4, 0), (256, 4, 4000), (257, 4, 3000), (259, 3, 8), (262, 3, 32803)]
    at = 8 + len(thumbnail)
    first = [(254, 4, 1), (256, 4, 8), (257, 4, 8), (258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 4, 8), (278, 4, 8), (279, 4, 64), (330, 4, at)]
    path.write_bytes(b"II*\0" + struct.pack("<I", at + len(folder(below))) + thumbnail + folder(below) + folder(first))


def stat_of(process):
    """Its state and its parent."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return "gone", 0
    return fields[0], int(fields[1])


def is_running(process):
    return stat_of(process)[0] not in ("gone", "Z", "X")


def children(process):
    every = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    return [child for child in every if stat_of(child)[1] == process.pid and is_running(child)]


class Decoders(ProgramTest):
    def make_folder(self):
        (self.folder / "in").mkdir()
        shutil.copy(CROP, self.folder / "in" / "a.png")
        ffmpeg("-i", CROP, self.folder / "in" / "b.jp2")
        ffmpeg("-i", CROP, self.folder / "in" / "c.jpg")

    def outputs(self):
        return sorted(p.name for p in (self.folder / "out").iterdir())

    def environment(self, how):
        return {**os.environ, "LD_PRELOAD": os.environ["FSRCNN_DYING_DECODER"], "FSRCNN_DECODER_DIES": how}

    @unittest.skipIf(SANITIZED, "a sanitizer's library must be loaded first")
    def test_a_decoder_that_dies_fails_alone(self):
        self.make_folder()
        for how in ("abort", "memory"):
            result = self.run_program("upscale", "in", "-o", "out", env=self.environment(how))
            self.assertEqual(result.returncode, 1, result.stderr)
            self.assertIn("'in/b.jp2' cannot be decoded: the JPEG 2000 decoder crashed (Aborted).", result.stderr)
            self.assertIn("1 of 3 inputs failed:\n  in/b.jp2 (code 3)\n", result.stderr)
            self.assertEqual(self.outputs(), ["a.png", "c.jpg"])
            self.fail_with(INPUT, "upscale", "in/b.jp2", "-o", "b.png", env=self.environment(how))
        self.succeed("upscale", "in/b.jp2", "-o", "b.png")
        self.assertEqual(png_size(self.folder / "b.png"), (190, 154))

    def wait_for(self, condition):
        end = time.monotonic() + 60
        while not condition():
            self.assertLess(time.monotonic(), end, "it does not come")
            time.sleep(0.01)

    def start_waiting(self):
        """The program in the middle of a picture, and the process whose decoder does not come to an end."""
        process = subprocess.Popen([PROGRAM, "upscale", "in/b.jp2", "-o", "b.png"], cwd=self.folder, env=self.environment("wait"), stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.stderr.close)
        self.wait_for(lambda: len(children(process)) == 1 and list(self.folder.glob(".fsrcnn.*")))
        time.sleep(0.5)  # until the trial of whether the output can be written is over
        return process, children(process)[0]

    @unittest.skipIf(SANITIZED, "a sanitizer's library must be loaded first")
    def test_a_decoder_has_few_rights(self):
        self.make_folder()
        process, decoder = self.start_waiting()
        status = Path(f"/proc/{decoder}/status").read_text()
        self.assertIn("NoNewPrivs:\t1\n", status)
        self.assertIn("Seccomp:\t2\n", status)
        self.assertNotRegex(Path(f"/proc/{decoder}/limits").read_text(), r"Max data size +unlimited")
        files = [os.readlink(f"/proc/{decoder}/fd/{number}") for number in sorted(map(int, os.listdir(f"/proc/{decoder}/fd")))]
        self.assertEqual(files[:3], ["/dev/null"] * 3)
        self.assertRegex(files[3], "^socket:")
        self.assertEqual({Path(name).name for name in files[4:]}, {"b.jp2"}, "and nothing else of the program's")
        os.kill(decoder, signal.SIGKILL)
        _, said = process.communicate()
        self.assertEqual(process.returncode, INPUT)
        self.assertIn("'in/b.jp2' cannot be decoded: the JPEG 2000 decoder was killed", said)
        self.assertEqual(list(self.folder.glob(".fsrcnn.*")), [])

    @unittest.skipIf(SANITIZED, "a sanitizer's library must be loaded first")
    def test_a_decoder_ends_with_the_program(self):
        self.make_folder()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            process, decoder = self.start_waiting()
            process.send_signal(number)
            self.assertEqual(process.wait(), -number)
            self.wait_for(lambda: not is_running(decoder))  # noqa: B023
            # What nobody could remove, the next run does.
            self.assertEqual(len(list(self.folder.glob(".fsrcnn.*"))), 1 if number == signal.SIGKILL else 0)
        self.succeed("upscale", "in/a.png", "-o", "a.png")
        self.assertEqual(list(self.folder.glob(".fsrcnn.*")), [])

    def test_closed_streams(self):
        """Their numbers are then those of other files."""
        for closed in ("<&-", ">&-", "<&- >&-"):
            script = f'"$0" upscale "$1" -o out.png {closed}'
            result = subprocess.run(["bash", "-c", script, PROGRAM, CROP], cwd=self.folder, capture_output=True, text=True)
            self.assertNotIn("cannot be decoded", result.stderr)
            self.assertEqual(png_size(self.folder / "out.png"), (190, 154))
            os.remove(self.folder / "out.png")

    def test_what_is_no_picture(self):
        (self.folder / "in").mkdir()
        shutil.copy(CROP, self.folder / "in" / "a.png")
        (self.folder / "in" / "matrix").write_text("3 3\n1 2 3\n4 5 6\n7 8 9\n")
        (self.folder / "in" / "table.csv").write_text("1,2\n3,4\n")
        result = self.run_program("upscale", "in", "-o", "out")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("2 files in 'in' skipped, neither pictures nor films: 'in/matrix', ...", result.stderr)
        self.assertEqual(self.outputs(), ["a.png"])
        (self.folder / "text.png").write_text("3 3\n1 2 3\n4 5 6\n7 8 9\n")
        self.fail_with(INPUT, "upscale", "text.png", "-o", "b.png", says="'text.png' is not a picture, or of an unsupported format; supported: JPEG, PNG, ")

    def test_what_is_refused(self):
        (self.folder / "in").mkdir()
        shutil.copy(CROP, self.folder / "in" / "a.png")
        camera_raw(self.folder / "in" / "b.dng")
        (self.folder / "in" / "c.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')
        (self.folder / "in" / "d.pdf").write_bytes(b"%PDF-1.4\n")
        ffmpeg("-i", CROP, "-pix_fmt", "gray", self.folder / "gray.jp2")
        (self.folder / "in" / "e.jp2").write_bytes(with_palette((self.folder / "gray.jp2").read_bytes()))
        result = self.run_program("upscale", "in", "-o", "out")
        self.assertEqual(result.returncode, 1)
        self.assertEqual(self.outputs(), ["a.png"])
        for says in ("'in/b.dng' is camera raw, ", "'in/c.svg' is a drawing (SVG), ", "'in/d.pdf' is a document (PDF); ",
                     "'in/e.jp2' is JPEG 2000 with a palette, ", "4 of 5 inputs failed"):  # fmt: skip
            self.assertIn(says, result.stderr)
        self.succeed("upscale", "gray.jp2", "-o", "gray.png")
        # From a pipe as from a file.
        script = '"$0" upscale <(cat "$1") -o out.png'
        for name, code, says in (("in/b.dng", INPUT, "is camera raw"), ("in/e.jp2", INPUT, "with a palette"), (CROP, 0, "")):
            result = subprocess.run(["bash", "-c", script, PROGRAM, name], cwd=self.folder, capture_output=True, text=True)
            self.assertEqual(result.returncode, code, result.stderr)
            self.assertIn(says, result.stderr)


if __name__ == "__main__":
    main()

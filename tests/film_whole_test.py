"""What is looked for in the whole film before any work: python3 film_whole_test.py PROGRAM [unittest's options]"""

import os
import struct

from support.film_case import FAST, FilmCase, decoded, ffmpeg, packets
from support.program import INPUT, USAGE, main


def put_in(mp4, path, box):
    """Appends a box to the one at the end of this path, in an MP4 whose moov stands last."""
    sizes, at, end = [], 0, len(mp4)
    for name, skip in path:
        while mp4[at + 4 : at + 8] != name:
            at += struct.unpack(">I", mp4[at : at + 4])[0]
            assert at < end
        sizes.append(at)
        end = at + struct.unpack(">I", mp4[at : at + 4])[0]
        at += 8 + skip
    data = bytearray(mp4[:end] + box + mp4[end:])
    for size in sizes:
        data[size : size + 4] = struct.pack(">I", struct.unpack(">I", data[size : size + 4])[0] + len(box))
    return bytes(data)


class FilmWholeTest(FilmCase):
    def refused(self, film, *says):
        for command in (("upscale", film, "-o", "o.mkv"), ("plan", film)):
            error = self.fail_with(INPUT, *command)
            for words in says:
                self.assertIn(words, error)

    def test_keys_that_are_none(self):
        """An MP4 without stss says that all pictures are keys."""
        for codec, options in (("libx265", ("-x265-params", "log-level=none:keyint=40:min-keyint=40:scenecut=0")), ("mpeg4", ("-g", "40", "-sc_threshold", "1000000000")),
                               ("libx264", ("-g", "40", "-keyint_min", "40", "-sc_threshold", "0"))):  # fmt: skip
            with self.subTest(codec):
                film = self.make("a.mp4", "-c:v", codec, *options, frames=70)
                data = film.read_bytes()
                self.assertEqual(data.count(b"stss"), 1)
                film.write_bytes(data.replace(b"stss", b"free"))
                self.assertEqual(self.succeed("plan", film, "--segment-frames", 10).split(), ["0:40", "40:70"])
                for output, frames in (("one.mkv", 1000), ("many.mkv", 10)):
                    self.succeed("upscale", film, "-o", output, "--codec", "ffv1", "--segment-frames", frames)
                self.assertEqual(decoded(self.folder / "one.mkv"), decoded(self.folder / "many.mkv"))

    def test_a_film_with_few_keys_goes_on(self):
        film = self.make("a.mkv", "-c:v", "libx264", "-g", "1000", "-bf", "2", "-sc_threshold", "0", frames=100)
        self.assertEqual(self.succeed("plan", film, "--segment-frames", 10).split(), ["0:40", "40:80", "80:100"])
        for output, frames in (("one.mkv", 1000), ("many.mkv", 10)):
            self.succeed("upscale", film, "-o", output, "--codec", "ffv1", "--segment-frames", frames)
        self.assertEqual(decoded(self.folder / "one.mkv"), decoded(self.folder / "many.mkv"))
        self.succeed("upscale", film, "-o", "s.nut", "--codec", "ffv1", "--frames", "40:80")
        self.assertEqual(decoded(self.folder / "s.nut"), decoded(self.folder / "one.mkv")[40 * 128 * 96 * 3 // 2 : 80 * 128 * 96 * 3 // 2])

    def test_interlacing_that_begins_later(self):
        self.make("1.ts", "-c:v", "libx264", "-bf", "0", size="64x64")
        self.make("2.ts", "-c:v", "libx264", "-bf", "0", "-flags", "+ilme+ildct", "-x264-params", "tff=1", size="64x64")
        (self.folder / "a.ts").write_bytes((self.folder / "1.ts").read_bytes() + (self.folder / "2.ts").read_bytes())
        self.assertIn("says that it is interlaced, but is not", self.run_program("upscale", "a.ts", "-o", "a.mkv", *FAST).stderr)
        # Fields with times of their own are no interlacing.
        self.make("3.mkv", "-c:v", "libx264", "-bf", "0", "-x264-params", "pic-struct=1", size="64x64")
        self.succeed("upscale", "3.mkv", "-o", "o.mkv", *FAST)

    def test_encrypted(self):
        film = self.make("a.mp4", "-c:v", "libx264", "-encryption_scheme", "cenc-aes-ctr", "-encryption_key", "0" * 31 + "1", "-encryption_kid", "0" * 31 + "2")
        self.refused(film, "is encrypted")

    def test_dolby_vision_of_its_own_colours(self):
        film = self.make("a.mp4", "-c:v", "libx265", "-x265-params", "log-level=none", "-tag:v", "hvc1", frames=5)
        path = [(name, 0) for name in (b"moov", b"trak", b"mdia", b"minf", b"stbl")] + [(b"stsd", 8), (b"hvc1", 0)]
        for profile in (5, 8):
            fields = bytes([1, 0]) + struct.pack(">HB", profile << 9 | 1 << 3 | 0b101, 0x10 if profile == 8 else 0)
            box = struct.pack(">I", 32) + b"dvcC" + fields + bytes(24 - len(fields))
            (self.folder / f"dv{profile}.mp4").write_bytes(put_in(film.read_bytes(), path, box))
        self.refused("dv5.mp4", "Dolby Vision of profile 5")
        result = self.run_program("upscale", "dv8.mp4", "-o", "o.mkv", *FAST)
        self.assertEqual((result.returncode, result.stderr), (0, "fsrcnn: note: Dolby Vision's dynamic metadata is dropped: it describes the original pictures\n"))

    # ---- names, and what exists already

    def test_a_name_that_is_no_text(self):
        film = self.make("a.mkv", frames=3)
        name = os.fsencode(self.folder) + b"/\xff\xe4.mkv"
        os.rename(film, name)
        result = self.run_program("upscale", os.fsdecode(name).encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape"), "-o", "b.mkv", "--json", text=False)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(len(packets(self.folder / "b.mkv", "v:0")), 3)

    def test_a_film_that_was_touched_is_the_same(self):
        film = self.make("a.mkv", "-c:v", "mpeg4", "-g", "10", frames=40)
        environment = {**os.environ, "LD_PRELOAD": os.environ["FSRCNN_FAILING_WRITE"]}
        command = ("upscale", film, "-o", "b.mkv", "--segment-frames", 10)
        for at in range(10, 100):
            environment["FSRCNN_FAIL_AT"] = str(at)
            self.run_program(*command, env=environment)
            if (self.folder / "b.mkv.parts" / "000001.nut").exists():
                break
        os.utime(film, (1, 1))
        self.assertIn("20 frames were already done", self.succeed(*command))

    def test_another_film_of_the_same_name_and_size_is_another(self):
        film = self.make("a.mkv", "-c:v", "rawvideo", "-g", "10", frames=400)
        self.assertGreater(film.stat().st_size, 1 << 20)
        environment = {**os.environ, "LD_PRELOAD": os.environ["FSRCNN_FAILING_WRITE"]}
        command = ("upscale", film, "-o", "b.mkv", "--segment-frames", 10, "--codec", "ffv1")
        for at in range(10, 100):
            environment["FSRCNN_FAIL_AT"] = str(at)
            self.run_program(*command, env=environment)
            if (self.folder / "b.mkv.parts" / "000001.nut").exists():
                break
        data = bytearray(film.read_bytes())
        data[-100000] ^= 1
        film.write_bytes(data)
        result = self.run_program(*command)
        self.assertEqual(result.returncode, USAGE)
        self.assertIn("the film's content differs", result.stderr)

    def test_nothing_is_overwritten_unasked(self):
        film, picture = self.make("a.mkv", frames=3), self.folder / "p.png"
        ffmpeg("-i", film, "-frames:v", "1", picture)
        for name, source in (("b.mkv", film), ("b.png", picture)):
            (self.folder / name).write_bytes(b"old")
            self.fail_with(USAGE, "upscale", source, "-o", name, overwrite=False, says="exists already; use --overwrite")
            self.succeed("upscale", source, "-o", name, "--overwrite")
            self.assertGreater((self.folder / name).stat().st_size, 100)
        (self.folder / "s.nut").write_bytes(b"old")
        self.fail_with(USAGE, "upscale", film, "-o", "s.nut", "--frames", "0:3", overwrite=False, says="--overwrite")
        self.succeed("upscale", film, "-o", "s.nut", "--frames", "0:3", "--overwrite")
        self.fail_with(USAGE, "join", film, "s.nut", "-o", "b.mkv", overwrite=False, says="--overwrite")
        self.succeed("join", film, "s.nut", "-o", "b.mkv", "--overwrite")

    def test_a_folder_is_not_named_like_a_file(self):
        (self.folder / "in").mkdir()
        self.make("in/a.mkv", frames=3)
        for name in ("seq.mkv", "seq.png"):
            self.fail_with(USAGE, "upscale", "in", "-o", name, says="is the name of a file")
        self.succeed("upscale", "in", "-o", "seq.mkv/")
        self.assertTrue((self.folder / "seq.mkv" / "a.mkv").exists())


if __name__ == "__main__":
    main()

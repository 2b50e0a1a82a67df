"""Which of a film's streams go along: python3 film_choice_test.py PROGRAM [unittest's options]"""

from support.film_case import FAST, FilmCase, ffmpeg, packets, probe
from support.program import USAGE, main


class FilmChoiceTest(FilmCase):
    def kinds(self, path):
        return [s.get("codec_name", s["codec_type"]) for s in probe(self.folder / path, "-show_streams")["streams"]]

    def lines(self, path):
        """Of subtitles: when, how long, and what."""
        text = ffmpeg("-i", self.folder / path, "-map", "0:s:0", "-f", "srt", "-").stdout.decode().replace("\r", "")
        return [block.split("\n")[1:] for block in text.strip().split("\n\n")]

    def test_streams_by_choice(self):
        film = self.film_with_everything()  # pictures, two of sound, subtitles, a font
        for options, expected in ((("--no-audio",), ["h264", "ass", "ttf"]), (("--no-subtitles",), ["h264", "aac", "aac", "ttf"]),
                                  (("--subtitles", "drop"), ["h264", "aac", "aac", "ttf"]), (("--streams", "0,2"), ["h264", "aac"]), (("--streams", "3"), ["h264", "ass"]),
                                  (("--streams", "1,2,3", "--no-audio"), ["h264", "ass"])):  # fmt: skip
            with self.subTest(options):
                self.succeed("upscale", film, "-o", "b.mkv", *options, *FAST)
                self.assertEqual(self.kinds("b.mkv"), expected)
        self.succeed("upscale", film, "-o", "b.mkv", "--streams", "0,2", *FAST)
        self.assertEqual(probe(self.folder / "b.mkv", "-show_streams")["streams"][1]["tags"]["title"], "Deutsch")
        self.fail_with(USAGE, "upscale", film, "-o", "c.mkv", "--streams", "5", says="the film has streams 0 to 4")
        self.fail_with(USAGE, "upscale", film, "-o", "c.mkv", "--streams", "one", says="--streams has 'one'")
        self.fail_with(USAGE, "upscale", film, "-o", "c.mkv", "--streams", "", says="--streams has ''")
        self.succeed("upscale", film, "-o", "s.nut", "--frames", "0:75", *FAST)
        self.succeed("join", film, "s.nut", "-o", "d.mkv", "--no-audio")
        self.assertEqual(self.kinds("d.mkv"), ["h264", "ass", "ttf"])

    def test_what_the_format_does_not_store_is_left_out_if_asked(self):
        film = self.film_with_everything()
        self.fail_with(USAGE, "upscale", film, "-o", "b.mp4", says="cannot store stream 4 (attachment ttf) of the film; use .mkv, or --drop-unknown")
        (self.folder / "s.srt").write_text("1\n00:00:00,500 --> 00:00:01,000\nHello\n")
        ffmpeg("-i", self.make("p.mkv"), "-i", self.folder / "s.srt", "-c", "copy", self.folder / "s.mkv")
        self.fail_with(USAGE, "upscale", "s.mkv", "-o", "b.nut", says="the format nut ('b.nut') cannot store stream 1 (subtitle subrip)")
        result = self.run_program("upscale", film, "-o", "b.mp4", "--drop-unknown", *FAST)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("stream 4 (attachment ttf) is dropped", result.stderr)
        self.assertIn("stream 3 (subtitle ass) is converted to mov_text", result.stderr)
        self.assertEqual(self.kinds("b.mp4")[:4], ["h264", "aac", "aac", "mov_text"])

    def test_what_nothing_stores_is_no_reason_to_refuse(self):
        film = self.folder / "a.mov"
        ffmpeg("-i", self.make("p.mkv", "-c:v", "libx264"), "-f", "lavfi", "-i", "sine=d=1", "-f", "lavfi", "-i", "sine=d=1", "-map", "0", "-map", "1", "-map", "2",
               "-c:v", "copy", "-c:a", "aac", film)  # fmt: skip
        data = film.read_bytes()
        at = -1
        for _ in range(3):
            at = data.index(b"stsd", at + 1)
        film.write_bytes(data[: at + 16] + b"apac" + data[at + 20 :].replace(b"esds", b"free", 1))
        self.assertNotIn("codec_name", probe(film, "-show_streams")["streams"][2])
        for output in ("b.mkv", "b.mp4", "b.mov", "b.ts"):
            with self.subTest(output):
                result = self.run_program("upscale", film, "-o", output, *FAST)
                self.assertEqual(result.returncode, 0, result.stderr)
                self.assertIn("stream 2 (audio none) is dropped", result.stderr)
                self.assertEqual(self.kinds(output), ["h264", "aac"])

    def test_subtitles_become_what_the_format_stores(self):
        (self.folder / "s.srt").write_text("1\n00:00:00,500 --> 00:00:01,000\nHello <i>you</i>\n\n2\n00:00:01,200 --> 00:00:02,750\nTwo\nlines\n")
        pictures = self.make("p.mkv", "-c:v", "libx264", frames=75)
        vp9 = self.make("p.webm", "-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", frames=75)
        right = [["00:00:00,500 --> 00:00:01,000", "Hello <i>you</i>"], ["00:00:01,200 --> 00:00:02,750", "Two", "lines"]]
        for source, codec, output, becomes in (("a.mkv", "srt", "b.mp4", "mov_text"), ("a.mkv", "ass", "b.mov", "mov_text"), ("a.mp4", "mov_text", "b.mkv", "subrip"),
                                               ("a.mp4", "mov_text", "b.mp4", "mov_text"), ("a.mkv", "webvtt", "b.mp4", "mov_text"), ("a.mkv", "srt", "b.mkv", "subrip"),
                                               ("w.mkv", "srt", "b.webm", "webvtt")):  # fmt: skip
            with self.subTest(f"{codec} in {source} to {output}"):
                film = self.folder / source
                ffmpeg("-i", vp9 if source == "w.mkv" else pictures, "-i", self.folder / "s.srt", "-c:v", "copy", "-c:s", codec, "-metadata:s:s:0", "language=fra", film)
                result = self.run_program("upscale", film, "-o", output, *([] if source == "w.mkv" else FAST))
                self.assertEqual(result.returncode, 0, result.stderr)
                self.assertEqual(f"is converted to {becomes}" in result.stderr, becomes != codec.replace("srt", "subrip"), result.stderr)
                self.assertEqual(self.kinds(output)[1], becomes)
                self.assertEqual(probe(self.folder / output, "-show_streams")["streams"][1]["tags"]["language"], "fra")
                clean = [[line.removesuffix("</font>").split('">')[-1] if "<font" in line else line for line in block] for block in self.lines(output)]
                self.assertEqual(clean, right)
        self.fail_with(USAGE, "upscale", self.folder / "w.mkv", "-o", "c.webm", "--subtitles", "copy", says="cannot store stream 1 (subtitle subrip)")

    def test_subtitles_of_a_recording_that_begins_late(self):
        (self.folder / "s.srt").write_text("1\n00:00:00,500 --> 00:00:01,000\nHello\n")
        film = self.folder / "a.mkv"
        ffmpeg("-i", self.make("p.mkv", "-c:v", "mpeg4", frames=50), "-i", self.folder / "s.srt", "-c:v", "copy", "-c:s", "srt", "-output_ts_offset", "100", film)
        for output in ("b.mkv", "b.mp4"):
            self.succeed("upscale", film, "-o", output)
            self.assertEqual(packets(self.folder / output, "v:0")[0][0], 0)
            self.assertEqual(self.lines(output)[0][0], "00:00:00,500 --> 00:00:01,000")


if __name__ == "__main__":
    main()

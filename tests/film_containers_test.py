"""Films in files of all kinds: python3 film_containers_test.py PROGRAM [unittest's options]"""

from support.film_case import FAST, FilmCase, decoded, ffmpeg, packets, probe
from support.program import INPUT, SANITIZED, USAGE, main


class FilmContainersTest(FilmCase):
    def test_pictures_can_be_decoded_from_every_kind_of_file(self):
        """Some want the codec's headers in the packets; some write what nobody can read."""
        film = self.make("a.mkv", "-c:v", "libx264", "-bf", "2", frames=12)
        for codec, suffixes in (("h264", "ts m2ts mpg vob h264 avi mxf flv mov nut"), ("hevc", "ts mpg hevc mp4"), ("mpeg4", "ts mpg avi m4v mp4"), ("mpeg2video", "ts mpg vob m2v mxf")):
            for suffix in suffixes.split()[: 2 if SANITIZED else None]:
                with self.subTest(f"{codec} {suffix}"):
                    self.succeed("upscale", film, "-o", f"b.{suffix}", "--codec", codec, *(FAST if codec in ("h264", "hevc") else []))
                    self.assertEqual(self.video(self.folder / f"b.{suffix}")["codec_name"], codec)
                    frames = ffmpeg("-i", self.folder / f"b.{suffix}", "-fps_mode", "passthrough", "-f", "framecrc", "-").stdout.decode()
                    # Without B-frames' times of their own FFmpeg gives the last one away.
                    self.assertIn(sum(line.startswith("0,") for line in frames.splitlines()), (12, 11) if suffix == "mxf" else (12,))
        self.assertEqual((self.folder / "b.m2ts").stat().st_size % 192, 0)
        for codec, suffixes in (("ffv1", "ts mpg"), ("libvpx-vp9", "ts m2ts mpg"), ("mjpeg", "ts vob"), ("h264", "cavs avs m2v")):
            for suffix in suffixes.split():
                with self.subTest(f"{codec} {suffix}"):
                    self.fail_with(USAGE, "upscale", film, "-o", f"c.{suffix}", "--codec", codec, says=" pictures; use .mkv")

    def test_sound_that_a_transport_stream_would_make_data_of(self):
        pictures = self.make("p.mkv", "-c:v", "mpeg2video")
        for codec, suffixes in (("flac", "ts mpg"), ("pcm_s16le", "ts"), ("libvorbis", "m2ts"), ("aac", "mpg")):
            film = self.folder / "a.mkv"
            ffmpeg("-i", pictures, "-f", "lavfi", "-i", "sine=d=1", "-c:v", "copy", "-c:a", codec, film)
            for suffix in suffixes.split():
                self.fail_with(USAGE, "upscale", film, "-o", f"b.{suffix}", says=f"stream 1 (audio {codec.removeprefix('lib')})")
        ffmpeg("-i", pictures, "-f", "lavfi", "-i", "sine=d=1", "-c:v", "copy", "-c:a", "wmav2", film)
        result = self.run_program("upscale", film, "-o", "c.nut")
        self.assertEqual(result.returncode, 1)
        self.assertIn("only 0 of 1 audio streams in 'c.nut' can be decoded", result.stderr)

    def test_avi_has_a_rate(self):
        """What is no frame there would be an empty packet, and it has no times for B-frames."""
        film = self.make("a.mkv", "-c:v", "libx264", "-bf", "2", frames=20)
        for codec in ("h264", "mpeg4"):
            self.succeed("upscale", film, "-o", "b.avi", "--codec", codec)
            self.assertEqual((self.video(self.folder / "b.avi")["avg_frame_rate"], self.video(self.folder / "b.avi")["nb_frames"]), ("25/1", "20"))
            self.succeed("upscale", "b.avi", "-o", "c.mkv")
            self.assertEqual([t for t, _ in packets(self.folder / "c.mkv", "v:0")], [i / 25 for i in range(20)])
        self.succeed("upscale", film, "-o", "s.nut", "--frames", "0:20")
        self.fail_with(USAGE, "join", film, "s.nut", "-o", "d.avi", says="does not store when pictures with B-frames are shown")

    def test_sound_that_an_edit_list_hides_stays_hidden(self):
        whole, film = self.folder / "whole.mp4", self.folder / "a.mp4"
        ffmpeg("-i", self.make("p.mkv", "-c:v", "libx264", "-g", "25", frames=50), "-f", "lavfi", "-i", "sine=d=2", "-c:v", "copy", "-c:a", "aac", whole)
        ffmpeg("-ss", "0.5", "-i", whole, "-t", "1", "-c", "copy", film)
        for output in ("b.mkv", "b.mp4"):
            self.succeed("upscale", film, "-o", output, *FAST)
            sound = len(ffmpeg("-i", self.folder / output, "-map", "0:a", "-f", "s16le", "-").stdout) / 2 / 44100
            self.assertLess(sound, 1.1)
            start = {s["codec_type"]: float(s["start_time"]) for s in probe(self.folder / output, "-show_streams")["streams"]}
            self.assertLess(abs(start["video"] - start["audio"]), 0.05)

    def test_a_size_that_changes_where_a_segment_begins(self):
        for name, size, offset in (("1.ts", "64x48", "0"), ("2.ts", "80x48", "0.96")):
            self.make(name, "-c:v", "libx264", "-g", "12", "-bf", "0", "-output_ts_offset", offset, size=size)
        (self.folder / "a.ts").write_bytes((self.folder / "1.ts").read_bytes() + (self.folder / "2.ts").read_bytes())
        result = self.run_program("upscale", "a.ts", "-o", "b.mkv", "--codec", "ffv1", "--segment-frames", 24)
        self.assertEqual(result.returncode, INPUT, result.stderr)
        self.assertRegex(result.stderr, r"change from 64x48 to 80x48 mid-stream.*Cut the film there, at (0.9|1.0)")

    def test_tags_of_mov(self):
        deep = self.make("deep.mkv", "-c:v", "ffv1", frames=3, pixels="yuv444p10le")
        self.succeed("upscale", deep, "-o", "a.mov", "--codec", "prores")
        self.assertEqual(self.video(self.folder / "a.mov")["codec_tag_string"], "ap4h")
        film = self.make("b.mp4", "-c:v", "libx265", "-x265-params", "log-level=none", "-tag:v", "hvc1", frames=3)
        self.succeed("upscale", film, "-o", "c.mp4", *FAST)
        self.assertEqual(self.video(self.folder / "c.mp4")["codec_tag_string"], "hvc1")
        ffmpeg("-i", film, "-c", "copy", "-metadata", "com.apple.quicktime.make=Nobody", "-movflags", "use_metadata_tags", self.folder / "d.mov")
        self.succeed("upscale", "d.mov", "-o", "e.mov", *FAST)
        self.assertEqual(probe(self.folder / "e.mov", "-show_format")["format"]["tags"]["com.apple.quicktime.make"], "Nobody")

    def test_tags_that_tell_the_kind_of_pixels(self):
        """Of several codecs nothing else does."""
        for codec, suffix, pixels in (("utvideo", "mkv", "yuv420p"), ("utvideo", "avi", "yuv422p"), ("utvideo", "mkv", "gbrp"), ("utvideo", "mov", "yuv420p"),
                                      ("speedhq", "avi", "yuv422p"), ("rawvideo", "avi", "yuv422p"), ("rawvideo", "mkv", "yuv420p"),
                                      ("qtrle", "mov", "rgb24"), ("qtrle", "mov", "argb")):  # fmt: skip
            with self.subTest(f"{codec} {suffix} {pixels}"):
                film, output = self.make("a.mkv", frames=2, pixels=pixels), self.folder / f"b.{suffix}"
                self.succeed("upscale", film, "-o", output, "--codec", codec)
                self.succeed("upscale", film, "-o", "c.mkv", "--codec", "ffv1")
                self.assertEqual((self.video(output)["codec_name"], self.video(output)["pix_fmt"]), (codec, pixels))
                given, expected = decoded(output, pixels), decoded(self.folder / "c.mkv", pixels)
                self.assertEqual(len(given), len(expected))
                self.assertLess(sum(abs(a - b) for a, b in zip(given, expected)) / len(given), 2 if codec == "speedhq" else 1e-9)

    def test_what_only_the_head_of_a_container_refuses_is_said_before_any_work(self):
        film = self.make("a.mkv", frames=2)
        self.fail_with(USAGE, "upscale", film, "-o", "b.mxf", "--codec", "mpeg4", says="codec not currently supported in container")
        self.fail_with(USAGE, "upscale", film, "-o", "b.mov", "--codec", "rawvideo", says="cannot store these rawvideo pictures")
        rgb = self.make("rgb.mkv", frames=2, pixels="gbrp")
        self.fail_with(USAGE, "upscale", rgb, "-o", "b.mkv", "--codec", "qtrle", says="cannot store these qtrle pictures; use .mov, or")

    def test_programs_of_transport_streams(self):
        film = self.folder / "a.ts"
        ffmpeg("-i", self.make("p.mkv", "-c:v", "mpeg2video"), "-f", "lavfi", "-i", "sine=d=1", "-c:v", "copy", "-c:a", "mp2",
               "-program", "title=TV1:program_num=7:st=0:st=1", "-metadata:p:0", "service_provider=ACME", film)  # fmt: skip
        self.succeed("upscale", film, "-o", "b.ts")
        programs = [[(p["program_id"], p["pmt_pid"], p["tags"], [s["id"] for s in p["streams"]]) for p in probe(path, "-show_programs")["programs"]]
                    for path in (film, self.folder / "b.ts")]  # fmt: skip
        self.assertEqual(*programs)
        self.assertEqual((programs[0][0][0], programs[0][0][2]), (7, {"service_name": "TV1", "service_provider": "ACME"}))

    def test_an_output_that_is_a_link_is_followed(self):
        film = self.make("a.mkv", "-c:v", "libx264", frames=3)
        (self.folder / "there").mkdir()
        (self.folder / "link.mkv").symlink_to("there/b.mkv")
        self.succeed("upscale", film, "-o", "link.mkv", *FAST)
        self.assertTrue((self.folder / "link.mkv").is_symlink())
        self.assertEqual(len(packets(self.folder / "there" / "b.mkv", "v:0")), 3)
        self.assertEqual([p.name for p in (self.folder / "there").iterdir()], ["b.mkv"])


if __name__ == "__main__":
    main()

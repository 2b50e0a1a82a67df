"""What encoders make of few pictures, and of memory that others have used: python3 film_encoders_test.py PROGRAM [unittest's
options]. With FSRCNN_SWEEP=1, of every encoder and at many sizes."""

import hashlib
import os

from support.film_case import FilmCase, decoded, ffmpeg, packets
from support.program import USAGE, main

SWEEP = bool(os.environ.get("FSRCNN_SWEEP"))
ENCODERS = {"libx264": ("--preset", "veryfast"), "libx265": ("--preset", "ultrafast"), "mpeg2video": (), "libsvtav1": ("--preset", "12")}  # fmt: skip
OTHERS = {"mpeg4": (), "mpeg1video": (), "libvpx": ("--encoder-option", "cpu-used=4"), "libvpx-vp9": ("--encoder-option", "deadline=realtime"),
          "libaom-av1": ("--encoder-option", "cpu-used=8"), "ffv1": (), "mjpeg": (), "prores_ks": (), "libtheora": (), "utvideo": (), "huffyuv": (), "flv": ()}  # fmt: skip
SIZES = ("16x16", "33x19") if not SWEEP else [f"{w}x{h}" for w, h in
    ((16, 16), (17, 17), (31, 33), (40, 22), (48, 27), (50, 50), (53, 31), (64, 36), (65, 65), (72, 40), (80, 45), (82, 46), (88, 72), (90, 50), (95, 71), (96, 54), (97, 53), (99, 80), (100, 75), (60, 80))]  # fmt: skip


class FilmEncodersTest(FilmCase):
    def encoders(self):
        return (ENCODERS | OTHERS if SWEEP else ENCODERS).items()

    def perturbed(self, byte, *arguments):
        result = self.run_program(*arguments, env={**os.environ, "MALLOC_PERTURB_": str(byte)})
        self.assertEqual(result.returncode, 0, result.stderr)

    def test_one_two_and_three_pictures(self):
        for codec, options in self.encoders():
            pixels = {"prores_ks": "yuv422p10le", "mjpeg": "yuvj420p", "huffyuv": "yuv422p"}.get(codec, "yuv420p")
            film = self.make("a.mkv", frames=4, pixels=pixels)
            for count in (1, 2, 3):
                with self.subTest(f"{codec}, {count}"):
                    self.perturbed(1, "upscale", film, "-o", "s.nut", "--frames", f"0:{count}", "--codec", codec, *options)
                    self.assertEqual(len(packets(self.folder / "s.nut", "v:0")), count)
                    short = self.make("short.mkv", frames=count, pixels=pixels)
                    self.perturbed(1, "upscale", short, "-o", "c.mkv", "--codec", codec, *options)
                    self.assertEqual([t for t, _ in packets(self.folder / "c.mkv", "v:0")], [i / 25 for i in range(count)])

    def test_pictures_that_stay(self):
        """libtheora makes empty packets of them, which no container keeps."""
        ffmpeg("-f", "lavfi", "-i", "color=gray:s=90x70:r=25:d=0.12,format=yuv420p", "-c:v", "ffv1", self.folder / "a.mkv")
        for name in ("b.mkv", "b.ogv"):
            self.perturbed(1, "upscale", "a.mkv", "-o", name, "--codec", "libtheora")
            pictures = decoded(self.folder / name)
            size = 180 * 140 * 3 // 2
            self.assertEqual(pictures, 3 * pictures[:size])

    def test_quality_beyond_the_range(self):
        film = self.make("a.mkv", frames=1)
        for codec, most in (("libx264", 51), ("libx265", 51), ("libvpx-vp9", 63)):
            self.fail_with(USAGE, "upscale", film, "-o", "b.mkv", "--codec", codec, "--crf", "90", says=f"--crf is 90, but the encoder {codec} has 0 to {most}")
        self.fail_with(USAGE, "upscale", film, "-o", "b.mkv", "--quality", "90", "--tile", says="--quality, --tile are for pictures; films have --crf")

    def test_a_key_frame_at_the_end_is_no_segment(self):
        film = self.make("a.mkv", "-c:v", "mpeg4", "-g", "10", frames=21, size="32x24")
        self.assertEqual(self.succeed("plan", film, "--segment-frames", 10).split(), ["0:10", "10:21"])
        self.perturbed(1, "upscale", film, "-o", "b.mkv", "--segment-frames", 10, "--codec", "libx265", "--preset", "ultrafast")
        self.assertEqual(len(packets(self.folder / "b.mkv", "v:0")), 21)

    def test_without_its_device_a_hardware_encoder_says_so(self):
        film = self.make("a.mkv", frames=3, size="64x48")
        for codec in ("h264_nvenc", "hevc_vaapi", "h264_qsv", "h264_v4l2m2m"):
            with self.subTest(codec):
                result = self.run_program("upscale", film, "-o", f"{codec}.mkv", "--codec", codec)
                if result.returncode != 0:  # else this machine has the device
                    self.assertEqual(result.returncode, USAGE, result.stderr)
                    self.assertRegex(result.stderr, f"the encoder {codec} .*needs a device .*; --codec libx26[45] needs none")
                    self.assertEqual(list(self.folder.glob(f"{codec}*")), [])

    def test_the_same_bytes_whatever_the_memory_was(self):
        for size in SIZES:
            film = self.make("a.mkv", frames=12, size=size)
            for codec, options in self.encoders():
                if codec in ("prores_ks", "huffyuv") or (codec == "libsvtav1" and min(map(int, size.split("x"))) < 32):
                    continue
                with self.subTest(f"{codec} {size}"):
                    sums = set()
                    for byte in (0, 85, 255):
                        self.perturbed(byte, "upscale", film, "-o", "s.nut", "--frames", "0:12", "--codec", codec, *options)
                        sums.add(hashlib.sha256((self.folder / "s.nut").read_bytes()).hexdigest())
                    self.assertEqual(len(sums), 1)


if __name__ == "__main__":
    main()

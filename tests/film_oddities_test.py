"""Films that are unlike most, and outputs that cannot keep all of a film: python3 film_oddities_test.py PROGRAM [unittest's
options]"""

import json
import signal
import subprocess
import time

from support.film_case import FAST, FilmCase, decoded, ffmpeg, packets, probe, sited
from support.program import INPUT, PROGRAM, USAGE, main


class FilmOdditiesTest(FilmCase):
    # ---- what is known late, or changes

    def test_pixels_that_are_known_only_when_a_picture_is_decoded(self):
        """Nothing of the beginning can be decoded, so that probing ends without a pixel format."""
        film = self.make("a.mkv", "-c:v", "mjpeg", frames=200, pixels="yuvj420p")
        data = bytearray(film.read_bytes())
        for packet in probe(film, "-show_entries", "packet=pos,size")["packets"][:180]:
            begin, size = int(packet["pos"]), int(packet["size"])
            data[begin + 12 : begin + size] = b"U" * (size - 12)
        film.write_bytes(data)
        result = self.run_program("upscale", film, "-o", "b.mkv", "--json")
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertEqual(json.loads(result.stdout)["inputs"][0]["frames"], 20)

    def test_pixel_aspect_that_changes(self):
        """All segments have the first one's, so that they fit together."""
        for name, aspect in (("a.ts", "4:3"), ("b.ts", "16:9")):
            self.make(name, "-c:v", "mpeg2video", "-aspect", aspect, "-g", "12")
        ffmpeg("-i", f"concat:{self.folder}/a.ts|{self.folder}/b.ts", "-c", "copy", self.folder / "c.ts")
        result = self.run_program("upscale", "c.ts", "-o", "d.mkv", "--codec", "h264", "--segment-frames", 12, *FAST)
        note = "fsrcnn: note: the pictures' aspect changes from 4:3 to 16:9 at 0.96 s; the output keeps the first\n"
        # FFmpeg's decoder never gives the last picture before such a change.
        self.assertEqual((result.returncode, result.stderr), (1, note + "fsrcnn: note: 1 frame of the film could not be decoded and is missing\n"))
        self.assertEqual(self.run_program("plan", "c.ts").stderr, note)
        self.assertEqual(self.video(self.folder / "a.ts")["sample_aspect_ratio"], self.video(self.folder / "d.mkv")["sample_aspect_ratio"])

    # ---- files that tell less than others

    def test_times_of_decoding_only(self):
        """AVI has no others, and MPEG-PS none for most B-pictures."""
        for name, codec in (("a.avi", ("-c:v", "mpeg4", "-bf", "2")), ("a.mpg", ("-c:v", "mpeg2video", "-bf", "2", "-b:v", "1M"))):
            with self.subTest(name):
                film = self.make(name, *codec, "-g", "12", frames=60)
                for output, frames in (("one.mkv", 1000), ("many.mkv", 12)):
                    self.succeed("upscale", film, "-o", output, "--codec", "ffv1", "--segment-frames", frames)
                self.assertEqual(len(packets(self.folder / "many.mkv", "v:0")), 60)
                self.assertEqual(decoded(self.folder / "one.mkv"), decoded(self.folder / "many.mkv"))
        self.succeed("upscale", "a.mpg", "-o", "b.mpg", "--segment-frames", 12)
        self.assertEqual(len(decoded(self.folder / "b.mpg")), 60 * 128 * 96 * 3 // 2)

    def test_pictures_before_the_first_key(self):
        """A cut of a longer film may show them first; nothing that follows is lost."""
        whole = self.make("whole.ts", "-c:v", "mpeg2video", "-bf", "2", "-g", "15", "-b:v", "1M", frames=75)
        film = self.folder / "cut.ts"
        ffmpeg("-ss", "0.7", "-i", whole, "-c", "copy", film)
        times = [t for t, _ in packets(film, "v:0")]
        key = min(float(p["pts_time"]) for p in probe(film, "-show_entries", "packet=pts_time,flags")["packets"] if "K" in p["flags"])
        self.assertLess(times[0], key)
        self.succeed("upscale", film, "-o", "b.mkv", "--codec", "ffv1", "--segment-frames", 20)
        self.assertGreaterEqual(len(packets(self.folder / "b.mkv", "v:0")), sum(t >= key for t in times))

    def test_pictures_that_come_back_bit_by_bit(self):
        """After a recovery point of H.264 no picture is whole for a while; none may be lost between segments."""
        film = self.make("a.mkv", "-c:v", "libx264", "-g", "12", "-x264-params", "intra-refresh=1:bframes=0", frames=60)
        self.assertGreater(len(self.succeed("plan", film, "--segment-frames", 12).split()), 3)
        for output, frames in (("one.mkv", 1000), ("many.mkv", 12)):
            self.succeed("upscale", film, "-o", output, "--codec", "ffv1", "--segment-frames", frames)
        self.assertEqual(decoded(self.folder / "one.mkv"), decoded(self.folder / "many.mkv"))

    def test_raw_pictures_have_a_rate(self):
        """YUV4MPEG2 has no times: what it cannot keep is told."""
        film = self.film_with_everything()
        result = self.run_program("upscale", film, "-o", "a.y4m")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("stream 1 (audio aac) is dropped", result.stderr)
        self.assertNotIn("rate", result.stderr)
        self.assertIn(b" F25:1 ", (self.folder / "a.y4m").read_bytes()[:60])
        ffmpeg("-i", film, "-vf", "setpts=(N*40+N*N)/1000/TB", "-fps_mode", "vfr", "-frames:v", "40", "-c:v", "ffv1", "-an", "-sn", self.folder / "v.mkv")
        result = self.run_program("upscale", "v.mkv", "-o", "v.y4m")
        self.assertIn("variable frame rate", result.stderr)
        self.assertEqual(len(decoded(self.folder / "v.y4m")), 40 * 128 * 96 * 3 // 2)

    def test_signals_are_heard_while_nothing_comes(self):
        process = subprocess.Popen([PROGRAM, "upscale", "-", "-o", "a.mkv"], cwd=self.folder, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        process.stdin.write(b"YUV4MPEG2 W16 H16 F25:1 C420\n")
        process.stdin.flush()
        time.sleep(2)  # until it reads, on a busy machine too
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(timeout=10), 128 + signal.SIGTERM)
        process.communicate()

    # ---- sound

    def test_sound_in_packets_shorter_than_the_clock_does_not_drift(self):
        """TrueHD has 1200 packets in a second, Matroska a clock of 1000 steps."""
        pictures, film = self.make("p.mkv", "-c:v", "libx264", frames=50), self.folder / "a.mkv"
        ffmpeg("-i", pictures, "-f", "lavfi", "-i", "sine=d=2:r=48000", "-c:v", "copy", "-c:a", "truehd", "-strict", "-2", film)
        self.succeed("upscale", film, "-o", "b.mkv", *FAST)
        self.assertEqual(packets(film, "a:0"), packets(self.folder / "b.mkv", "a:0"))

    def test_sound_that_begins_late_is_told_before_any_work(self):
        for name in ("a.ts", "c.ts"):
            self.make(name, "-c:v", "mpeg2video", "-b:v", "3M", "-g", "12", frames=600)
        pictures, sound = self.make("p.mkv", "-c:v", "mpeg2video", "-g", "12"), self.folder / "b.ts"
        ffmpeg("-i", pictures, "-f", "lavfi", "-i", "sine=d=1", "-c:v", "copy", "-c:a", "mp2", "-output_ts_offset", "24", sound)
        film = self.folder / "film.ts"
        film.write_bytes((self.folder / "a.ts").read_bytes() + sound.read_bytes())
        self.fail_with(INPUT, "upscale", film, "-o", "o.mkv", says="starts too late")

    def test_opus_keeps_its_place_among_the_pictures(self):
        """Its first packets are before time 0, from which Matroska's readers and writers have their own views."""
        sound = ("-f", "lavfi", "-i", "sine=d=1", "-c:a", "libopus", "-c:v")
        pictures = self.make("p.mkv")
        for suffix, codec in (("webm", "libvpx-vp9"), ("mkv", "libx264"), ("mp4", "libx264")):
            film = self.folder / f"a.{suffix}"
            ffmpeg("-i", pictures, *sound, codec, film)
            for output in sorted({f"b.{suffix}", "b.mkv", "b.mp4"}):
                with self.subTest(f"{film.name} {output}"):
                    self.succeed("upscale", film, "-o", output)
                    old, new = ([packets(self.folder / p, stream)[0][0] for stream in ("v:0", "a:0")] for p in (film, output))
                    self.assertAlmostEqual(old[0] - old[1], new[0] - new[1], delta=0.0011)
                    self.assertEqual(len(packets(film, "a:0")), len(packets(self.folder / output, "a:0")))

    # ---- encoders

    def test_av1(self):
        """SVT-AV1 must be told the end before it is closed, or it waits for ever."""
        film = self.make("a.mkv", "-c:v", "libx264", "-g", "5", size="64x64", frames=10)
        self.succeed("upscale", film, "-o", "b.mkv", "--codec", "av1", "--segment-frames", 5)
        self.assertEqual(self.video(self.folder / "b.mkv")["codec_name"], "av1")
        self.assertEqual(packets(film, "v:0"), packets(self.folder / "b.mkv", "v:0"))
        self.fail_with(USAGE, "upscale", film, "-o", "c.mkv", "--codec", "av1", "--encoder-option", "nonsense=1", says="nonsense")

    def test_headers_that_come_with_the_first_packet(self):
        film = self.make("a.mkv", "-c:v", "libx264", size="64x64", frames=3)
        for codec, options in (("libaom-av1", ("--encoder-option", "cpu-used=8")), ("librav1e", ("--encoder-option", "speed=10"))):
            for suffix in ("mkv", "mp4"):
                with self.subTest(f"{codec} {suffix}"):
                    output = self.folder / f"b.{suffix}"
                    self.succeed("upscale", film, "-o", output, "--codec", codec, *options)
                    self.assertGreater(self.video(output)["extradata_size"], 0)
                    self.assertEqual(len(decoded(output)), 3 * 128 * 128 * 3 // 2)

    def test_the_family_has_another_encoder_or_profile_for_these_pixels(self):
        for name, size, pixels, codec in (("a.mkv", "64x48", "gbrp", ("libx264rgb",)), ("a.mkv", "64x48", "yuv444p", ("libaom-av1", "-cpu-used", "8")),
                                          ("a.mkv", "64x48", "gray", ("libaom-av1", "-cpu-used", "8")), ("a.mov", "256x120", "yuv422p", ("dnxhd", "-profile:v", "dnxhr_sq")),
                                          ("a.mov", "256x120", "yuv422p10le", ("dnxhd", "-profile:v", "dnxhr_hqx")),
                                          ("a.mov", "256x120", "yuv444p10le", ("dnxhd", "-profile:v", "dnxhr_444"))):  # fmt: skip
            with self.subTest(f"{codec[0]} {pixels}"):
                film = self.make(name, "-c:v", *codec, frames=2, filters=f",scale={size.replace('x', ':')}", pixels="bgr24" if pixels == "gbrp" else pixels)
                output = self.folder / f"b{film.suffix}"
                self.succeed("upscale", film, "-o", output)
                old, new = self.video(film), self.video(output)
                self.assertEqual(old["pix_fmt"], pixels)
                for key in ("codec_name", "codec_tag_string", "profile", "pix_fmt", "color_range"):
                    self.assertEqual(old.get(key), new.get(key), key)
                self.assertEqual(len(decoded(output, "gray")), 2 * 4 * int(size.split("x")[0]) * int(size.split("x")[1]))

    def test_raw_pictures_are_kept_without_loss(self):
        for name, pixels, kept in (("a.mkv", "yuv422p", "yuv422p"), ("a.avi", "bgr24", "bgr0"), ("a.mov", "uyvy422", "yuv422p")):
            with self.subTest(name):
                film = self.make(name, "-c:v", "rawvideo", frames=2, pixels=pixels)
                result = self.run_program("upscale", film, "-o", f"b{film.suffix}")
                self.assertEqual(result.returncode, 0, result.stderr)
                self.assertIn("the film's pictures are raw; they are encoded with ffv1", result.stderr)
                video = self.video(self.folder / f"b{film.suffix}")
                self.assertEqual((video["codec_name"], video["pix_fmt"]), ("ffv1", kept))

    def test_what_an_encoder_says_is_told(self):
        self.fail_with(USAGE, "upscale", self.make("a.mkv", frames=2, pixels="yuv422p"), "-o", "b.mov", "--codec", "dnxhd", says="at least 256x120")

    def test_encoders_with_a_quantizer_are_not_starved(self):
        """FFmpeg's default is 200 kb/s; the mean error against an output without loss stays small."""
        noise = ",noise=alls=60:allf=t"
        for codec, chosen, most in (("mpeg2video", (), 2.6), ("mpeg4", (), 2.6), ("libtheora", (), 2.6), ("ffv1", ("--codec", "libaom-av1"), 4)):
            with self.subTest(codec):
                film = self.make("a.mkv", "-c:v", codec, "-q:v", "10" if codec == "libtheora" else "2", size="80x64", filters=noise)
                pixels = []
                for output, options in (("b.mkv", chosen), ("c.mkv", ("--codec", "ffv1"))):
                    self.succeed("upscale", film, "-o", output, *options)
                    pixels.append(decoded(self.folder / output, "gray"))
                self.assertLess(sum(abs(a - b) for a, b in zip(*pixels)) / len(pixels[0]), most)

    def test_pictures_that_the_encoder_leaves_out_are_told(self):
        """To keep a rate that is too low."""
        film = self.make("a.mkv", frames=12)
        low = [text for key in ("b", "minrate", "maxrate", "bufsize") for text in ("--encoder-option", f"{key}=1k")]
        for options in (("-o", "b.mkv"), ("-o", "b.nut", "--frames", "0:12")):
            result = self.run_program("upscale", film, *options, "--codec", "libvpx", "--encoder-option", "drop-threshold=100", *low)
            left = 12 - len(packets(self.folder / options[1], "v:0"))
            self.assertGreater(left, 0)
            self.assertEqual(result.returncode, 1, result.stderr)
            self.assertIn(f"{left} frames were dropped by the encoder", result.stderr)
        result = self.run_program("join", film, "b.nut", "-o", "c.mkv")
        self.assertIn(f"lacks {left} of the frames 0:12", result.stderr)
        self.assertEqual(result.returncode, 1)

    def test_transparency_of_vp8_and_vp9_is_kept(self):
        """It is a second coding beside each packet."""
        alpha_of = lambda path, *decoder: ffmpeg(*decoder, "-i", path, "-vf", "alphaextract,format=gray", "-f", "rawvideo", "-").stdout  # noqa: E731
        for codec in ("libvpx", "libvpx-vp9"):
            with self.subTest(codec):
                film = self.folder / "a.webm"
                ffmpeg("-f", "lavfi", "-i", "color=red:s=32x32:d=1,format=yuva420p,geq=lum=128:cb=128:cr=128:a=X*7+N", "-auto-alt-ref", "0",
                       "-g", "6", "-crf", "8", "-b:v", "0", "-c:v", codec, film)  # fmt: skip
                for output in ("b.webm", "b.mkv"):
                    self.succeed("upscale", film, "-o", output, "--segment-frames", 6)
                    self.assertEqual(self.video(self.folder / output)["tags"]["alpha_mode"], "1")
                    alpha = alpha_of(self.folder / output, "-c:v", codec)
                    self.assertEqual(len(alpha), 25 * 64 * 64)
                    for n in range(25):
                        row = alpha[64 * (64 * n + 32) :][:64]
                        self.assertLess(max(abs(row[x] - 3.5 * (x - 0.5) - n) for x in range(4, 60)), 6)
                self.succeed("upscale", film, "-o", "c.mkv", "--codec", "ffv1")
                self.assertEqual(len(alpha_of(self.folder / "c.mkv")), 25 * 64 * 64)
                self.fail_with(USAGE, "upscale", film, "-o", "d.avi", says="use .webm or .mkv")
                # Parts made apart have it too; one without does not fit.
                ranges = self.succeed("plan", film, "--segment-frames", 6).split()
                for i, frames in enumerate(ranges):
                    self.succeed("upscale", film, "-o", f"{i}.nut", "--frames", frames)
                parts = [f"{i}.nut" for i in range(len(ranges))]
                self.succeed("join", film, *parts, "-o", "e.webm")
                self.assertEqual((self.folder / "b.webm").read_bytes(), (self.folder / "e.webm").read_bytes())
                ffmpeg("-i", self.folder / "1.nut", "-map", "0:0", "-map", "0:1", "-c", "copy", "-metadata", f"frames={ranges[1]}", self.folder / "opaque.nut")
                self.fail_with(INPUT, "join", film, parts[0], "opaque.nut", *parts[2:], "-o", "f.webm", says="opaque.nut'")

    def test_transparency_of_hap_is_kept(self):
        film = self.make("a.mov", "-c:v", "hap", "-format", "hap_alpha", frames=2, filters=",format=rgba,colorchannelmixer=aa=0.5", pixels="rgba")
        self.succeed("upscale", film, "-o", "b.mov")
        self.assertEqual(self.video(self.folder / "b.mov")["codec_tag_string"], "Hap5")
        alpha = ffmpeg("-i", self.folder / "b.mov", "-vf", "alphaextract,format=gray", "-f", "rawvideo", "-").stdout
        self.assertLess(max(abs(a - 128) for a in alpha), 3)

    def test_what_is_transparent_does_not_tint_the_edges(self):
        """Under full transparency lies another colour, of which nothing is to be seen."""
        chains = {"yuva420p": "lum='if(gte(X,32),180,20)':cb='if(gte(X,16),90,220)':cr='if(gte(X,16),160,30)'",
                  "yuva444p10le": "lum='if(gte(X,32),700,80)':cb='if(gte(X,32),400,880)':cr='if(gte(X,32),600,120)'",
                  "rgba": "r='if(gte(X,32),250,0)':g='if(gte(X,32),130,0)':b='if(gte(X,32),40,255)'"}  # fmt: skip
        for pixels, chain in chains.items():
            with self.subTest(pixels):
                film, codec = (self.folder / "a.mov", "png") if pixels == "rgba" else (self.folder / "a.mkv", "ffv1")
                output = self.folder / f"b{film.suffix}"
                ffmpeg("-f", "lavfi", "-i", f"color=black:s=64x48,format={pixels},geq={chain}:a='if(gte(X,32),{500 if '10' in pixels else 128},0)'",
                       "-frames:v", "1", "-c:v", codec, film)  # fmt: skip
                self.succeed("upscale", film, "-o", output)
                wide = "gbrap16le" if pixels == "rgba" else "yuva444p16le"
                samples = memoryview(decoded(output, wide)).cast("H")
                planes = [samples[128 * 96 * i :][: 128 * 96] for i in range(4)]
                seen = [i for i in range(128 * 96) if planes[3][i] > 0]
                self.assertGreater(len(seen), 63 * 96)
                for plane in planes[:3]:
                    self.assertLess(max(abs(plane[i] - plane[128 * 48 + 100]) for i in seen) / 257, 2)

    def test_chroma_keeps_its_place(self):
        """On a ramp a shift is a level: of samples to the left of their two pixels, and in their middle."""
        for place, expected in (("left", -1.25), ("center", -2.5)):
            for siting in (place,) if place == "center" else (place, "unspecified"):
                with self.subTest(siting):
                    film = self.folder / "a.mkv"
                    codec, filters = sited(siting)
                    ffmpeg("-f", "lavfi", "-i", f"color=gray:s=48x32,format=yuv420p,geq=lum=128:cb=10*X:cr=128{filters}", "-frames:v", "1", *codec, film)
                    self.succeed("upscale", film, "-o", "b.mkv")
                    row = decoded(self.folder / "b.mkv")[96 * 64 :][16 * 48 : 17 * 48]
                    offsets = [row[x] - 5 * x for x in range(8, 40)]
                    self.assertAlmostEqual(sum(offsets) / len(offsets), expected, delta=0.3)
                    raw = self.run_program("upscale", film, "-o", "-", text=False).stdout
                    self.assertIn({"left": b" C420mpeg2 ", "center": b" C420jpeg "}[place], raw[:80])


if __name__ == "__main__":
    main()

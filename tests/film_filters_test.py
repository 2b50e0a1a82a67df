"""Films with fields, other sizes and pixels, filters, and parts of films: python3 film_filters_test.py PROGRAM [unittest's
options]"""

import math
import re
import signal
import struct
import subprocess
import time

from support.film_case import FAST, FilmCase, decoded, ffmpeg, packets, probe, turn
from support.program import CROP, PROGRAM, USAGE, main

SMALL = ["--model", "fsrcnn-s-x2"]
LOSSLESS = [*SMALL, "--codec", "ffv1"]


def psnr(a, b, frame):
    """Of two lists of frames of 8 bits, the worst frame's, by every seventh sample. The first and last lack a neighbour."""
    assert len(a) == len(b)
    worst = 1e-9
    for at in range(frame, max(len(a) - frame, 2 * frame), frame):
        pairs = list(zip(a[at : at + frame : 7], b[at : at + frame : 7], strict=True))
        worst = max(worst, sum((x - y) ** 2 for x, y in pairs) / len(pairs))
    return 10 * math.log10(255**2 / worst)


def frames_of(path):
    return [packet[0] for packet in packets(path, "v:0")]


class FilmFiltersTest(FilmCase):
    def moving(self, name, filters="", rate="50", frames=40, codec=("-c:v", "ffv1")):
        """A window that moves down and to the right over the photograph."""
        path = self.folder / name
        chain = f"crop=64:48:x='mod(n*2,30)':y='mod(n,28)'{filters},format=yuv420p"
        ffmpeg("-loop", "1", "-framerate", rate, "-i", CROP, "-vf", chain, "-frames:v", str(frames), *codec, path)
        return path

    def assert_same_times(self, a, b, at_most=0.0011):
        self.assertEqual(len(a), len(b))
        self.assertLessEqual(max(abs(x - y) for x, y in zip(a, b, strict=True)), at_most)

    def test_fields_become_frames(self):
        """As near to what the progressive film becomes as can be, with its times."""
        self.moving("p.mkv")
        self.succeed("upscale", "p.mkv", "-o", "p2.mkv", *LOSSLESS)
        right, size = decoded(self.folder / "p2.mkv"), 128 * 96 * 3 // 2
        for order in ("top", "bottom"):
            ffmpeg("-i", self.folder / "p.mkv", "-vf", f"tinterlace=interleave_{order}", "-c:v", "ffv1", self.folder / f"{order}.mkv")
            for method in ("auto", "bwdif", "yadif", "estdif"):
                with self.subTest(f"{order} {method}"):
                    result = self.run_program("upscale", f"{order}.mkv", "-o", f"{order}_{method}.mkv", "--deinterlace", method, *LOSSLESS)
                    self.assertEqual(result.returncode, 0, result.stderr)
                    self.assertEqual("interlaced" in result.stderr, method == "auto")
                    output = self.folder / f"{order}_{method}.mkv"
                    self.assert_same_times(frames_of(self.folder / "p2.mkv"), frames_of(output))
                    self.assertEqual(self.video(output)["avg_frame_rate"], "50/1")
                    self.assertGreater(psnr(decoded(output), right, size), 29)
        self.succeed("upscale", "top.mkv", "-o", "many.mkv", "--segment-frames", 6, *LOSSLESS)
        self.assertEqual(decoded(self.folder / "many.mkv"), decoded(self.folder / "top_auto.mkv"))
        self.assertIn("the film is interlaced", self.run_program("plan", "top.mkv").stderr)
        self.succeed("upscale", "top.mkv", "-o", "off.mkv", "--deinterlace", "off", *LOSSLESS)
        self.assertEqual(len(frames_of(self.folder / "off.mkv")), 20)
        self.succeed("upscale", "top.mkv", "-o", "one.mkv", "--deinterlace", "auto:frame", *LOSSLESS)
        self.assert_same_times(frames_of(self.folder / "one.mkv"), [i / 25 for i in range(20)])
        self.fail_with(USAGE, "upscale", "top.mkv", "-o", "x.mkv", "--deinterlace", "weave", says="must be auto")
        raw = ffmpeg("-i", self.folder / "top.mkv", "-vf", "setfield=tff", "-f", "yuv4mpegpipe", "-").stdout
        result = self.run_program("upscale", "-", "-o", "pipe.mkv", *LOSSLESS, input=raw, text=False)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(decoded(self.folder / "pipe.mkv", "gray"), decoded(self.folder / "top_auto.mkv", "gray"))

    def test_false_flags_are_not_believed(self):
        self.moving("p.mkv", rate="25", frames=24, codec=("-c:v", "libx264", "-x264opts", "tff=1", "-flags", "+ildct+ilme"))
        result = self.run_program("upscale", "p.mkv", "-o", "o.mkv", *LOSSLESS)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("says that it is interlaced, but is not", result.stderr)
        self.assertEqual(len(frames_of(self.folder / "o.mkv")), 24)

    def test_interlacing_that_begins_later(self):
        """Frames that are not flagged stay as they are."""
        self.moving("p.mkv", rate="25", frames=30, codec=("-c:v", "libx264", "-g", "10", "-qp", "4"))
        self.moving("i.mkv", ",tinterlace=interleave_top", rate="50", frames=30, codec=("-c:v", "libx264", "-x264opts", "tff=1", "-flags", "+ildct+ilme", "-g", "10", "-qp", "4"))
        (self.folder / "list.txt").write_text("file p.mkv\nfile i.mkv\n")
        ffmpeg("-f", "concat", "-i", self.folder / "list.txt", "-c", "copy", "-bsf:v", "h264_mp4toannexb", self.folder / "both.ts")
        result = self.run_program("upscale", "both.ts", "-o", "o.mkv", *LOSSLESS)
        self.assertEqual(result.returncode, 0, result.stderr)
        times = frames_of(self.folder / "o.mkv")
        self.assertEqual(len(times), 30 + 60)
        self.assert_same_times([t - times[0] for t in times], [i * 0.04 for i in range(30)] + [1.2 + i * 0.02 for i in range(60)], 0.0021)

    def test_pulldown_is_undone(self):
        self.moving("p.mkv", rate="24000/1001", frames=48)
        self.succeed("upscale", "p.mkv", "-o", "p2.mkv", *LOSSLESS)
        ffmpeg("-i", self.folder / "p.mkv", "-vf", "telecine", "-c:v", "ffv1", self.folder / "t.mkv")
        for method in ("auto", "telecine"):
            with self.subTest(method):
                output = self.folder / f"{method}.mkv"
                self.succeed("upscale", "t.mkv", "-o", output, "--deinterlace", method, "--segment-frames", 17, *LOSSLESS)
                self.assert_same_times(frames_of(self.folder / "p2.mkv"), frames_of(output))
                self.assertGreater(psnr(decoded(output), decoded(self.folder / "p2.mkv"), 128 * 96 * 3 // 2), 40)
        # Where the film's times jump, so do the output's.
        ffmpeg("-i", self.folder / "t.mkv", "-vf", "setpts='PTS+gte(N,30)*10.01/TB'", "-fps_mode", "passthrough", "-c:v", "ffv1", self.folder / "jump.mkv")
        self.succeed("upscale", "jump.mkv", "-o", "j.mkv", "--deinterlace", "telecine", *LOSSLESS)
        times = frames_of(self.folder / "j.mkv")
        self.assertEqual(len(times), 48)
        self.assert_same_times(times, [i * 1001 / 24000 + (10.01 if i >= 24 else 0) for i in range(48)], 0.0021)

    def with_soft_pulldown(self, film, rate):
        """MPEG-2 of that many frames a second, whose pictures have flags to show a field again."""
        stream = self.folder / "p.m2v"
        ffmpeg("-i", film, "-r", rate, "-vf", f"setpts=N/({rate})/TB", "-c:v", "mpeg2video", "-bf", "0", "-q:v", "2", stream)
        data, fields, repeats = bytearray(stream.read_bytes()), 0, 1
        for match in re.finditer(rb"\x00\x00\x01\xb5", bytes(data)):
            at = match.end()
            if data[at] >> 4 == 1:
                data[at + 1] &= 0xF7  # not only progressive frames
            elif data[at] >> 4 == 8:
                repeats = 1 - repeats
                data[at + 3] = data[at + 3] & 0x7D | (0x80 if fields % 2 == 0 else 0) | 2 * repeats
                data[at + 4] |= 0x80
                fields += 2 + repeats
        stream.write_bytes(data)
        return stream

    def test_soft_pulldown_gets_even_times(self):
        stream = self.with_soft_pulldown(self.moving("p.mkv", rate="24000/1001", frames=24), "30000/1001")
        ffmpeg("-fflags", "+genpts", "-i", stream, "-c", "copy", self.folder / "soft.ts")
        stored = frames_of(self.folder / "soft.ts")
        steps = {round(b - a, 2) for a, b in zip(stored, stored[1:])}
        self.assertEqual(steps, {0.03, 0.05})
        for film in ("soft.ts", "p.m2v"):
            self.succeed("upscale", film, "-o", "o.mkv", *LOSSLESS)
            times = frames_of(self.folder / "o.mkv")
            self.assert_same_times([t - times[0] for t in times], [i * 1001 / 24000 for i in range(24)], 0.0021)
        self.succeed("upscale", "p.m2v", "-o", "o.mkv", "--deinterlace", "off", *LOSSLESS)
        self.assert_same_times(frames_of(self.folder / "o.mkv"), [(i * 5 // 2) * 1001 / 60000 for i in range(24)])
        # 24 frames a second are no 24000/1001.
        self.with_soft_pulldown(self.make("q.mkv", "-c:v", "mpeg4", frames=600, size="16x16"), "30")
        self.succeed("upscale", "p.m2v", "-o", "o.mkv", *LOSSLESS)
        self.assert_same_times(frames_of(self.folder / "o.mkv"), [i / 24 for i in range(600)])

    def test_sizes(self):
        film = self.make("a.mkv", "-c:v", "ffv1", frames=2)
        self.make("wide.mkv", "-c:v", "libx264", "-aspect", "8:3", frames=2)  # of 64x48: pixels of 2:1
        for name, arguments, size, passes in (
                ("a", ("--size", "100x90"), (100, 90), ""), ("a", ("--height", 108), (144, 108), ""), ("a", ("--width", 96), (96, 72), ""),
                ("a", ("--size", "192"), (192, 144), ""), ("a", ("--scale", 1.5), (96, 72), ""), ("a", ("--scale", 4), (256, 192), ""),
                ("a", ("--size", "32x24"), (32, 24), ""), ("a", ("--size", "200x90", "--fit", "inside"), (120, 90), ""),
                ("a", ("--size", "200x90", "--fit", "cover"), (200, 90), ""), ("a", ("--size", "200x90", "--fit", "pad"), (200, 90), ""),
                ("wide", ("--height", 96), (256, 96), ""), ("wide", ("--width", 100), (100, 38), "")):  # fmt: skip
            with self.subTest((name, *arguments)):
                self.succeed("upscale", f"{name}.mkv", "-o", "o.mkv", *arguments, *LOSSLESS)
                video = self.video(self.folder / "o.mkv")
                self.assertEqual((video["width"], video["height"]), size)
                self.assertIn(video.get("sample_aspect_ratio", "1:1"), ("1:1", "0:1") if arguments[0] != "--scale" else (video.get("sample_aspect_ratio"),))
                (self.folder / "o.mkv").unlink()
        self.fail_with(USAGE, "upscale", film, "-o", "o.mkv", "--fit", "inside", says="--fit needs")
        self.fail_with(USAGE, "upscale", film, "-o", "o.mkv", "--size", "16777216x16777216", says="too large")
        # The scene keeps its place: what is resized back is what it was.
        self.succeed("upscale", film, "-o", "o.mkv", "--size", "150x90", "--fit", "pad", *LOSSLESS)
        rows = decoded(self.folder / "o.mkv")
        luma = [rows[y * 150 : (y + 1) * 150] for y in range(90)]
        self.assertTrue(all(set(row[:14]) == {16} and set(row[-14:]) == {16} for row in luma))
        self.assertTrue(all(set(row[15:134]) != {16} for row in luma))
        for arguments in (("--size", "96x72"), ("--size", "144x108"), ("--scale", "4")):
            self.succeed("upscale", film, "-o", "s.mkv", *arguments, *LOSSLESS)
            back = ffmpeg("-i", self.folder / "s.mkv", "-vf", "scale=64:48:flags=area+accurate_rnd", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-").stdout
            self.assertGreater(psnr(back * 2, decoded(film) * 2, 64 * 48 * 3 // 2), 30)
            (self.folder / "s.mkv").unlink()

    def test_odd_sizes(self):
        """zimg wants whole samples of chroma; people's films need not have them."""
        self.make("odd.mkv", frames=2, size="33x19", filters=",format=yuv444p")
        ffmpeg("-i", self.folder / "odd.mkv", "-pix_fmt", "yuv420p", "-c:v", "ffv1", self.folder / "o.mkv")
        even = self.make("even.mkv", frames=2)
        for film, arguments, (w, h) in (("o.mkv", ("--scale", 4), (132, 76)), ("o.mkv", ("--size", "99x57"), (99, 57)), (even, ("--size", "33x25"), (33, 25))):
            with self.subTest(arguments):
                self.succeed("upscale", film, "-o", "p.mkv", *arguments, *LOSSLESS)
                video = self.video(self.folder / "p.mkv")
                self.assertEqual((video["width"], video["height"], video["pix_fmt"]), (w, h, "yuv420p"))
                right = ffmpeg("-i", self.folder / film, "-vf", f"scale={w}:{h}:flags=bicubic+accurate_rnd,format=yuv420p", "-f", "rawvideo", "-").stdout
                self.assertGreater(psnr(decoded(self.folder / "p.mkv"), right, len(right) // 2), 30)
        self.fail_with(USAGE, "upscale", even, "-o", "x.mp4", "--size", "33x25", "--codec", "libx264", *SMALL, says="33x25 yuv420p pictures have half a chroma sample")

    def test_pixels(self):
        """More bits than the film's hold what the network says between two of its levels."""
        film = self.make("a.mkv", "-c:v", "ffv1", frames=2)
        self.succeed("upscale", film, "-o", "8.mkv", *LOSSLESS)
        self.succeed("upscale", film, "-o", "16.mkv", "--pixel-format", "yuv420p16le", *LOSSLESS)
        deep = decoded(self.folder / "16.mkv", "yuv420p16le")
        samples, plain = struct.unpack(f"<{len(deep) // 2}H", deep), decoded(self.folder / "8.mkv")
        self.assertLessEqual(max(abs(a / 256 - b) for a, b in zip(samples, plain, strict=True)), 0.502)
        self.assertGreater(len({a % 256 for a in samples}), 200)
        for pixels, codec, arguments in (("yuv420p10le", "hevc", FAST), ("yuv422p10le", "prores", ("--encoder-option", "profile=hq")),
                                         ("yuv422p", "dnxhd", ("--size", "256x120", "--encoder-option", "profile=dnxhr_sq")), ("yuv444p10le", "ffv1", ())):  # fmt: skip
            with self.subTest(codec):
                output = self.folder / f"{codec}.mov" if codec != "ffv1" else self.folder / "f.mkv"
                self.succeed("upscale", film, "-o", output, "--codec", codec, "--pixel-format", pixels, *SMALL, *arguments)
                self.assertEqual(self.video(output)["pix_fmt"], pixels)
        # 10 bits become 8 by dithering: the mean of an even surface is kept.
        ffmpeg("-f", "lavfi", "-i", "color=gray:s=64x48:r=25:d=0.08,format=yuv420p10le,geq=lum=502:cb=512:cr=512", "-c:v", "ffv1", self.folder / "even.mkv")
        self.succeed("upscale", "even.mkv", "-o", "e.mkv", "--pixel-format", "yuv420p", *LOSSLESS)
        luma = decoded(self.folder / "e.mkv")[: 128 * 96]
        self.assertEqual(set(luma), {125, 126})
        self.assertAlmostEqual(sum(luma) / len(luma), 125.5, delta=0.1)
        self.fail_with(USAGE, "upscale", film, "-o", "x.mkv", "--pixel-format", "purple", says="--pixel-format 'purple'")
        self.fail_with(USAGE, "upscale", film, "-o", "x.mkv", "--codec", "mpeg4", "--pixel-format", "yuv420p10le", says="does not support")
        self.fail_with(USAGE, "upscale", film, "-o", "x.mov", "--codec", "prores_ks", says="another with --pixel-format (the nearest is yuv422p10le; it also has yuv444p10le")
        for pixels in ("pal8", "monow"):
            self.fail_with(USAGE, "upscale", film, "-o", "x.mkv", "--pixel-format", pixels, *LOSSLESS, says=f"--pixel-format {pixels} cannot hold")
        self.make("alpha.mkv", frames=1, pixels="yuva420p")
        ffmpeg("-i", film, "-pix_fmt", "monow", "-c:v", "rawvideo", self.folder / "mono.nut")
        for name, arguments, says in (("a.mkv", ("--pixel-format", "nv12"), "--pixel-format nv12: the encoder gets yuv420p"), ("mono.nut", (), "monow pixels become gray"),
                                      ("alpha.mkv", ("--pixel-format", "yuv420p"), "transparency is dropped")):  # fmt: skip
            with self.subTest(says):
                self.assertIn(says, self.run_program("upscale", name, "-o", "o.mkv", *arguments, *LOSSLESS).stderr)

    def test_filters(self):
        film = self.make("a.mkv", "-c:v", "ffv1", frames=30)
        self.succeed("upscale", film, "-o", "plain.mkv", *LOSSLESS)
        self.succeed("upscale", film, "-o", "after.mkv", "--filter-after", "hflip,tmix=frames=1", *LOSSLESS)
        self.succeed("upscale", film, "-o", "before.mkv", "--filter-before", "split[a][b];[a]null[c];[b]nullsink;[c]select='mod(n,3)',setpts=PTS+1/TB", *LOSSLESS)
        flipped = ffmpeg("-i", self.folder / "plain.mkv", "-vf", "hflip", "-f", "rawvideo", "-").stdout
        self.assertEqual(flipped, decoded(self.folder / "after.mkv"))
        self.assert_same_times(frames_of(self.folder / "before.mkv"), [1 + i / 25 for i in range(30) if i % 3 != 0])
        for option, graph, says in (("--filter-before", "nonsense=1", "'nonsense=1', which FFmpeg refuses"), ("--filter-before", "crop=300:20", "64x48"),
                                    ("--filter-after", "fps=12", "--filter-before"), ("--filter-before", "split", "--filter-before is 'split'"), ("--filter-before", "[a]hflip[b];[b]vflip[c]", "one input and one output"),
                                    ("--crop", "300:20:0:0", "--crop")):  # fmt: skip
            with self.subTest(graph):
                self.fail_with(USAGE, "upscale", film, "-o", "x.mkv", option, graph, *LOSSLESS, says=says)

    def test_filters_know_how_long_frames_last(self):
        """As FFmpeg's program tells them: the last frame's end, too."""
        for name, codec in (("a.mkv", ("-c:v", "ffv1")), ("a.mp4", ("-c:v", "libx264"))):
            film = self.make(name, *codec, frames=10)
            for graph in ("fps=12", "fps=60", "tpad=stop=5", "tpad=stop_duration=0.5", "separatefields"):
                with self.subTest(f"{name} {graph}"):
                    self.succeed("upscale", film, "-o", "o.mkv", "--filter-before", graph, *LOSSLESS)
                    right = ffmpeg("-i", film, "-vf", graph, "-fps_mode", "passthrough", "-c:v", "ffv1", self.folder / "right.mkv")
                    self.assertEqual(right.returncode, 0)
                    self.assert_same_times(frames_of(self.folder / "o.mkv"), frames_of(self.folder / "right.mkv"))

    def test_times_that_do_not_go_on_are_refused(self):
        film = self.make("a.mkv", "-c:v", "ffv1", frames=30)
        for graph in ("setpts=0", "setpts=-PTS", "setpts='if(gt(N,20),0,PTS)'", "setpts='min(PTS,20/25/TB)'"):
            with self.subTest(graph):
                self.fail_with(USAGE, "upscale", film, "-o", "x.mkv", "--filter-before", graph, *LOSSLESS, says=f"--filter-before '{graph}' gives pictures whose times stand still")

    def test_black_bars(self):
        film = self.moving("a.mkv", ",format=yuv420p,pad=96:80:16:14", rate="25", frames=10)
        result = self.run_program("upscale", film, "-o", "o.mkv", "--crop", "auto", *LOSSLESS)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("64:48:16:14", result.stderr)
        inner = self.moving("b.mkv", rate="25", frames=10)
        self.succeed("upscale", inner, "-o", "i.mkv", *LOSSLESS)
        self.assertEqual(decoded(self.folder / "o.mkv"), decoded(self.folder / "i.mkv"))
        self.assertIn("no black bars", self.run_program("upscale", inner, "-o", "j.mkv", "--crop", "auto", *LOSSLESS).stderr)
        self.succeed("upscale", film, "-o", "g.mkv", "--crop", "64:48:16:14", *LOSSLESS)
        self.assertEqual(decoded(self.folder / "g.mkv"), decoded(self.folder / "i.mkv"))

    def test_crops(self):
        film = self.make("a.mkv", "-c:v", "ffv1", frames=2)
        for crop, of_ffmpeg in (("33:25:2:4", "33:25:2:4:exact=1"), ("20:10", "20:10:22:18")):
            ffmpeg("-i", film, "-vf", f"crop={of_ffmpeg}", "-c:v", "ffv1", self.folder / "part.mkv")
            self.succeed("upscale", "part.mkv", "-o", "right.mkv", *LOSSLESS)
            self.succeed("upscale", film, "-o", "o.mkv", "--crop", crop, *LOSSLESS)
            self.assertEqual(decoded(self.folder / "o.mkv"), decoded(self.folder / "right.mkv"))
        self.assertIn("20x10 pixels from the middle of 64x48", self.run_program("upscale", film, "-o", "o.mkv", "--crop", "20:10", *LOSSLESS).stderr)
        for crop, says in (("-5", "but must be auto"), ("in_w:4", "but must be auto"), ("1:2:3", "but must be auto"), ("65:20:0:0", "a part of the 64x48 pictures"),
                           ("0:0", "a part of the 64x48"), ("33:25:1:1", "choose e.g. 33:25:0:0")):  # fmt: skip
            with self.subTest(crop):
                self.fail_with(USAGE, "upscale", film, "-o", "x.mkv", "--crop", crop, *LOSSLESS, says=says)

    def test_turned_pictures(self):
        """Matroska cannot say how pictures are to be turned, so they are."""
        film = self.make("a.mp4", "-c:v", "libx264", frames=2)
        plain = self.folder / "plain.mp4"
        plain.write_bytes(film.read_bytes())
        turn(film)
        for name, pixels in (("o.mkv", "yuv420p"), ("o.y4m", "yuv420p")):
            result = self.run_program("upscale", film, "-o", name, *SMALL, *(("--codec", "ffv1") if name == "o.mkv" else ()))
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertIn("turned", result.stderr)
            shown = ffmpeg("-i", film, "-f", "rawvideo", "-pix_fmt", pixels, "-").stdout
            upscaled = ffmpeg("-i", self.folder / name, "-vf", "scale=48:64:flags=area+accurate_rnd", "-f", "rawvideo", "-pix_fmt", pixels, "-").stdout
            self.assertGreater(psnr(shown * 2, upscaled * 2, 64 * 48 * 3 // 2), 28)
            self.assertNotIn("side_data_list", self.video(self.folder / name))

    def test_sizes_are_those_that_are_shown(self):
        """Of a phone's clip, whether the output's format stores how it is turned or not."""
        film = self.make("a.mp4", "-c:v", "libx264", frames=2)
        turn(film)
        for arguments, shown in ((("--height", 128), (96, 128)), (("--size", "100x200", "--fit", "pad"), (100, 200)), (("--filter-after", "crop=90:100"), (90, 100))):
            for name in ("o.mp4", "o.mkv"):
                with self.subTest(f"{name} {arguments}"):
                    said = self.succeed("upscale", film, "-o", name, *arguments, *SMALL, *FAST)
                    self.assertIn("48x64 -> {}x{}".format(*shown), said)
                    raw = ffmpeg("-i", self.folder / name, "-f", "yuv4mpegpipe", "-frames:v", "1", "-").stdout
                    self.assertIn(b" W%d H%d " % shown, raw[:30])
        # What is seen is cropped: the lower part.
        self.succeed("upscale", film, "-o", "o.mp4", "--crop", "48:32:0:32", *SMALL, *FAST)
        lower = ffmpeg("-i", film, "-vf", "crop=48:32:0:32", "-f", "rawvideo", "-pix_fmt", "gray", "-").stdout
        back = ffmpeg("-i", self.folder / "o.mp4", "-vf", "scale=48:32:flags=area", "-f", "rawvideo", "-pix_fmt", "gray", "-").stdout
        self.assertGreater(psnr(lower * 2, back * 2, 48 * 32), 28)
        # FFmpeg turns 4:2:2 as 4:4:4 only.
        film = self.make("p.mov", "-c:v", "prores_ks", frames=2, pixels="yuv422p10le")
        turn(film)
        self.succeed("upscale", film, "-o", "o.mkv", *SMALL)
        self.assertEqual([self.video(self.folder / "o.mkv")[key] for key in ("width", "height", "pix_fmt")], [96, 128, "yuv422p10le"])

    def test_part_of_a_film(self):
        film = self.film_with_everything()
        self.succeed("upscale", film, "-o", "part.mkv", "--start", "0.8", "--end", "00:00:01.6", *FAST, *SMALL)
        part = self.folder / "part.mkv"
        self.assert_same_times(frames_of(part), [i / 25 for i in range(20)])
        for stream in ("a:0", "a:1"):
            times = packets(part, stream)
            self.assertLess(times[0][0], 0.03)
            self.assertAlmostEqual(times[-1][0] + times[-1][1], 0.8, delta=0.03)
        self.assertEqual([(round(t, 2), round(d, 2)) for t, d in packets(part, "s:0")], [(0.0, 0.2), (0.4, 0.4)])
        chapters = probe(part, "-show_chapters")["chapters"]
        self.assertEqual([c["tags"]["title"] for c in chapters], ["One", "Two"])
        self.assert_same_times([float(c[end]) for c in chapters for end in ("start_time", "end_time")], [0, 0.2, 0.2, 0.8], 0.03)
        # The pictures are those of the whole film.
        self.succeed("upscale", film, "-o", "whole.mkv", "--codec", "ffv1", *SMALL)
        self.succeed("upscale", film, "-o", "lossless.mkv", "--start", "0.8", "--end", "1.6", "--codec", "ffv1", *SMALL)
        size = 128 * 96 * 3 // 2
        self.assertEqual(decoded(self.folder / "lossless.mkv"), decoded(self.folder / "whole.mkv")[20 * size : 40 * size])
        # Between two frames, as with ffmpeg -ss and -to: from the next one on.
        self.succeed("upscale", film, "-o", "between.mkv", "--start", "0.77", "--end", "0.85", "--codec", "ffv1", *SMALL)
        self.assertEqual(decoded(self.folder / "between.mkv"), decoded(self.folder / "whole.mkv")[20 * size : 22 * size])
        self.fail_with(USAGE, "upscale", film, "-o", "x.mkv", "--start", "5", says="the film's frames begin from 0 to")
        self.fail_with(USAGE, "upscale", film, "-o", "x.mkv", "--start", "soon", says="seconds or HH:MM:SS")
        self.fail_with(USAGE, "upscale", film, "-o", "x.mkv", "--end", "1:00", "--start", "2:00", says="no frame begins")

    def dvd(self):
        """A short PAL DVD's file: fields, pixels of 16:15, two sounds, subtitles of pictures."""
        video, sub, film = self.folder / "v.mkv", self.folder / "s.sub", self.folder / "dvd.vob"
        chain = "scale=300:240,crop=180:144:x='mod(n*2,100)':y='mod(n,90)',tinterlace=interleave_top,format=yuv420p"
        ffmpeg("-loop", "1", "-framerate", "50", "-i", CROP, "-vf", chain, "-frames:v", "36", "-c:v", "mpeg2video", "-flags", "+ilme+ildct", "-top", "1",
               "-q:v", "2", "-g", "9", "-bf", "2", "-aspect", "4:3", video)  # fmt: skip
        line, times = b"\x00\x01" * 8, (400, 1200)  # rows of one colour, to their ends
        commands = b"\x03\x32\x10\x04\xff\xf0\x05\x00\x00\x3f\x00\x00\x0f\x06" + struct.pack(">HH", 4, 4 + len(line)) + b"\x01\xff"
        begin = 4 + 2 * len(line)
        end = begin + 4 + len(commands)
        unit = struct.pack(">HH", end + 6, begin) + 2 * line + struct.pack(">HH", 0, end) + commands + struct.pack(">HH", 500 * 90 // 1024, end) + b"\x02\xff"
        data = b""
        for t in (90 * ms for ms in times):
            stamp = bytes([0x21 | t >> 29 & 14, t >> 22 & 255, t >> 14 & 254 | 1, t >> 7 & 255, t << 1 & 254 | 1])
            body = b"\x81\x80\x05" + stamp + b"\x20" + unit
            pack = b"\x00\x00\x01\xba\x44\x00\x04\x00\x04\x01\x01\x89\xc3\xf8\x00\x00\x01\xbd" + struct.pack(">H", len(body)) + body
            data += pack + b"\x00\x00\x01\xbe" + struct.pack(">H", 2048 - len(pack) - 6) + b"\xff" * (2048 - len(pack) - 6)
        sub.write_bytes(data)
        marks = "".join(f"timestamp: 00:00:{ms // 1000:02}:{ms % 1000:03}, filepos: {i * 2048:09x}\n" for i, ms in enumerate(times))
        sub.with_suffix(".idx").write_text(f"# VobSub index file, v7 (do not modify this line!)\nsize: 180x144\npalette: {', '.join(['ffffff'] * 16)}\nid: en, index: 0\n{marks}")
        ffmpeg("-f", "lavfi", "-i", "sine=440:d=1.44", "-f", "lavfi", "-i", "sine=880:d=1.44", "-i", video, "-i", sub.with_suffix(".idx"),
               "-map", "2:v", "-map", "0:a", "-map", "1:a", "-map", "3:s", "-c:v", "copy", "-c:a", "ac3", "-c:s", "copy", "-f", "vob", film)  # fmt: skip
        return film

    def test_a_dvd(self):
        """Square pixels, a frame for each field, all in sync, and killed twice on the way."""
        film, output = self.dvd(), self.folder / "film.mkv"
        command = ("upscale", film, "--height", 216, "--segment-frames", 9, "--codec", "libx264", *FAST, *SMALL)
        whole = self.folder / "whole.mkv"
        self.succeed(*command, "-o", whole)
        video = self.video(whole)
        self.assertEqual([video[key] for key in ("width", "height", "sample_aspect_ratio", "avg_frame_rate", "field_order")], [288, 216, "1:1", "50/1", "progressive"])
        pictures, *sounds, subtitles = (float(s["start_time"]) for s in probe(film, "-show_streams")["streams"])
        start = min(pictures, *sounds)
        self.assert_same_times(frames_of(whole), [pictures - start + i * 0.02 for i in range(72)])
        for number, begin in enumerate(sounds):
            times = [t for t, _ in packets(whole, f"a:{number}")]
            self.assert_same_times(times, [begin - start + i * 1536 / 44100 for i in range(len(times))])
            self.assertAlmostEqual(len(times) * 1536 / 44100, 1.44, delta=0.04)
        self.assert_same_times([t for t, _ in packets(whole, "s:0")], [subtitles - start, subtitles - start + 0.8])
        self.assertEqual([s["codec_name"] for s in probe(whole, "-show_streams")["streams"]], ["h264", "ac3", "ac3", "dvd_subtitle"])
        parts = self.folder / "film.mkv.parts"
        for done in (1, 2):
            run = subprocess.Popen([PROGRAM, *map(str, command), "-o", str(output)], cwd=self.folder, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
            deadline = time.monotonic() + 60
            while run.poll() is None and len(list(parts.glob("00*.nut"))) < done and time.monotonic() < deadline:
                time.sleep(0.001)
            run.send_signal(signal.SIGKILL)
            run.wait()
        self.succeed(*command, "-o", output, "--overwrite")
        self.assertEqual(output.read_bytes(), whole.read_bytes())
        # Segments made by themselves, too.
        ranges = self.succeed("plan", film, "--segment-frames", 9).split()
        self.assertGreater(len(ranges), 2)
        for i, frames in enumerate(ranges):
            self.succeed("upscale", film, "-o", f"{i}.nut", "--frames", frames, *command[2:4], *command[6:])
        self.succeed("join", film, *(f"{i}.nut" for i in range(len(ranges))), "-o", "joined.mkv")
        self.assertEqual((self.folder / "joined.mkv").read_bytes(), whole.read_bytes())

    def test_filters_that_remember_resume(self):
        """They see the film from its beginning, wherever a run begins."""
        film = self.make("a.mkv", "-c:v", "ffv1", frames=40)
        command = ("upscale", film, "--filter-before", "hqdn3d=20:20:40:40,select='mod(n,4)'", *LOSSLESS)
        self.succeed(*command, "-o", "whole.mkv")
        self.succeed(*command, "-o", "parts.mkv", "--segment-frames", 10)
        self.assertEqual(decoded(self.folder / "whole.mkv"), decoded(self.folder / "parts.mkv"))
        self.succeed(*command, "-o", "s.nut", "--frames", "20:30")
        size = 128 * 96 * 3 // 2
        whole, times = decoded(self.folder / "whole.mkv"), frames_of(self.folder / "whole.mkv")
        inside = [i for i, t in enumerate(times) if 0.8 <= t < 1.2]
        self.assertEqual(decoded(self.folder / "s.nut"), whole[inside[0] * size : (inside[-1] + 1) * size])

    def test_preview(self):
        film = self.make("a.mkv", "-c:v", "ffv1", frames=30)
        self.succeed("upscale", film, "--preview", "p.png", "--at", "0.8", *SMALL)
        both = ffmpeg("-i", self.folder / "p.png", "-f", "rawvideo", "-pix_fmt", "gray", "-").stdout
        self.assertEqual(len(both), 256 * 96)
        self.succeed("upscale", film, "-o", "o.mkv", *LOSSLESS)
        right = ffmpeg("-i", self.folder / "o.mkv", "-vf", "select=eq(n\\,20),format=gbrp,format=gray", "-frames:v", "1", "-f", "rawvideo", "-").stdout
        bicubic = ffmpeg("-i", film, "-vf", "select=eq(n\\,20),scale=128:96:flags=bicubic,format=gbrp,format=gray", "-frames:v", "1", "-f", "rawvideo", "-").stdout
        halves = [b"".join(both[y * 256 + x : y * 256 + x + 128] for y in range(96)) for x in (0, 128)]
        for half, expected, other in ((halves[0], bicubic, right), (halves[1], right, bicubic)):
            near, far = (psnr(half * 2, e * 2 + half[:0], 128 * 96 // 2) for e in (expected, other))
            self.assertGreater(near, 34)
            self.assertGreater(near, far)
        self.fail_with(USAGE, "upscale", film, "--preview", "p2.png", "--at", "8", *SMALL, says="no frame begins")
        self.fail_with(USAGE, "upscale", CROP, "--preview", "p2.png", "--at", "0", says="for films")


if __name__ == "__main__":
    main()

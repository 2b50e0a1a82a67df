"""Films as people have them: python3 film_test.py PROGRAM [unittest's options]

Every film is upscaled by the program, and compared by ffprobe."""

import json
import random
import shutil
import subprocess
from fractions import Fraction

from support.film_case import FAST, FilmCase, decoded, ffmpeg, hashes, packets, probe, sited, turn
from support.program import CROP, GOLDEN, INPUT, IO, SANITIZED, USAGE, main


class FilmTest(FilmCase):
    # ---- what is kept

    def test_nothing_of_a_film_is_lost(self):
        film, output = self.film_with_everything(), self.folder / "out.mkv"
        result = self.succeed("upscale", film, "-o", output, "--segment-frames", 20, *FAST)
        self.assertIn("64x48 -> 128x96, 75 frames in", result)
        before, after = (probe(p, "-show_streams", "-show_chapters", "-show_format") for p in (film, output))
        self.assertEqual(len(after["streams"]), 5)
        for old, new in zip(before["streams"], after["streams"]):
            for key in ("codec_name", "disposition", "start_time", "time_base", "color_range", "color_space", "chroma_location", "pix_fmt", "r_frame_rate"):
                self.assertEqual(old.get(key), new.get(key), key)
            for key in ("language", "title", "filename", "mimetype"):
                self.assertEqual(old.get("tags", {}).get(key), new.get("tags", {}).get(key))
        self.assertEqual((after["streams"][0]["width"], after["streams"][0]["height"]), (128, 96))
        self.assertEqual(before["chapters"], after["chapters"])
        for key in ("title", "ARTIST"):
            self.assertEqual(before["format"]["tags"][key], after["format"]["tags"][key])
        ffmpeg("-copyts", "-i", film, "-map", "0", "-c", "copy", self.folder / "copy.mkv")
        copy = probe(self.folder / "copy.mkv", "-show_format")
        self.assertEqual(copy["format"]["duration"], after["format"]["duration"])
        self.assertEqual(packets(film, "v:0"), packets(output, "v:0"))
        self.assertEqual(hashes(film, "0:a", "0:s"), hashes(output, "0:a", "0:s"))
        for path, name in ((film, "old"), (output, "new")):
            subprocess.run(["ffmpeg", "-v", "error", "-y", f"-dump_attachment:t:0", name, "-i", str(path)], cwd=self.folder, capture_output=True)
        self.assertEqual((self.folder / "new").read_bytes(), (self.folder / "font.ttf").read_bytes())
        self.assertEqual(list(self.folder.glob("*.parts")), [])

    def test_pictures_are_those_of_the_network(self):
        """A film without loss at both ends has the luma that the same pictures have as pictures."""
        film, output = self.make("a.mkv", "-c:v", "ffv1", frames=3, pixels="gray"), self.folder / "b.mkv"
        self.succeed("upscale", film, "-o", output)
        ffmpeg("-i", film, self.folder / "in%d.png")
        pixels = decoded(output, "gray")
        self.assertEqual(len(pixels), 3 * 128 * 96)
        for i in range(3):
            self.succeed("upscale", f"in{i + 1}.png", "-o", f"out{i + 1}.png")
            picture = ffmpeg("-i", self.folder / f"out{i + 1}.png", "-f", "rawvideo", "-pix_fmt", "gray", "-").stdout
            self.assert_alike(picture, pixels[i * 128 * 96 : (i + 1) * 128 * 96])

    def assert_alike(self, picture, frame):
        """But for samples between two levels, which pictures round in float and films in the engine."""
        self.assertEqual(len(picture), len(frame))
        self.assertLessEqual(max(abs(a - b) for a, b in zip(picture, frame)), 1)
        self.assertLess(sum(a != b for a, b in zip(picture, frame)), len(frame) // 1000)

    def test_networks_of_three_colours(self):
        """A film of RGB has the colours that its pictures have as pictures; one of luma and chroma keeps its form, and its sound."""
        model = ("--guard", "0", "--model", GOLDEN / "networks" / "srvgg.onnx")  # it would put many samples between two levels
        film, output = self.make("a.mkv", "-c:v", "ffv1", frames=3, pixels="gbrp"), self.folder / "b.mkv"
        self.succeed("upscale", film, "-o", output, *model)
        ffmpeg("-i", film, self.folder / "in%d.png")
        pixels, size = decoded(output, "rgb24"), 3 * 128 * 96
        self.assertEqual(len(pixels), 3 * size)
        for i in range(3):
            self.succeed("upscale", f"in{i + 1}.png", "-o", f"out{i + 1}.png", *model)
            picture = ffmpeg("-i", self.folder / f"out{i + 1}.png", "-f", "rawvideo", "-pix_fmt", "rgb24", "-").stdout
            self.assert_alike(picture, pixels[i * size : (i + 1) * size])
        sound = self.film_with_everything()
        self.succeed("upscale", sound, "-o", "c.mkv", *model, *FAST)
        self.assertEqual(hashes(sound, "0:a"), hashes(self.folder / "c.mkv", "0:a"))
        self.assertEqual([self.video(self.folder / "c.mkv")[key] for key in ("pix_fmt", "width", "height")], ["yuv420p", 128, 96])

    def test_every_kind_of_pixel(self):
        for pixels in ("yuv420p", "yuv422p", "yuv444p", "yuv410p", "yuv411p", "yuv420p10le", "yuv422p12le", "yuv444p16le", "gray", "gray10le", "gray16le",
                       "yuva420p", "yuva444p10le", "gbrp", "gbrp10le", "gbrap", "bgr0", "bgra"):  # fmt: skip
            with self.subTest(pixels):
                film, output = self.make("a.mkv", "-c:v", "ffv1", frames=2, size="37x21", pixels=pixels), self.folder / "b.mkv"
                self.succeed("upscale", film, "-o", output)
                kind = self.video(output)["pix_fmt"]
                self.assertEqual(kind, self.video(film)["pix_fmt"])
                self.assertEqual((self.video(output)["width"], self.video(output)["height"]), (74, 42))
                # The mean of each plane stays: nothing is shifted, no range is taken for another.
                small, large = decoded(film, "gbrap16le"), decoded(output, "gbrap16le")
                for plane in range(4):
                    means = []
                    for data, count in ((small, 37 * 21), (large, 74 * 42)):
                        samples = memoryview(data[: 8 * count]).cast("H")[plane * count : (plane + 1) * count]
                        means.append(sum(samples) / count / 65535 * 255)
                    self.assertAlmostEqual(means[0], means[1], delta=0.8, msg=f"plane {plane}")

    def test_colour_survives_every_matrix_range_and_depth(self):
        """A card of a photograph beside flat patches: the mean of each plane and each patch changes by less than 0.1 of 255
        levels, and pixels shrunk again fit best where they were."""
        patches = "color=c=0x204060:s=32x24[a];color=c=0xc08030:s=32x24[b];color=c=0x30a050:s=32x24[c];[a][b][c]vstack=3[patches]"
        card = f"{patches};[0]crop=64:72[photograph];[photograph][patches]hstack"
        matrices = (("bt709", "bt709"), ("bt601", "smpte170m"), ("bt2020", "bt2020nc"), ("fcc", "fcc"), ("smpte240m", "smpte240m"))
        kinds = [(*matrix, colours, f"yuv{chroma}p{depth}") for depth in ("", "10le", "12le") for chroma in (420, 422, 444)
                 for colours in ("tv", "pc") for matrix in matrices]  # fmt: skip
        for matrix, name, colours, pixels in kinds[:: 13 if SANITIZED else 4]:
            with self.subTest(f"{matrix} {colours} {pixels}"):
                film, output = self.folder / "a.mkv", self.folder / "b.mkv"
                ffmpeg("-i", CROP, "-filter_complex", f"{card},scale=out_color_matrix={matrix}:out_range={colours},format={pixels},split[a][b]",
                       "-map", "[a]", "-frames:v", "1", "-c:v", "ffv1", "-colorspace", name, "-color_range", colours, film,
                       "-map", "[b]", "-frames:v", "1", "-f", "rawvideo", self.folder / "a.raw")  # fmt: skip
                self.succeed("upscale", film, "-o", output)
                stream = self.video(output)
                self.assertEqual([stream[key] for key in ("color_space", "color_range", "pix_fmt")], [name, colours, pixels])
                self.assertFalse({"color_primaries", "color_transfer", "chroma_location"} & stream.keys())
                bits = int(pixels[7:9] or 8)
                old, new = (memoryview(data).cast("B" if bits == 8 else "H") for data in ((self.folder / "a.raw").read_bytes(), decoded(output, pixels)))
                begin = 0
                for plane in range(3):
                    w = 48 if plane > 0 and "444" not in pixels else 96
                    h = 36 if plane > 0 and "420" in pixels else 72
                    a, b = old[begin : begin + w * h], new[4 * begin : 4 * (begin + w * h)]
                    begin += w * h
                    change = lambda x, y: (sum(y) / len(y) - sum(x) / len(x)) / 2 ** (bits - 8)  # noqa: B023, E731
                    self.assertLess(abs(change(a, b)), 0.1, f"plane {plane}")
                    for patch in range(3):
                        x, y = w * 5 // 6, h * (2 * patch + 1) // 6
                        flat = b[2 * w * 2 * y + 2 * x - 4 :][:9]
                        self.assertLess(abs(change([a[w * y + x]], flat)), 0.1, f"plane {plane}, patch {patch}")
                self.assertEqual(begin, len(old))

                def misfit(dy, dx, old=old, new=new):
                    return sum(abs(4 * old[96 * y + x] - sum(new[192 * (2 * y + dy + j) + 2 * x + dx + i] for j in (0, 1) for i in (0, 1)))
                               for y in range(2, 70, 5) for x in range(2, 60, 5))  # fmt: skip

                moved = [misfit(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if (dy, dx) != (0, 0)]
                self.assertLess(2 * misfit(0, 0), min(moved))

    def test_chroma_keeps_its_siting(self):
        """A ramp of 8 levels a sample becomes one of 4, which begins where the samples' places say."""
        for location, across, down in (("left", 1, 2), ("center", 2, 2), ("topleft", 1, 1)):
            with self.subTest(location):
                film, output = self.folder / "a.mkv", self.folder / "b.mkv"
                codec, filters = sited(location)
                ffmpeg("-f", "lavfi", "-i", f"color=s=64x64,format=yuv420p10le,geq=lum=400:cb='200+8*X':cr='300+8*Y'{filters}", "-frames:v", "1", *codec, film)
                self.succeed("upscale", film, "-o", output)
                self.assertEqual(self.video(output)["chroma_location"], location)
                values = memoryview(decoded(output, "yuv420p10le")).cast("H")
                cb, cr = values[128 * 128 : 128 * 128 + 64 * 64], values[128 * 128 + 64 * 64 :]
                for i in range(8, 56):
                    self.assertEqual((cb[64 * 30 + i], cr[64 * i + 30]), (200 + 4 * i - across, 300 + 4 * i - down))

    def test_times_of_a_variable_rate_are_kept(self):
        for suffix, codec in (("mkv", "libx264"), ("mp4", "libx264"), ("webm", "libvpx-vp9")):
            with self.subTest(suffix):
                encoded, film, output = self.folder / "encoded.mkv", self.folder / f"a.{suffix}", self.folder / f"b.{suffix}"
                ffmpeg("-loop", "1", "-framerate", "25", "-i", CROP, "-vf", "crop=48:32:x=n:y=n,setpts='(N*N*7+N*40)/1000/TB',format=yuv420p",
                       "-fps_mode", "vfr", "-frames:v", "20", "-c:v", codec, "-g", "7", encoded)  # fmt: skip
                # Straight from the encoder, FFmpeg 7 hides the last frame of an MP4 and forgets its duration in Matroska.
                ffmpeg("-i", encoded, "-c", "copy", film)
                self.succeed("upscale", film, "-o", output, "--segment-frames", 5)
                before, after = packets(film, "v:0"), packets(output, "v:0")
                self.assertEqual([t for t, _ in before], [t for t, _ in after])
                # The last frame's own is what muxers differ about, so that FFmpeg's copy may be told to be shorter.
                shortest, duration = (float(probe(p, "-show_format")["format"]["duration"]) for p in (film, output))
                self.assertTrue(shortest <= duration <= after[-1][0] + 0.041, (shortest, duration))
                self.assertGreater(len({round(b[0] - a[0], 3) for a, b in zip(before, before[1:])}), 5)

    def test_codecs_and_containers(self):
        for name, codec, options in (("a.mp4", ("-c:v", "libx264"), ()), ("a.mov", ("-c:v", "prores_ks"), ()), ("a.avi", ("-c:v", "mpeg4"), ()),
                                     ("a.mkv", ("-c:v", "libx265", "-x265-params", "log-level=none"), FAST), ("a.ts", ("-c:v", "mpeg2video", "-bf", "2"), ()),
                                     ("a.mkv", ("-c:v", "mjpeg", "-pix_fmt", "yuvj420p"), ())):  # fmt: skip
            with self.subTest(f"{name} {codec[1]}"):
                film = self.make(name, *codec, pixels="yuv422p10le" if codec[1] == "prores_ks" else "yuv420p")
                output = self.folder / f"out{film.suffix}"
                self.succeed("upscale", film, "-o", output, "--segment-frames", 10, *options)
                self.assertEqual(self.video(film)["codec_name"], self.video(output)["codec_name"])
                old, new = ([t for t, _ in packets(path, "v:0")] for path in (film, output))
                begin = new[0] - old[0] if name == "a.ts" else 0  # a transport stream's own
                self.assertEqual([round(t + begin, 5) for t in old], [round(t, 5) for t in new])

    def test_hdr_arrives(self):
        film, output = self.folder / "a.mkv", self.folder / "b.mkv"
        display = "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)"
        ffmpeg("-loop", "1", "-i", CROP, "-frames:v", "3", "-vf", "scale=192:128,format=yuv420p10le", "-c:v", "libx265", "-x265-params",
               f"log-level=none:hdr10=1:master-display={display}:max-cll=1000,400:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc",
               "-color_primaries", "bt2020", "-color_trc", "smpte2084", "-colorspace", "bt2020nc", film)  # fmt: skip
        for options in (FAST, (*FAST, "--encoder-option", "x265-params=aq-mode=3"), ("--codec", "ffv1")):
            with self.subTest(options):
                self.succeed("upscale", film, "-o", output, *options)
                frames = [probe(p, "-select_streams", "v:0", "-show_frames", "-read_intervals", "%+#1")["frames"][0] for p in (film, output)]
                for key in ("pix_fmt", "color_primaries", "color_transfer", "color_space", "color_range"):
                    self.assertEqual(frames[0].get(key), frames[1].get(key), key)
                said = [f.get("side_data_list") or self.video(output).get("side_data_list", []) for f in frames]
                number = lambda v: round(float(Fraction(v)), 5) if "/" in str(v) else v  # noqa: E731
                light = [sorted(([(k, number(v)) for k, v in s.items()] for s in f if "metadata" in s["side_data_type"]), key=str) for f in said]
                self.assertEqual(light[0], light[1])
                self.assertEqual(len(light[1]), 2)
        self.fail_with(USAGE, "upscale", film, "-o", "c.avi", "--codec", "ffv1", says="HDR")

    def test_rotation_and_pixel_aspect_arrive(self):
        pictures = self.make("a.mp4", "-c:v", "libx264", "-aspect", "2:1")
        film, output = self.folder / "b.mp4", self.folder / "c.mp4"
        ffmpeg("-i", pictures, "-c", "copy", film)
        turn(film)
        self.succeed("upscale", film, "-o", output)
        old, new = self.video(film), self.video(output)
        self.assertEqual(old["sample_aspect_ratio"], new["sample_aspect_ratio"])
        self.assertNotEqual(old["sample_aspect_ratio"], "1:1")
        self.assertEqual([s["rotation"] for s in old["side_data_list"]], [s["rotation"] for s in new["side_data_list"]])

    def test_frames_do_not_depend_on_where_decoding_begins(self):
        """Open groups of pictures: what comes before a key picture refers to what lies behind the cut."""
        for codec in (("-c:v", "libx264", "-x264opts", "open_gop=1:keyint=9:bframes=3:scenecut=0"),
                      ("-c:v", "libx265", "-x265-params", "open-gop=1:keyint=9:bframes=3:scenecut=0:log-level=none")):  # fmt: skip
            with self.subTest(codec[1]):
                film = self.make("a.mkv", *codec, frames=60, size="80x72")
                for name, frames in (("one", 1000), ("many", 7)):
                    self.succeed("upscale", film, "-o", f"{name}.mkv", "--codec", "ffv1", "--segment-frames", frames)
                self.assertGreater(len(self.succeed("plan", film, "--segment-frames", 7).split()), 4)
                self.assertEqual(decoded(self.folder / "one.mkv"), decoded(self.folder / "many.mkv"))
                self.assertEqual(packets(film, "v:0"), packets(self.folder / "many.mkv", "v:0"))

    def test_still_pictures_are_computed_once(self):
        film = self.folder / "a.mkv"
        ffmpeg("-loop", "1", "-i", CROP, "-frames:v", "10", "-vf", "format=yuv420p", "-c:v", "ffv1", film)
        summary = json.loads(self.succeed("upscale", film, "-o", "b.mkv", "--json"))["inputs"][0]
        self.assertGreaterEqual(summary["strips_reused"], summary["strips"] * 0.9)
        self.assertLess(summary["strips_reused"], summary["strips"])
        self.assertEqual(len({decoded(self.folder / "b.mkv")[i * 190 * 154 * 3 // 2 :][: 190 * 154] for i in range(10)}), 1)

    def test_no_frame(self):
        pictures, film = self.make("pictures.mkv", "-c:v", "libx264"), self.folder / "a.mkv"
        ffmpeg("-f", "lavfi", "-i", "sine=d=0.1", "-i", pictures, "-map", "0", "-map", "1", "-c:v", "copy", "-frames:v", "0", film)
        self.fail_with(INPUT, "upscale", film, "-o", "b.mkv", says="picture")

    def test_other_scales(self):
        film = self.make("a.mkv", "-c:v", "ffv1", frames=3)
        self.assertIn("64x48 -> 192x144, 3 frames in", self.succeed("upscale", film, "-o", "b.mkv", "--scale", "3"))
        self.assertEqual([probe(self.folder / "b.mkv", "-show_streams")["streams"][0][key] for key in ("width", "height")], [192, 144])

    def test_one_frame(self):
        film, output = self.make("a.mkv", "-c:v", "libx264", frames=1), self.folder / "b.mkv"
        self.succeed("upscale", film, "-o", output)
        self.assertEqual(packets(film, "v:0"), packets(output, "v:0"))

    def test_films_and_pictures_in_one_run(self):
        inputs = self.folder / "in"
        inputs.mkdir()
        self.make("in/a.mkv", "-c:v", "libx264")
        shutil.copy(CROP, inputs / "b.png")
        (inputs / "broken.mp4").write_bytes(b"garbage")
        result = self.run_program("upscale", "in", "-o", "out", "--json")
        self.assertEqual(result.returncode, 1)
        summary = json.loads(result.stdout)
        self.assertEqual([(i["status"], i.get("kind")) for i in summary["inputs"]], [("done", "film"), ("done", "picture"), ("failed", None)])
        self.assertEqual((summary["inputs"][0]["frames"], summary["inputs"][0]["output_size"]), (24, [128, 96]))
        self.assertEqual(self.video(self.folder / "out" / "a.mkv")["width"], 128)

    def test_folders_leave_out_no_film(self):
        inputs, out = self.folder / "in", self.folder / "out"
        inputs.mkdir()
        film = self.make("film.mkv", "-c:v", "mpeg4", "-g", "4", frames=3)
        kinds = {".3gp": "3gp", ".3g2": "3g2", ".asf": "asf", ".f4v": "f4v", ".nut": "nut", ".MK3D": "matroska", ".divx": "avi", ".mxf": "mxf", ".ogg": "ogg"}
        codecs = {".f4v": "libx264", ".mxf": "mpeg2video", ".ogg": "libtheora"}
        for suffix, kind in kinds.items():
            codec = ("-c:v", codecs[suffix]) if suffix in codecs else ("-c", "copy")
            ffmpeg("-i", film, *codec, "-f", kind, inputs / f"film{suffix[1:]}{suffix}")
        for other in ("notes.txt", "list.csv", ".hidden"):
            (inputs / other).write_text("neither")
        result = self.run_program("upscale", inputs, "-o", out)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn(f"2 files in '{inputs}' skipped", result.stderr)
        self.assertIn("list.csv', ...", result.stderr)
        kept = {s: s for s in kinds} | {".MK3D": ".mkv", ".divx": ".mkv"}
        self.assertEqual({p.name for p in out.iterdir()}, {f"film{s[1:]}{kept[s]}" for s in kinds})
        for path in out.iterdir():
            self.assertEqual(len(decoded(path)), 3 * 128 * 96 * 3 // 2, path)
        summary = json.loads(self.succeed("upscale", inputs, "-o", out, "--skip-existing", "--json"))
        self.assertIn("2 files", summary["warnings"][0])
        self.assertEqual(summary["skipped"], len(kinds))

    def test_pipes(self):
        for pixels in ("yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv444p12le", "gray"):
            with self.subTest(pixels):
                codec, filters = sited("left")
                film = self.make("a.mkv", *codec, filters=filters, frames=4, pixels=pixels)
                raw = ffmpeg("-i", film, "-f", "yuv4mpegpipe", "-strict", "-1", "-").stdout
                piped = self.run_program("upscale", "-", "-o", "-", input=raw, text=False)
                self.assertEqual(piped.stdout[:10], b"YUV4MPEG2 ")
                output = self.folder / "b.mkv"
                self.succeed("upscale", film, "-o", output)
                (self.folder / "c.y4m").write_bytes(piped.stdout)
                head = piped.stdout.split(b"\n")[0].split()
                self.assertIn(b"F25:1", head)
                straight = self.run_program("upscale", film, "-o", "-", text=False)
                self.assertEqual(straight.stdout, piped.stdout)
                self.assertEqual(decoded(self.folder / "c.y4m", pixels), decoded(output, pixels))

    def test_raw_pictures_that_break_off_are_damaged(self):
        """Before a pipe's end a program may have died in the middle of a frame."""
        film = self.make("a.mkv", "-c:v", "ffv1", frames=6)
        raw = ffmpeg("-i", film, "-f", "yuv4mpegpipe", "-").stdout
        frame = len(b"FRAME\n") + 64 * 48 * 3 // 2
        head = len(raw) - 6 * frame
        cases = [("whole", raw, 6, ""), ("between frames", raw[: head + 4 * frame], 4, "")]
        for more in (1, 2000, frame - 1):
            cases.append((f"{more} bytes into frame 4", raw[: head + 4 * frame + more], 4, "in the middle of a frame"))
        cases.append(("garbage", raw[: head + 3 * frame] + b"U" * 50 + raw[head + 3 * frame + 50 :], 3, "damaged"))
        for name, data, frames, says in cases:
            with self.subTest(name):
                path = self.folder / "c.y4m"
                path.write_bytes(data)
                for source, output, options in (("-", "-", {"input": data}), ("-", "b.mkv", {"input": data}), (path, "-", {}), (path, "b.mkv", {})):
                    result = self.run_program("upscale", source, "-o", output, text=False, **options)
                    self.assertEqual(result.returncode, 1 if says else 0, result.stderr)
                    self.assertIn(says, result.stderr.decode())
                    if output == "-":
                        (self.folder / "b.mkv").write_bytes(result.stdout)
                    self.assertEqual(len(decoded(self.folder / "b.mkv")), frames * 128 * 96 * 3 // 2)
                    (self.folder / "b.mkv").unlink()

    # ---- what cannot be done

    def test_damaged_films_end_in_a_message_or_in_a_film(self):
        film = self.film_with_everything()
        data, randomness = film.read_bytes(), random.Random(3)
        for i in range(24):
            broken = bytearray(data)
            if i % 2 == 0:
                del broken[randomness.randrange(len(data)) :]
            else:
                at = randomness.randrange(len(data))
                broken[at : at + 400] = randomness.randbytes(400)
            with self.subTest(f"{'cut' if i % 2 == 0 else 'garbage'} {i}"):
                path, output = self.folder / "broken.mkv", self.folder / "out.mkv"
                path.write_bytes(broken)
                result = self.run_program("upscale", path, "-o", output, *FAST)
                self.assertIn(result.returncode, (0, 1, INPUT), result.stderr)
                self.assertEqual(output.exists(), result.returncode in (0, 1))
                if result.returncode == 1:
                    self.assertRegex(result.stderr, "damaged|missing|truncated")
                elif result.returncode == 0 and i % 2 == 0:
                    self.assertGreaterEqual(len(packets(output, "v:0")), 69, "a fifth of a second may be missing")
                if output.exists():
                    self.assertEqual(self.video(output)["width"], 128)
                    output.unlink()
                else:
                    self.assertNotEqual(result.stderr, "")
                shutil.rmtree(self.folder / "out.mkv.parts", ignore_errors=True)

    def test_what_cannot_be_done_is_said_before_any_work(self):
        film = self.film_with_everything()
        self.fail_with(USAGE, "upscale", film, "-o", film, says="input itself")
        rgb = self.make("rgb.mkv", "-c:v", "ffv1", frames=2, pixels="gbrp")
        self.fail_with(USAGE, "upscale", rgb, "-o", "o.y4m", says="YUV4MPEG2 does not support")
        self.fail_with(USAGE, "upscale", rgb, "-o", "o.mov", "--codec", "fits", says="cannot be stored in segments")
        self.fail_with(USAGE, "upscale", film, "-o", "o.mp4", says=".mkv")
        self.fail_with(USAGE, "upscale", film, "-o", "o.xyz", says="suffix")
        self.fail_with(USAGE, "upscale", film, "-o", "o.mkv", "--codec", "nonsense", says="nonsense")
        self.fail_with(USAGE, "upscale", film, "-o", "o.mkv", "--encoder-option", "nonsense=1", says="nonsense")
        self.fail_with(USAGE, "upscale", film, "-o", "o.mkv", "--encoder-option", "nonsense", says="KEY=VALUE")
        self.fail_with(USAGE, "upscale", film, "-o", "o.mkv", "--encoder-option", "x264-params=nonsense=1", says="nonsense")
        self.fail_with(USAGE, "upscale", film, "-o", "o.mkv", "--codec", "hevc", "--encoder-option", "x265-params=nonsense=1", says="nonsense")
        for option in ("video_size=4000x4000", "pixel_format=yuv444p", "color_range=pc"):
            self.fail_with(USAGE, "upscale", film, "-o", "o.mkv", "--encoder-option", option, says="would contradict the pictures")
        variable = self.folder / "variable.mkv"
        ffmpeg("-i", film, "-map", "0:v", "-vf", "setpts='(N*40+if(gt(N,40),mod(N,2)*35,0))/1000/TB'", "-fps_mode", "vfr", "-enc_time_base", "1/1000", variable)
        self.fail_with(USAGE, "upscale", variable, "-o", "o.mkv", "--codec", "mpeg4", says="stores a frame rate, here 25/1")
        odd = self.make("odd.mkv", "-c:v", "ffv1", frames=1, size="37x21", pixels="yuv420p10le")
        self.fail_with(USAGE, "upscale", odd, "-o", "o.y4m", "--scale", "3", says="does not support the odd width 111")
        self.fail_with(USAGE, "upscale", film, "-o", "o.mkv", "--frames", "70:99", says="75")
        self.fail_with(USAGE, "upscale", film, "-o", "o.mkv", "--frames", "9", says="must be BEGIN:END")
        self.fail_with(IO, "upscale", film, "-o", "missing/o.mkv", says="missing")
        deep = self.make("deep.mkv", "-c:v", "ffv1", frames=2, pixels="yuv444p12le")
        self.fail_with(USAGE, "upscale", deep, "-o", "o.mkv", "--codec", "h264", says="yuv444p12le")
        wide = self.make("wide.mkv", "-c:v", "ffv1", frames=1, filters=",scale=8300:16")
        self.fail_with(USAGE, "upscale", wide, "-o", "o.mkv", "--codec", "h264", says="16600x32")
        sound = self.folder / "sound.mka"
        ffmpeg("-f", "lavfi", "-i", "sine=d=1", sound)
        self.fail_with(INPUT, "upscale", sound, "-o", "o.mkv", says="no video stream")
        (self.folder / "text.mkv").write_text("no film at all")
        self.fail_with(INPUT, "upscale", "text.mkv", "-o", "o.mkv", says="neither a readable picture nor a readable film")
        (self.folder / "empty.mkv").write_bytes(b"")
        self.fail_with(INPUT, "upscale", "empty.mkv", "-o", "o.mkv", says="empty.mkv' is empty")

    def test_progress_as_json(self):
        film = self.make("a.mkv", "-c:v", "ffv1", frames=5)
        result = self.run_program("upscale", "--encoder-option", "slices=4", film, "-o", "b.mkv", "--progress", "json")
        last = json.loads(result.stderr.splitlines()[-1])
        self.assertEqual((last["frames_done"], last["frames"]), (5, 5))
        self.assertEqual(self.succeed("upscale", film, "-o", "c.mkv", "--quiet"), "")


if __name__ == "__main__":
    main()

"""What stands beside a film's pictures, or in them, and what becomes of it: python3 film_streams_test.py PROGRAM [unittest's
options]"""

import json
import random
import re

from support.film_case import FAST, FilmCase, decoded, ffmpeg, packets, probe, turn
from support.program import CROP, INPUT, USAGE, main


def side_data(path, of="frame"):
    """The first picture's, or the stream's."""
    found = probe(path, "-select_streams", "v:0", "-read_intervals", "%+#1", "-show_frames", "-show_streams")[f"{of}s"][0]
    return {data["side_data_type"]: data for data in found.get("side_data_list", [])}


def with_messages(stream, codec, payload_of):
    """H.264 or HEVC of one slice a picture, before each of which comes what a broadcaster adds: payload_of(number)."""
    result, number = b"", 0
    for unit in re.split(b"\0*\0\0\1", stream)[1:]:
        picture = unit[0] & 31 in (1, 5) if codec == "h264" else unit[0] >> 1 < 32
        if picture:
            payload = payload_of(number)
            message = re.sub(b"\0\0(?=[\0-\3])", b"\0\0\3", bytes([4, len(payload)]) + payload + b"\x80")
            result += b"\0\0\0\1" + (b"\x06" if codec == "h264" else b"\x4e\x01") + message
            number += 1
        result += b"\0\0\0\1" + unit
    return result


def bits(*fields):
    """Of pairs of a value and its number of bits."""
    text = "".join(f"{value:0{count}b}" for value, count in fields)
    text += "0" * (-len(text) % 8)
    return int(text, 2).to_bytes(len(text) // 8, "big")


class FilmStreamsTest(FilmCase):
    def make_with_messages(self, name, codec, payload_of, *options, pixels="yuv420p"):
        """A film without B-frames."""
        raw = self.make(f"raw.{codec}", "-c:v", {"h264": "libx264", "hevc": "libx265"}[codec], *options, frames=12, size="64x64", pixels=pixels)
        raw.write_bytes(with_messages(raw.read_bytes(), codec, payload_of))
        ffmpeg("-fflags", "+genpts", "-r", "25", "-i", raw, "-c", "copy", self.folder / name)
        return self.folder / name

    def follow(self, message, film):
        """Runs the command that an error advises."""
        advised = re.search("e[.]g[.] ffmpeg (.*)", message)[1]
        ffmpeg(*(str(film) if word == "FILM" else word for word in advised.split()), cwd=self.folder)

    # ---- in the pictures

    def test_a_rotation_that_stands_in_the_pictures(self):
        turned = ("-c", "copy", "-bsf:v", "h264_metadata=display_orientation=insert:rotate=90")
        plain, film, both = self.make("plain.mp4", "-c:v", "libx264", frames=3), self.folder / "a.mp4", self.folder / "both.mp4"
        ffmpeg("-i", plain, *turned, film)
        self.assertNotIn("Display Matrix", side_data(film, "stream"))
        ffmpeg("-i", film, "-c", "copy", both)
        turn(both)
        in_pictures, in_head = side_data(film)["3x3 displaymatrix"]["rotation"], side_data(both, "stream")["Display Matrix"]["rotation"]
        self.assertEqual((abs(in_pictures), abs(in_head)), (90, 90))  # of which way round versions of FFmpeg have their own views
        for name, rotation in ((film, in_pictures), (both, in_head)):
            with self.subTest(name.name):
                self.succeed("upscale", name, "-o", "b.mp4", *FAST)
                ffmpeg("-i", self.folder / "b.mp4", "-c", "copy", self.folder / "b.h264")  # of an MP4's pictures ffprobe tells its head's matrix, too
                told = [kind for of in (side_data(self.folder / "b.h264"), side_data(self.folder / "b.mp4", "stream")) for kind in of.items() if "atrix" in kind[0]]
                self.assertEqual([data["rotation"] for _, data in told], [rotation])
        self.succeed("upscale", film, "-o", "d.mkv", *FAST)
        turned = self.video(self.folder / "d.mkv")
        self.assertEqual((turned["width"], turned["height"]), (96, 128))

    def test_pictures_for_two_eyes(self):
        """Encoders but H.264's do not write it; Matroska halves the pixels' aspect for it, and readers double it again."""
        film = self.make("a.mkv", "-c:v", "libx264", "-x264-params", "frame-packing=3", frames=3)
        self.assertNotIn("Stereo 3D", side_data(film, "stream"))
        for name, codec in (("b.mkv", "ffv1"), ("c.mkv", "h264"), ("d.mp4", "hevc")):
            with self.subTest(codec):
                self.succeed("upscale", film, "-o", name, "--codec", codec)
                told = side_data(self.folder / name, "stream")["Stereo 3D"]
                self.assertEqual((told["type"], told["inverted"]), ("side by side", 0))
                self.assertEqual(self.video(self.folder / name)["sample_aspect_ratio"], "1:1")

    def test_edges_that_are_cut_off_when_shown(self):
        """Not only as far as a decoder likes its rows aligned. 10 bits and 4:4:4 begin at other bytes."""
        for pixels, left in (("yuv420p10le", 2), ("yuv444p", 1)):
            with self.subTest(pixels):
                whole, film, cut = self.make("w.mkv", "-c:v", "libx264", "-qp", "0", frames=3, pixels=pixels), self.folder / "a.mkv", self.folder / "cut.mkv"
                ffmpeg("-i", whole, "-c", "copy", "-bsf:v", f"h264_metadata=crop_left={left}:crop_top=2:crop_right={6 - left}", film)
                ffmpeg("-i", whole, "-vf", f"crop=58:46:{left}:2", "-c:v", "ffv1", cut)
                told = json.loads(self.succeed("upscale", film, "-o", "b.mkv", "--codec", "ffv1", "--json"))["inputs"][0]
                self.assertEqual((told["input_size"], told["output_size"]), ([58, 46], [116, 92]))
                self.succeed("upscale", cut, "-o", "c.mkv", "--codec", "ffv1")
                self.assertEqual(len(decoded(self.folder / "b.mkv", pixels)), len(decoded(self.folder / "c.mkv", pixels)))
                self.assertEqual(decoded(self.folder / "b.mkv", pixels), decoded(self.folder / "c.mkv", pixels))

    def test_dynamic_metadata_is_told_to_stay_behind(self):
        one_window = ((1, 2), (400, 27), (0, 1), (1000, 17), (2000, 17), (3000, 17), (500, 17), (0, 4), (3, 10), (0, 1), (0, 1), (0, 1))
        message = b"\xb5\0\x3c\0\1\4\1" + bits(*one_window)
        film = self.make_with_messages("a.mkv", "hevc", lambda _: message, "-x265-params", "log-level=0:bframes=0", pixels="yuv420p10le")
        self.assertIn("HDR Dynamic Metadata SMPTE2094-40 (HDR10+)", side_data(film))
        result = self.run_program("upscale", film, "-o", "b.mkv", *FAST)
        self.assertEqual((result.returncode, result.stderr), (0, "fsrcnn: note: HDR10+'s dynamic metadata is dropped: it describes the original pictures\n"))

    def test_closed_captions_are_kept_or_told_to_stay_behind(self):
        """They begin with the fourth picture."""
        caption = lambda n: b"\xb5\0\x31GA94\3" + bytes([0x41, 0xFF, 0xFC, 0x41 + n, 0x42, 0xFF])  # noqa: E731
        nothing = b"\xb5\0\x31GA94\6\0\0"  # bars
        film = self.make_with_messages("a.mkv", "h264", lambda n: caption(n) if n >= 3 else nothing, "-bf", "0", "-x264-params", "slices=1")
        kind = "ATSC A53 Part 4 Closed Captions"
        of_pictures = lambda path: [kind in str(frame) for frame in probe(path, "-select_streams", "v:0", "-show_frames")["frames"]]  # noqa: E731
        self.assertEqual(of_pictures(film), [False] * 3 + [True] * 9)
        ffmpeg("-i", film, "-c:v", "mpeg2video", self.folder / "a.mpg")
        note = "fsrcnn: note: the closed captions in the film's pictures are dropped: the encoder {} does not write them; libx264 and mpeg2video do\n"
        for name, options, encoder in ((film, FAST, ""), ("a.mpg", (), ""), ("a.mpg", ("--codec", "ffv1"), "ffv1"), (film, ("--codec", "hevc"), "libx265"),
                                       (film, ("--codec", "ffv1", "--frames", "0:12"), "ffv1")):  # fmt: skip
            with self.subTest(f"{name} {options}"):
                output = self.folder / ("b.nut" if "--frames" in options else "b.mkv")
                result = self.run_program("upscale", name, "-o", output, *options)
                self.assertEqual((result.returncode, result.stderr), (0, note.format(encoder) if encoder else ""))
                self.assertEqual(of_pictures(output).count(True), 0 if encoder else 9)
        plain = self.make("c.mkv", "-c:v", "libx264", frames=3)
        self.assertEqual(self.run_program("upscale", plain, "-o", "d.mkv", "--codec", "ffv1").stderr, "")

    # ---- beside the pictures

    def test_a_cover_becomes_a_file_of_its_kind(self):
        film = self.make("p.mkv", "-c:v", "libx264", frames=3)
        for suffix, mimetype in (("bmp", "image/bmp"), ("png", "image/png"), ("jpg", "image/jpeg")):
            with self.subTest(suffix):
                cover = self.folder / f"c.{suffix}"
                ffmpeg("-i", CROP, "-pix_fmt", "yuvj420p" if suffix == "jpg" else "bgr24" if suffix == "bmp" else "rgb24", cover)
                ffmpeg("-i", film, "-i", cover, "-map", "0", "-map", "1", "-c", "copy", "-disposition:v:1", "attached_pic", self.folder / "a.mp4")
                self.succeed("upscale", "a.mp4", "-o", "b.mkv", *FAST)
                attached = probe(self.folder / "b.mkv", "-show_streams")["streams"][1]
                self.assertEqual((attached["tags"]["filename"], attached["tags"]["mimetype"]), (f"cover.{suffix}", mimetype))
                self.assertIn(cover.read_bytes(), (self.folder / "b.mkv").read_bytes())

    def test_a_time_code_that_is_kept_is_not_said_to_stay_behind(self):
        ffmpeg("-i", self.make("p.mkv", "-c:v", "libx264", frames=3), "-c", "copy", "-metadata", "timecode=01:02:03:04", self.folder / "a.mov")
        for name, kept in (("b.mov", True), ("b.mp4", True), ("b.m4v", False)):
            with self.subTest(name):
                result = self.run_program("upscale", "a.mov", "-o", name, *FAST)
                streams = probe(self.folder / name, "-show_streams")["streams"]
                codes = [s["tags"]["timecode"] for s in streams if s["codec_tag_string"] == "tmcd"]
                self.assertEqual((result.returncode, codes), (0, ["01:02:03:04"] if kept else []))
                self.assertEqual("is dropped" in result.stderr, not kept)

    def test_data_of_transport_streams(self):
        """Its packets may all have one time. Elsewhere there is no place for it."""
        (self.folder / "data").write_bytes(random.Random(1).randbytes(3000))
        ffmpeg("-i", self.make("p.mkv", "-c:v", "libx264", frames=12), "-f", "data", "-i", self.folder / "data", "-map", "0", "-map", "1", "-c", "copy",
               self.folder / "a.ts")  # fmt: skip
        data = lambda path: probe(path, "-select_streams", "d", "-show_data_hash", "md5", "-show_entries", "packet=pts,dts,size,data_hash")["packets"]  # noqa: E731
        self.assertEqual([int(p["size"]) for p in data(self.folder / "a.ts")], [1024, 1024, 952])
        result = self.run_program("upscale", "a.ts", "-o", "b.ts", *FAST)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        old, new = data(self.folder / "a.ts"), data(self.folder / "b.ts")
        earlier = int(old[0]["pts"]) - int(new[0]["pts"])  # as the pictures, which begin at 0
        self.assertAlmostEqual(earlier / 90000, packets(self.folder / "a.ts", "v:0")[0][0] - packets(self.folder / "b.ts", "v:0")[0][0], delta=0.001)
        for packet in new:
            packet.update(pts=packet["pts"] + earlier, dts=packet["dts"] + earlier)
        self.assertEqual(old, new)
        result = self.run_program("upscale", "a.ts", "-o", "b.mkv", *FAST)
        self.assertEqual((result.returncode, result.stderr), (0, "fsrcnn: note: stream 1 (data bin_data) is dropped: the format matroska cannot store it\n"))

    def test_other_pictures_are_said_to_stay_as_they_are(self):
        one = self.make("one.mkv", "-c:v", "libx264", frames=6)
        other = self.make("other.mkv", "-c:v", "libx264", frames=6, size="32x32")
        ffmpeg("-i", one, "-f", "lavfi", "-i", "sine=d=0.2", "-i", other, "-i", CROP, "-map", "0", "-map", "1", "-map", "2", "-map", "3", "-c:v", "copy",
               "-c:a", "aac", "-disposition:v:2", "attached_pic", self.folder / "a.mp4")  # fmt: skip
        result = self.run_program("upscale", "a.mp4", "-o", "b.mp4", *FAST)
        self.assertEqual((result.returncode, result.stderr), (0, "fsrcnn: note: stream 2 (video h264) is copied unchanged; only stream 0 is upscaled\n"))
        self.assertEqual([s.get("width") for s in probe(self.folder / "b.mp4", "-show_streams")["streams"]], [128, None, 32, 95])

    # ---- pixels

    def test_hap_without_alpha(self):
        """Its encoder takes no pixels without, so that they are made opaque."""
        for kind, tag in (("hap", "Hap1"), ("hap_q", "HapY")):
            with self.subTest(kind):
                film = self.make("a.mov", "-c:v", "hap", "-format", kind, frames=2, filters=",format=rgb24", pixels="rgba")
                self.succeed("upscale", film, "-o", "b.mov")
                self.assertEqual(self.video(self.folder / "b.mov")["codec_tag_string"], tag)
                self.succeed("upscale", film, "-o", "c.mkv", "--codec", "ffv1")
                given, expected = decoded(self.folder / "b.mov", "rgb24"), decoded(self.folder / "c.mkv", "rgb24")
                self.assertEqual(len(given), len(expected))
                self.assertLess(sum(abs(a - b) for a, b in zip(given, expected)) / len(given), 4)
        self.succeed("upscale", film, "-o", "d.mov", "--codec", "hap", "--encoder-option", "format=hap_alpha")
        self.assertEqual(set(decoded(self.folder / "d.mov", "rgba")[3::4]), {255})

    def test_gray_with_alpha(self):
        film = self.folder / "a.mov"
        ffmpeg("-i", CROP, "-vf", "format=gray,format=ya8,lutyuv=a=100", "-c:v", "png", "-pix_fmt", "ya8", film)
        self.assertEqual(self.video(film)["pix_fmt"], "ya8")
        self.succeed("upscale", film, "-o", "b.mov")
        ffmpeg("-i", film, "-pix_fmt", "gray", "-c:v", "ffv1", self.folder / "opaque.mkv")
        self.succeed("upscale", "opaque.mkv", "-o", "c.mkv")
        samples, gray = decoded(self.folder / "b.mov", "rgba"), decoded(self.folder / "c.mkv", "gray")
        self.assertEqual(set(samples[3::4]), {100})
        for channel in range(3):
            self.assertLessEqual(max(abs(a - b) for a, b in zip(samples[channel::4], gray, strict=True)), 1)

    def test_advice_for_pixels_that_cannot_be_upscaled_works(self):
        for pixels, codec, suffix, kept in (("ya16be", "png", "mkv", "gbrap16le"), ("rgb555le", "rpza", "mov", "bgr0"), ("gbrpf32le", "exr", "mkv", "gbrp16le")):
            with self.subTest(pixels):
                film = self.make(f"a.{suffix}", "-c:v", codec, frames=2, pixels=pixels)
                self.assertEqual(self.video(film)["pix_fmt"], pixels)
                message = self.fail_with(INPUT, "upscale", film, "-o", "b.mkv", says=f"unsupported pixel format {pixels}")
                self.follow(message, film)
                self.assertEqual(self.video(self.folder / "CONVERTED.mkv")["pix_fmt"], kept)
                self.succeed("upscale", "CONVERTED.mkv", "-o", "b.mkv")
                (self.folder / "b.mkv").unlink()


if __name__ == "__main__":
    main()

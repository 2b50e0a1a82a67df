"""When pictures are shown, of films whose files say it badly or not at all: python3 film_clocks_test.py PROGRAM [unittest's
options]"""

import struct

from support.film_case import FAST, FilmCase, decoded, ffmpeg, packets, probe
from support.program import INPUT, USAGE, main


def packed(avi):
    """An AVI of MPEG-4 whose P-picture and the B-picture behind it stand in one packet, and in the next one nothing."""
    begin = avi.index(b"movi") + 4
    chunks, at = [], begin
    while avi[at : at + 4] == b"00dc":
        size = struct.unpack("<I", avi[at + 4 : at + 8])[0]
        chunks.append(avi[at + 8 : at + 8 + size])
        at += 8 + size + size % 2
    kind = lambda data: data[data.index(b"\0\0\1\xb6") + 4] >> 6  # noqa: E731
    nothing, result = b"\0\0\1\xb6\x5f\x00", []
    for data in chunks:
        if kind(data) == 2:
            result[-1] += data
            result.append(nothing)
        else:
            result.append(data)
    movi, index = b"movi", b""
    for data in result:
        flags = 0x10 if kind(data) == 0 else 0
        index += b"00dc" + struct.pack("<III", flags, len(movi), len(data))
        movi += b"00dc" + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)
    head = avi[: begin - 12]
    body = head[12:] + b"LIST" + struct.pack("<I", len(movi)) + movi + b"idx1" + struct.pack("<I", len(index)) + index
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"AVI " + body


class FilmClocksTest(FilmCase):
    def sounding(self, name, *options, codec=("-c:v", "libx264", "-g", "12", "-bf", "2"), seconds=2):
        pictures = self.make("pictures.mkv", *codec, frames=25 * seconds)
        ffmpeg("-i", pictures, "-f", "lavfi", "-i", f"sine=d={seconds}", "-c:v", "copy", "-c:a", "mp2", *options, self.folder / name)
        return self.folder / name

    def starts(self, path):
        return {s["codec_type"]: float(s["start_time"]) for s in probe(path, "-show_streams")["streams"]}

    def check_pictures(self, film, output, count, pixels="yuv420p"):
        """Whole, in their order, and at the rate of 25; made in several segments, each of which seeks."""
        self.succeed("upscale", film, "-o", output, "--codec", "ffv1", "--segment-frames", 10)
        times = [t for t, _ in packets(self.folder / output, "v:0")]
        self.assertEqual(len(times), count)
        self.assertLess(max(abs(t - times[0] - i / 25) for i, t in enumerate(times)), 0.0011)
        self.succeed("upscale", film, "-o", "one.mkv", "--codec", "ffv1", "--segment-frames", 1000)
        self.assertEqual(decoded(self.folder / "one.mkv", pixels), decoded(self.folder / output, pixels))
        return times

    def test_a_recording_that_begins_at_any_time(self):
        film = self.sounding("a.ts", "-output_ts_offset", "50001")
        old = self.starts(film)
        self.assertGreater(old["video"], 50000)
        for output in ("b.mkv", "b.mp4", "b.avi", "b.ts"):
            with self.subTest(output):
                self.succeed("upscale", film, "-o", output, *FAST)
                new = self.starts(self.folder / output)
                self.assertLess(min(new.values()), 1.5 if output.endswith(".ts") else 0.1)
                self.assertAlmostEqual(new["video"] - new["audio"], old["video"] - old["audio"], delta=0.045 if output == "b.avi" else 0.002)
                self.assertLess(float(probe(self.folder / output, "-show_format")["format"]["duration"]), 2.2)
                self.assertEqual(len(probe(self.folder / output, "-select_streams", "v:0", "-show_packets")["packets"]), 50)
        (self.folder / "chapters.txt").write_text(";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=101000\nEND=102000\ntitle=Two\n")
        ffmpeg("-i", self.make("p.mkv", "-c:v", "mpeg4", frames=50), "-i", self.folder / "chapters.txt", "-c", "copy", "-map_chapters", "1",
               "-output_ts_offset", "100", "-avoid_negative_ts", "disabled", self.folder / "c.mkv")  # fmt: skip
        begin = float(probe(self.folder / "c.mkv", "-show_format")["format"]["start_time"])
        chapter = float(probe(self.folder / "c.mkv", "-show_chapters")["chapters"][0]["start_time"])
        self.assertGreater(begin, 99)
        self.succeed("upscale", "c.mkv", "-o", "d.mkv")
        self.assertEqual(packets(self.folder / "d.mkv", "v:0")[0][0], 0)
        self.assertAlmostEqual(float(probe(self.folder / "d.mkv", "-show_chapters")["chapters"][0]["start_time"]), chapter - begin, delta=0.002)

    def test_transport_streams_put_together(self):
        """Their clocks begin anew: at the same time, earlier, and hours later."""
        for name, offset in (("1.ts", 0), ("2.ts", 0), ("3.ts", 9000), ("4.ts", 20)):
            self.sounding(name, "-output_ts_offset", offset)
        film = self.folder / "a.ts"
        film.write_bytes(b"".join((self.folder / f"{i}.ts").read_bytes() for i in (1, 2, 3, 4)))
        self.check_pictures(film, "b.mkv", 200)
        result = self.run_program("upscale", film, "-o", "c.mkv", *FAST)
        self.assertEqual((result.returncode, result.stderr), (0, "fsrcnn: note: the film's clock jumps 3 times, first at 2.00 s; the parts are joined there\n"))
        self.assertIn("jumps 3 times", self.run_program("plan", film).stderr)
        sound = packets(self.folder / "c.mkv", "a:0")
        self.assertEqual(len(sound), 4 * len(packets(self.folder / "1.ts", "a:0")))
        # Of each part it stands where it stood beside the pictures.
        self.assertLess(abs(sound[-1][0] - packets(self.folder / "c.mkv", "v:0")[-1][0]), 0.1)
        self.assertLess(max(b[0] - a[0] for a, b in zip(sound, sound[1:])), 0.1)

    def test_transport_streams_that_break_off(self):
        """It shows in their last packet alone."""
        for name in ("a.ts", "a.m2ts"):
            film = self.make(name, "-c:v", "libx264", frames=10)
            data = film.read_bytes()
            for cut, is_told in ((data, False), (data[50:], False), (data[:-50], True)):
                film.write_bytes(cut)
                for source in (name, "-"):
                    with self.subTest(f"{name} {source} {len(cut) - len(data)}"):
                        result = self.run_program("upscale", source, "-o", "b.mkv", "--codec", "ffv1", text=False, input=cut if source == "-" else b"")
                        self.assertEqual((result.returncode, b"ends in the middle of a packet" in result.stderr), (int(is_told), is_told), result.stderr)

    def test_films_without_times(self):
        film = self.make("a.mkv", "-c:v", "libx264", "-g", "15", "-bf", "3", "-x264-params", "b-pyramid=normal:open-gop=1", frames=60)
        hevc = self.make("b.mkv", "-c:v", "libx265", "-g", "15", "-x265-params", "log-level=none:bframes=3", frames=60)
        for name, source in (("a.h264", film), ("a.hevc", hevc), ("a.avi", self.folder / "a.h264")):
            with self.subTest(name):
                ffmpeg("-i", source, "-c", "copy", *(("-bsf:v", "hevc_mp4toannexb") if name == "a.hevc" else ()), self.folder / name)
                self.check_pictures(name, "c.mkv", 60)
                self.succeed("upscale", source, "-o", "right.mkv", "--codec", "ffv1", "--segment-frames", 1000)
                self.assertEqual(decoded(self.folder / "c.mkv"), decoded(self.folder / "right.mkv"))
        slow = self.make("slow.h264", "-c:v", "libx264", "-bf", "2", frames=20, rate="10")
        self.succeed("upscale", slow, "-o", "d.mkv", *FAST)
        self.assertEqual([t for t, _ in packets(self.folder / "d.mkv", "v:0")], [i / 10 for i in range(20)])

    def test_two_pictures_in_a_packet(self):
        film = self.make("a.avi", "-c:v", "mpeg4", "-bf", "1", "-b_strategy", "0", "-g", "15", "-vtag", "XVID", frames=60)
        (self.folder / "b.avi").write_bytes(packed(film.read_bytes()))
        self.assertIn(0, [int(p["size"]) < 8 and 0 for p in probe(self.folder / "b.avi", "-show_packets")["packets"]])
        self.check_pictures("b.avi", "c.mkv", 60)
        self.succeed("upscale", film, "-o", "right.mkv", "--codec", "ffv1", "--segment-frames", 1000)
        self.assertEqual(decoded(self.folder / "c.mkv"), decoded(self.folder / "right.mkv"))

    def test_playlists(self):
        film = self.sounding("a.mkv", codec=("-c:v", "libx264", "-g", "25", "-bf", "2"), seconds=4)
        ffmpeg("-i", film, "-c:v", "copy", "-c:a", "aac", "-hls_time", "1", "-hls_list_size", "0", self.folder / "a.m3u8")
        ffmpeg("-i", film, "-c:v", "copy", "-c:a", "aac", "-f", "dash", self.folder / "a.mpd")
        for name in ("a.m3u8", "a.mpd"):
            with self.subTest(name):
                self.check_pictures(name, "b.mkv", 100)
                self.assertGreater(len(packets(self.folder / "b.mkv", "a:0")), 170)

    def test_films_of_any_format_on_standard_input(self):
        film = self.sounding("a.mkv")
        for suffix, options in (("mkv", ()), ("ts", ()), ("mp4", ()), ("mp4", ("-movflags", "faststart"))):
            with self.subTest(f"{suffix} {options}"):
                source = self.folder / f"b.{suffix}"
                ffmpeg("-i", film, "-c", "copy", *options, source)
                self.succeed("upscale", source, "-o", "file.mkv", *FAST)
                with open(source, "rb") as opened:
                    result = self.run_program("upscale", "-", "-o", "pipe.mkv", *FAST, stdin=opened)
                self.assertEqual(result.returncode, 0, result.stderr)
                self.assertEqual((self.folder / "pipe.mkv").read_bytes(), (self.folder / "file.mkv").read_bytes())
                piped = self.run_program("upscale", "-", "-o", "-", text=False, input=source.read_bytes())
                self.assertEqual(piped.returncode, 0, piped.stderr)
                self.assertGreater(len(piped.stdout), 50 * 128 * 96 * 3 // 2)
        self.assertEqual([p.name for p in self.folder.iterdir() if p.name.startswith(".") or "standard" in p.name or p.suffix == ".parts"], [])
        result = self.run_program("upscale", "-", "-o", "c.mkv", text=False, input=b"no film at all" * 1000)
        self.assertEqual(result.returncode, INPUT, result.stderr)
        self.assertFalse((self.folder / "c.mkv").exists())

    def test_avi_of_a_rate_that_varies(self):
        """It does not fail after the work."""
        film = self.make("a.mkv", "-c:v", "ffv1", frames=30)
        ffmpeg("-i", film, "-vf", "setpts='(N*40+if(gte(N,10),170,0))/1000/TB'", "-fps_mode", "vfr", "-c:v", "ffv1", self.folder / "v.mkv")
        self.succeed("upscale", "v.mkv", "-o", "v.avi")
        times = [t for t, _ in packets(self.folder / "v.mkv", "v:0")]
        frames = [t for t, _ in packets(self.folder / "v.avi", "v:0")]
        self.assertLess(abs((frames[-1] - frames[0]) - (times[-1] - times[0])), 0.05)
        ffmpeg("-i", film, "-vf", "setpts='(N*40+if(gte(N,10),90000,0)+mod(N*7,13))/1000/TB'", "-fps_mode", "vfr", "-enc_time_base", "1/1000", "-c:v", "ffv1", self.folder / "w.mkv")
        self.fail_with(USAGE, "upscale", "w.mkv", "-o", "w.avi", says="stores a frame rate")


if __name__ == "__main__":
    main()

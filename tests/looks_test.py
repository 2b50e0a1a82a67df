"""What makes pictures and films look better, and is not part of the network: python3 looks_test.py PROGRAM [unittest's options]"""

from support.film_case import FilmCase, decoded, ffmpeg
from support.program import USAGE, main, png_bytes


class LooksTest(FilmCase):
    def write_png(self, name, rows, channels=1):
        (self.folder / name).write_bytes(png_bytes(len(rows[0]) // channels, len(rows), channels, rows))

    def samples(self, name, pixels="gray"):
        return ffmpeg("-i", self.folder / name, "-f", "rawvideo", "-pix_fmt", pixels, "-").stdout

    def test_flat_pictures_stay_flat(self):
        """In the corners, too, at every scale, by one pass or several, resampled or not."""
        for pixel in ([0], [128], [255], [255, 255, 255], [255, 40, 128]):
            for width, height in ((1, 1), (3, 2), (40, 30)):
                self.write_png("flat.png", [pixel * width] * height, len(pixel))
                for scale in ("2", "3", "4", "8", "2.5") if width == 3 else ("3", "8"):
                    self.succeed("upscale", "flat.png", "-o", "large.png", "--scale", scale)
                    samples = self.samples("large.png", "gray" if len(pixel) == 1 else "rgb24")
                    for channel, level in enumerate(pixel):
                        found = set(samples[channel :: len(pixel)])
                        self.assertEqual(found, {level}, f"{pixel} of {width}x{height} at scale {scale}")

    def test_padding_as_pytorch_has_it(self):
        self.write_png("flat.png", [[255] * 40] * 30)
        self.succeed("upscale", "flat.png", "-o", "large.png", "--edges", "pad", "--guard", "0")
        samples = self.samples("large.png")
        self.assertLess(samples[0], 253)
        self.assertEqual(samples[80 * 30 + 40], 255)
        self.fail_with(USAGE, "upscale", "flat.png", "-o", "a.png", "--edges", "wrap", says="wrap not in {mirror,pad}")

    def test_the_guard_takes_away_white_lines_and_ghosts(self):
        """Of a drawing of ink on cream."""
        cream, ink = (246, 240, 226), (24, 20, 30)
        rows = []
        for y in range(90):
            line = [ink if x % 15 in (0, 1) and x > 30 or (x + y) % 17 == 0 or y % 20 == 3 and x < 30 else cream for x in range(120)]
            rows.append([sample for pixel in line for sample in pixel])
        self.write_png("drawing.png", rows, 3)

        def white(*options):
            self.succeed("upscale", "drawing.png", "-o", "large.png", "--chroma", "bicubic", *options)
            samples = self.samples("large.png", "rgb24")
            return sum(samples[i : i + 3] == b"\xff\xff\xff" for i in range(0, len(samples), 3)) / (len(samples) / 3)

        shares = [white("--guard", guard) for guard in ("0", "0.5", "1")]
        self.assertGreater(shares[0], 0.05, shares)
        self.assertLess(shares[2], 0.01, shares)
        self.assertLess(shares[2], shares[1], shares)
        self.assertLess(shares[1], shares[0], shares)
        self.assertEqual(white(), shares[2])
        for guard in ("-0.1", "1.01", "nan", "much"):
            self.fail_with(USAGE, "upscale", "drawing.png", "-o", "a.png", "--guard", guard, says=f"'{guard}' is not a share from 0 to 1")

    def test_thin_strokes_keep_their_colour(self):
        """Lines of red on white, two pixels in three thick in the original, one and a half in the input."""
        red, white, between = (255, 6, 6), (255, 255, 255), (255, 131, 131)
        rows = [[sample for x in range(60) for sample in ((red, between, white, white, white)[y % 5])] for y in range(60)]
        self.write_png("red.png", rows, 3)

        def reddest(*options):
            self.succeed("upscale", "red.png", "-o", "large.png", *options)
            samples = self.samples("large.png", "rgb24")
            column = [samples[i : i + 3] for i in range(3 * 60, len(samples), 3 * 120)][20:100]
            return min(column, key=lambda pixel: pixel[1])

        self.assertGreaterEqual(reddest()[0], 250)
        self.assertEqual(reddest("--chroma", "guided"), reddest())
        self.assertLess(reddest("--chroma", "bicubic")[0], reddest()[0] - 5)
        self.fail_with(USAGE, "upscale", "red.png", "-o", "a.png", "--chroma", "none", says="none not in {guided,bicubic}")

    def test_flat_films_stay_flat(self):
        for pixels, level in (("yuv420p", 235), ("yuvj420p", 255), ("gray", 128), ("yuv420p10le", 64)):
            size = 64 * 48 * (2 if pixels.endswith("10le") else 1)
            luma = bytes([level]) * size if size == 64 * 48 else level.to_bytes(2, "little") * (64 * 48)
            chroma = b"" if pixels == "gray" else (b"\x80" if size == 64 * 48 else b"\x00\x02") * (64 * 48 // 2)
            (self.folder / "film.raw").write_bytes((luma + chroma) * 3)
            ffmpeg("-f", "rawvideo", "-pix_fmt", pixels, "-s", "64x48", "-i", self.folder / "film.raw", "-c:v", "ffv1", self.folder / "film.mkv")
            for scale in ("2", "3"):
                self.succeed("upscale", "film.mkv", "-o", "large.mkv", "--scale", scale)
                large = decoded(self.folder / "large.mkv", pixels)
                scaled = size * int(scale) ** 2
                frame = len(large) // 3
                for begin in range(0, 3 * frame, frame):
                    expected = luma[: size // (64 * 48)] * (scaled * 64 * 48 // size)
                    self.assertEqual(large[begin : begin + scaled], expected, f"{pixels} at scale {scale}")


if __name__ == "__main__":
    main()

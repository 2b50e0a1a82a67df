"""Films that are unlike most, and outputs that cannot keep all of a film: python3 film_oddities_test.py PROGRAM [unittest's
options]"""

import json

from support.film_case import FAST, FilmCase, ffmpeg, probe
from support.program import main


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
        self.succeed("upscale", "c.ts", "-o", "d.mkv", "--codec", "h264", "--segment-frames", 12, *FAST)
        self.assertEqual(self.video(self.folder / "a.ts")["sample_aspect_ratio"], self.video(self.folder / "d.mkv")["sample_aspect_ratio"])


if __name__ == "__main__":
    main()

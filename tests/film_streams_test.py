"""What stands beside a film's pictures, or in them, and what becomes of it: python3 film_streams_test.py PROGRAM [unittest's
options]"""

from support.film_case import FAST, FilmCase, ffmpeg, probe
from support.program import USAGE, main


def side_data(path, of="frame"):
    """The first picture's, or the stream's."""
    found = probe(path, "-select_streams", "v:0", "-read_intervals", "%+#1", "-show_frames", "-show_streams")[f"{of}s"][0]
    return {data["side_data_type"]: data for data in found.get("side_data_list", [])}


class FilmStreamsTest(FilmCase):
    # ---- in the pictures

    def test_a_rotation_that_stands_in_the_pictures(self):
        turned = ("-c", "copy", "-bsf:v", "h264_metadata=display_orientation=insert:rotate=90")
        plain, film, both = self.make("plain.mp4", "-c:v", "libx264", frames=3), self.folder / "a.mp4", self.folder / "both.mp4"
        ffmpeg("-i", plain, *turned, film)
        self.assertNotIn("Display Matrix", side_data(film, "stream"))
        ffmpeg("-i", plain, "-c", "copy", "-metadata:s:v", "rotate=90", self.folder / "c.mp4")
        ffmpeg("-i", self.folder / "c.mp4", *turned, both)
        rotation = side_data(film)["3x3 displaymatrix"]["rotation"]
        self.assertEqual(abs(rotation), 90)
        for name in (film, both):
            with self.subTest(name.name):
                self.succeed("upscale", name, "-o", "b.mp4", *FAST)
                told = [kind for of in ("frame", "stream") for kind in side_data(self.folder / "b.mp4", of).items() if "atrix" in kind[0]]
                self.assertEqual([data["rotation"] for _, data in told], [rotation])
        self.fail_with(USAGE, "upscale", film, "-o", "d.mkv", *FAST, says="to be shown turned")

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


if __name__ == "__main__":
    main()

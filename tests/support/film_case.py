"""What the tests of films share. Every film is made by FFmpeg from the crop of a photograph."""

import json
import random
import struct
import subprocess

from support.program import CROP, ProgramTest

FAST = ["--preset", "ultrafast"]


def ffmpeg(*arguments, **options):
    return subprocess.run(["ffmpeg", "-y", "-v", "error", "-nostdin", *map(str, arguments)], check=True, capture_output=True, timeout=120, **options)


def probe(path, *arguments):
    result = subprocess.run(["ffprobe", "-v", "error", "-of", "json", *arguments, str(path)], check=True, capture_output=True)
    return json.loads(result.stdout)


def packets(path, stream):
    """Times of a stream's packets in the order in which they are shown."""
    found = probe(path, "-select_streams", stream, "-show_entries", "packet=pts_time,duration_time")["packets"]
    return sorted((float(p["pts_time"]), float(p.get("duration_time", 0))) for p in found)


def hashes(path, *maps):
    """Of the packets of streams, with their times."""
    arguments = [argument for m in maps for argument in ("-map", m)]
    output = ffmpeg("-i", path, *arguments, "-c", "copy", "-f", "framemd5", "-").stdout.decode()
    return [line for line in output.splitlines() if not line.startswith("#")]


def decoded(path, pixels="yuv420p"):
    return ffmpeg("-i", path, "-map", "0:v:0", "-f", "rawvideo", "-pix_fmt", pixels, "-fps_mode", "passthrough", "-").stdout


def turn(path):
    """Makes an MP4 one that is to be shown turned by 90 degrees. FFmpeg's own options for it differ between versions."""
    data = bytearray(path.read_bytes())
    matrix = data.index(b"tkhd") + 44
    data[matrix : matrix + 36] = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, 48 << 16, 0, 1 << 30)
    path.write_bytes(data)


def sited(place):
    """Options for FFV1 with chroma samples at a place, and a filter for it. Since FFmpeg 7 the pictures tell the place, which
    the filter sets, and the encoder's option does not count."""
    known = b"chroma_location" in ffmpeg("-h", "filter=setparams").stdout
    return ("-c:v", "ffv1", "-chroma_sample_location", place), f",setparams=chroma_location={place}" if known else ""


class FilmCase(ProgramTest):
    def make(self, name, *codec, frames=24, size="64x48", filters="", pixels="yuv420p", rate="25"):
        """A film of a window that moves over the photograph."""
        width, height = size.split("x")
        chain = f"crop={width}:{height}:x='mod(n*3,100-{width})':y='mod(n,90-{height})'{filters},format={pixels}"
        path = self.folder / name
        ffmpeg("-loop", "1", "-framerate", rate, "-i", CROP, "-vf", chain, "-frames:v", str(frames), *(codec or ("-c:v", "ffv1")), path)
        return path

    def video(self, path):
        return probe(path, "-select_streams", "v:0", "-show_streams")["streams"][0]

    def film_with_everything(self):
        """H.264 with B-frames, two sound tracks, subtitles, chapters, a font, tags."""
        pictures = self.make("pictures.mkv", "-c:v", "libx264", "-g", "12", "-bf", "2", frames=75)
        (self.folder / "s.srt").write_text("1\n00:00:00,500 --> 00:00:01,000\nHello\n\n2\n00:00:01,200 --> 00:00:02,750\nWorld\n")
        (self.folder / "tags.txt").write_text(
            ";FFMETADATA1\ntitle=A film\nartist=Nobody\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=1000\ntitle=One\n"
            "[CHAPTER]\nTIMEBASE=1/1000\nSTART=1000\nEND=3000\ntitle=Two\n")  # fmt: skip
        (self.folder / "font.ttf").write_bytes(random.Random(1).randbytes(5000))
        film = self.folder / "film.mkv"
        ffmpeg(
            "-i", pictures, "-f", "lavfi", "-i", "sine=440:d=3", "-f", "lavfi", "-i", "sine=880:d=3", "-i", self.folder / "s.srt",
            "-i", self.folder / "tags.txt", "-map", "0:v", "-map", "1:a", "-map", "2:a", "-map", "3", "-map_metadata", "4", "-map_chapters", "4",
            "-c:v", "copy", "-c:a", "aac", "-c:s", "ass", "-metadata:s:a:0", "language=eng", "-metadata:s:a:1", "language=deu",
            "-metadata:s:a:1", "title=Deutsch", "-disposition:a:1", "+comment", "-metadata:s:s:0", "language=fra",
            "-attach", self.folder / "font.ttf", "-metadata:s:t", "mimetype=application/x-truetype-font", film)  # fmt: skip
        return film

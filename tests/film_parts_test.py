"""Films in parts, and what is left of them after kills and failures: python3 film_parts_test.py PROGRAM [--kills N]
[unittest's options]"""

import json
import os
import random
import re
import resource
import shutil
import signal
import struct
import subprocess
import sys
import time

from support.film_case import FAST, FilmCase, decoded, hashes, packets, probe
from support.program import GOLDEN, INPUT, IO, PROGRAM, SANITIZED, USAGE, main


class FilmPartsTest(FilmCase):
    def test_segments_made_apart_are_the_film(self):
        film, whole = self.film_with_everything(), self.folder / "whole.mkv"
        self.succeed("upscale", film, "-o", whole, "--segment-frames", 20, *FAST)
        ranges = self.succeed("plan", film, "--segment-frames", 20).split()
        self.assertEqual(ranges[0].split(":")[0], "0")
        self.assertEqual(ranges[-1].split(":")[1], "75")
        self.assertGreater(len(ranges), 2)
        for i, frames in reversed(list(enumerate(ranges))):
            self.succeed("upscale", film, "-o", f"{i}.nut", "--frames", frames, *FAST)
        segments = [f"{i}.nut" for i in range(len(ranges))]
        self.succeed("join", film, *reversed(segments), "-o", "joined.mkv")
        maps = ("0:v", "0:a", "0:s")
        self.assertEqual(hashes(whole, *maps), hashes(self.folder / "joined.mkv", *maps))
        self.fail_with(INPUT, "join", film, "0.nut", "0.nut", "-o", "twice.mkv", says="overlap")
        self.fail_with(INPUT, "join", film, segments[0], *segments[2:], "-o", "gap.mkv", says=ranges[1])
        self.fail_with(INPUT, "join", film, *segments[:-1], "-o", "gap.mkv", says=ranges[-1])
        self.fail_with(USAGE, "join", film, *segments, "-o", film, says="also an input")
        self.fail_with(USAGE, "join", film, *segments, "-o", segments[1], says="also an input")
        self.fail_with(USAGE, "upscale", film, "-o", "part.mkv", "--frames", ranges[0], says=".nut")
        (self.folder / "bad.nut").write_bytes(b"no film" * 100)
        self.fail_with(INPUT, "join", film, "bad.nut", "-o", "bad.mkv", says="bad.nut")

    def test_damaged_segments_are_named(self):
        """None makes the film shorter without a word, wherever it is cut."""
        film = self.film_with_everything()
        for i, frames in enumerate(("0:24", "24:48", "48:75")):
            self.succeed("upscale", film, "-o", f"{i}.nut", "--frames", frames, *FAST)
        whole, bad = (self.folder / "1.nut").read_bytes(), self.folder / "bad.nut"
        for size in (*range(len(whole) // 7, len(whole), len(whole) // 7), *(len(whole) - cut for cut in (1, 4, 5, 12, 100))):
            bad.write_bytes(whole[:size])
            result = self.run_program("join", film, "0.nut", bad, "2.nut", "-o", "a.mkv")
            # The last bytes are an index for seeking, without which no picture is lost.
            if result.returncode != 0 or size < len(whole) - 100:
                self.assertEqual(result.returncode, INPUT, f"{size} of {len(whole)} bytes")
                self.assertRegex(result.stderr, "bad.nut' is damaged|bad.nut' is not a segment")
                self.assertFalse((self.folder / "a.mkv").exists())
            else:
                self.assertEqual(len(packets(self.folder / "a.mkv", "v:0")), 75)
                (self.folder / "a.mkv").unlink()
        at = len(whole) // 2
        bad.write_bytes(whole[:at] + bytes(2000) + whole[at + 2000 :])
        self.fail_with(INPUT, "join", film, "0.nut", "bad.nut", "2.nut", "-o", "a.mkv", says="pictures, but 24 were written")

    def test_a_film_cut_short_is_told_of_in_parts_too(self):
        film = self.film_with_everything()
        film.write_bytes(film.read_bytes()[: film.stat().st_size * 6 // 10])
        result = self.run_program("plan", film)
        self.assertEqual(result.returncode, 1)
        self.assertIn("truncated", result.stderr)
        plan = self.run_program("plan", film, "--json")
        self.assertEqual(plan.returncode, 1)
        plan = json.loads(plan.stdout)
        self.assertIn("truncated", plan["warnings"][0])
        self.assertEqual(result.stdout.split(), [s["frames"] for s in plan["segments"]])
        self.run_program("upscale", film, "-o", "0.nut", "--frames", plan["segments"][0]["frames"], *FAST)
        result = self.run_program("join", film, "0.nut", "-o", "a.mkv", "--json")
        self.assertEqual(result.returncode, 1)
        summary = json.loads(result.stdout)
        self.assertEqual((summary["exit_code"], summary["inputs"][0]["status"]), (1, "damaged"))
        self.assertIn("truncated", summary["inputs"][0]["warnings"][-1])
        self.assertEqual(summary["inputs"][0]["frames"], len(packets(self.folder / "a.mkv", "v:0")))
        self.assertEqual(summary["inputs"][0]["output_size"], [128, 96])
        result = self.run_program("join", film, "missing.nut", "-o", "b.mkv", "--json")
        self.assertEqual(result.returncode, IO)
        self.assertEqual(json.loads(result.stdout)["inputs"][0]["error"]["code"], IO)

    def test_damaged_parts_are_made_again(self):
        film, whole, output = self.film_with_everything(), self.folder / "whole.mkv", self.folder / "out.mkv"
        command, part = ["upscale", film, "--segment-frames", 12, *FAST, "-o"], self.folder / "out.mkv.parts" / "000000.nut"
        self.succeed(*command, whole)

        def stop_after_some():
            """The last write of films is that of the whole one."""
            environment = {**os.environ, "LD_PRELOAD": os.environ["FSRCNN_FAILING_WRITE"]}
            for at in range(10, 1000):
                environment["FSRCNN_FAIL_AT"] = str(at)
                self.assertEqual(self.run_program(*command, output, env=environment).returncode, IO)
                if part.exists() and (part.parent / "000001.nut").exists():
                    return
                shutil.rmtree(part.parent)

        stop_after_some()
        part.write_bytes(part.read_bytes()[: part.stat().st_size // 2])
        result = self.run_program(*command, output)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("000000.nut' was damaged; its frames 0:12 were made again", result.stderr)
        self.assertEqual(whole.read_bytes(), output.read_bytes())
        output.unlink()

        stop_after_some()
        data = part.read_bytes()
        part.write_bytes(data[: len(data) // 2] + bytes(2000) + data[len(data) // 2 + 2000 :])
        result = self.run_program(*command, output)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertRegex(result.stderr, "000000.nut' is damaged: .*; it was made again")
        self.assertEqual(whole.read_bytes(), output.read_bytes())
        output.unlink()

        # Bytes of a picture, which no check of the format sees; a part that is another one; words about it that are none.
        for damage in ("a picture", "another part", "its words"):
            stop_after_some()
            if damage == "a picture":
                data = bytearray(part.read_bytes())
                data[len(data) * 3 // 4] ^= 1
                part.write_bytes(data)
            elif damage == "another part":
                for suffix in (".nut", ".json"):
                    shutil.copy(part.with_suffix(suffix), part.parent / f"000001{suffix}")
            else:
                part.with_suffix(".json").write_text('{"frames": "many", "bytes": "few"}')
            result = self.run_program(*command, output)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertRegex(result.stderr, "0000..\\.nut' was damaged|0000..\\.nut' is damaged: .* made again")
            self.assertEqual(whole.read_bytes(), output.read_bytes())
            output.unlink()

    def test_after_kills_the_film_is_the_same(self):
        film, whole, output = self.film_with_everything(), self.folder / "whole.mkv", self.folder / "out.mkv"
        command = ["upscale", film, "--segment-frames", 12, "--threads", 1, *FAST, "-o"]
        start = time.monotonic()
        self.succeed(*command, whole)
        longest = 1.2 * (time.monotonic() - start)
        moments, ended = random.Random(7), 0
        for _ in range(KILLS):
            process = subprocess.Popen([PROGRAM, *map(str, [*command, output])], cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            try:
                said = process.communicate(timeout=moments.uniform(0, longest))[1]
                ended += 1
                self.assertEqual(process.returncode, 0, said)
                self.assertEqual(hashes(whole, "0:v", "0:a"), hashes(output, "0:v", "0:a"))
                output.unlink()
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.communicate()
                if output.exists():  # it was killed between naming the film and ending
                    self.assertEqual(hashes(whole, "0:v", "0:a"), hashes(output, "0:v", "0:a"))
                    output.unlink()
        self.succeed(*command, output)
        self.assertEqual(hashes(whole, "0:v", "0:a", "0:s"), hashes(output, "0:v", "0:a", "0:s"))
        self.assertEqual(decoded(whole), decoded(output))
        self.assertEqual(whole.read_bytes(), output.read_bytes())
        self.assertEqual(list(self.folder.glob("*.parts")), [])
        self.assertLess(ended, KILLS)

    def test_interrupted_it_says_how_to_go_on(self):
        film, output = self.make("a.mkv", "-c:v", "libx264", "-g", "10", frames=400, size="80x70"), self.folder / "b.mkv"
        command = [PROGRAM, "upscale", str(film), "-o", str(output), "--threads", "1", "--segment-frames", "10", "--cpu", "sse4"]
        for number in (signal.SIGINT, signal.SIGTERM):
            segments = lambda: len(list(self.folder.glob("b.mkv.parts/0*.nut")))  # noqa: E731
            before = segments()
            process = subprocess.Popen(command, stderr=subprocess.PIPE, cwd=self.folder)
            while segments() < before + 3 and process.poll() is None:
                time.sleep(0.01)
            process.send_signal(number)
            said = process.communicate()[1].decode()
            self.assertEqual(process.returncode, 128 + number, said)
            self.assertIn("resume", said)
            self.assertFalse(output.exists())
        result = self.succeed(*command[1:])
        self.assertIn("frames were already done", result)
        self.assertEqual(len(packets(output, "v:0")), 400)

    def test_parts_of_another_job_are_not_mixed_in(self):
        film, output = self.film_with_everything(), self.folder / "out.mkv"
        parts = self.folder / "out.mkv.parts"
        parts.mkdir()
        for journal, says in (('{"scale": 3}\n', "segments of another job"), ("", "damaged"), ("[1]", "damaged"), ('{"scale', "damaged"), (None, "no journal")):  # fmt: skip
            (parts / "000000.nut").write_bytes(b"a part")
            (parts / "journal.json").write_text(journal) if journal is not None else (parts / "journal.json").unlink()
            result = self.run_program("upscale", film, "-o", output)
            self.assertEqual(result.returncode, USAGE)
            self.assertIn(says, result.stderr)
            self.assertFalse(output.exists())

    def test_parts_of_other_films_and_models_are_not_joined(self):
        film = self.make("a.mkv", frames=20)
        other = self.make("b.mkv", frames=20, filters=",hflip")
        options = ["--codec", "ffv1"]
        for name, source, more in (("0", film, []), ("other_film", other, []), ("other_model", film, ["--model", "fsrcnn-s-x2"]),
                                   ("other_option", film, ["--encoder-option", "slices=4"]), ("other_edges", film, ["--edges", "pad"]),
                                   ("other_guard", film, ["--guard", "0.5"]),
                                   ("1", film, ["--cpu", "sse4"])):  # fmt: skip
            self.succeed("upscale", source, "-o", f"{name}.nut", "--frames", "0:10" if name == "0" else "10:20", *options, *more)
        self.fail_with(INPUT, "join", film, "0.nut", "other_film.nut", "-o", "c.mkv", says="belongs to another film")
        self.fail_with(INPUT, "join", film, "0.nut", "other_model.nut", "-o", "c.mkv", says="made differently")
        self.fail_with(INPUT, "join", film, "0.nut", "other_option.nut", "-o", "c.mkv", says="made differently")
        self.fail_with(INPUT, "join", film, "0.nut", "other_edges.nut", "-o", "c.mkv", says="made differently")
        self.fail_with(INPUT, "join", film, "0.nut", "other_guard.nut", "-o", "c.mkv", says="made differently")
        self.succeed("join", film, "0.nut", "1.nut", "-o", "c.mkv")
        whole, bad = (self.folder / "1.nut").read_bytes(), self.folder / "bad.nut"
        packet = probe(self.folder / "1.nut", "-show_packets")["packets"][5]
        at = int(packet["pos"]) + int(packet["size"]) // 2
        bad.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        self.fail_with(INPUT, "join", film, "0.nut", "bad.nut", "-o", "d.mkv", says="differ from those written")

    def test_parts_of_models_that_differ_in_padding_are_not_joined(self):
        """Their tensors are the same."""
        film = self.make("a.mkv", frames=20)
        tiny = (GOLDEN / "tiny.safetensors").read_bytes()
        size = struct.unpack("<Q", tiny[:8])[0]
        header = tiny[8 : 8 + size].replace(b'"scale":"3"', b'"scale":"3","padding_mode":"replicate"')
        (self.folder / "replicate.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + tiny[8 + size :])
        zeros, replicate = ("--model", GOLDEN / "tiny.safetensors"), ("--model", "replicate.safetensors")
        for name, frames, model in (("0", "0:10", zeros), ("1", "10:20", zeros), ("other", "10:20", replicate)):
            self.succeed("upscale", film, "-o", f"{name}.nut", "--frames", frames, "--codec", "ffv1", *model)
        self.fail_with(INPUT, "join", film, "0.nut", "other.nut", "-o", "c.mkv", says="made differently")
        self.succeed("join", film, "0.nut", "1.nut", "-o", "c.mkv")

    def test_each_write_that_fails(self):
        """Not one of them is overlooked, and the next run resume from there."""
        film, output = self.make("a.mkv", "-c:v", "libx264", "-g", "8"), self.folder / "out.mkv"
        command = ["upscale", film, "-o", output, "--segment-frames", 8, *FAST]
        self.succeed(*command)
        whole = output.read_bytes()
        output.write_bytes(b"the old film")
        for at in self.fail_each_write(*command, says="resume from there"):
            self.assertEqual(output.read_bytes(), b"the old film")
            if at % 10 == 0:
                self.succeed(*command)
                self.assertEqual(output.read_bytes(), whole)
                output.write_bytes(b"the old film")
            shutil.rmtree(self.folder / "out.mkv.parts", ignore_errors=True)
        self.assertEqual(output.read_bytes(), whole)

    def test_a_small_disk_loses_nothing(self):
        """The old film stays until the new one is whole, and with more room the work goes on where it stopped."""
        film, whole = self.film_with_everything(), self.folder / "whole.mkv"
        command = ["upscale", film, "--overwrite", "--segment-frames", 20, *FAST, "-o"]
        self.succeed(*command, whole)
        script = (
            'printf "the old film" > out.mkv; "$@" 2> ../said; echo $? > ../code; cp out.mkv ../kept.mkv; ls out.mkv.parts > ../parts\n'
            'mount -o remount,size=1m . && "$@" > ../done && cp out.mkv .. && [ "$(ls -A)" = out.mkv ]'
        )
        before = []
        for kilobytes in (4, 8, *range(20, whole.stat().st_size * 3 // 2048, 20)):
            result = self.on_a_small_disk(kilobytes, script, *command, "out.mkv")
            self.assertEqual(result.returncode, 0, result.stderr)
            said = (self.folder / "said").read_text()
            self.assertEqual((self.folder / "code").read_text().strip(), str(IO), said)
            self.assertIn("No space left on device", said)
            self.assertEqual((self.folder / "kept.mkv").read_bytes(), b"the old film")
            self.assertEqual((self.folder / "out.mkv").read_bytes(), whole.read_bytes())
            before.append(len(re.findall(r"^\d+\.nut$", (self.folder / "parts").read_text(), re.MULTILINE)))
        self.assertEqual(sorted(before), before)
        self.assertGreater(before[-1], 1, before)

    def test_a_full_disk_loses_nothing(self):
        film, output = self.film_with_everything(), self.folder / "out.mkv"
        output.write_bytes(b"the old film")
        # The segments have some 15 KB each, the film 90.
        for limit in (0, 100, 1000, *range(3000, 80000, 7000)):
            with self.subTest(limit):
                full = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))  # noqa: B023, E731
                result = self.run_program("upscale", film, "-o", output, "--segment-frames", 20, *FAST, preexec_fn=full)
                self.assertEqual(result.returncode, IO, result.stderr)
                self.assertIn("resume from there", result.stderr)
                self.assertEqual(output.read_bytes(), b"the old film")
        self.succeed("upscale", film, "-o", output, "--segment-frames", 20, *FAST)
        self.assertEqual(packets(film, "v:0"), packets(output, "v:0"))


if __name__ == "__main__":
    KILLS = int(sys.argv.pop(sys.argv.index("--kills") + 1)) if "--kills" in sys.argv else 12 if SANITIZED else 100
    sys.argv = [a for a in sys.argv if a != "--kills"]
    main()

"""What tests of the whole program share: python3 SOME_test.py PROGRAM [unittest's options]"""

import os
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
import zlib
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
GOLDEN = TESTS / "golden"
CROP = TESTS / "data" / "crop.png"
USAGE, INPUT, MODEL, IO, LIMIT = 2, 3, 4, 5, 6
SANITIZED = bool(os.environ.get("FSRCNN_SANITIZE"))
PROGRAM = str(Path(sys.argv[1]).resolve()) if len(sys.argv) > 1 else ""


def png_bytes(width, height, channels, rows):
    """An 8-bit PNG; rows yields the bytes of each."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, {1: 0, 2: 4, 3: 2, 4: 6}[channels], 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + bytes(row) for row in rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def png_size(path):
    return struct.unpack(">II", path.read_bytes()[16:24])


class ProgramTest(unittest.TestCase):
    """Each test has an empty folder, in which the program runs."""

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="fsrcnn_test_"))
        self.addCleanup(shutil.rmtree, self.folder)

    def run_program(self, *arguments, text=True, overwrite=True, **options):
        """overwrite: what the program wrote before may be replaced."""
        if overwrite and arguments[:1] in (("upscale",), ("join",)) and not {"--in-place", "--skip-existing", "--overwrite"} & {*map(str, arguments)}:
            arguments = (*arguments, "--overwrite")
        return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=text, cwd=self.folder, timeout=300, **options)

    def succeed(self, *arguments):
        result = self.run_program(*arguments)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def fail_with(self, code, *arguments, says="", **options):
        """The program must end with this code and say why, and must leave the folder as it was."""
        before = self.files()
        result = self.run_program(*arguments, **options)
        self.assertEqual(result.returncode, code, (arguments, result.stdout, result.stderr))
        self.assertIn(says, result.stderr)
        self.assertGreater(len(result.stderr.strip()), 0)
        self.assertEqual(self.files(), before)
        return result.stderr

    def fail_each_write(self, *arguments, says="", most=1000):
        """Runs the program once for each of its writes to files, which fails; yields after each failure, which
        the exit code and `says` must tell. The last run, of which no write is left to fail, must succeed."""
        for at in range(1, most):
            environment = {**os.environ, "LD_PRELOAD": os.environ["FSRCNN_FAILING_WRITE"], "FSRCNN_FAIL_AT": str(at)}
            result = self.run_program(*arguments, env=environment)
            if "fails on purpose" not in result.stderr:
                self.assertEqual(result.returncode, 0, result.stderr)
                self.assertGreater(at, 1, "nothing was written")
                return
            with self.subTest(f"{result.stderr.splitlines()[0]}, the {at}th"):
                self.assertEqual(result.returncode, IO, result.stderr)
                self.assertIn(says, result.stderr)
                yield at
        self.fail(f"more than {most} writes")

    def on_a_small_disk(self, kilobytes, script, *arguments):
        """Runs a shell script with these arguments ("$@") in a folder that is a disk of its own, which nobody else sees."""
        (self.folder / "disk").mkdir(exist_ok=True)
        script = f"mount -t tmpfs -o size={kilobytes}k none disk && cd disk || exit 99\n{script}"
        for user in (["--user", "--map-root-user"], []):  # some machines allow only root to do so, some only others
            command = ["unshare", *user, "--mount", "sh", "-c", script, "sh", PROGRAM, *map(str, arguments)]
            result = subprocess.run(command, capture_output=True, text=True, cwd=self.folder, timeout=300)
            if not result.stderr.startswith(("unshare:", "mount:")):
                return result
        self.skipTest(f"no disk can be mounted here: {result.stderr.strip()}")

    def files(self):
        return {str(p): p.read_bytes() for p in sorted(self.folder.rglob("*")) if p.is_file()}


def main():
    del sys.argv[1]
    unittest.main(verbosity=1)

#!/usr/bin/env python3
"""Compares the shared library with the ABI of the last release: the C functions with all types that they reach (abidiff, of
abigail-tools), and the C++ functions by name.

usage: abi_test.py LIBRARY ABI_FOLDER            compares; exit code 1 where a program that runs today would not
       abi_test.py LIBRARY ABI_FOLDER --update   writes the library's ABI down: for a release, or where a field was taken
                                                 from the reserved ones"""

import pathlib
import subprocess
import sys

library, folder = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
functions, names, only_c = folder / "fsrcnn.abi", folder / "cpp_names.txt", folder / "only_c.ini"
headers = folder.parent.parent / "include/fsrcnn"  # what is not in them is nobody's business


def run(*command):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True)


def cpp_names():
    symbols = run("nm", "-D", "--defined-only", library)
    assert symbols.returncode == 0, symbols.stderr
    found = (line.split()[-1].split("@")[0] for line in symbols.stdout.splitlines())
    return {name for name in found if name.startswith(("_ZN6fsrcnn", "_ZNK6fsrcnn", "_ZTIN6fsrcnn"))}


if sys.argv[3:] == ["--update"]:
    # Neither paths nor lines, which say nothing and change always.
    written = run("abidw", "--suppressions", only_c, "--headers-dir", headers, "--drop-private-types",
                  "--exported-interfaces-only", "--no-elf-needed", "--no-corpus-path", "--no-comp-dir-path",
                  "--no-show-locs", "--out-file", functions, library)
    assert written.returncode == 0, written.stderr
    names.write_text("".join(f"{name}\n" for name in sorted(cpp_names())))
    sys.exit(0)

text = functions.read_text()
assert text.count("<function-decl") > 20 and "fsrcnn_plane" in text, f"{functions} has no functions with types"
failed = False
# Functions that are new, C++'s among them, are no change for those who do not know them.
compared = run("abidiff", "--no-added-syms", functions, library)
if compared.returncode != 0:
    failed = True
    print(f"abidiff ended with {compared.returncode}:\n{compared.stdout}{compared.stderr}")
lost = set(names.read_text().split()) - cpp_names()
if lost:
    failed = True
    print("the library has no more:\n" + run("c++filt", *sorted(lost)).stdout)
if failed:
    print("Programs that were built against the last release would not run, or not right. Either keep what they know, or\n"
          "raise FSRCNN_API_MAJOR. If old programs do run (a field was taken from the reserved ones, and 0 means what was\n"
          f"done before), write the new ABI down: {sys.argv[0]} LIBRARY ABI_FOLDER --update")
sys.exit(1 if failed else 0)

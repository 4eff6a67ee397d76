"""Compares the outputs of two builds of `pml` byte by byte.

    python3 benches/identical.py OLD NEW LOG… [--bundles FOLDER…] [--ids MAP.tsv]

Both programs convert, slice, recover and triage every log. Parquet, Arrow, CSV, XML, JSON Lines, the dataset, a slice
and a recovered log must be equal to the byte, reports to the character. Folders of bundles are triaged. OLD and NEW may
be commands of several words, such as "wine64 pml.exe". `--ids` names a table of renamed ids (old, tab, new): the old
program's reports are compared after renaming. Logs may be packed (.zst). The exit status is 1 when an output differs.
"""

import argparse
import hashlib
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

# Name of an output, and the arguments that make it; {log} and {out} are paths.
OUTPUTS = [
    ("dataset", "convert {log} -o {out} -q"),
    ("events.parquet", "convert {log} -o {out}.parquet -q"),
    ("arrow", "convert {log} -o {out}.arrow -q"),
    ("jsonl", "convert {log} -o {out}.jsonl -q"),
    ("csv", "convert {log} -o {out}.csv --columns all -q"),
    ("csv, filtered", 'convert {log} -o {out}.csv -q --where "result = error"'),
    ("xml", "convert {log} -o {out}.xml --stacks -q"),
    ("slice", 'slice {log} -o {out}.pml -q --where "result = error"'),
    ("recovered", "recover {log} -o {out}.pml -q"),
    ("info", "info {log} --format json"),
    ("triage json", "triage {log} --format json"),
    ("triage text", "triage {log} --format text --lang zh --color never"),
    ("triage html", "triage {log} --format html"),
]

# The same of a folder of logs of all kinds.
BUNDLE_OUTPUTS = [output for output in OUTPUTS if output[0].startswith("triage")]


def run(program, arguments, log, folder, number):
    """Runs one command; gives the exit status and a digest of all output."""
    out = folder / f"out{number}"
    words = re.findall(r'"[^"]*"|\S+', arguments)
    words = [word.strip('"').replace("{log}", str(log)).replace("{out}", str(out)) for word in words]
    done = subprocess.run([*shlex.split(program), *words], capture_output=True, check=False)
    digests = []
    for path in sorted(folder.glob(f"out{number}*")):
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            digests.append((file.name, hashlib.sha256(file.read_bytes()).hexdigest()))
        subprocess.run(["rm", "-rf", str(path)], check=True)
    return done.returncode, done.stdout, digests


def unpacked(log, folder):
    """The log itself, or the unpacked log of a packed file."""
    if not log.endswith(".zst"):
        return Path(log)
    target = folder / Path(log).stem
    if not target.exists():
        subprocess.run(["zstd", "-q", "-d", log, "-o", str(target)], check=True)
    return target


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old")
    parser.add_argument("new")
    parser.add_argument("logs", nargs="+")
    parser.add_argument("--bundles", nargs="*", default=[])
    parser.add_argument("--ids")
    args = parser.parse_args()
    renamed = []
    if args.ids:
        lines = Path(args.ids).read_text(encoding="utf-8").splitlines()
        renamed = [tuple(line.split("\t")[:2]) for line in lines if "\t" in line and not line.startswith("#")]
    differences = compared = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        inputs = [(log, OUTPUTS) for log in args.logs] + [(bundle, BUNDLE_OUTPUTS) for bundle in args.bundles]
        for log, outputs in inputs:
            path = unpacked(log, folder)
            for output, arguments in outputs:
                old = run(args.old, arguments, path, folder, 0)
                new = run(args.new, arguments, path, folder, 0)
                text = old[1].decode("utf-8", "replace")
                for before, after in sorted(renamed, key=lambda pair: -len(pair[0])):
                    text = re.sub(rf"(?<![\w-]){re.escape(before)}(?![\w-])", after, text)
                same = (old[0], text, old[2]) == (new[0], new[1].decode("utf-8", "replace"), new[2])
                compared += 1
                differences += not same
                print(f"{'equal  ' if same else 'DIFFERS'} {path.name}: {output} (exit status {new[0]})", flush=True)
            if path.parent == folder:
                path.unlink()
    print(f"{differences} of {compared} outputs differ")
    sys.exit(1 if differences else 0)


if __name__ == "__main__":
    main()

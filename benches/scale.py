#!/usr/bin/env python3
"""Measures how time and memory grow with the capture: generates sets, converts and triages them, prints a Markdown table.

usage: scale.py BIN DIR [--sizes MIB,MIB,...] [--runs N]

BIN is the directory of the built programs pml and pml-samples (target/release). DIR takes one set at a time, and its
dataset: it needs a tenth more room than the largest set. Sizes are in MiB, by default 256, 1024, 4096 and 16384. Each
figure is the median of the runs; RssAnon, the anonymous memory, is the most that was seen.
"""

import argparse
import json
import pathlib
import shutil
import statistics
import subprocess

from compare import program


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("bin", type=pathlib.Path)
    parser.add_argument("dir", type=pathlib.Path)
    parser.add_argument("--sizes", default="256,1024,4096,16384")
    parser.add_argument("--runs", type=int, default=5)
    args = parser.parse_args()
    pml = args.bin.resolve() / "pml"
    print("| set | events | command | threads | median s | spread | MB/s | RssAnon MiB |\n|---|---|---|---|---|---|---|---|")
    for mib in map(int, args.sizes.split(",")):
        folder = args.dir / f"{mib}"
        parts = max(1, mib // 2048)
        generate = [args.bin / "pml-samples", "boot", "-o", folder, "--target-size", f"{mib}MiB", "--parts", parts, "--seed", 7]
        subprocess.run([str(word) for word in generate], check=True, stdout=subprocess.DEVNULL)
        log = folder / "Bootlog.pml"
        info = json.loads(subprocess.run([pml, "info", "--format", "json", log], capture_output=True, text=True, check=True).stdout)
        commands = [("convert", threads, ["convert", log, "-q", "-f", "-j", threads, "-o", folder / "set"]) for threads in [1, 2]]
        commands += [
            ("triage", 2, ["triage", log, "-q", "-j", 2, "-o", folder / "report.txt", "--force"]),
            ("scan of headers and paths", 2, ["slice", log, "-q", "-f", "-j", 2, "-o", folder / "none.pml", "--where", "path contains nosuchpath"]),
            ("info", 1, ["info", log]),
        ]
        for name, threads, command in commands:
            # The first run warms the cache and does not count.
            runs = [program(pml, *command) for _ in range(args.runs + 1)][1:]
            seconds = [run[0] for run in runs]
            median, spread = statistics.median(seconds), max(seconds) / min(seconds)
            rate = "" if name == "info" else f"{info['bytes'] / median / 1e6:,.0f}"
            memory = max(run[1] for run in runs) or ""
            print(f"| {mib} MiB | {info['events']:,} | {name} | {threads} | {median:.3f} | {spread:.2f} | {rate} | {memory and round(memory)} |", flush=True)
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Cuts logs short at random places and compares the events that pml recovers with the whole log.

usage: recovery.py PML LOG... [--cuts N] [--runs N] [--seed N]

PML is the built program (target/release/pml). Each LOG is one file, plain or packed (.zst). For every
cut, the event offset array of the whole log gives the number of events whose record is whole. `pml info` must
say that it can recover the same number. Then the whole log is converted to a dataset, and the log cut after nine tenths
of its events is converted with --recover, in turns. The rate of events of the cut log is divided by that of the
whole log within each round. The exit status is 1 where a count differs.
"""

import argparse
import bisect
import json
import pathlib
import random
import shutil
import statistics
import struct
import subprocess
import tempfile
import time


def record_ends(data):
    """Where each event record of a log ends."""
    pointer = 8 if struct.unpack_from("<I", data, 8)[0] else 4
    (count,) = struct.unpack_from("<I", data, 0x234)
    (array,) = struct.unpack_from("<Q", data, 0x248)
    ends = []
    for entry in range(array, array + 5 * count, 5):
        low, high = struct.unpack_from("<IB", data, entry)
        at = low | high << 32
        depth, _, details, extra = struct.unpack_from("<HHII", data, at + 0x28)
        end = at + 0x34 + depth * pointer + details
        if extra:
            end = at + extra + 2 + struct.unpack_from("<H", data, at + extra)[0]
        ends.append(end)
    return ends


def recovered(pml, log):
    """The report of `pml info` on a broken log."""
    output = subprocess.run([pml, "info", "--no-set", "--format", "json", log], capture_output=True)
    return json.loads(output.stdout)["recovery"]


def seconds(command):
    begin = time.perf_counter()
    status = subprocess.run(command, capture_output=True).returncode
    assert status in (0, 1), f"{command}: status {status}"
    return time.perf_counter() - begin


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pml")
    parser.add_argument("logs", nargs="+", metavar="LOG", type=pathlib.Path)
    parser.add_argument("--cuts", type=int, default=50)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    print("| log | events | cuts | all whole events found | doubtful | rate, of that of the whole log |")
    print("|---|---|---|---|---|---|")
    failed = False
    for path in args.logs:
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            whole, cut = pathlib.Path(folder) / "whole.pml", pathlib.Path(folder) / "cut.pml"
            if path.suffix == ".zst":
                subprocess.run(["zstd", "-dqf", path, "-o", whole], check=True)
            else:
                shutil.copyfile(path, whole)
            data = whole.read_bytes()
            ends, size = record_ends(data), len(data)
            del data
            shutil.copyfile(whole, cut)
            chance = random.Random(args.seed)
            good = doubtful = 0
            # The cuts go from the end to the beginning, so that one copy of the log is enough.
            for at in sorted((chance.randrange(0x3A8, size) for _ in range(args.cuts)), reverse=True):
                with open(cut, "r+b") as file:
                    file.truncate(at)
                found, expected = recovered(args.pml, cut), bisect.bisect_right(ends, at)
                # A cut after all tables that events need leaves a log that opens without recovery.
                kept = found["events_kept"] if found else len(ends)
                good += kept == expected
                doubtful += found["events_doubtful"] if found else 0
                if kept != expected:
                    print(f"{path.name}, cut at {at:#x}: {kept} events, {expected} expected")
            shutil.copyfile(whole, cut)
            with open(cut, "r+b") as file:
                # The cut is in the middle of a record.
                file.truncate(ends[len(ends) * 9 // 10] + 20)
            kept = recovered(args.pml, cut)["events_kept"]
            out = f"{folder}/out"
            ratios = []
            for _ in range(args.runs + 1):
                command = [args.pml, "convert", "--no-set", "-q", "-f", "-o", out]
                usual = len(ends) / seconds([*command, whole])
                ratios.append(kept / seconds([*command, "--recover", cut]) / usual)
            # The first round warms the cache.
            ratios = ratios[1:]
            rate = f"{statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})"
            print(f"| {path.name} | {len(ends):,} | {args.cuts} | {good} | {doubtful} | {rate} |")
            failed |= good != args.cuts
    raise SystemExit(failed)


main()

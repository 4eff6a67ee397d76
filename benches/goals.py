#!/usr/bin/env python3
"""Measures what the speed of pml is judged by, and prints it as a Markdown table: goals, medians, ranges, commands.

usage: goals.py BIN DIR [--real LOG...] [--before PML] [--runs N] [--only PATTERN]

BIN is the directory of the built programs pml, pml-samples and limits (target/release). DIR takes the generated logs, 8 GB,
which are made where they are missing; delete them afterwards. --real names logs of real machines, unpacked. --before is the
program that conversions are compared with; without it, this program writes by the encoder of the crate parquet.

Every figure is the median of the rounds of one run. A round runs each contender of a group once, in turns, so that a noisy
machine affects all equally; the first round does not count. A ratio is that of the medians; beside it is the range of the ratios
within the rounds. The peers come from PyPI, as in compare.py, and are imported before the clock starts. Cold logs need root, to
empty the page cache; they are left out otherwise.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from compare import DUCKDB, PARSER, READER, program, python, table

FIVE = "process_name,operation,path,result,detail"
MIB, GB = 1 << 20, 1_000_000_000
# Name, arguments of `pml-samples boot`.
LOGS = {
    "usual": ["--target-size", "256MiB", "--seed", "5"],
    "like-real": ["--target-size", "256MiB", "--seed", "5", "--like-real"],
    "small": ["--events", "4K", "--seed", "5"],
    "cold": ["--target-size", "1GiB", "--seed", "7"],
    "large": ["--target-size", "5GB", "--seed", "7", "--parts", "3"],
}


class Times:
    """Seconds of each contender, round by round, and the processor's seconds."""

    def __init__(self):
        self.wall, self.cpu = {}, {}

    def rounds(self, contenders, count):
        for turn in range(count + 1):
            for name, run in contenders.items():
                wall, cpu = run()
                if turn > 0:
                    self.wall.setdefault(name, []).append(wall)
                    self.cpu.setdefault(name, []).append(cpu)

    def median(self, name):
        return statistics.median(self.wall[name])

    def ratio(self, slow, fast):
        """The ratio of two medians, and the least and the greatest within the rounds."""
        each = [a / b for a, b in zip(self.wall[slow], self.wall[fast])]
        return self.median(slow) / self.median(fast), min(each), max(each)


def run(*command):
    """Wall clock and processor time of a program, from its start to its end."""
    words = [str(word) for word in command]
    quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    begin = time.perf_counter()
    process = os.posix_spawn(words[0], words, os.environ, file_actions=quiet)
    _, status, usage = os.wait4(process, 0)
    wall = time.perf_counter() - begin
    if status:
        sys.exit(f"{' '.join(words)} ended with {os.waitstatus_to_exitcode(status)}")
    return wall, usage.ru_utime + usage.ru_stime


def cold(*command):
    """The same with nothing of the log in memory, but with the program."""
    os.sync()
    pathlib.Path("/proc/sys/vm/drop_caches").write_text("1")
    run(command[0], "--help")
    return run(*command)


def generated(samples, folder):
    """The logs, which are made where they are missing."""
    found = {}
    for name, arguments in LOGS.items():
        place = folder / name
        if not (place / "Bootlog.pml").exists():
            command = [str(samples), "boot", "-o", str(place), "--force", *arguments]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        found[name] = place / "Bootlog.pml"
    return found


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("bin", type=pathlib.Path)
    parser.add_argument("dir", type=pathlib.Path)
    parser.add_argument("--real", nargs="*", default=[], type=pathlib.Path)
    parser.add_argument("--before", type=pathlib.Path)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--only", default="")
    args = parser.parse_args()
    pml, limits = args.bin.resolve() / "pml", args.bin.resolve() / "limits"
    logs = generated(args.bin.resolve() / "pml-samples", args.dir)
    wanted = lambda group: re.search(args.only, group)
    rows, costs, times = [], [], Times()

    def line(what, goal, measured, span, command):
        met = ""
        if goal is not None:
            value, limit, is_most = goal
            met = f"{'at most' if is_most else 'at least'} {limit}, {'met' if (value <= limit if is_most else value >= limit) else 'not met'}"
        rows.append(f"| {what} | {measured} | {span} | {met} | `{command}` |")
        print(rows[-1], flush=True)

    def ratio(what, slow, fast, goal, command, is_most=False):
        value, low, high = times.ratio(slow, fast)
        limit = None if goal is None else (round(value, 2), goal, is_most)
        line(what, limit, f"{value:.2f}", f"{low:.2f} to {high:.2f}", command)

    def seconds(what, name, goal, command, unit="s"):
        scale = 1000 if unit == "ms" else 1
        found = [second * scale for second in times.wall[name]]
        value = statistics.median(found)
        digits = 1 if unit == "ms" else 3
        limit = None if goal is None else (round(value, digits), goal, True)
        line(what, limit, f"{value:.{digits}f} {unit}", f"{min(found):.{digits}f} to {max(found):.{digits}f}", command)

    def cost(what, name, log):
        size = sum(part.stat().st_size for part in log.parent.glob("*.pml"))
        cpu = statistics.median(times.cpu[name])
        costs.append(f"| {what} | {cpu / size * GB:.2f} | {cpu / size * GB * 1000 / 3600:.2f} |")

    print("| what | measured | in single rounds | goal | command |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(dir=args.dir) as folder:
        folder = pathlib.Path(folder)
        out, log = folder / "out", logs["usual"]
        usual = ["--no-set", "-q", "-f", "-o", out]
        before = args.before.resolve() if args.before else pml
        by_crate = [] if args.before else ["--parquet-writer", "arrow"]
        arrow = lambda way: lambda: (table(limits, log, "--threads", 1, "--runs", 1, "--only", way)[way], 0.0)

        if wanted("peers"):
            run(pml, "convert", log, "--no-set", "-q", "-f", "-o", folder / "log.csv", "--columns", "all")
            times.rounds({
                "reader, text": lambda: (python(READER, log, "text"), 0.0),
                "reader, dict": lambda: (python(READER, log, "dict"), 0.0),
                "parser": lambda: (python(PARSER, log), 0.0),
                "DuckDB": lambda: (python(DUCKDB, folder / "log.csv", folder / "duck.parquet"), 0.0),
                "five": lambda: run(pml, "convert", log, *usual, "-j", 2, "--columns", FIVE),
                "all": lambda: run(pml, "convert", log, *usual, "-j", 2),
                "all, 1": lambda: run(pml, "convert", log, *usual, "-j", 1),
                "five to Arrow": arrow("five columns to Arrow"),
                "all to Arrow": arrow("every column to Arrow"),
            }, args.runs)
            (folder / "log.csv").unlink()
            five = f"pml convert LOG -j 2 --columns {FIVE}"
            ratio("five fields to Parquet against procmon-reader's as text", "reader, text", "five", 16, five)
            ratio("the same against procmon-parser's", "parser", "five", 40, five)
            ratio("five fields to Arrow, 1 thread, against procmon-reader's as dict", "reader, dict", "five to Arrow", 14, "limits LOG --threads 1")
            ratio("CSV to DuckDB to Parquet against the full dataset", "DuckDB", "all", 4, "pml convert LOG -j 2")
            ratio("all columns, stacks, against five fields of procmon-reader as text", "reader, text", "all", None, "pml convert LOG -j 2")
            ratio("all columns, stacks, against five fields of procmon-parser", "parser", "all", None, "pml convert LOG -j 2")
            ratio("all columns to Arrow, 1 thread, against five of procmon-reader as dict", "reader, dict", "all to Arrow", None, "limits LOG --threads 1")
            ratio("two threads against one, all columns, 256 MiB", "all, 1", "all", 1.7, "pml convert LOG -j N")
            seconds("five fields to Parquet, 256 MiB", "five", None, five)
            seconds("all columns and stacks to Parquet, 256 MiB", "all", None, "pml convert LOG -j 2")
            cost("convert, all columns and stacks", "all", log)
            cost("convert, five columns", "five", log)
        if wanted("before"):
            named = {"generated": log, "generated like real": logs["like-real"]}
            named |= {real.stem: real.resolve() for real in args.real}
            contenders = {}
            for name, one in named.items():
                contenders[f"{name}, before"] = lambda one=one: run(before, "convert", one, *usual, "-j", 2, *by_crate)
                contenders[f"{name}, now"] = lambda one=one: run(pml, "convert", one, *usual, "-j", 2)
            times.rounds(contenders, args.runs)
            for name in named:
                goal = 1.4 if name.startswith("generated") else 1.5
                ratio(f"all columns, stacks, against before: {name}", f"{name}, before", f"{name}, now", goal, "pml convert LOG -j 2")
            cost("convert, all columns and stacks, like real", "generated like real, now", logs["like-real"])
        if wanted("triage"):
            small = ["--no-set", "-q", "--format", "json"]
            times.rounds({
                "help": lambda: run(pml, "--help"),
                "small": lambda: run(pml, "triage", logs["small"], *small),
            }, args.runs * 5)
            seconds("triage of 4,000 events, whole process", "small", 8, "pml triage LOG", "ms")
            seconds("start of the process alone", "help", None, "pml --help", "ms")
            scan = ["--where", "path contains nosuchpath", "-o", folder / "none.pml", "-q", "-f"]
            times.rounds({
                "256 MiB": lambda: run(pml, "triage", log, *small),
                "5 GB": lambda: run(pml, "triage", logs["large"], "-q", "--format", "json"),
                "5 GB, scan": lambda: run(pml, "slice", logs["large"], *scan),
            }, args.runs)
            seconds("triage of 256 MiB", "256 MiB", 0.1, "pml triage LOG")
            seconds("triage of 5 GB, warm", "5 GB", None, "pml triage LOG")
            ratio("triage of 5 GB, warm, against a plain scan", "5 GB", "5 GB, scan", 1.4, "pml slice LOG --where 'path contains nosuchpath'", True)
            cost("triage", "5 GB", logs["large"])
        if wanted("cold") and os.geteuid() == 0:
            cat = shutil.which("cat")
            count = max(3, args.runs // 2)
            times.rounds({
                "cold": lambda: cold(pml, "triage", logs["cold"], "--no-set", "-q", "--format", "json"),
                "cold read": lambda: cold(cat, logs["cold"]),
            }, count)
            ratio("triage of a cold 1 GiB log against reading it in order", "cold", "cold read", 1.5, "pml triage LOG; cat LOG", True)
            seconds("triage of 1 GiB, cold", "cold", None, "pml triage LOG")
            times.rounds({"5 GB, cold": lambda: cold(pml, "triage", logs["large"], "-q", "--format", "json")}, 3)
            seconds("triage of 5 GB, cold", "5 GB, cold", None, "pml triage LOG")
        if wanted("memory"):
            most = 0
            for one, more in [(log, []), (logs["like-real"], []), (logs["large"], [])]:
                for command in [["convert", one, "-q", "-f", "-o", out, "-j", 2], ["triage", one, "-q", "-o", folder / "report.txt", "--force"]]:
                    most = max(most, program(pml, *command)[1])
                    shutil.rmtree(out, ignore_errors=True)
            line("RssAnon, convert and triage, 256 MiB and 5 GB", (round(most), 256, True), f"{most:.0f} MiB", "", "pml convert LOG; pml triage LOG")
            for one in [log, logs["like-real"], *args.real]:
                run(pml, "convert", one, "--no-set", "-q", "-f", "-o", out)
                sizes = {file.stem: file.stat().st_size for file in out.glob("*.parquet")}
                size = one.stat().st_size
                share = size / sizes["events"]
                goal = (round(share, 1), 40, False) if one in args.real else None
                name = one.stem if one in args.real else {log: "generated", logs["like-real"]: "generated like real"}[one]
                whole = size / sum(sizes.values())
                line(f"log against its events table: {name}", goal, f"{share:.1f}", f"all tables {whole:.1f}, {GB * 1000 / whole / GB:.0f} GB a TB", "pml convert LOG")
    print("\n| what | processor seconds a GB | core hours a TB |\n|---|---|---|")
    print("\n".join(costs))


if __name__ == "__main__":
    main()

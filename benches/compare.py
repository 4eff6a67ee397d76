#!/usr/bin/env python3
"""Runs pml and its peers over the same log, in turns, and prints ratios as Markdown tables.

usage: compare.py BIN LOG [--runs N] [--only PATTERN] [--install]

BIN is the directory of the built programs pml, limits and columns (target/release). LOG is one file, because the peers
do not know sets. Every contender is a separate process. A round runs each contender once, so that a noisy machine affects
all equally. The first round warms the cache and does not count. Medians are compared. The spread is the slowest
round divided by the fastest; the spread of a ratio is the range of the ratios within each round. RssAnon is
sampled every 10 ms. --only runs the contenders whose name matches the regular expression; limits and
columns are one contender each, with all their figures.

The peers come from PyPI, in the virtual environment that runs this script: procmon-parser 0.4.0,
procmon-reader 0.1.1, duckdb. --install installs them first.
"""

import argparse
import json
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time

PEERS = ["procmon-parser==0.4.0", "procmon-reader==0.1.1", "duckdb"]

# The work of each peer, as a program that prints the seconds it took.
READER = """
import sys, time
from procmon_reader import ProcmonReader
begin = time.perf_counter()
reader = ProcmonReader(sys.argv[1])
reader.apply_filters(select_fields=["process_name", "operation", "path", "result", "detail"])
text = sys.argv[2] == "text"
for event in reader:
    detail = event["detail"]
    if text:
        ", ".join(f"{k}: {v}" for k, v in detail.items()) if isinstance(detail, dict) else detail
print(time.perf_counter() - begin)
"""
READER_OPEN = """
import sys, time
from procmon_reader import ProcmonReader
begin = time.perf_counter()
reader = ProcmonReader(sys.argv[1])
reader.apply_filters(select_fields=["process_name", "operation", "path", "result"])
next(iter(reader))
print(time.perf_counter() - begin)
"""
PARSER = """
import sys, time
from procmon_parser import ProcmonLogsReader
begin = time.perf_counter()
with open(sys.argv[1], "rb") as log:
    for event in ProcmonLogsReader(log, should_get_stacktrace=False):
        event.process.process_name, event.operation, event.path, event.result, str(event.details)
print(time.perf_counter() - begin)
"""
PARSER_CSV = """
import csv, os, sys, time
from procmon_parser import ProcmonLogsReader
begin = time.perf_counter()
with open(sys.argv[1], "rb") as log, open(os.devnull, "w", newline="") as out:
    rows = csv.writer(out, quoting=csv.QUOTE_ALL)
    reader = ProcmonLogsReader(log, should_get_stacktrace=False)
    for event in reader:
        rows.writerow(event.get_compatible_csv_info().values())
print(time.perf_counter() - begin)
"""
DUCKDB = """
import sys, time, duckdb
begin = time.perf_counter()
db = duckdb.connect(config={"threads": 2})
db.execute(f"COPY (FROM read_csv_auto('{sys.argv[1]}')) TO '{sys.argv[2]}' (FORMAT parquet, COMPRESSION zstd)")
print(time.perf_counter() - begin)
"""

# The ratios that goals.py does not measure: the two contenders, and the goal.
RATIOS = [
    ("convert against encoding the same batches from memory", "encode from memory, 2 threads", "convert to nowhere, 2 threads", 0.5),
    ("header scan against memory, 1 thread", "memory, 1 threads", "headers, 1 threads", 0.4),
    ("every byte of events against memory, 2 threads", "memory, 2 threads", "every byte of events, 2 threads", 0.6),
    ("open and first event against procmon-reader", "procmon-reader, first event", "open and first event, 1 threads", 50),
    ("CSV of 27 columns against procmon-parser's", "procmon-parser, CSV", "CSV, 27 columns", 40),
]


def python(code, *args):
    done = subprocess.run([sys.executable, "-c", code, *map(str, args)], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"a peer failed: {done.stderr[-400:]}")
    # DuckDB draws a progress bar before the figure.
    return float(done.stdout.split()[-1])


def program(*command):
    """Seconds that a program took, and the peak of its sampled anonymous memory, in MiB."""
    most, ended = [0], threading.Event()
    begin = time.perf_counter()
    process = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL)

    def watch():
        # Rare enough that sampling does not compete for the two cores.
        while not ended.wait(0.01):
            try:
                status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
                most.append(int((re.search(r"RssAnon:\s+(\d+)", status) or [0, 0])[1]))
            except (OSError, ValueError):
                pass

    watcher = threading.Thread(target=watch)
    watcher.start()
    code = process.wait()
    seconds = time.perf_counter() - begin
    ended.set()
    watcher.join()
    if code:
        sys.exit(f"{command} ended with {code}")
    return seconds, max(most) / 1024


def table(*command):
    """The figures that a program of the benches prints, as lines of a name and seconds."""
    out = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=True).stdout
    lines = (re.match(r"(\S.*?)\s{2,}([\d.]+)\s+[\d.]+x", line) for line in out.splitlines())
    return {line[1]: float(line[2]) for line in lines if line}


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("bin", type=pathlib.Path)
    parser.add_argument("log", type=pathlib.Path)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", default="")
    parser.add_argument("--install", action="store_true")
    args = parser.parse_args()
    if args.install:
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", *PEERS], check=True)
    log, pml = args.log.resolve(), args.bin.resolve() / "pml"
    limits, columns = (args.bin.resolve() / name for name in ["limits", "columns"])
    info = json.loads(subprocess.run([pml, "info", "--no-set", "--format", "json", log], capture_output=True, text=True, check=True).stdout)
    events, size = info["events"], info["bytes"]
    times, memory = {}, {}

    def note(name, seconds, anonymous=None):
        times.setdefault(name, []).append(seconds)
        if anonymous is not None:
            memory[name] = max(memory.get(name, 0), anonymous)

    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        csv = folder / "log.csv"

        def convert(threads):
            return program(pml, "convert", log, "--no-set", "-q", "-f", "-j", threads, "-o", folder / "set")

        contenders = {
            "procmon-reader, details as dict": lambda: (python(READER, log, "dict"),),
            "procmon-reader, details as text": lambda: (python(READER, log, "text"),),
            "procmon-reader, first event": lambda: (python(READER_OPEN, log),),
            "procmon-parser, same fields": lambda: (python(PARSER, log),),
            "procmon-parser, CSV": lambda: (python(PARSER_CSV, log),),
            "DuckDB, CSV to Parquet": lambda: (python(DUCKDB, csv, folder / "duck.parquet"),),
            "convert, 2 threads": lambda: convert(2),
            "convert, 1 thread": lambda: convert(1),
            "CSV, 27 columns": lambda: program(pml, "convert", log, "--no-set", "-q", "-f", "-o", folder / "ours.csv", "--columns", "all"),
            "triage": lambda: program(pml, "triage", log, "--no-set", "-q", "-o", folder / "report.txt", "--force"),
            "scan of headers and paths": lambda: program(
                pml, "slice", log, "--no-set", "-q", "-f", "-o", folder / "none.pml", "--where", "path contains nosuchpath"
            ),
            "info": lambda: program(pml, "info", log, "--no-set"),
            "help": lambda: program(pml, "--help"),
        }
        # Programs that print several figures at once.
        tables = {
            "limits": lambda threads: table(limits, log, "--threads", threads, "--runs", 1),
            "columns": lambda threads: table(columns, log, "--threads", threads, "--runs", 1),
        }
        chosen = {name: run for name, run in contenders.items() if re.search(args.only, name)}
        if "DuckDB, CSV to Parquet" in chosen:
            program(pml, "convert", log, "--no-set", "-o", csv, "--columns", "all", "-q")
        for _ in range(args.runs + 1):
            for name, run in chosen.items():
                note(name, *run())
            for name, run in tables.items():
                for threads in [1, 2] if re.search(args.only, name) else []:
                    for what, seconds in run(threads).items():
                        note(f"{what}, {threads} threads", seconds)
        dataset = {file.name: file.stat().st_size for file in folder.glob("set/*")}
    times = {name: found[1:] for name, found in times.items()}
    median = {name: statistics.median(found) for name, found in times.items()}

    print(f"{events:,} events, {size:,} bytes, {args.runs} rounds\n")
    print("| contender | median s | spread | events/s | RssAnon MiB |\n|---|---|---|---|---|")
    for name, found in times.items():
        anonymous = f"{memory[name]:.0f}" if memory.get(name) else ""
        seconds = f"{median[name]:.6f}" if median[name] < 0.001 else f"{median[name]:.4f}" if median[name] < 0.1 else f"{median[name]:.3f}"
        per_second = f"{events / median[name]:,.0f}" if median[name] > 0.006 and "first" not in name else ""
        print(f"| {name} | {seconds} | {max(found) / min(found):.2f}x | {per_second} | {anonymous} |")
    print("\n| ratio | measured | in single rounds | goal |\n|---|---|---|---|")
    for name, slow, fast, goal in RATIOS:
        if slow in median and fast in median:
            rounds = [a / b for a, b in zip(times[slow], times[fast])]
            ratio = median[slow] / median[fast]
            met = "met" if ratio >= goal else "not met"
            print(f"| {name} | {ratio:.2f} | {min(rounds):.2f} to {max(rounds):.2f} | {goal}, {met} |")
    if "events.parquet" in dataset:
        stacks = sum(dataset.get(f"{name}.parquet", 0) for name in ["stacks", "frames"])
        whole = dataset["events.parquet"]
        print(f"| log against the events table | {size / whole:.1f} | | 25 |")
        print(f"| log against events, stacks and frames | {size / (whole + stacks):.1f} | | 15 |")


if __name__ == "__main__":
    main()

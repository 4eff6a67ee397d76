#!/usr/bin/env python3
"""Runs pml and its peers over the same log, in turns, and prints ratios as a Markdown table.

usage: compare.py PML LIMITS LOG [--runs N] [--install]

PML and LIMITS are the built programs (target/release/pml, target/release/limits). LOG is one file: the peers know
no sets. Every contender is a process of its own; a round runs each of them once, so that a noisy machine hurts
them alike; the first round warms the cache and does not count. Medians are compared, and the spread says
what the slowest round took, divided by the fastest.

The peers are installed from PyPI into the virtual environment that runs this: procmon-parser 0.4.0,
procmon-reader 0.1.1, duckdb. --install does that first.
"""

import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

PEERS = ["procmon-parser==0.4.0", "procmon-reader==0.1.1", "duckdb"]

# What each peer does, as a program that prints the seconds it took.
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


def python(code, *args):
    done = subprocess.run([sys.executable, "-c", code, *args], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"a peer failed: {done.stderr[-400:]}")
    # DuckDB draws a bar before it.
    return float(done.stdout.split()[-1])


def program(*command):
    """Seconds that a program took, and the most anonymous memory it was seen with, in MiB."""
    begin, most = time.perf_counter(), 0
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    while process.poll() is None:
        try:
            status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
            most = max(most, int((re.search(r"RssAnon:\s+(\d+)", status) or [0, 0])[1]))
        except (OSError, ValueError):
            pass
        time.sleep(0.005)
    if process.returncode:
        sys.exit(f"{command} ended with {process.returncode}")
    return time.perf_counter() - begin, most / 1024


def limits(path, log, threads):
    """Seconds for each way of reading that `limits` knows."""
    out = subprocess.run([path, log, "--threads", str(threads), "--runs", "1"], capture_output=True, text=True).stdout
    found = {}
    for line in out.splitlines()[2:]:
        name, median = re.match(r"(.*?)\s{2,}([\d.]+)", line).groups()
        found[name] = float(median)
    return found


def main():
    words = [word for word in sys.argv[1:] if not word.startswith("--")]
    if len(words) < 3:
        sys.exit(__doc__)
    pml, limit, log = (os.path.abspath(word) for word in words[:3])
    runs = int(sys.argv[sys.argv.index("--runs") + 1]) if "--runs" in sys.argv else 5
    if "--install" in sys.argv:
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", *PEERS], check=True)
    info = json.loads(subprocess.run([pml, "info", "--no-set", "--format", "json", log], capture_output=True, text=True).stdout)
    events, size = info["events"], info["bytes"]
    times, memory = {}, {}

    def note(name, seconds, anonymous=None):
        times.setdefault(name, []).append(seconds)
        if anonymous is not None:
            memory[name] = max(memory.get(name, 0), anonymous)

    with tempfile.TemporaryDirectory() as folder:
        csv = f"{folder}/log.csv"
        program(pml, "convert", log, "--no-set", "-o", csv, "--columns", "all", "-q")
        for _ in range(runs + 1):
            note("procmon-reader, details as dict", python(READER, log, "dict"))
            note("procmon-reader, details as text", python(READER, log, "text"))
            note("procmon-reader, first event", python(READER_OPEN, log))
            note("procmon-parser, same fields", python(PARSER, log))
            note("procmon-parser, CSV", python(PARSER_CSV, log))
            note("DuckDB, CSV to Parquet", python(DUCKDB, csv, f"{folder}/duck.parquet"))
            base = [pml, "convert", log, "--no-set", "-q", "-f"]
            note("convert, 2 threads", *program(*base, "-j", "2", "-o", f"{folder}/set"))
            note("convert, 1 thread", *program(*base, "-j", "1", "-o", f"{folder}/set"))
            note("CSV, 27 columns", *program(*base, "-o", f"{folder}/ours.csv", "--columns", "all"))
            note("triage", *program(pml, "triage", log, "--no-set", "-q", "-o", f"{folder}/report.txt", "--force"))
            note("info", *program(pml, "info", log, "--no-set"))
            for threads in [1, 2]:
                for name, seconds in limits(limit, log, threads).items():
                    note(f"{name}, {threads} threads", seconds)
        dataset = {file.name: file.stat().st_size for file in pathlib.Path(f"{folder}/set").iterdir()}
    median, spread = {}, {}
    for name, all_times in times.items():
        kept = sorted(all_times[1:])
        median[name], spread[name] = statistics.median(kept), kept[-1] / kept[0]

    print(f"{events:,} events, {size:,} bytes, {runs} rounds\n")
    print("| contender | median s | spread | events/s | RssAnon MiB |\n|---|---|---|---|---|")
    for name in times:
        anonymous = f"{memory[name]:.0f}" if name in memory else ""
        print(f"| {name} | {median[name]:.3f} | {spread[name]:.2f}x | {events / median[name]:,.0f} | {anonymous} |")
    rows = [
        ("convert against procmon-reader, details as text", "procmon-reader, details as text", "convert, 2 threads", "10x"),
        ("convert against procmon-parser", "procmon-parser, same fields", "convert, 2 threads", "40x"),
        ("convert against CSV to DuckDB to Parquet", "DuckDB, CSV to Parquet", "convert, 2 threads", "4x"),
        ("CSV against procmon-parser's", "procmon-parser, CSV", "CSV, 27 columns", "40x"),
        ("open and first event against procmon-reader", "procmon-reader, first event", "info", "50x"),
        ("convert, two threads against one", "convert, 1 thread", "convert, 2 threads", "1.6x"),
        ("header scan against memory, 1 thread", "memory, 1 threads", "headers, 1 threads", "0.4x"),
        ("every byte of events against memory, 2 threads", "memory, 2 threads", "every byte of events, 2 threads", "0.6x"),
        ("headers and paths against triage", "headers and paths, 2 threads", "triage", "0.67x"),
    ]
    print("\n| ratio | measured | goal |\n|---|---|---|")
    for name, slow, fast, goal in rows:
        print(f"| {name} | {median[slow] / median[fast]:.2f}x | {goal} |")
    stacks = sum(dataset.get(f"{name}.parquet", 0) for name in ["stacks", "frames"])
    whole = dataset["events.parquet"]
    print(f"| log against the events table | {size / whole:.1f}x | 25x |")
    print(f"| log against events, stacks and frames | {size / (whole + stacks):.1f}x | 15x |")


if __name__ == "__main__":
    main()

"""Counts the instructions that the program spends on an event, and compares them with those on record.

    python benches/instructions.py target/release/pml target/release/pml-samples            # compares
    python benches/instructions.py target/release/pml target/release/pml-samples --accept   # records

Valgrind counts instructions (`apt-get install valgrind`): unlike times they hardly differ from run to run, so that a
change of a few percent shows on a busy machine, too. They differ between compilers and processors, whose instructions
libraries choose from: where the record is of others, the program prints the figures and compares nothing.

Each command runs twice, on a log and on one with twice the events; the difference is what events cost, without the
start of the program. `triage` of the smaller log is counted as a whole, too, because most logs that fleets triage are
small.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

RECORD = Path(__file__).with_name("instructions.json")
# A change by more than that fails.
ALLOWED = 0.03
EVENTS = 20_000
COMMANDS = {
    "convert to Parquet": ["convert", "{log}", "-o", "{out}", "-q", "-j", "1", "--no-set", "-f"],
    "five columns to Parquet": [
        "convert", "{log}", "-o", "{out}", "-q", "-j", "1", "--no-set", "-f",
        "--columns", "process_name,operation,path,result,detail",
    ],
    "convert to CSV": ["convert", "{log}", "-o", "{out}.csv", "-q", "-j", "1", "--no-set", "-f"],
    "scan of paths": ["slice", "{log}", "-o", "{out}.pml", "-q", "-j", "1", "--where", 'path contains "qqzz"', "-f"],
    "triage": ["triage", "{log}", "--format", "json", "-q", "-j", "1", "--no-set"],
}


def counted(program, command, log, out):
    """Instructions of one run."""
    arguments = [argument.format(log=log, out=out) for argument in command]
    run = subprocess.run(
        ["valgrind", "--tool=callgrind", f"--callgrind-out-file={os.devnull}", program, *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(r"Collected : (\d+)", run.stderr)
    if not found:
        sys.exit(f"{' '.join(arguments)}: {run.stderr[-2000:]}")
    return int(found.group(1))


def measure(program, samples):
    """Instructions for an event of each command, and of a whole triage."""
    figures = {}
    with tempfile.TemporaryDirectory() as folder:
        logs = []
        for times in (1, 2):
            place = Path(folder) / str(times)
            subprocess.run(
                [samples, "boot", "-o", place, "--events", str(EVENTS * times), "--seed", "5"],
                check=True,
                stdout=subprocess.DEVNULL,
            )
            logs.append(place / "Bootlog.pml")
        for name, command in COMMANDS.items():
            few, many = (counted(program, command, log, Path(folder) / "out") for log in logs)
            figures[f"{name}, an event"] = round((many - few) / EVENTS)
            if name == "triage":
                figures[f"triage of {EVENTS:,} events, all"] = few
    return figures


def rustc():
    """The version of the compiler."""
    return subprocess.run(["rustc", "--version"], capture_output=True, text=True, check=True).stdout.strip()


def processor():
    """The model of the processor, with its family and number, which tell apart models of one name."""
    about = Path("/proc/cpuinfo").read_text()
    found = [re.search(rf"^{field}\s*: (.*)$", about, re.MULTILINE) for field in ("model name", "cpu family", "model")]
    return ", ".join(match.group(1) for match in found if match)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("samples")
    parser.add_argument("--accept", action="store_true", help="record what is measured")
    args = parser.parse_args()
    if not shutil.which("valgrind"):
        sys.exit("valgrind is missing: apt-get install valgrind")
    here = {"rustc": rustc(), "processor": processor()}
    record = json.loads(RECORD.read_text()) if RECORD.exists() else {"figures": {}}
    figures = measure(args.program, args.samples)
    others = [f"{what}: {record.get(what)}, here {value}" for what, value in here.items() if record.get(what) != value]
    off = []
    for name, now in figures.items():
        before = record["figures"].get(name)
        change = now / before - 1 if before else None
        print(f"{name:<34}{now:>14,}" + (f"{before:>14,}{change:>+9.1%}" if change is not None else ""))
        if change is not None and abs(change) > ALLOWED:
            off.append(name)
    if args.accept:
        RECORD.write_text(json.dumps({**here, "figures": figures}, indent=2) + "\n")
        print(f"recorded in {RECORD.name}")
    elif others:
        print(f"nothing is compared, because the record is of another {'; '.join(others)}")
    elif off:
        sys.exit(
            f"changed by more than {ALLOWED:.0%}: {'; '.join(off)}\n"
            "  hint: if that is meant, run this with --accept and commit instructions.json with the change"
        )


if __name__ == "__main__":
    main()

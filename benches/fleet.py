#!/usr/bin/env python3
"""Converts and triages a fleet of captures, kills both at random moments, and compares what `--resume` makes with the whole.

usage: fleet.py PML LOGS [--generate PML_SAMPLES] [--captures N] [--events N] [--links N] [--kills N] [--seed N] [--threads N]
                [--folder DIR]

PML is the built program, LOGS a folder with captures, each in a folder of its own (samples/logs). With --generate, they are made by
the program pml-samples instead: N captures of N events. Each capture is linked N times, as another machine; two broken ones are
added, one that is cut off and one that is no log.

What must hold, or the script fails:

* every sound capture has tables with its rows, every broken one a row that says why;
* after each kill, `--resume` ends with the very bytes of the run that was not interrupted, for the tables and for triage;
* DuckDB, where this Python has it, counts as many events over all tables as the logs have.

The thousand captures of benches/RESULTS.md:

    fleet.py target/release/pml LOGS --generate target/release/pml-samples --captures 20 --events 100K --links 50 --kills 20
"""

import argparse
import hashlib
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time


def run(*command, may_be=(0,)):
    """Runs a program; gives how long it took, and what it said."""
    begin = time.monotonic()
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode not in may_be:
        sys.exit(f"{' '.join(map(str, command))}: status {done.returncode}\n{done.stderr[-4000:]}")
    return time.monotonic() - begin, done


def generate(args, folder):
    """The captures, made by pml-samples."""
    root = pathlib.Path(__file__).resolve().parents[1]
    scenarios = sorted((root / "samples" / "scenarios").glob("S[0-9][0-9]-*.toml"))
    scenarios = [path for path in scenarios if not path.name.endswith(".expect.toml")]
    for number in range(args.captures):
        scenario = scenarios[number % len(scenarios)]
        out = folder / f"{number:03}"
        run(args.generate, "scenario", scenario, "-o", out, "--events", args.events, "--seed", number, "--parts", 2)
        for text in out.glob("*.log"):
            text.unlink()
    return folder


def link(args, logs, folder):
    """The fleet: every capture several times, and two broken ones. Gives the number of captures."""
    captures = sorted(path for path in logs.iterdir() if path.is_dir())
    for number in range(args.links):
        for capture in captures:
            place = folder / f"PC-{number:03}-{capture.name}"
            place.mkdir()
            for part in sorted(capture.glob("*.pml")):
                os.link(part, place / part.name)
    first = sorted(captures[0].glob("*.pml"))[0].read_bytes()
    for name, data in [("cut-off", first[: len(first) // 3]), ("no-log", b"no log")]:
        (folder / name).mkdir()
        (folder / name / "Bootlog.pml").write_bytes(data)
    return len(captures) * args.links


def hashes(folder):
    """A hash of each file, by its path. Where many files are links of one capture, their tables differ in the id."""
    found = {}
    for path in sorted(pathlib.Path(folder).rglob("*")):
        if path.is_file() and not (path.name.startswith(".pml-") and path.suffix == ".tmp"):
            with open(path, "rb") as file:
                found[str(path.relative_to(folder))] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def differences(expected, found):
    return sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))


def kill_and_resume(command, resume, folder, whole, seconds, args, rng):
    """Kills runs at random moments, one after the other in one folder, and goes on with each; the last one is not killed."""
    killed = 0
    begin = time.monotonic()
    for number in range(args.kills):
        child = subprocess.Popen([str(part) for part in (command if number == 0 else resume)], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        try:
            child.wait(rng.uniform(0, max(seconds * 1.5 / args.kills, 0.02)))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
            killed += 1
    run(*resume, may_be=(0, 1))
    wrong = differences(whole, hashes(folder))
    if wrong:
        sys.exit(f"{folder}: {len(wrong)} files differ after {killed} kills, such as {wrong[:5]}")
    return killed, time.monotonic() - begin


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pml", type=pathlib.Path)
    parser.add_argument("logs", type=pathlib.Path)
    parser.add_argument("--generate", type=pathlib.Path, metavar="PML_SAMPLES")
    parser.add_argument("--captures", type=int, default=20)
    parser.add_argument("--events", default="100K")
    parser.add_argument("--links", type=int, default=50)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--folder", type=pathlib.Path, help="where to work [default: the temporary folder]")
    args = parser.parse_args()
    pml = args.pml.resolve()
    rng = random.Random(args.seed)
    with tempfile.TemporaryDirectory(dir=args.folder) as work:
        work = pathlib.Path(work)
        (work / "captures").mkdir()
        logs = args.logs
        if args.generate:
            (work / "logs").mkdir()
            logs = generate(args, work / "logs")
        count = link(args, logs, work / "captures")
        size = sum(path.stat().st_size for path in (work / "captures").rglob("*.pml"))
        print(f"{count} captures and 2 broken ones, {size / 2**30:.2f} GiB of logs", flush=True)

        def convert(out, *more):
            return [pml, "convert", work / "captures", "-o", work / out, "--quiet", "--threads", args.threads, *more]

        def triage(out, *more):
            (work / out).mkdir(exist_ok=True)
            (work / out / "reports").mkdir(exist_ok=True)
            places = ["--format", "html", "-o", work / out / "reports", "--parquet", work / out / "tables"]
            return [pml, "triage", work / "captures", "--lang", "en", "--quiet", "--threads", args.threads, *places, *more]

        seconds, _ = run(*convert("lake"), may_be=(1,))
        whole = hashes(work / "lake")
        written = sum(path.stat().st_size for path in (work / "lake").rglob("*.parquet"))
        print(f"convert: {seconds:.1f} s, {len(whole)} files, {written / 2**20:.0f} MiB", flush=True)
        again, _ = run(*convert("lake", "--resume"), may_be=(1,))
        assert hashes(work / "lake") == whole
        print(f"convert, nothing to do: {again:.1f} s", flush=True)
        events = check(work, count)
        shutil.rmtree(work / "lake")
        killed, took = kill_and_resume(convert("lake"), convert("lake", "--resume"), work / "lake", whole, seconds, args, rng)
        print(f"convert, killed {killed} times and resumed: {took:.1f} s, the same bytes", flush=True)
        shutil.rmtree(work / "lake")

        seconds, _ = run(*triage("verdicts"), may_be=(1,))
        whole = hashes(work / "verdicts")
        print(f"triage: {seconds:.1f} s, {len(whole)} files", flush=True)
        again, _ = run(*triage("verdicts", "--resume"), may_be=(1,))
        assert hashes(work / "verdicts") == whole
        print(f"triage, nothing to do: {again:.1f} s", flush=True)
        reports = list((work / "verdicts" / "reports").glob("*.html"))
        assert len(reports) == count + 1, len(reports)
        shutil.rmtree(work / "verdicts")
        command, resume = triage("verdicts"), triage("verdicts", "--resume")
        killed, took = kill_and_resume(command, resume, work / "verdicts", whole, seconds, args, rng)
        print(f"triage, killed {killed} times and resumed: {took:.1f} s, the same bytes", flush=True)
    print(json.dumps({"captures": count, "events": events}))


def check(work, count):
    """Counts in DuckDB, where it is; gives the number of events."""
    try:
        import duckdb
    except ImportError:
        print("this Python has no duckdb: the tables are not asked")
        return None
    db = duckdb.connect()
    ask = lambda sql: db.execute(sql.format(lake=work / "lake")).fetchall()
    status = dict(ask("SELECT status, count(*) FROM '{lake}/status.parquet' GROUP BY ALL"))
    assert status == {0: count, 2: 2}, status
    [[events]] = ask("SELECT sum(rows)::BIGINT FROM '{lake}/status.parquet'")
    questions = {
        "count": "SELECT count(*) FROM '{lake}/*/events.parquet'",
        "by capture and operation": "SELECT capture, operation, count(*) FROM '{lake}/*/events.parquet' GROUP BY ALL",
        "failures of one process": "SELECT count(*) FROM '{lake}/*/events.parquet' WHERE process_name = 'poqexec.exe' AND status >= 3221225472",
        "join with processes": "SELECT p.name, count(*) FROM '{lake}/*/events.parquet' e JOIN '{lake}/*/processes.parquet' p USING (capture, part, process_index) GROUP BY ALL",
    }
    for name, sql in questions.items():
        begin = time.monotonic()
        rows = ask(sql)
        print(f"DuckDB {duckdb.__version__}, {name}: {time.monotonic() - begin:.2f} s, {len(rows)} rows", flush=True)
        if name == "count":
            assert rows == [(events,)], (rows, events)
    return events


if __name__ == "__main__":
    main()

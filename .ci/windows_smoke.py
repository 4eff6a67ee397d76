#!/usr/bin/env python3
"""Runs the Windows program under Wine: the main jobs, in folders that are hard for a program, and failures.

usage: windows_smoke.py --linux PML --windows PML.EXE --samples PML-SAMPLES.EXE --wine WINE [--kills N]

Outputs are compared byte by byte with those of the Linux program. Where the module duckdb is installed, DuckDB reads
the dataset that the Windows program wrote. The commands for cmd in README.md (blocks marked bat) run in Wine's cmd.
The last line of output is `N passed, N failed`.
"""

import argparse
import hashlib
import os
import pathlib
import pty
import random
import re
import select
import shutil
import signal
import subprocess
import tempfile
import time

results = {"passed": 0, "failed": 0}
ROOT = pathlib.Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "samples/logs/missing-payload"
TABLES = ["capture", "events", "frames", "modules", "processes", "stacks"]


def check(name, condition, detail=""):
    results["passed" if condition else "failed"] += 1
    print(("ok      " if condition else "FAILED  ") + name + ("" if condition else f": {detail}"), flush=True)


class Programs:
    """The Linux program, and the Windows program under Wine."""

    def __init__(self, args):
        self.linux, self.exe, self.samples, self.wine = (
            os.path.abspath(path) for path in [args.linux, args.windows, args.samples, args.wine]
        )

    def start(self, folder, *args, **options):
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL, **options}
        return subprocess.Popen([self.wine, self.exe, *map(str, args)], cwd=folder, **options)

    def windows(self, folder, *args):
        child = self.start(folder, *args)
        out, err = child.communicate(timeout=300)
        # Programs of Wine itself share standard error.
        lines = err.decode("utf-8", "replace").splitlines(keepends=True)
        return child.returncode, out, "".join(line for line in lines if not line.startswith("wine:"))

    def on_linux(self, folder, *args):
        done = subprocess.run([self.linux, *map(str, args)], cwd=folder, capture_output=True, check=False)
        return done.returncode, done.stdout, done.stderr.decode("utf-8", "replace")

    def cmd(self, folder, line):
        """Runs a line in Wine's cmd, with the program on the path."""
        environment = {**os.environ, "WINEPATH": windows_path(os.path.dirname(self.exe))}
        # A batch file, because quotes do not survive the command line of Wine's cmd.
        with tempfile.NamedTemporaryFile("w", suffix=".bat", dir=ROOT / "target", newline="\r\n") as batch:
            batch.write(f"@echo off\n{line}\n")
            batch.flush()
            return subprocess.run([self.wine, "cmd", "/d", "/c", windows_path(batch.name)], cwd=folder, env=environment,
                                  capture_output=True, check=False, stdin=subprocess.DEVNULL, timeout=300)

    def on_console(self, folder, line):
        """Runs a line in Wine's cmd on a console, which is a terminal of this script; gives what the console shows."""
        environment = {**os.environ, "WINEPATH": windows_path(os.path.dirname(self.exe)),
                       "TERM": "xterm", "LC_ALL": "C.UTF-8", "COLUMNS": "120", "LINES": "60"}
        child, terminal = pty.fork()
        if child == 0:
            os.chdir(folder)
            os.execve(self.wine, [self.wine, "cmd", "/d", "/c", line], environment)
        shown, end = b"", time.monotonic() + 60
        while time.monotonic() < end:
            ready, _, _ = select.select([terminal], [], [], 1)
            if ready:
                try:
                    piece = os.read(terminal, 65536)
                except OSError:
                    break
                if not piece:
                    break
                shown += piece
            elif os.waitpid(child, os.WNOHANG)[0]:
                child = 0
                break
        os.close(terminal)
        if child:
            try:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
            except (ProcessLookupError, ChildProcessError):
                pass
        # Sequences that move the cursor or set colours are not text.
        return re.sub(rb"\x1b(\[[0-9;?]*[A-Za-z]|\][^\x07]*\x07|.)", b"", shown).decode("utf-8", "replace")


def digests(path):
    """The files of an output with their digests; nothing where there is no output."""
    files = sorted(path.rglob("*")) if path.is_dir() else [path] if path.exists() else []
    return {str(file.relative_to(path)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def names(folder):
    return sorted(entry.name for entry in folder.iterdir())


def windows_path(path):
    return "Z:" + str(path).replace("/", "\\")


def main_job(programs, folder):
    """The README's main job, as CSV and reports too, from a folder with blanks and Chinese characters."""
    case = folder / "事件 日志 (Fall 7)"
    shutil.copytree(SAMPLE, case)
    for output in ["boot", "boot.csv", "boot.xml", "boot.jsonl", "boot.arrow", "boot.parquet"]:
        status, _, said = programs.windows(case, "convert", "Bootlog.pml", "-o", output)
        check(f"converts to {output}", status == 0 and "3,000 events" in said, (status, said))
        programs.on_linux(case, "convert", "Bootlog.pml", "-o", f"linux-{output}")
        ours, theirs = digests(case / output), digests(case / f"linux-{output}")
        check(f"{output} equals that of Linux", ours and ours == theirs, (ours, theirs))
    check("the dataset has all tables", names(case / "boot") == [f"{table}.parquet" for table in TABLES])
    try:
        import duckdb

        count = duckdb.sql(f"SELECT count(*) FROM '{case}/boot/events.parquet'").fetchall()[0][0]
        check("DuckDB reads the dataset", count == 3000, count)
    except ImportError:
        print("skipped DuckDB: the module is not installed")
    for args in [["info", "Bootlog.pml"], ["triage", "Bootlog.pml"], ["triage", "Bootlog.pml", "--lang", "zh"],
                 ["triage", "Bootlog.pml", "--format", "json"], ["triage", "Bootlog.pml", "--format", "html"],
                 ["rules"], ["schema"], ["man"], ["completions", "powershell"]]:
        ours, theirs = programs.windows(case, *args), programs.on_linux(case, *args)
        check(f"pml {' '.join(args)} prints what it prints on Linux", ours == theirs and ours[0] == 0, ours[2])
    absolute = windows_path(case / "Bootlog.pml")
    status, out, said = programs.windows(folder, "triage", absolute, "--format", "json")
    check("an absolute path with a drive is read", status == 0 and b'"confirmed"' in out, said)


def replacing(programs, folder):
    """An output that exists is refused, replaced by --force, and kept where it cannot be replaced."""
    case = folder / "replace"
    shutil.copytree(SAMPLE, case)
    for output in ["boot", "boot.csv"]:
        first = programs.windows(case, "convert", "Bootlog.pml", "-o", output)
        refused = programs.windows(case, "convert", "Bootlog.pml", "-o", output)
        check(f"an existing {output} is refused", first[0] == 0 and refused[0] == 2 and "--force" in refused[2], refused)
        again = programs.windows(case, "convert", "Bootlog.pml", "-o", output, "--force", "--columns", "path")
        check(f"--force replaces {output}", again[0] == 0, again)
    check("nothing else is left", names(case) == ["Bootlog-1.pml", "Bootlog.pml", "boot", "boot.csv"], names(case))


def names_of_windows(programs, folder):
    """Names that only Windows treats in a special way, long paths, and wildcards."""
    case = folder / "names"
    shutil.copytree(SAMPLE, case)
    for output, reason in [("NUL", "is the name of a device"), ("a?.csv", "allows no '?' in a name"),
                           ("ab:c.csv", "allows no ':' in a name")]:
        status, _, said = programs.windows(case, "convert", "Bootlog.pml", "--to", "csv", "-o", output)
        check(f"the output {output} is refused", status == 2 and reason in said, said)
    status, out, said = programs.windows(case, "info", "boot*.PML", "--format", "json")
    check("a wildcard names all parts", status == 0 and out.count(b'"file"') == 2, (out, said))
    status, _, said = programs.windows(case, "info", "x*.pml")
    check("a wildcard without a match is an error", status == 2 and "no file has such a name" in said, said)
    deep = case
    while len(str(deep)) < 300:
        deep = deep / ("sehr langer Ordner 很长的文件夹 " + "n" * 30)
    deep.mkdir(parents=True)
    for part in SAMPLE.glob("*.pml"):
        shutil.copy(part, deep)
    log = windows_path(deep / "Bootlog.pml")
    for output in ["boot", "boot.csv", "small.pml"]:
        command = "slice" if output == "small.pml" else "convert"
        for force in [[], ["--force"]]:
            status, _, said = programs.windows(folder, command, log, "-o", windows_path(deep / output), *force)
            check(f"{command} writes {output} on a path of {len(str(deep))} characters {force}", status == 0, said)
    programs.on_linux(folder, "convert", deep / "Bootlog.pml", "-o", folder / "deep")
    check("the dataset there equals that of Linux", digests(deep / "boot") == digests(folder / "deep"))
    (deep / "small.pml").unlink()
    status, out, said = programs.windows(folder, "triage", windows_path(deep), "--format", "json")
    check("triage finds the capture in that folder", status == 0 and b'"confirmed"' in out, said)
    status, out, said = programs.windows(folder, "triage", log, "-o", windows_path(deep / "report.html"))
    check("and writes its report there", status == 0 and (deep / "report.html").exists(), said)


def damage(programs, folder):
    """A damaged log, a log that was cut short, and one that is cut short while it is read."""
    case = folder / "damage"
    case.mkdir()
    whole = (SAMPLE / "Bootlog.pml").read_bytes()
    (case / "cut.pml").write_bytes(whole[: len(whole) // 2])
    ours, theirs = programs.windows(case, "info", "cut.pml"), programs.on_linux(case, "info", "cut.pml")
    check("info describes a log that was cut short", ours == theirs and "recover" in ours[2] + str(ours[1]), ours)
    ours = programs.windows(case, "recover", "cut.pml", "-o", "fixed.pml")
    theirs = programs.on_linux(case, "recover", "cut.pml", "-o", "linux.pml")
    same = (case / "fixed.pml").exists() and digests(case / "fixed.pml") == digests(case / "linux.pml")
    check("recover saves the same log", ours[0] == theirs[0] == 1 and same, ours[2])
    spoilt = bytearray(whole)
    offsets = int.from_bytes(whole[0x248:0x250], "little")
    third = int.from_bytes(whole[offsets + 15 : offsets + 19], "little")
    spoilt[third + 0x2C : third + 0x30] = b"\xff" * 4
    (case / "spoilt.pml").write_bytes(spoilt)
    status, _, said = programs.windows(case, "convert", "spoilt.pml", "-o", "out")
    check("a damaged event is counted", status == 1 and "damaged and left out: 1 event" in said, said)


def large_log(programs, folder):
    """A log that takes a second or more to convert."""
    case = folder / "large"
    case.mkdir()
    done = subprocess.run([programs.wine, programs.samples, "scenario", str(ROOT / "samples/scenarios/S01-healthy.toml"),
                           "-o", str(case), "--events", "100K", "--force"], capture_output=True, check=False)
    check("pml-samples writes a large log", done.returncode == 0 and (case / "Bootlog.pml").exists(), done.stderr)
    for path in case.iterdir():
        if path.suffix != ".pml":
            path.unlink()
    return case


def cut_while_read(programs, case):
    """The file is cut short by another system, as on a share, while the program reads it."""
    shutil.copy(case / "Bootlog.pml", case / "shared.pml")
    size = (case / "shared.pml").stat().st_size
    child = programs.start(case, "convert", "shared.pml", "--no-set", "-q", "-j1", "--to", "csv", "-o", "-")
    child.stdout.read(1)
    os.truncate(case / "shared.pml", size // 4 // 4096 * 4096)
    _, said = child.communicate(timeout=300)
    said = said.decode("utf-8", "replace")
    wanted = "shared.pml: could not be read at 0x"
    check("a log that is cut short ends with message and offset", child.returncode == 2 and wanted in said,
          (child.returncode, said))
    (case / "shared.pml").unlink()


def stopping(programs, case, kills):
    """Ctrl-C, and kills at random moments: no half output has the final name."""
    before = names(case)
    begin = time.monotonic()
    status, _, said = programs.windows(case, "convert", "Bootlog.pml", "-q", "-o", "out")
    took = time.monotonic() - begin
    whole = digests(case / "out")
    check("the large log converts", status == 0 and len(whole) == 6, said)
    shutil.rmtree(case / "out")
    child = programs.start(case, "convert", "Bootlog.pml", "-j1", "-q", "-o", "out")
    while names(case) == before and child.poll() is None:
        time.sleep(0.01)
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=60)
    check("Ctrl-C ends a conversion, and nothing is left", child.returncode == 2 and b"stopped" in said
          and names(case) == before, (child.returncode, said, names(case)))
    moments = random.Random(7)
    halves, complete = [], 0
    for number in range(kills):
        output = ["out", "out.csv", "out.pml"][number % 3]
        command = "slice" if output == "out.pml" else "convert"
        child = programs.start(case, command, "Bootlog.pml", "-q", "-o", output)
        try:
            child.wait(moments.uniform(0, took * 1.05))
        except subprocess.TimeoutExpired:
            child.kill()
        child.communicate()
        if (case / output).exists():
            complete += 1
            if output == "out" and digests(case / output) != whole:
                halves.append(number)
            if output == "out.csv":
                programs.on_linux(case, "convert", "Bootlog.pml", "-q", "-o", "linux.csv", "--force")
                if digests(case / output) != digests(case / "linux.csv"):
                    halves.append(number)
                (case / "linux.csv").unlink()
            if output == "out.pml":
                programs.on_linux(case, "slice", "Bootlog.pml", "-q", "-o", "linux.pml", "--force")
                if digests(case / output) != digests(case / "linux.pml"):
                    halves.append(number)
                (case / "linux.pml").unlink()
        for name in set(names(case)) - set(before):
            path = case / name
            if not name.startswith(".pml-") and name != output:
                halves.append((number, name))
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    check(f"{kills} kills leave no half output ({complete} came too late)", not halves, halves)


def consoles(programs, folder):
    """Chinese reports on consoles of two code pages, and all commands that the README has for cmd."""
    case = folder / "console"
    shutil.copytree(SAMPLE, case)
    for page in ["65001", "936"]:
        shown = programs.on_console(case, f"chcp {page} > nul & pml triage --lang zh --color never Bootlog.pml")
        check(f"a console of code page {page} shows Chinese", "已回滚" in shown or "回滚" in shown, repr(shown[:300]))
        piped = programs.cmd(case, f"chcp {page} > nul & pml triage --lang zh Bootlog.pml > report.txt")
        same = (case / "report.txt").read_bytes() == programs.on_linux(case, "triage", "--lang", "zh", "Bootlog.pml")[1]
        check(f"redirected output is UTF-8 under code page {page}", same, piped.stderr)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    lines = [line for block in re.findall(r"```bat\n(.*?)```", readme, re.S) for line in block.splitlines() if line]
    check("the README has commands for cmd", len(lines) >= 3, lines)
    desk = folder / "desk"
    shutil.copytree(SAMPLE, desk)
    for line in lines:
        done = programs.cmd(desk, line)
        check(f"README: {line}", done.returncode == 0, (done.stdout[-300:], done.stderr[-300:]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for option in ["--linux", "--windows", "--samples", "--wine"]:
        parser.add_argument(option, required=True)
    parser.add_argument("--kills", type=int, default=10)
    args = parser.parse_args()
    programs = Programs(args)
    with tempfile.TemporaryDirectory(dir=ROOT / "target") as name:
        folder = pathlib.Path(name)
        main_job(programs, folder)
        replacing(programs, folder)
        names_of_windows(programs, folder)
        damage(programs, folder)
        large = large_log(programs, folder)
        cut_while_read(programs, large)
        stopping(programs, large, args.kills)
        consoles(programs, folder)
    print("{passed} passed, {failed} failed".format(**results))
    return 1 if results["failed"] else 0


if __name__ == "__main__":
    raise SystemExit(main())

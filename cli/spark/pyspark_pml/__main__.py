"""`spark-submit` of the job: ``python -m pyspark_pml convert IN… OUT``."""

from __future__ import annotations

import argparse
import sys

from pyspark.sql import SparkSession

from .job import Limits, convert


def main(arguments: list[str] | None = None) -> int:
    """Converts, and prints how many captures ended how. The status is 0 where all are whole, else 1."""
    parser = argparse.ArgumentParser(prog="pyspark_pml", description="Converts captures to Parquet, one task each.")
    commands = parser.add_subparsers(dest="command", required=True)
    job = commands.add_parser("convert", help="write the tables of every capture, and how each ended")
    job.add_argument("inputs", nargs="+", metavar="IN", help="captures, folders, archives; addresses such as s3://…")
    job.add_argument("output", metavar="OUT", help="the folder of the tables")
    job.add_argument("--columns", help="columns of the events table, separated by commas")
    job.add_argument("--where", help="a filter for events (docs/filters.md)")
    job.add_argument("--recover", action="store_true", help="read what is left of broken logs")
    job.add_argument("--again", action="store_true", help="convert what is complete, too")
    job.add_argument("--temp", metavar="DIR", help="folder of the workers for copies")
    job.add_argument("--memory", type=int, default=4096, metavar="MIB", help="limit of one capture [default: 4096]")
    job.add_argument("--seconds", type=float, default=3600, help="limit of one capture [default: 3600]")
    job.add_argument("--threads", type=int, default=1, help="threads of one capture, as spark.task.cpus [default: 1]")
    given = parser.parse_args(arguments)
    spark = SparkSession.builder.appName("pml convert").getOrCreate()
    ended = convert(
        spark,
        given.inputs,
        given.output,
        columns=given.columns.split(",") if given.columns else None,
        where=given.where,
        recover=given.recover,
        resume=not given.again,
        temp=given.temp,
        limits=Limits(given.memory << 20, given.seconds, given.threads),
    )
    counts = {row["status"]: row["count"] for row in ended.groupBy("status").count().collect()}
    whole, lost, failed = (counts.get(status, 0) for status in (0, 1, 2))
    print(f"{whole} whole, {lost} with losses, {failed} not converted; {given.output}")
    return 0 if lost == failed == 0 else 1


if __name__ == "__main__":
    sys.exit(main())

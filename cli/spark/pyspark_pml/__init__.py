"""Process Monitor logs (PML) in Spark 4.

    spark.read.format("pml").load("/captures")                                # events
    spark.read.format("pml").option("table", "verdicts").load("/captures")    # why updates were rolled back
    pyspark_pml.convert(spark, ["/captures"], "/lake")                        # tables of every capture, as Parquet

Spark finds the format by the name of this module, so that nothing has to be registered.
"""

from .job import Limits, convert
from .source import DefaultSource

__all__ = ["DefaultSource", "Limits", "convert"]
__version__ = "0.1.0"

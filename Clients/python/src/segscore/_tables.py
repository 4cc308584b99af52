"""pandas, which is imported only where a table is asked for."""

from __future__ import annotations

from typing import Any


def pandas_for(caller: str) -> Any:
    """The module `pandas`, for what returns a DataFrame.

    Raises
    ------
    ImportError
        pandas is not installed.
    """
    try:
        import pandas
    except ImportError as error:
        raise ImportError(f"{caller} returns a pandas.DataFrame: pip install pandas") from error
    return pandas

"""Learning curves as a table: `savedir/<name>/logs/<network>.csv`, a line for each iteration."""

import csv
from collections.abc import Mapping
from pathlib import Path

from logs.writer import Writer
from results import VALUES, replacing

COLUMNS = ('iteration', *VALUES)


class CsvWriter(Writer):
    """Writes the whole table each time: none is cut short, and no iteration is there twice."""

    title = 'CSV'

    @property
    def place(self) -> Path:
        """The table."""
        return self.network.folder / f'{self.network.name}.csv'

    def write(self, curves: Mapping[str, list], start: int) -> None:
        """Write all iterations."""
        with replacing(self.place) as temporary, open(temporary, 'w', newline='') as file:
            table = csv.writer(file)
            table.writerow(COLUMNS)
            table.writerows(zip(*(curves[name] for name in COLUMNS), strict=True))

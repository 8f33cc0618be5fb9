"""What the speed of this tool is set beside: doing nothing, and other networks.

Each is a program of its own, as the tool is: `python rivals.py NAME IN [OUT]`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

HIDDEN, LATENT = [128, 128], 8  # as the tool's own networks
LABEL = "label"


def nothing(source: str, target: str) -> None:
    """Read a table by pyarrow, batch by batch, and write it again."""
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet

    if source.endswith(".parquet"):
        file = pa.parquet.ParquetFile(source)
        with pa.parquet.ParquetWriter(target, file.schema_arrow) as parquet:
            for rows in file.iter_batches():
                parquet.write_batch(rows)
        return
    reader = pa.csv.open_csv(source)
    with pa.csv.CSVWriter(target, reader.schema) as writer:
        for rows in reader:
            writer.write_batch(rows)


def mlp(source: str, _: str) -> None:
    """Fit scikit-learn's network."""
    from sklearn.neural_network import MLPClassifier

    features, labels = _numbers(source)
    network = MLPClassifier(HIDDEN, early_stopping=True, random_state=0)
    network.fit(features, labels)


def pyod_vae(source: str, _: str) -> None:
    """Fit PyOD's autoencoder, its epochs as it has them."""
    from pyod.models.vae import VAE

    features, _labels = _numbers(source)
    network = VAE(
        encoder_neuron_list=HIDDEN,
        decoder_neuron_list=HIDDEN[::-1],
        latent_dim=LATENT,
        random_state=0,
    )
    network.fit(features)


def tvae(source: str, _: str) -> None:
    """Fit CTGAN's autoencoder, its epochs as it has them."""
    import pandas as pd
    from ctgan import TVAE

    table = _with_days(pd.read_csv(source))
    names = [n for n in table if not pd.api.types.is_numeric_dtype(table[n])]
    for name in table:
        gap = "missing" if name in names else table[name].mean()
        table[name] = table[name].fillna(gap)
    network = TVAE(
        embedding_dim=LATENT, compress_dims=HIDDEN, decompress_dims=HIDDEN[::-1]
    )
    network.fit(table, names)


def _numbers(source: str) -> tuple[Any, Any]:
    """Give standardised cells and labels: gaps are means, names are one-hot."""
    import pandas as pd
    from sklearn.preprocessing import StandardScaler

    table = _with_days(pd.read_csv(source))
    labels = table.pop(LABEL)
    numbers = pd.get_dummies(table, dtype=float)
    numbers = numbers.fillna(numbers.mean())
    return StandardScaler().fit_transform(numbers), labels


def _with_days(table: Any) -> Any:
    """Give dates as numbers."""
    import pandas as pd

    for name in table:
        if name.startswith("date"):
            table[name] = pd.to_datetime(table[name]).astype("int64") / 1e18
    return table


RIVALS: dict[str, Callable[[str, str], None]] = {
    "nothing": nothing,
    "mlp": mlp,
    "pyod-vae": pyod_vae,
    "tvae": tvae,
}
NEEDS = {"pyod-vae": "pyod", "tvae": "ctgan"}

if __name__ == "__main__":
    name, source, *target = sys.argv[1:]
    RIVALS[name](source, target[0] if target else "")

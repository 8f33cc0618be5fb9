"""Make the sample tables: two invented stories with a rare class each.

Run `python sample_data/make.py` to write the four files beside this script. The
seed is fixed, so the bytes are the same each time.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

SEED = 20240305
N_PAYMENTS, N_NEW_PAYMENTS = 6000, 600
N_MERCHANTS = 90
N_PARTS, N_NEW_PARTS = 1500, 200

YEAR_START = np.datetime64("2024-01-01T00:00:00", "s")
COUNTRIES = {
    "Deutschland": 0.26,
    "Österreich": 0.16,
    "France": 0.13,
    "España": 0.10,
    "Italia": 0.08,
    "Polska": 0.07,
    "Česko": 0.05,
    "Nederland": 0.045,
    "Türkiye": 0.03,
    "Sverige": 0.025,
    "Danmark": 0.02,
    "Ελλάδα": 0.015,
    "Magyarország": 0.0105,
    "Eesti": 0.003,
    "Ísland": 0.001,
    "Malta": 0.0005,
}
CHANNELS = ("web", "app", "phone", "branch")
SUPPLIERS = ("Müller & Co", "Nord, GmbH", "Sato", "Vega")
MACHINES = ("M01", "M02", "M03", "M04", "M05", "M06")
MATERIALS = ("steel", "aluminium", "brass")

Columns = dict[str, np.ndarray[Any, Any]]


def main(folder: Path) -> list[Path]:
    """Write the four sample files into `folder` and name them."""
    rng = np.random.default_rng(SEED)
    payments, fraud = _payments(rng, N_PAYMENTS + N_NEW_PAYMENTS)
    seen, new = slice(0, N_PAYMENTS), slice(N_PAYMENTS, None)
    lose = PAYMENT_GAPS
    labelled = _with_gaps(rng, _rows(payments, seen), fraud[seen], lose)
    labelled["fraud"] = np.where(fraud[seen], "yes", "no")
    sparser = {name: (2.5 * p, 2.5 * q) for name, (p, q) in lose.items()}
    unlabelled = _with_gaps(rng, _rows(payments, new), fraud[new], sparser)

    parts, outcome = _parts(rng, N_PARTS + N_NEW_PARTS)
    seen, new = slice(0, N_PARTS), slice(N_PARTS, None)
    bad = outcome != "ok"
    known = _with_gaps(rng, _rows(parts, seen), bad[seen], PART_GAPS)
    known["outcome"] = outcome[seen]
    unknown = _with_gaps(rng, _rows(parts, new), bad[new], PART_GAPS)
    return [
        _write(folder / "payments.csv", labelled),
        _write(folder / "payments_new.csv", unlabelled),
        _write(folder / "defects.csv", known),
        _write(folder / "defects_new.csv", unknown),
    ]


# Share of cells lost per column: among honest rows, among the rare class.
PAYMENT_GAPS = {
    "paid_at": (0.02, 0.02),
    "amount": (0.02, 0.02),
    "account_age_days": (0.03, 0.12),
    "n_payments_24h": (0.03, 0.03),
    "country": (0.04, 0.10),
    "channel": (0.02, 0.02),
    "merchant_code": (0.06, 0.02),
    "card_present": (0.03, 0.03),
    "device_score": (0.08, 0.20),
}
PART_GAPS = {
    "temperature_c": (0.02, 0.02),
    "coolant_l_min": (0.01, 0.04),
    "supplier": (0.02, 0.02),
    "tool_uses": (0.01, 0.01),
}


def _payments(rng: np.random.Generator, n: int) -> tuple[Columns, Any]:
    """Draw honest payments, then overwrite 2 % of them with two kinds of fraud."""
    pattern = np.zeros(n, dtype=int)
    for part in (slice(0, N_PAYMENTS), slice(N_PAYMENTS, n)):
        size = part.stop - part.start
        chosen = rng.permutation(size)[: round(0.02 * size)] + part.start
        # 45 % small tests at night, 40 % large and far from home, 15 % that
        # look like anyone's payment: no model can find those.
        pattern[chosen] = rng.choice([1, 2, 3], len(chosen), p=[0.45, 0.4, 0.15])
    tests, far = pattern == 1, pattern == 2

    hour = np.clip(rng.normal(14.5, 4.6, n), 0, 23.99)
    night = rng.normal(2.8, 2.0, n) % 24
    hour = np.where(tests | (rng.random(n) < 0.03), night, hour)
    day = np.sort(rng.integers(0, 366, n))
    paid_at = YEAR_START + (day * 86400 + hour * 3600).astype(int)

    amount = np.exp(rng.normal(3.3, 1.15, n))
    amount = np.where(tests, np.exp(rng.normal(1.4, 0.8, n)), amount)
    amount = np.where(far, np.exp(rng.normal(5.7, 0.8, n)), amount)

    age = np.floor(rng.gamma(1.3, 620, n))
    age = np.where(far, np.floor(rng.gamma(1.1, 70, n)), age)
    busy = rng.random(n) < 0.04
    payments_24h = rng.poisson(np.where(busy, 6.0, 1.3))
    payments_24h = np.where(tests, rng.poisson(6.5, n), payments_24h)

    channel = rng.choice(CHANNELS, n, p=[0.44, 0.33, 0.07, 0.16])
    channel = np.where(tests, rng.choice(CHANNELS[:2], n, p=[0.75, 0.25]), channel)
    at_till = np.select(
        [channel == "branch", channel == "app"],
        [np.ones(n, bool), rng.random(n) < 0.45],
        rng.random(n) < 0.04,
    )
    distance = np.exp(rng.normal(1.6, 1.3, n))
    distance = np.where(far, np.exp(rng.normal(4.6, 1.2, n)), distance)
    # The terminal tells where it stands; without a card the place is a guess.
    placed = at_till | (rng.random(n) < 0.15) | (far & (rng.random(n) < 0.6))

    score = np.clip(rng.normal(0.71, 0.16, n), 0, 1)
    score = np.where(pattern > 0, np.clip(rng.normal(0.52, 0.2, n), 0, 1), score)

    names, shares = list(COUNTRIES), np.array(list(COUNTRIES.values()))
    country = rng.choice(names, n, p=shares / shares.sum())
    abroad = far & (rng.random(n) < 0.5)
    country = np.where(abroad, rng.choice(names[8:13], n), country)
    codes = np.sort(rng.permutation(5000)[:N_MERCHANTS])
    popular = 1 / np.arange(1, N_MERCHANTS + 1)
    merchant = rng.choice(rng.permutation(codes), n, p=popular / popular.sum())
    columns = {
        "paid_at": np.char.replace(paid_at.astype(str), "T", " "),
        "amount": _decimals(amount, 2),
        "account_age_days": age.astype(int).astype(str),
        "n_payments_24h": payments_24h.astype(str),
        "country": country,
        "channel": channel,
        "merchant_code": np.char.zfill(merchant.astype(str), 4),
        "card_present": np.where(at_till, "true", "false"),
        "distance_km": np.where(placed, _decimals(distance, 1), ""),
        "device_score": _decimals(score, 3),
    }
    new = np.arange(n) >= N_PAYMENTS
    order = np.lexsort((paid_at, new))
    columns = {name: values[order] for name, values in columns.items()}
    return {"payment_id": _numbered("P-", n, 6)} | columns, pattern[order] > 0


def _parts(rng: np.random.Generator, n: int) -> tuple[Columns, Any]:
    """Draw machined parts; wear and pressure crack them, heat warps them."""
    material = rng.choice(MATERIALS, n, p=[0.55, 0.33, 0.12])
    machine = rng.choice(MACHINES, n)
    supplier = rng.choice(SUPPLIERS, n, p=[0.4, 0.3, 0.2, 0.1])
    uses = np.floor(rng.gamma(2.2, 190, n)).astype(int)
    temperature = rng.normal(182, 11, n) + np.where(machine == "M04", 9, 0)
    coolant = np.clip(rng.normal(6.2, 1.1, n), 0.4, None)
    pressure = rng.normal(41, 4.5, n) + np.where(material == "steel", 4, 0)
    vibration = np.exp(rng.normal(0.2, 0.35, n) + uses / 1600)
    cycle = rng.normal(34, 3, n)

    def centred(values: Any) -> Any:
        return (values - values.mean()) / values.std()

    strain = 1.3 * centred(pressure) + 1.5 * centred(uses) + 0.9 * centred(vibration)
    strain = strain + np.where(supplier == "Vega", 1.2, 0.0)
    heat = 1.9 * centred(temperature) - 1.8 * centred(coolant)
    heat = heat + np.where(material == "aluminium", 1.5, 0.0)
    luck = rng.gumbel(size=(n, 3))
    odds = np.stack([np.zeros(n), 1.5 * strain - 6.5, 1.6 * heat - 9.6], axis=1)
    outcome = np.array(["ok", "crack", "warp"])[np.argmax(odds + luck, axis=1)]
    columns = {
        "part": _numbered("D", n, 5),
        "machine": machine,
        "material": material,
        "supplier": supplier,
        "temperature_c": _decimals(temperature, 1),
        "pressure_bar": _decimals(pressure, 1),
        "coolant_l_min": _decimals(coolant, 2),
        "vibration_mm_s": _decimals(vibration, 2),
        "cycle_s": _decimals(cycle, 1),
        "tool_uses": uses.astype(str),
    }
    return columns, outcome


def _numbered(prefix: str, n: int, width: int) -> Any:
    """Give rows their numbers from 1 on, as `P-000001`."""
    return np.char.add(prefix, np.char.zfill(np.arange(1, n + 1).astype(str), width))


def _decimals(values: Any, digits: int) -> Any:
    """Write numbers with a fixed count of decimals, as a till does."""
    return np.char.mod(f"%.{digits}f", values)


def _rows(columns: Columns, part: slice) -> Columns:
    return {name: values[part] for name, values in columns.items()}


def _with_gaps(
    rng: np.random.Generator,
    columns: Columns,
    rare: Any,
    shares: Mapping[str, tuple[float, float]],
) -> Columns:
    """Empty some cells; the chance depends on the class, as it does in life."""
    kept = {}
    for name, values in columns.items():
        usual, among_rare = shares.get(name, (0.0, 0.0))
        lost = rng.random(len(values)) < np.where(rare, among_rare, usual)
        kept[name] = np.where(lost, "", values)
    return kept


def _write(path: Path, columns: Columns) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return path


if __name__ == "__main__":
    for written in main(Path(__file__).parent):
        print(f"{written.name}: {written.stat().st_size} bytes", file=sys.stderr)

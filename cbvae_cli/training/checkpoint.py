"""Unfinished training on disk: safetensors and JSON in `.NAME.cbvae.run/`."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from cbvae_cli.errors import DataProblem, UsageProblem
from cbvae_cli.table.aside import write_whole
from cbvae_cli.training.identity import differences
from cbvae_cli.training.run_folder import RunFolder

VERSION = 1
NOTHING: Mapping[str, Any] = {}
MOST_NAMED = 3  # differences from the run that was saved


@dataclass(frozen=True)
class Snapshot:
    """Everything the loop needs to go on as if it had not been interrupted.

    Attributes
    ----------
    step : int
    tensors : dict of str to Tensor
        Weights, best weights, optimiser state and random state.
    history : list
        Reports so far, as lists.
    """

    step: int
    tensors: dict[str, Tensor]
    history: list[Any]


class Checkpoint:
    """The folder of one unfinished run.

    Parameters
    ----------
    folder : Path
    identity : str
        Digest of data and settings; a run with another identity is not resumed.
    home : RunFolder, optional
        That keeps other runs out of the folder.
    known : mapping, optional
        What the identity is the digest of, so that a difference has a name.
    """

    def __init__(
        self,
        folder: Path,
        identity: str,
        home: RunFolder | None = None,
        known: Mapping[str, Any] = NOTHING,
    ) -> None:
        self.folder = folder
        self.identity = identity
        self._home = home
        self._known = known

    def phase(self, name: str) -> Checkpoint:
        """Give the part of the run that is one phase of it."""
        folder = self.folder / name
        return Checkpoint(folder, self.identity, self._home, self._known)

    @property
    def exists(self) -> bool:
        """Tell whether there is a snapshot to go on from."""
        return (self.folder / "run.json").is_file()

    def save(self, snapshot: Snapshot) -> None:
        """Write a snapshot; an older one survives a crash on the way.

        Raises
        ------
        OSError
            If the disk is full, say, or another run saves there.
        """
        from safetensors.torch import save

        if self._home is not None:
            self._home.hold()
        self.folder.mkdir(parents=True, exist_ok=True)
        name = f"step-{snapshot.step}.safetensors"
        tensors = {n: t.contiguous().cpu() for n, t in snapshot.tensors.items()}
        write_whole(self.folder / name, save(tensors))
        record = {
            "version": VERSION,
            "identity": self.identity,
            "known": dict(self._known),
            "step": snapshot.step,
            "tensors": name,
            "history": snapshot.history,
        }
        write_whole(self.folder / "run.json", json.dumps(record).encode())
        for old in self.folder.glob("step-*.safetensors"):
            if old.name != name:
                old.unlink()

    def keep(self, snapshot: Snapshot) -> None:
        """Write a snapshot if that is possible: training goes on all the same."""
        with contextlib.suppress(OSError):
            self.save(snapshot)

    def load(self) -> Snapshot:
        """Read the snapshot; raises UsageProblem where there is none to go on from."""
        from safetensors.torch import load_file

        if self._home is not None and self._home.taken:
            raise UsageProblem(
                "the run to resume is still under way",
                where=str(self.folder),
                hint="wait for its end, or stop it first",
            )
        try:
            text = (self.folder / "run.json").read_text(encoding="utf-8")
            record = json.loads(text)
            known = record["version"] == VERSION
            step, history = int(record["step"]), list(record["history"])
            path = self.folder / Path(record["tensors"]).name
            tensors = load_file(path)
        except FileNotFoundError:
            raise UsageProblem(
                "there is no interrupted run to resume",
                where=str(self.folder),
                hint="leave --resume out to start anew",
            ) from None
        except Exception as error:
            raise DataProblem(
                "the interrupted run is damaged and cannot be resumed",
                where=str(self.folder),
                hint="remove that folder and leave --resume out to start anew",
            ) from error
        if not known or record["identity"] != self.identity:
            found = differences(record.get("known"), self._known)
            raise UsageProblem(
                "the interrupted run was made from other data or settings"
                + "".join(f"; {each}" for each in found[:MOST_NAMED]),
                where=str(self.folder),
                expected="the same table, flags and version of cbvae",
                hint="give the same flags again; or leave --resume out to start anew",
            )
        return Snapshot(step, tensors, history)

    def remove(self) -> None:
        """Forget the run, once its bundle is whole."""
        shutil.rmtree(self.folder, ignore_errors=True)

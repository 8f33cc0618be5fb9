"""Networks that name the class of a row they are shown."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from cbvae_cli.networks.dense import StackedLinear, StackedMLP


class Discriminator(nn.Module):
    """Dense layers, the last of them hidden one read as features, then logits.

    Parameters
    ----------
    n_nets, n_inputs : int
    hidden : tuple of int
    n_classes : int
    generator : torch.Generator
    """

    def __init__(
        self,
        n_nets: int,
        n_inputs: int,
        hidden: tuple[int, ...],
        n_classes: int,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.hidden = StackedMLP(n_nets, (n_inputs, *hidden), generator)
        self.last = StackedLinear(n_nets, hidden[-1], n_classes, generator)

    def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Look at rows.

        Parameters
        ----------
        inputs : Tensor, shape (n_nets or 1, n_rows, n_inputs)

        Returns
        -------
        features : Tensor, shape (n_nets, n_rows, n_features)
            Of the last hidden layer.
        logits : Tensor, shape (n_nets, n_rows, n_classes)
        """
        features = functional.silu(self.hidden(inputs))
        return features, self.last(features)

    def features(self, inputs: Tensor) -> Tensor:
        """Give features of rows, through which no gradient reaches the weights."""
        still = {name: p.detach() for name, p in self.named_parameters()}
        found: Tensor = torch.func.functional_call(self, still, (inputs,))[0]
        return found

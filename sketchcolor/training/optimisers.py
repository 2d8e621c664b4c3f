"""Optimisers: AdamW, or Muon for a network's inner layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from .recipes import Recipe

__all__ = ["Muon", "inner_matrices", "make_optimizer"]

# Input and output layers are trained by AdamW (Jordan et al. 2024). They are recognised by fewer
# channels than this on one side, or by their names in diffusers' networks.
MIN_CHANNELS = 32
OUTER_LAYERS = ("conv_in", "conv_out")

# Coefficients of the quintic Newton-Schulz iteration, which brings singular values of at most 1 to
# between 0.7 and 1.2 (Jordan et al. 2024).
NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
NEWTON_SCHULZ_STEPS = 5
# Root mean square of AdamW's typical updates; Muon's are scaled to it, so that both can share one
# learning rate (Liu et al. 2025).
ADAMW_UPDATE_RMS = 0.2


def make_optimizer(recipe: Recipe, model: nn.Module, learning_rate: float) -> torch.optim.Optimizer:
    """The recipe's optimiser for all parameters of a network.

    Raises:
        ValueError: the recipe names neither ``adamw`` nor ``muon``.
    """
    betas = (recipe.adam_beta1, recipe.adam_beta2)
    if recipe.optimizer == "muon":
        return Muon(model, learning_rate, betas, recipe.weight_decay)
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(
            model.parameters(),
            lr=learning_rate,
            betas=betas,
            weight_decay=recipe.weight_decay,
            fused=True,
        )
    raise ValueError(f"Unknown optimizer {recipe.optimizer!r}; choose adamw or muon.")


def inner_matrices(model: nn.Module) -> list[nn.Parameter]:
    """Weights of convolutions and linear layers between a network's first and last layers."""
    return [
        parameter
        for name, parameter in model.named_parameters()
        if parameter.ndim >= 2
        and min(parameter.shape[:2]) >= MIN_CHANNELS
        and not any(part in OUTER_LAYERS for part in name.split("."))
    ]


class Muon(torch.optim.Optimizer):
    """Muon for the inner matrices, AdamW for all other parameters.

    Muon orthogonalises the momentum (Jordan et al. 2024, "Muon: An optimizer for hidden layers");
    the step size is that of Liu et al. 2025 (arXiv 2502.16982, section 2.2). PyTorch's own Muon
    does not take convolutions, nor a network that is moved to another device afterwards. A network
    without inner matrices is trained by AdamW alone.

    Args:
        model: :func:`inner_matrices` selects the parameters for Muon.
        learning_rate: of both.
        betas: of AdamW.
        weight_decay: of both, decoupled.
        momentum: of Muon, in Nesterov's form.
        eps: added to the denominator of AdamW.
    """

    def __init__(
        self,
        model: nn.Module,
        learning_rate: float,
        betas: tuple[float, float],
        weight_decay: float = 0.0,
        momentum: float = 0.95,
        eps: float = 1e-8,
    ) -> None:
        inner = inner_matrices(model)
        inner_ids = {id(parameter) for parameter in inner}
        rest = [parameter for parameter in model.parameters() if id(parameter) not in inner_ids]
        groups = [{"params": inner, "matrices": True}, {"params": rest, "matrices": False}]
        defaults = {
            "lr": learning_rate,
            "betas": betas,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "eps": eps,
        }
        super().__init__(groups, defaults)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One update of every parameter that has a gradient."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            parameters = [p for p in group["params"] if p.grad is not None]
            if not parameters:
                continue
            torch._foreach_mul_(parameters, 1.0 - group["lr"] * group["weight_decay"])
            if group["matrices"]:
                self._update_with_muon(parameters, group)
            else:
                self._update_with_adamw(parameters, group)
        return loss

    def _update_with_muon(self, parameters: list[nn.Parameter], group: dict) -> None:
        """Muon's update with Nesterov momentum."""
        for parameter in parameters:
            state = self.state[parameter]
            if not state:
                state["momentum"] = torch.zeros_like(parameter)
            gradient = _gradient(parameter)
            state["momentum"].lerp_(gradient, 1.0 - group["momentum"])
            nesterov = gradient.lerp(state["momentum"], group["momentum"]).flatten(1)
            size = group["lr"] * ADAMW_UPDATE_RMS * max(nesterov.shape) ** 0.5
            parameter.add_(_orthogonalize(nesterov).reshape(parameter.shape), alpha=-size)

    def _update_with_adamw(self, parameters: list[nn.Parameter], group: dict) -> None:
        """AdamW's update (Loshchilov & Hutter 2019, algorithm 2)."""
        beta1, beta2 = group["betas"]
        for parameter in parameters:
            state = self.state[parameter]
            if not state:
                state["step"] = 0
                state["mean"] = torch.zeros_like(parameter)
                state["square"] = torch.zeros_like(parameter)
            state["step"] += 1
            gradient = _gradient(parameter)
            state["mean"].lerp_(gradient, 1.0 - beta1)
            state["square"].lerp_(gradient.square(), 1.0 - beta2)
            root = (state["square"] / (1.0 - beta2 ** state["step"])).sqrt_().add_(group["eps"])
            size = group["lr"] / (1.0 - beta1 ** state["step"])
            parameter.addcdiv_(state["mean"], root, value=-size)


def _orthogonalize(matrix: torch.Tensor) -> torch.Tensor:
    """Newton-Schulz iteration to an approximately orthogonal matrix, the nearest one to the input.

    It is computed in bfloat16, whose precision is sufficient (Jordan et al. 2024).

    Args:
        matrix: (rows, columns), in any type.

    Returns:
        (rows, columns), bfloat16.
    """
    a, b, c = NEWTON_SCHULZ
    tall = matrix.shape[0] > matrix.shape[1]
    found = (matrix / matrix.norm().clamp_min(1e-7)).bfloat16()
    found = found.mT if tall else found
    for _ in range(NEWTON_SCHULZ_STEPS):
        gram = found @ found.mT
        found = torch.addmm(found, torch.addmm(gram, gram, gram, beta=b, alpha=c), found, beta=a)
    return found.mT if tall else found


def _gradient(parameter: nn.Parameter) -> torch.Tensor:
    """The gradient of a parameter that has one."""
    assert parameter.grad is not None
    return parameter.grad

"""What turns gradients into updates: AdamW, or Muon for a network's inner layers."""

from __future__ import annotations

import torch
from torch import nn

from .recipes import Recipe

__all__ = ["Muon", "inner_matrices", "make_optimizer"]

# Layers that read or write pictures, hints and colours: their rows are no directions to be evened
# out. Known by their few channels, and in diffusers' networks by their names.
FEWEST_CHANNELS = 32
OUTER_LAYERS = ("conv_in", "conv_out")

# Quintic whose repeated use drives singular values of at most 1 to between 0.7 and 1.2.
NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
NEWTON_SCHULZ_STEPS = 5
# Root mean square of AdamW's usual updates, so that both take one learning rate.
ADAMW_UPDATE = 0.2


def make_optimizer(recipe: Recipe, model: nn.Module, learning_rate: float) -> torch.optim.Optimizer:
    """The recipe's optimiser over all of a network's parameters.

    Raises:
        ValueError: the recipe names another one than ``adamw`` or ``muon``.
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
        and min(parameter.shape[:2]) >= FEWEST_CHANNELS
        and not any(part in OUTER_LAYERS for part in name.split("."))
    ]


class Muon(torch.optim.Optimizer):
    """Momentum made orthogonal for the inner matrices, AdamW for all else.

    Jordan et al. 2024, "Muon: An optimizer for hidden layers", with the step size of Liu et al.
    2025 (arXiv 2502.16982, section 2.2). PyTorch's own takes matrices only, no convolutions and
    no network whose parameters change devices afterwards. A network without layers large enough
    is trained by AdamW alone.

    Args:
        model: its parameters are sorted by :func:`inner_matrices`.
        learning_rate: of both.
        betas: of AdamW.
        weight_decay: of both, decoupled.
        momentum: of the matrices, in Nesterov's form.
        eps: added to AdamW's root mean squares.
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
        known = {id(parameter) for parameter in inner}
        rest = [parameter for parameter in model.parameters() if id(parameter) not in known]
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
    def step(self, closure=None) -> torch.Tensor | None:
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
                self._turn(parameters, group)
            else:
                self._scale(parameters, group)
        return loss

    def _turn(self, parameters: list[nn.Parameter], group: dict) -> None:
        """Muon's update, Nesterov's momentum included."""
        for parameter in parameters:
            state = self.state[parameter]
            if not state:
                state["momentum"] = torch.zeros_like(parameter)
            state["momentum"].lerp_(parameter.grad, 1.0 - group["momentum"])
            ahead = parameter.grad.lerp(state["momentum"], group["momentum"]).flatten(1)
            size = group["lr"] * ADAMW_UPDATE * max(ahead.shape) ** 0.5
            parameter.add_(_orthogonal(ahead).reshape(parameter.shape), alpha=-size)

    def _scale(self, parameters: list[nn.Parameter], group: dict) -> None:
        """AdamW's update (Loshchilov & Hutter 2019, algorithm 2)."""
        beta1, beta2 = group["betas"]
        for parameter in parameters:
            state = self.state[parameter]
            if not state:
                state["step"] = 0
                state["mean"] = torch.zeros_like(parameter)
                state["square"] = torch.zeros_like(parameter)
            state["step"] += 1
            state["mean"].lerp_(parameter.grad, 1.0 - beta1)
            state["square"].lerp_(parameter.grad.square(), 1.0 - beta2)
            root = (state["square"] / (1.0 - beta2 ** state["step"])).sqrt_().add_(group["eps"])
            size = group["lr"] / (1.0 - beta1 ** state["step"])
            parameter.addcdiv_(state["mean"], root, value=-size)


def _orthogonal(matrix: torch.Tensor) -> torch.Tensor:
    """The nearest matrix, roughly, with all singular values about 1; bfloat16 is enough for it.

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

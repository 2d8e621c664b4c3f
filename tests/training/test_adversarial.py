"""The adversarial step: what the discriminator sees, and that it judges a picture alike twice."""

import dataclasses

import pytest
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState, GradientState

from sketchcolor.models import MODELS
from sketchcolor.models.discriminators import PatchDiscriminator
from sketchcolor.models.whiteout_hint import WhiteOutDiscriminator
from sketchcolor.training.colour_step import ColourStep
from sketchcolor.training.recipes import RECIPES
from sketchcolor.training.trainer import prepare_model
from tests.support.training import SMALL

SIDE = 64


def batch(count: int = 4) -> dict[str, torch.Tensor]:
    """Random sketches and pictures of one colour each, with a hint and a palette."""
    generator = torch.Generator().manual_seed(0)
    colour = torch.rand(count, 3, 1, 1, generator=generator).expand(-1, -1, SIDE, SIDE) * 2 - 1
    hints = torch.zeros(count, 4, SIDE, SIDE)
    hints[:, :3, 8:16, 8:16] = colour[:, :, 8:16, 8:16]
    hints[:, 3, 8:16, 8:16] = 1.0
    return {
        "sketch": torch.rand(count, 1, SIDE, SIDE, generator=generator) * 2 - 1,
        "colour": colour.contiguous(),
        "hints": hints,
        "palette": torch.rand(count, 9, 3, generator=generator) * 2 - 1,
        "weights": torch.full((count, 9), 1 / 9),
        "palette_present": torch.ones(count, dtype=torch.bool),
    }


def step_of(recipe: str, discriminator: torch.nn.Module, **changes) -> ColourStep:
    """A step whose networks stand still, because their learning rates are zero."""
    AcceleratorState._reset_state(reset_partial_state=True)
    GradientState._reset_state()
    accelerator = Accelerator(cpu=True)
    settings = dataclasses.replace(RECIPES[recipe], perceptual_weight=0.0, **changes)
    torch.manual_seed(0)
    generator = MODELS[settings.model](**SMALL[recipe])
    networks = [prepare_model(accelerator, settings, one, 0.0, 1) for one in (generator,)]
    networks.append(prepare_model(accelerator, settings, discriminator, 0.0, 1))
    for one in networks:
        one.model.train()
    return ColourStep(settings, accelerator, *networks)


DISCRIMINATORS = {
    "pix2pix": lambda: PatchDiscriminator(channels=(4, 8, 8), batch_norm=True),
    "auto-painter": lambda: PatchDiscriminator(channels=(4, 8, 8), batch_norm=True),
    "whiteout-hint": lambda: WhiteOutDiscriminator(channels=(4, 8, 8, 8), sample_size=SIDE),
    "palette-attention": lambda: PatchDiscriminator(channels=(4, 8, 8), palette_colours=9),
}


@pytest.mark.parametrize("recipe", DISCRIMINATORS)
def test_a_discriminator_judges_a_fake_alike_in_both_steps(recipe):
    """With real pictures in the same batch, batch normalisation would move the fakes' scores."""
    torch.manual_seed(1)
    step = step_of(recipe, DISCRIMINATORS[recipe]())
    scores = []
    step.discriminator.model.register_forward_hook(lambda _, __, result: scores.append(result))
    step(batch(), torch.Generator().manual_seed(0))
    real, fake, fake_again = scores
    assert torch.equal(fake, fake_again)
    assert not torch.allclose(real, fake)


def test_the_discriminators_loss_is_the_sum_that_papers_print_or_isolas_mean():
    losses = {}
    for weight in (0.5, 1.0):
        torch.manual_seed(1)
        step = step_of("pix2pix", DISCRIMINATORS["pix2pix"](), discr_loss_weight=weight)
        losses[weight] = step(batch(), torch.Generator().manual_seed(0))["discriminator"]
    assert losses[1.0] == pytest.approx(2 * losses[0.5].item())
    assert losses[1.0] == pytest.approx(2 * 0.693, abs=0.4)  # one guess each, for real and fake


@torch.no_grad()
def test_a_discriminator_sees_what_its_paper_shows_it():
    data = batch()
    other = {name: tensor.flip(0) for name, tensor in data.items()}

    def sees(network: torch.nn.Module, name: str) -> bool:
        network.eval()
        conditions = {k: data[k] for k in network.conditions}
        if "palette" in conditions:
            conditions["palette_present"] = data["palette_present"]
        changed = dict(conditions, **({name: other[name]} if name in conditions else {}))
        sketch = other["sketch"] if name == "sketch" else data["sketch"]
        before = network(data["sketch"], data["colour"], **conditions)
        return not torch.equal(before, network(sketch, data["colour"], **changed))

    torch.manual_seed(0)
    pix2pix = PatchDiscriminator(channels=(4, 8))
    equation_3 = PatchDiscriminator(channels=(4, 8), sees_sketch=False)
    kim = PatchDiscriminator(channels=(4, 8), palette_colours=9)
    whiteout = DISCRIMINATORS["whiteout-hint"]()
    assert sees(pix2pix, "sketch") and not sees(pix2pix, "palette")
    assert not sees(equation_3, "sketch")
    assert sees(kim, "sketch") and sees(kim, "palette")
    assert sees(whiteout, "hints") and not sees(whiteout, "sketch")


def gradient_lengths(optimizer: torch.optim.Optimizer) -> list[float]:
    """A list to which the length of the gradient will be appended at each update."""
    found: list[float] = []

    def measure(one, *_):
        weights = [weight for group in one.param_groups for weight in group["params"]]
        found.append(torch.cat([weight.grad.flatten() for weight in weights]).norm().item())

    optimizer.register_step_pre_hook(measure)
    return found


def test_gradients_of_papers_are_not_clipped():
    """A weight of the loss that changes the gradient's length changes it all the way to the update.

    With clipping, gradients above the limit would all have its length.
    """
    lengths = {}
    for weight in (1.0, 100.0):
        torch.manual_seed(1)
        step = step_of("pix2pix", DISCRIMINATORS["pix2pix"](), discr_loss_weight=weight)
        found = gradient_lengths(step.discriminator.optimizer.optimizer)
        step(batch(), torch.Generator().manual_seed(0))
        (lengths[weight],) = found
    assert lengths[100.0] == pytest.approx(100 * lengths[1.0], rel=1e-3)

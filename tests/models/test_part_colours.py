"""The network that draws the colours of all parts together."""

import torch

from sketchcolor.models.part_colours import MOST_PARTS, from_flow, to_flow
from tests.support.networks import tiny_part_colours


def test_colours_of_parts_are_drawn_as_noise_and_what_is_known_decide():
    network = tiny_part_colours()
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(2, MOST_PARTS, 27, generator=generator)
    noise = torch.randn(2, MOST_PARTS, 3, generator=generator)
    present = torch.zeros(2, MOST_PARTS, dtype=torch.bool)
    present[:, :5] = True
    known = to_flow(torch.tensor([100.0, 0.0, 0.0])).expand(2, MOST_PARTS, 3)
    is_known = torch.zeros_like(present)
    is_known[:, 0] = True
    given = {"features": features, "present": present, "known": known, "is_known": is_known}
    drawn = network.draw(noise, **given)
    assert drawn.shape == (2, MOST_PARTS, 3) and torch.isfinite(drawn).all()
    assert torch.allclose(drawn[:, 0], torch.tensor([100.0, 0.0, 0.0]), atol=1e-4)
    assert torch.equal(drawn, network.draw(noise, **given))
    assert not torch.allclose(drawn, network.draw(noise.flip(0), **given), atol=1e-2)
    # What is no part says nothing, and noise under a known colour neither.
    other = features.clone(), noise.clone()
    other[0][:, 5:], other[1][:, 5:], other[1][:, 0] = 9.0, 9.0, 9.0
    same = network.draw(other[1], **given | {"features": other[0]})
    assert torch.allclose(drawn[:, :5], same[:, :5], atol=1e-3)
    # The order of parts does not matter.
    turned = {name: value.flip(1) for name, value in given.items()}
    assert torch.allclose(network.draw(noise.flip(1), **turned).flip(1), drawn, atol=1e-3)


def test_a_palette_that_is_not_there_is_none():
    network = tiny_part_colours()
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(1, MOST_PARTS, 27, generator=generator)
    noise = torch.randn(1, MOST_PARTS, 3, generator=generator)
    given = {"features": features, "present": torch.ones(1, MOST_PARTS, dtype=torch.bool)}
    palette = {"palette": torch.randn(1, 9, 3, generator=generator)}
    palette["weights"] = torch.tensor([[0.5, 0.3, 0.2, 0, 0, 0, 0, 0, 0.0]])
    plain = network.draw(noise, **given)
    assert not torch.allclose(plain, network.draw(noise, **given, **palette), atol=1e-2)
    absent = {"palette_present": torch.zeros(1, dtype=torch.bool)}
    dropped = network.draw(noise, **given, **palette, **absent)
    assert torch.allclose(plain, dropped, atol=1e-3)
    palette["palette"][:, 3:] += 5.0  # colours of weight 0 are not asked for
    there = {"palette_present": torch.ones(1, dtype=torch.bool)}
    one, other = (
        network.draw(noise, **given, **palette),
        network.draw(
            noise, **given, **palette | {"palette": palette["palette"].clamp(max=3.0)}, **there
        ),
    )
    assert torch.allclose(one, other, atol=1e-3)


def test_colours_come_back_from_the_flows_units():
    lab = torch.tensor([[0.0, 0.0, 0.0], [100.0, -80.0, 90.0], [53.0, 80.0, 67.0]])
    assert torch.allclose(from_flow(to_flow(lab)), lab, atol=1e-4)
    assert to_flow(lab).abs().max() < 5.0

"""The engine with a stand-in for ``spaces`` and its GPU, and on the CPU without."""

import threading
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest

from sketchcolor import engine
from sketchcolor.engine import Engine, home_device

RESOLUTION = 64


class Lender:
    """A stand-in for ``spaces``: records its calls, and refuses when the quota is used up."""

    def __init__(self):
        self.durations, self.calls, self.quota = [], 0, 1

    def GPU(self, task, *, duration):  # noqa: N802 (the name in spaces)
        self.durations.append(duration)

        def lent(*args):
            if self.calls >= self.quota:
                raise gr.Error("You have exceeded your GPU quota.", title="ZeroGPU quota exceeded")
            self.calls += 1
            return task(*args)

        return lent


@pytest.fixture
def lender(monkeypatch):
    lender = Lender()
    monkeypatch.setattr(engine, "spaces", SimpleNamespace(GPU=lender.GPU))
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    return lender


def picture(colour, sketch, **more):
    return np.asarray(colour(sketch, seed=3, resolution=RESOLUTION, **more).images[0])


def test_zero_gpu_colours_and_the_cpu_if_it_refuses(lender, tiny_pipeline, example_sketch, caplog):
    assert home_device() == "cpu"
    lent = Engine(tiny_pipeline, gpu="cpu")
    assert lender.durations == [engine.GPU_DURATION]
    steps = []
    on_gpu = picture(lent, example_sketch, callback=lambda *step: steps.append(step))
    assert lender.calls == 1 and not steps
    on_cpu = picture(lent, example_sketch, callback=lambda *step: steps.append(step))
    assert lender.calls == 1 and steps[-1][0] == steps[-1][1]
    assert np.array_equal(on_gpu, on_cpu)
    assert "exceeded your GPU quota" in caplog.text


def test_bad_input_raises_its_own_error_on_zero_gpu(lender, tiny_pipeline, example_sketch):
    with pytest.raises(ValueError, match="The seed must be between"):
        Engine(tiny_pipeline, gpu="cpu")(example_sketch, seed=-1)


def test_a_missing_gpu_leaves_the_colouring_to_the_cpu(lender, tiny_pipeline, example_sketch):
    assert picture(Engine(tiny_pipeline, gpu="nonsense"), example_sketch).any()


@pytest.mark.parametrize("value", ["", "false"])
def test_without_zero_gpu_spaces_is_not_used(lender, tiny_pipeline, monkeypatch, value):
    monkeypatch.setenv("SPACES_ZERO_GPU", value)
    Engine(tiny_pipeline)
    assert not lender.durations and home_device() is None


def test_without_spaces_the_pipeline_colours(tiny_pipeline, example_sketch, monkeypatch):
    monkeypatch.setattr(engine, "spaces", None)
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    plain = Engine(tiny_pipeline)
    expected = picture(tiny_pipeline, example_sketch)
    assert np.array_equal(picture(plain, example_sketch), expected)
    assert plain.conditions == tiny_pipeline.conditions


def test_one_colouring_at_a_time():
    running, most = 0, 0
    entered = threading.Barrier(2, timeout=0.2)

    def colour(sketch, callback=None):
        nonlocal running, most
        running += 1
        most = max(most, running)
        try:
            entered.wait()  # a second colouring would enter here
        except threading.BrokenBarrierError:
            pass
        running -= 1

    shared = Engine(colour)
    visitors = [threading.Thread(target=shared, args=(None,)) for _ in range(3)]
    for visitor in visitors:
        visitor.start()
    for visitor in visitors:
        visitor.join()
    assert most == 1


def test_all_colourings_run_in_one_thread():
    threads = set()

    def colour(sketch, callback=None):
        threads.add(threading.get_ident())

    shared = Engine(colour)
    for _ in range(3):
        visitor = threading.Thread(target=shared, args=(None,))
        visitor.start()
        visitor.join()
    assert len(threads) == 1

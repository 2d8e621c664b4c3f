"""The page, as a Space or from a checkout: ``python app.py``.

Host and port follow Gradio's variables GRADIO_SERVER_NAME and GRADIO_SERVER_PORT.
"""

import logging

from sketchcolor.engine import Engine, home_device  # first: it brings spaces before torch
from sketchcolor.hub import load_or_fall_back
from sketchcolor.ui import build_demo, launch_options, texts
from sketchcolor.ui.health import start_self_test

pipeline, fault = load_or_fall_back(home_device())
if fault is not None:
    logging.getLogger(__name__).error("%s", fault)

engine = None if pipeline is None else Engine(pipeline)
self_test = start_self_test(engine)
demo = build_demo(engine, notice=texts.OTHER_MODEL if fault else None, self_test=self_test)

if __name__ == "__main__":
    demo.launch(**launch_options(self_test))

"""The page, as a Space or from a checkout: ``python app.py``.

Host and port follow Gradio's variables GRADIO_SERVER_NAME and GRADIO_SERVER_PORT.
"""

import logging
from typing import Any

from sketchcolor.engine import Engine, home_device
from sketchcolor.loading import load_models
from sketchcolor.ui import build_demo, launch_options, texts
from sketchcolor.ui.health import start_self_test

pipelines, faults = load_models(home_device())
for fault in faults:
    logging.getLogger(__name__).error("%s", fault)

engines: list[Any] = [Engine(pipeline) for pipeline in pipelines]  # called like pipelines
self_test = start_self_test(engines[0] if engines else None)
demo = build_demo(engines, notice=texts.OTHER_MODEL if faults else None, self_test=self_test)

if __name__ == "__main__":
    demo.launch(**launch_options(self_test))

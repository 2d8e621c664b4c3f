"""The page, as a Space or from a checkout: ``python app.py``.

Host and port follow Gradio's variables GRADIO_SERVER_NAME and GRADIO_SERVER_PORT.
"""

import logging

from sketchcolor.hub import ModelLoadError, load_pipeline
from sketchcolor.ui import build_demo, launch_options

try:
    pipeline = load_pipeline()
except ModelLoadError:
    logging.getLogger(__name__).exception("The page runs without a model.")
    pipeline = None

demo = build_demo(pipeline)

if __name__ == "__main__":
    demo.launch(**launch_options())

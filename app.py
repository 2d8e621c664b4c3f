"""The page, as a Space or from a checkout: ``python app.py``.

Host and port follow Gradio's variables GRADIO_SERVER_NAME and GRADIO_SERVER_PORT.
"""

import logging

from sketchcolor.hub import load_or_fall_back
from sketchcolor.ui import build_demo, launch_options, texts

pipeline, fault = load_or_fall_back()
if fault is not None:
    logging.getLogger(__name__).error("%s", fault)

demo = build_demo(pipeline, notice=texts.OTHER_MODEL if fault else None)

if __name__ == "__main__":
    demo.launch(**launch_options())

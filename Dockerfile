# sketchcolor for those who host it themselves:
#   docker build -t sketchcolor . && docker run -p 7860:7860 sketchcolor
FROM python:3.11-slim

RUN useradd --create-home --uid 1000 artist
WORKDIR /home/artist/app

# Before the code, so that a change of the code fetches no library again. PyTorch's own package
# index has a CPU build a tenth as large: name it with --build-arg PIP_EXTRA_INDEX_URL=…
ARG PIP_EXTRA_INDEX_URL
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt

COPY --chown=artist app.py README.md LICENSE ./
COPY --chown=artist sketchcolor sketchcolor
# Models fetched from the Hub and visitors' pictures; a volume here outlives the container.
RUN mkdir /home/artist/cache && chown artist /home/artist/cache

USER artist
ENV GRADIO_SERVER_NAME=0.0.0.0 \
    GRADIO_SERVER_PORT=7860 \
    GRADIO_TEMP_DIR=/home/artist/cache/pictures \
    HF_HOME=/home/artist/cache/hub \
    PYTHONUNBUFFERED=1
EXPOSE 7860
# Well once the self-test has coloured an example; the slim image has no curl.
HEALTHCHECK --interval=30s --timeout=5s --start-period=120s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:7860/health', timeout=4)"]
CMD ["python", "app.py"]

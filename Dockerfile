# A network over HTTP, on a CPU:
#   docker build --tag unetzoo .
#   docker run --rm --publish 127.0.0.1:8000:8000 --volume ./run:/model:ro unetzoo
FROM python:3.12-slim

# The wheels of torch without CUDA, which are far smaller; for GPUs https://download.pytorch.org/whl/cu128
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
# Those of pyproject.toml that the image has
ARG EXTRAS=serve,objects,zarr,openvino

WORKDIR /src
# Dependencies are a layer of their own, which changes in the code leave as it is: an empty package asks for them
COPY pyproject.toml README.md LICENSE ./
RUN mkdir unetzoo && touch unetzoo/__init__.py \
    && pip install --no-cache-dir --index-url "$TORCH_INDEX" torch torchvision \
    && pip install --no-cache-dir ".[$EXTRAS]"
COPY unetzoo unetzoo
RUN pip install --no-cache-dir --no-deps .

RUN useradd --create-home unetzoo
USER unetzoo
WORKDIR /home/unetzoo
EXPOSE 8000
HEALTHCHECK --start-period=60s CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health')"]
ENTRYPOINT ["unetzoo"]
CMD ["serve", "/model", "--host", "0.0.0.0"]

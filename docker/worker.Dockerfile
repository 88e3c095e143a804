# The worker: network on the GPU, encoder on the CPU. No web framework.
#   docker build -f docker/worker.Dockerfile -t foveate-worker .
#   docker run --gpus all -e REDIS_URL=redis://… foveate-worker
#
# torch 2.13's Linux wheels depend on the CUDA 13.0 libraries as packages (cuda-toolkit 13.0, cuDNN,
# NCCL), so a -runtime- image would hold them twice. -base- only adds the variables with which NVIDIA's
# container toolkit checks and mounts the driver.
ARG CUDA=13.0.2-base-ubuntu24.04

# A stage for the list of packages: only a change of the list installs them again.
FROM python:3.12-slim-trixie AS requirements
WORKDIR /requirements
COPY pyproject.toml ./
RUN python -c "import tomllib; extras = tomllib.load(open('pyproject.toml', 'rb'))['project']['optional-dependencies']; print(*extras['worker'], *extras['heic'], sep='\n')" > worker.txt

FROM nvidia/cuda:${CUDA} AS python
# Ubuntu offers only the newest version of a package: a pinned one can't be installed after a fix.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends python3.12 \
 && rm -rf /var/lib/apt/lists/*

FROM python AS packages
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends python3.12-venv \
 && rm -rf /var/lib/apt/lists/* \
 && python3.12 -m venv /opt/venv
COPY --from=requirements /requirements/worker.txt /requirements/worker.txt
# torch is by far the largest package and changes least, so it has a layer of its own.
RUN /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check "$(grep '^torch==' /requirements/worker.txt)"
RUN /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check -r /requirements/worker.txt

FROM python
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin foveate \
 && install --directory --owner=10001 /var/cache/foveate
# OMP_WAIT_POLICY: torch's threads otherwise spin at every layer while the encoder's threads, or a
# second worker, hold the cores; on a CPU a pass then takes many times as long.
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/srv/foveate \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    NUMBA_CACHE_DIR=/var/cache/foveate \
    OMP_WAIT_POLICY=passive
WORKDIR /srv/foveate
COPY --from=packages /opt/venv /opt/venv
COPY docker/worker_health.py /usr/local/lib/foveate/worker_health.py
COPY contract/ contract/
COPY codec/ codec/
COPY model/ model/
COPY worker/ worker/
USER 10001
# Compiles the encoder's kernels for the CPU of the machine that builds, into a folder below
# NUMBA_CACHE_DIR that is named by a digest of the encoder's sources. A worker on another CPU compiles
# them again at its first start (20 s), into the same folder. A read-only container needs a volume
# there; without one it compiles them at every start.
RUN python -c "from codec.kernel_compiler import compile_kernels; compile_kernels(print)"
# Healthy means registered with RQ: a worker registers after its warm-up.
HEALTHCHECK --interval=15s --timeout=5s --start-period=120s --retries=3 \
    CMD ["python", "/usr/local/lib/foveate/worker_health.py"]
CMD ["python", "-m", "worker"]

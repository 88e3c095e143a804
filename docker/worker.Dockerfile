# The worker, without a web framework. Its network runs on the CPU, without PyTorch:
#   docker build -f docker/worker.Dockerfile -t foveate-worker .
# With DEVICE=cuda it runs on an NVIDIA GPU. NVIDIA's container toolkit adds the driver:
#   docker build -f docker/worker.Dockerfile -t foveate-worker-cuda --build-arg DEVICE=cuda .
#   docker run --gpus all -e REDIS_URL=redis://… foveate-worker-cuda
ARG PYTHON=3.12-slim-trixie

# A stage for the lists of packages: only a change of a list installs them again.
FROM python:${PYTHON} AS requirements
WORKDIR /requirements
COPY pyproject.toml ./
# worker-cuda names worker-cpu as an extra of this project, which no index has.
RUN python -c "import tomllib; extras = tomllib.load(open('pyproject.toml', 'rb'))['project']['optional-dependencies']; [print(*(line for line in extras[name] if not line.startswith('foveate[')), sep='\n', file=open(f'{name}.txt', 'w')) for name in ('worker-cpu', 'worker-cuda', 'heic')]"

FROM python:${PYTHON} AS packages
ARG DEVICE=cpu
COPY --from=requirements /requirements/*.txt /requirements/
# PyTorch brings the CUDA libraries as packages. They are by far the largest and change least, so they
# have a layer of their own.
RUN python -m venv /opt/venv \
 && case "${DEVICE}" in \
    cpu) ;; \
    cuda) /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check -r /requirements/worker-cuda.txt ;; \
    *) echo "DEVICE is cpu or cuda" >&2; exit 1 ;; \
    esac
RUN /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check \
    -r /requirements/worker-cpu.txt -r /requirements/heic.txt

FROM python:${PYTHON}
RUN groupadd --gid 10001 foveate \
 && useradd --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin foveate \
 && install --directory --owner=10001 --group=10001 /var/cache/foveate
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/srv/foveate \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    NUMBA_CACHE_DIR=/var/cache/foveate
WORKDIR /srv/foveate
COPY --from=packages /opt/venv /opt/venv
COPY docker/worker_health.py /usr/local/lib/foveate/worker_health.py
COPY contract/ contract/
COPY codec/ codec/
COPY model/ model/
COPY worker/ worker/
USER 10001
# Compiles the kernels for the CPU of the machine that builds, into a folder below
# NUMBA_CACHE_DIR that is named by a digest of the encoder's sources. A worker on another CPU compiles
# them again at its first start (20 s), into the same folder. A read-only container needs a volume
# there; without one it compiles them at every start.
RUN python -c "from codec.kernel_compiler import compile_kernels; from worker.image.formats.bmp import runs; compile_kernels(print); runs.warm_up()"
# Healthy means registered with RQ: a worker registers after its warm-up.
HEALTHCHECK --interval=15s --timeout=5s --start-period=120s --retries=3 \
    CMD ["python", "/usr/local/lib/foveate/worker_health.py"]
CMD ["python", "-m", "worker"]

# The front end: FastAPI and RQ's client side. No torch, numpy, numba or Pillow.
#   docker build -f docker/app.Dockerfile -t foveate-app .
ARG PYTHON=3.12-slim-trixie

# A stage for the list of packages: only a change of the list installs them again.
FROM python:${PYTHON} AS requirements
WORKDIR /requirements
COPY pyproject.toml ./
RUN python -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['optional-dependencies']['app'], sep='\n')" > app.txt

FROM python:${PYTHON} AS packages
COPY --from=requirements /requirements/app.txt /requirements/app.txt
RUN python -m venv /opt/venv \
 && /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check -r /requirements/app.txt \
 && /opt/venv/bin/python -m compileall -q /opt/venv/lib

FROM python:${PYTHON}
RUN groupadd --gid 10001 foveate \
 && useradd --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin foveate
# With PYTHONPATH "python -m" finds the packages from any working directory.
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/srv/foveate \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /srv/foveate
COPY --from=packages /opt/venv /opt/venv
COPY contract/ contract/
COPY app/ app/
USER 10001
EXPOSE 8000
# Checks liveness, not readiness: a front end is healthy without a worker.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/livez', timeout=2)"]
CMD ["python", "-m", "app", "serve", "--host", "0.0.0.0", "--port", "8000"]

# `make help` lists the targets. Python 3.11 or newer and make are all it takes.
SHELL := /bin/sh
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
HOST ?= 127.0.0.1
PORT ?= 8000
FRONT_ENDS ?= 1
# If empty: one for each core, at most eight and as many as fit into memory; one with a GPU.
WORKERS ?=
# The network runs in PyTorch on an NVIDIA GPU and in ONNX Runtime on CPUs. DEVICE=cpu or DEVICE=cuda
# installs for one of them, whatever is found. Without a driver, nvidia-smi prints an error instead of GPUs.
GPU := $(if $(DEVICE:auto=),$(filter cuda%,$(DEVICE)),$(shell nvidia-smi -L 2>/dev/null | grep '^GPU '))
WORKER := worker-$(if $(GPU),cuda,cpu)
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# Files that mark what is installed: the packages for running; also those for tests and benchmarks.
RUN_STAMP := $(VENV)/.installed-$(WORKER)
DEV_STAMP := $(VENV)/.installed-dev

.PHONY: help install run test images check fuzz-api fuzz-decode fuzz-heic sweep alerts mutants format bench-service bench-gpu bench-encode bench-rd bench-fit bench-saliency charts clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(DEV_STAMP) ## Create .venv with what tests, checks and benchmarks need

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "foveate: Python 3.11 or newer is needed; '$(PYTHON)' is not. Set PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "foveate: '$(PYTHON)' lacks venv (on Debian: apt install python3-venv)" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)

# Install only if the stamp file is missing or older than pyproject.toml.
$(RUN_STAMP): pyproject.toml | $(BIN)/python
	@echo "foveate: installing $(WORKER) into $(VENV) (minutes the first time)" >&2
	@$(PIP) --editable '.[app,cli,$(WORKER),heic,embedded]'
	@touch $@

$(DEV_STAMP): pyproject.toml | $(BIN)/python
	@echo "foveate: installing what tests and benchmarks need into $(VENV) (minutes the first time)" >&2
	@$(PIP) 'torch==2.13.0'
	@$(PIP) --editable '.[app,cli,tracing,worker-cuda,heic,embedded,bench,training,dev]'
	@touch $(RUN_STAMP) $@

run: $(RUN_STAMP) ## Start the whole service (HOST=, PORT=, FRONT_ENDS=, WORKERS=, DEVICE=, REDIS_URL=)
	@exec $(BIN)/python -m app run --host '$(HOST)' --port '$(PORT)' --front-ends '$(FRONT_ENDS)' $(if $(WORKERS),--workers '$(WORKERS)')

test: $(DEV_STAMP) ## Run every test
	@$(BIN)/python -m pytest $(ARGS)

images: $(DEV_STAMP) ## Build the images and run them as docker-compose.yml says (podman, runc, mmdebstrap; root) (OUT=file)
	@IMAGES_OUT='$(OUT)' $(BIN)/python -m pytest tests/docker -n 0 -m images $(ARGS)

check: $(DEV_STAMP) ## Format, lint, types, import rules, security rules, known vulnerabilities, Docker files
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/bandit --quiet --configfile pyproject.toml --recursive app worker codec contract
	@$(BIN)/bandit --quiet --skip B101,B104,B311,B404,B603,B607 --recursive model bench
	@$(BIN)/python -m tests.audit
	@$(BIN)/hadolint docker/app.Dockerfile docker/worker.Dockerfile
	@$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml docker/monitoring.compose.yml

fuzz-api: $(DEV_STAMP) ## Thousands of requests made up from the OpenAPI document (EXAMPLES=each)
	@FUZZ_EXAMPLES='$(or $(EXAMPLES),600)' $(BIN)/python -m pytest tests/integration/test_openapi.py -s $(ARGS)

fuzz-decode: $(DEV_STAMP) ## Coverage-guided fuzzing of what reads uploads (MINUTES=10, CORPUS=folder, SEEDS=more folders)
	@$(PIP) --editable '.[fuzz]'
	@$(BIN)/python -m tests.fuzz $$((60 * $(or $(MINUTES),10))) '$(or $(CORPUS),.fuzz-corpus)' $(SEEDS)

fuzz-heic: $(DEV_STAMP) ## Damaged HEIC through the confined decoder (MINUTES=10, SEED=1)
	@$(BIN)/python -m tests.fuzz.heic $$((60 * $(or $(MINUTES),10))) '$(or $(SEED),1)'

sweep: $(DEV_STAMP) ## Every hostile file of the larger data through the service, with several sets of options
	@FOVEATE_SWEEP=1 $(BIN)/python -m pytest tests/integration/test_hostile.py $(ARGS)

alerts: $(DEV_STAMP) ## Provoke every fault that an alert is for, on real processes (needs prometheus)
	@FOVEATE_ALERTS=1 $(BIN)/python -m pytest tests/integration/test_alerts.py $(ARGS)

mutants: $(DEV_STAMP) ## Put small faults into the sources and see which of them tests notice (SAMPLE=120, SEED=1, OUT=file)
	@$(BIN)/python -m tests.mutants --sample '$(or $(SAMPLE),120)' --seed '$(or $(SEED),1)' $(if $(OUT),--out '$(OUT)') $(ARGS)

format: $(DEV_STAMP) ## Rewrite the sources in the project's format
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench-service: $(DEV_STAMP) ## Load the service over HTTP, and its rivals (IMAGES=folder, OUT=file)
	@$(PIP) --editable '.[rivals]'
	@$(BIN)/python -m bench service --memory --images '$(or $(IMAGES),../shared/data/kodak)' --out '$(or $(OUT),bench/results/service.json)' $(ARGS)

bench-gpu: $(RUN_STAMP) ## Images/s on a machine with a GPU, within ten minutes (OUT=file)
	@$(PIP) 'psutil>=7,<8'
	@$(BIN)/python -m bench gpu --out '$(or $(OUT),bench/results/gpu.json)' $(ARGS)

bench-encode: $(DEV_STAMP) ## Speed, passes and memory of the encoder alone (IMAGES=folder, OUT=file)
	@$(BIN)/python -m bench encode --images '$(or $(IMAGES),../shared/data/kodak)' --out '$(or $(OUT),bench/results/encode.json)' $(ARGS)

bench-rd: $(DEV_STAMP) ## Rate and distortion against other encoders (IMAGES=folder, OUT=file)
	@$(BIN)/python -m bench rd --images '$(or $(IMAGES),../shared/data/kodak)' --out '$(or $(OUT),bench/results/rd.json)' $(ARGS)

# Fits on photos that the network was trained on. Held-out photos and Kodak are for measuring only.
bench-fit: $(DEV_STAMP) ## Fit the encoder's constants (GOALS=perceptual, psnr, …_full, OUT=file)
	@$(BIN)/python -m bench fit --goals '$(or $(GOALS),perceptual)' --images $(or $(IMAGES),../shared/data/fixations/osie ../shared/data/lossless) --out '$(or $(OUT),bench/results/fit.json)' $(ARGS)

# Of the default photos, only those held out of training are measured; of IMAGES= all are.
bench-saliency: $(DEV_STAMP) ## Maps against recorded gaze (IMAGES=folder, FIXATIONS=file, OUT=file)
	@$(BIN)/python -m bench saliency $(if $(IMAGES),,--fold held) --images '$(or $(IMAGES),../shared/data/fixations/osie)' --fixations '$(or $(FIXATIONS),../shared/data/fixations/osie/fixations.json)' --out '$(or $(OUT),bench/results/saliency.json)' $(ARGS)

charts: $(DEV_STAMP) ## Draw the charts of README and docs from the committed results
	@$(BIN)/python -m bench charts $(ARGS)

clean: ## Remove .venv, the caches of the tools, and compiled Python files
	@rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

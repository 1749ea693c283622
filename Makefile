# Every target sets up what it needs in .venv, once.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SAM := $(VENV)/sam/bin/sam
# `sam build` needs the Python version of the template's Runtime, regardless of the version that runs everything else.
RUNTIME := $(shell sed -n 's/^    Runtime: python//p' template.yaml)
RUNTIME_PYTHON ?= $(shell for p in python$(RUNTIME) ~/.pyenv/versions/$(RUNTIME).*/bin/python$(RUNTIME); do $$p -c '' 2>/dev/null && echo $$p && break; done)
BUILDER := $(VENV)/builder-$(RUNTIME)
# Modules are compiled when they are first imported: most of those installed never are.
PIP_OPTIONS := -qq --disable-pip-version-check --no-input --no-compile
# One more than two cores: tests of the local stack mostly wait.
WORKERS ?= 3
STACK_NAME ?= bintally
# Quick tests that need neither a stack nor torch.
UNIT := tests/test_rooms.py tests/template tests/unit/functions/domain tests/unit/functions/usecases tests/unit/cli
DATA ?= $(wildcard ../shared/abid)
WEIGHTS ?= $(firstword $(wildcard ../shared/weights/*.safetensors.xz))
STACK = $(if $(BINTALLY_WORK),$(BINTALLY_WORK)/bintally-local,$(CURDIR)/.work/local)
# The image that `make lambda-image` built, if there is one. Otherwise SAM pulls Lambda's image.
LAMBDA_IMAGE := bintally-lambda-python$(RUNTIME)
INVOKE_IMAGE = $(shell docker image inspect $(LAMBDA_IMAGE) >/dev/null 2>&1 && \
	echo --skip-pull-image --force-image-build --invoke-image $(LAMBDA_IMAGE))
export SAM_CLI_TELEMETRY := 0
# Keep compiled modules, whatever the environment says: the tests start many processes.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help demo test setup unit check format model-smoke soak bench rehearsal build smoke-stack instance-type lambda-image invoke-docker clean
help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

demo: $(VENV)/demo.done ## count photos on a local stack and show the results
	$(BIN)/bintally demo

test: setup check ## run all checks and all tests
	$(BIN)/pytest -n $(WORKERS) --dist worksteal

# The three environments at once. What fails here is tried again, and explained, by the target that needs it;
# without the builder, the test of `make build` is skipped.
setup: $(VENV)/pip.done
	-@$(MAKE) --no-print-directory -k -j3 $(VENV)/test.done $(VENV)/gates.done $(BUILDER).done

unit: $(VENV)/test.done ## run the quick tests
	HYPOTHESIS_PROFILE=quick $(BIN)/pytest -n $(WORKERS) -m "not slow" $(UNIT)

format: $(VENV)/test.done ## format the code and apply ruff's fixes
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

check: $(VENV)/test.done $(VENV)/gates.done ## check style, types and the template
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m tests.template.gates

model-smoke: $(VENV)/test.done ## run every training step on 400 photos of DATA, or on synthetic bins
	$(BIN)/python training/smoke.py $(if $(DATA),--data $(DATA)) $(if $(WEIGHTS),--weights $(WEIGHTS))

soak: $(VENV)/test.done ## run ten minutes of load with faults everywhere, then the audit
	$(BIN)/python benchmarks/soak.py

bench: $(VENV)/test.done ## measure the figures of docs/performance.md: make bench [BENCH="--only inference"]
	$(BIN)/python -m benchmarks.bench $(BENCH)

rehearsal: setup ## deploy, change, destroy and restore a stack on the local one
	$(BIN)/pytest -n 0 -m "" -vv tests/stack/test_rehearsal.py

build: $(VENV)/sam.done $(BUILDER).done ## build the functions in .aws-sam/build
	PATH="$(CURDIR)/$(BUILDER)/bin:$$PATH" $(SAM) build

lambda-image: $(VENV)/demo.done ## build an image for invoke-docker (Linux, root, debootstrap)
	$(BIN)/python -m binlocal.lambda_image

# Needs a running `bintally up --docker`. Reads its access key and variables from the stack's folder.
invoke-docker: .aws-sam/build/template.yaml ## run FUNCTION with EVENT in a container
	@test -n "$(FUNCTION)" -a -f "$(EVENT)" || { echo "FUNCTION and EVENT are both required: make invoke-docker FUNCTION=SubmitFunction EVENT=events/submit/schedule.json" >&2; exit 2; }
	@test -f "$(STACK)/aws.env" || { echo "No local stack is running in $(STACK). Start one: bintally up --docker" >&2; exit 1; }
	@. "$(STACK)/aws.env" && $(SAM) local invoke $(FUNCTION) -e $(EVENT) --env-vars "$(STACK)/sam-env.json" $(INVOKE_IMAGE)

.aws-sam/build/template.yaml: template.yaml .aws-sam/sources $(shell find functions -type f ! -name '*.pyc')
	$(MAKE) build

# The names of the functions' files, written when they differ: a removed file is newer than nothing.
.aws-sam/sources: FORCE
	@mkdir -p $(@D) && find functions -type f ! -name '*.pyc' | LC_ALL=C sort > $@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@

FORCE:


smoke-stack: $(VENV)/demo.done ## prove that a stack works: make smoke-stack [STACK_NAME=bintally]; without it, the local one
	$(BIN)/bintally smoke $(if $(findstring command,$(origin STACK_NAME)),--stack $(STACK_NAME))

instance-type: build ## change the endpoint's instance type: make instance-type TYPE=ml.c7i.xlarge [STACK_NAME=bintally]
	$(if $(TYPE),,$(error TYPE is required: make instance-type TYPE=ml.c7i.xlarge))
	$(SAM) deploy --stack-name $(STACK_NAME) --no-fail-on-empty-changeset --parameter-overrides EndpointScaling=off
	$(SAM) deploy --stack-name $(STACK_NAME) --parameter-overrides EndpointScaling=on InferenceInstanceType=$(TYPE)

clean: ## remove everything that the targets created
	rm -rf $(VENV) .work .aws-sam demo .mypy_cache .ruff_cache .pytest_cache build *.egg-info

$(VENV)/pip.done:
	@echo "Setting up $(VENV) (the first time takes a minute or two)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "bintally needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/demo.done: $(VENV)/pip.done pyproject.toml constraints.txt
	@$(BIN)/python -m pip install $(PIP_OPTIONS) -c constraints.txt -e '.[demo]'
	@touch $@

$(VENV)/test.done: $(VENV)/pip.done pyproject.toml constraints.txt
	@$(BIN)/python -m pip install $(PIP_OPTIONS) -c constraints.txt -e '.[demo,train,sagemaker,test]'
	@touch $@ $(VENV)/demo.done

$(VENV)/sam.done: $(VENV)/pip.done requirements-sam.txt
	@$(PYTHON) -m venv $(VENV)/sam
	@$(VENV)/sam/bin/python -m pip install $(PIP_OPTIONS) -r requirements-sam.txt
	@touch $@

$(VENV)/gates.done: $(VENV)/pip.done requirements-gates.txt
	@$(PYTHON) -m venv $(VENV)/gates
	@$(VENV)/gates/bin/python -m pip install $(PIP_OPTIONS) -r requirements-gates.txt
	@touch $@

# If this machine does not have that Python version, uv fetches it.
$(BUILDER).done: $(VENV)/sam.done
	@rm -rf $(BUILDER)
	@$(if $(RUNTIME_PYTHON),$(RUNTIME_PYTHON) -m venv $(BUILDER),$(VENV)/sam/bin/uv venv -q --seed --python $(RUNTIME) $(BUILDER)) || { \
		echo "Building the functions needs Python $(RUNTIME), which is not installed and could not be fetched."; \
		echo "Install it, or give its path: make build RUNTIME_PYTHON=/path/to/python$(RUNTIME)"; \
		echo "With Docker: $(SAM) build --use-container"; exit 1; }
	@touch $@

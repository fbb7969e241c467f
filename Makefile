bin := $(if $(wildcard .venv/bin),.venv/bin/)

.PHONY: install test drill big lint docs check
install:  ## everything that the checks need, in .venv
	python3 -m venv .venv && .venv/bin/pip install -q -c constraints.txt -e '.[test]'
test:     ## nine tests in ten, in four tenths of the time; `make test args="-n 0 tests/test_views.py"` for all of a file
	$(bin)python -m pytest $(args)
drill:    ## thousands of odd tables; `make drill seed=7 tables=500`
	$(bin)python tests/odd_tables.py --seed $(or $(seed),0) --tables $(or $(tables),2000)
big:      ## files of gigabytes in constant memory; `make big gigabytes=10`
	$(bin)python tests/big_files.py --gigabytes $(or $(gigabytes),1)
lint:
	$(bin)ruff check . && $(bin)ruff format --check . && $(bin)mypy && $(bin)lint-imports
docs:     ## the generated pages
	$(bin)python docs/generate.py
check: lint test
	$(bin)python -m pytest -m slow

.PHONY: help demo build wheels check test fuzz soak bench adapters exports ray format image clean

help:
	@echo 'make demo    install what is missing, build, score Examples/sample, show which masks look wrong'
	@echo 'make build   build the program for release, .build/release/segscore, and the library of the Python package'
	@echo 'make wheels  build the wheels of the Python package, with the program and without, into .build/wheels'
	@echo 'make check   run what says in a few minutes whether a change is sound: for every day, beside make test'
	@echo 'make test    build and run all tests'
	@echo 'make fuzz    try made-up requests and files for FUZZ_SECONDS (60) each, and stop at the first that harms'
	@echo 'make soak    load the program for SOAK_MINUTES (30) and a few more: floods, stops, crashes, mixed traffic'
	@echo 'make bench   measure the program against what it is to keep up with: a table of ratios'
	@echo 'make adapters test the Python package with PyTorch, JAX and real models; installs 3 GB into .venv-adapters'
	@echo 'make exports read exported masks with the annotation tools themselves; installs 1 GB into .venv-exports'
	@echo 'make ray     test segscore.ray; installs 600 MB into .venv-ray'
	@echo 'make format  format the Swift sources in place'
	@echo 'make image   build the container image'
	@echo 'make clean   remove what was built'

demo:
	Scripts/install-dependencies
	swift build -c release --static-swift-stdlib --product segscore
	Scripts/demo

build:
	swift build -c release --static-swift-stdlib --product segscore
	swift build -c release --static-swift-stdlib --product segscoreblocks

wheels: build
	Scripts/build-wheels

check:
	Scripts/test --quick

test:
	Scripts/test

fuzz:
	Scripts/install-dependencies
	Scripts/fuzz

soak:
	Scripts/install-dependencies --tests
	swift build -c release --static-swift-stdlib --product segscore
	[ -x .venv/bin/python ] || python3 -m venv .venv
	.venv/bin/pip install --quiet --disable-pip-version-check --requirement Tests/EndToEnd/requirements.txt
	.venv/bin/python -m pytest --quiet Tests/Soak

bench:
	Scripts/install-dependencies --bench
	swift build -c release --static-swift-stdlib --product segscore
	[ -x .venv-bench/bin/python ] || python3 -m venv .venv-bench
	.venv-bench/bin/pip install --quiet --disable-pip-version-check --requirement Benchmarks/requirements.txt
	.venv-bench/bin/pip install --quiet --disable-pip-version-check ./Clients/python
	.venv-bench/bin/python Benchmarks/bench.py
	.venv-bench/bin/python Benchmarks/python_client.py --binary .build/release/segscore --unix

adapters:
	Scripts/install-dependencies --tests
	swift build --product segscore
	[ -x .venv-adapters/bin/python ] || python3 -m venv .venv-adapters
	.venv-adapters/bin/pip install --quiet --disable-pip-version-check ./Clients/python \
		--requirement Clients/python/tests/requirements.txt --requirement Clients/python/tests/requirements-models.txt
	.venv-adapters/bin/pip install --quiet --disable-pip-version-check --no-deps mmsegmentation==1.2.2
	.venv-adapters/bin/pip install --quiet --disable-pip-version-check --force-reinstall --no-deps ./Clients/python
	.venv-adapters/bin/python -m pytest --quiet \
		Clients/python/tests/test_adapters.py Clients/python/tests/test_devices.py \
		Clients/python/tests/test_reduce.py Clients/python/tests/test_tensors.py Clients/python/tests/test_own_server.py

exports:
	Scripts/install-dependencies --tests
	swift build --product segscore
	[ -x .venv-exports/bin/python ] || python3 -m venv .venv-exports
	.venv-exports/bin/pip install --quiet --disable-pip-version-check --requirement Tests/EndToEnd/requirements-exports.txt
	SEGSCORE=.build/debug/segscore .venv-exports/bin/python -m pytest --quiet Tests/EndToEnd/test_exports.py

ray:
	Scripts/install-dependencies --tests
	swift build --product segscore
	swift build --product segscoreblocks
	[ -x .venv-ray/bin/python ] || python3 -m venv .venv-ray
	.venv-ray/bin/pip install --quiet --disable-pip-version-check './Clients/python[ray]' \
		--requirement Clients/python/tests/requirements.txt
	.venv-ray/bin/pip install --quiet --disable-pip-version-check --force-reinstall --no-deps ./Clients/python
	.venv-ray/bin/python -m pytest --quiet Clients/python/tests/test_ray.py

format:
	swift format --in-place --parallel --recursive Package.swift Sources Tests Fuzz

image:
	Scripts/build-image

clean:
	rm -rf .build .build-* .venv .venv-adapters .venv-bench .venv-exports .venv-python .venv-ray .venv-wheels demo-output

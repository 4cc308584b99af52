.PHONY: help demo build test format image clean

help:
	@echo 'make demo    install what is missing, build, score Examples/sample, show which masks look wrong'
	@echo 'make build   build the program for release: .build/release/segscore'
	@echo 'make test    build and run all tests'
	@echo 'make format  format the Swift sources in place'
	@echo 'make image   build the container image'
	@echo 'make clean   remove what was built'

demo:
	Scripts/install-dependencies
	swift build -c release --product segscore
	Scripts/demo

build:
	swift build -c release --product segscore

test:
	Scripts/test

format:
	swift format --in-place --parallel --recursive Package.swift Sources Tests

image:
	Scripts/build-image

clean:
	rm -rf .build .build-* .venv demo-output

# `make` lists the commands. The work is done by the scripts in tools/.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# Which example `make demo` runs.
EXAMPLE ?= c
EXAMPLES := $(patsubst examples/quickstart.%,%,$(wildcard examples/quickstart.*))
ifeq ($(filter $(EXAMPLE),$(EXAMPLES)),)
$(error EXAMPLE=$(EXAMPLE) is not known; there are: $(EXAMPLES))
endif

# Where `make install` puts things. DESTDIR is put in front of them, and is not part of what the
# installed files say.
PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
DESTDIR ?=
export PREFIX LIBDIR INCLUDEDIR DESTDIR

TARGET := $(or $(CARGO_TARGET_DIR),target)
LIBRARY := $(TARGET)/stage/libposthog.a
RECEIVER := $(TARGET)/debug/posthog-receiver

help: ## list these commands
	@echo 'make COMMAND [V=1]        V=1 shows the output of every build'
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/  \1|\2/p' Makefile | awk -F'|' '{ printf "%-12s%s\n", $$1, $$2 }'

demo: $(LIBRARY) $(if $(POSTHOG_API_KEY),,$(RECEIVER)) ## run the quickstart against a local receiver, or PostHog with POSTHOG_API_KEY (EXAMPLE=c, cc, go, zig)
	@tools/demo $(EXAMPLE)

test: ## set up what is needed and run every check
	@tools/test

build: $(LIBRARY) ## build the release libraries into target/stage

install: $(LIBRARY) ## install libraries, header, and files for pkg-config and CMake (PREFIX, LIBDIR, INCLUDEDIR, DESTDIR)
	@tools/install

dist: ## make tarballs and a Zig package in dist/ (TARGETS="x86_64-linux-musl ..." for other targets)
	@tools/dist $(TARGETS)

uninstall: ## remove what install put there
	@tools/uninstall

go: $(LIBRARY) ## put this machine's library into bindings/go, where cgo links from
	@tools/go

funnel: $(LIBRARY) ## run the Go web service of examples/go/funnel (ADDRESS), against a local receiver or PostHog
	@tools/funnel

wheel: ## build Python wheels into dist/, for glibc and musl
	@tools/wheel
.PHONY: wheel

memleak: $(LIBRARY) ## run the C example under valgrind
	@tools/memleak

live: $(if $(POSTHOG_API_KEY),$(LIBRARY)) ## send one event of each kind to PostHog, with POSTHOG_API_KEY
	@tools/live

size: $(LIBRARY) ## how large the library is with which features, and whether that is within its limits
	@tools/size

bench: $(LIBRARY) ## measure captures and delivery beside PostHog's own libraries, into docs/benchmarks
	@benches/run

header: ## write include/posthog.h anew from src/ffi
	@tools/header

clean: ## remove everything that was built
	cargo clean

SOURCES := Cargo.toml Cargo.lock build.rs cbindgen.toml $(shell find src -name '*.rs')

$(LIBRARY): $(SOURCES) tools/build
	@tools/build

$(RECEIVER): Cargo.lock tests/receiver/Cargo.toml $(shell find tests/receiver/src -name '*.rs')
	@tools/build-receiver

.PHONY: help demo test build go funnel install dist uninstall memleak live size bench header clean

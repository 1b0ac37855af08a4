# SPDX-License-Identifier: BSD-3-Clause
# The few commands a person types. CMake does the work underneath.
#
#   make            build the programs         make test        set up and pass all tests
#   make demo       set up, build, serve       make test-asan   the same under ASan+UBSan; test-tsan under TSan
#   make install    (DESTDIR, PREFIX)          make deb        Debian packages; make test-deb in a clean room
#   make wheel      for pip                    make test-wheel in clean rooms
#   make test-aarch64   the unit tests on another processor, by qemu
#   make torture    hours of faults: calls that fail, kill -9, power loss, network, history
#   make docs       build/docs/site            make lint bench fuzz screenshots clean

PREFIX ?= /usr/local
BUILD  := build/release
NINJA  := cmake --build

.PHONY: all setup demo install uninstall clean deb wheel h5web screenshots docs bench fuzz lint
.PHONY: asan-ready tsan-ready torture test test-ready test-unit test-system test-hdf5-system test-asan test-tsan test-deb test-wheel test-container test-aarch64
all: .deps/ready
	@tools/configure release
	@$(NINJA) $(BUILD)

.deps/ready: tools/setup third_party/blosc2.lock third_party/hdf5.lock third_party/yyjson.lock
	@tools/setup build
	@mkdir -p .deps && touch $@

setup:
	@tools/setup build

demo: all
	@tools/demo $(BUILD)/bin

test: test-ready
	@tools/test_all $(BUILD)

# What the tests of one kind need beside the programs.
test-ready: .deps/ready
	@tools/setup test
	@tools/configure release -DC2_PYTHON=ON
	@$(NINJA) $(BUILD) --target all tests

test-unit: test-ready
	@tools/run_tests $(BUILD) unit guards

test-system: test-ready
	@tools/run_tests $(BUILD) system

# What touches HDF5, with the distribution's libhdf5 in place of the one that tools/setup unpacked.
test-hdf5-system: .deps/ready
	@tools/setup test
	@tools/configure release -B build/system -DC2_HDF5=system
	@$(NINJA) build/system --target all tests
	@tools/run_tests build/system hdf5

# The container image and compose.yaml: built and run with buildah on a base of mmdebstrap's. Root; a few minutes, a few GB.
test-container:
	@tools/setup container
	@/usr/bin/python3 -m pytest -q -p no:cacheprovider --confcutdir tests/container tests/container

# Unit tests and scenes on another processor: cross-compiled, and run by qemu. Left out are those that ask the kernel for what qemu
# does not emulate: openat2, TCP_INFO, the memory of a process.
test-aarch64:
	@tools/setup aarch64
	@tools/configure aarch64
	@$(NINJA) build/aarch64 --target all tests
	@cd build/aarch64 && ctest --output-on-failure -j "$$(nproc)" --no-tests=error \
	    -E '^(base\.(base|exposition|fs_walk)|net\.access_log)$$'

asan-ready tsan-ready: %-ready: .deps/ready
	@tools/setup test
	@tools/configure $* -DC2_PYTHON=ON
	@$(NINJA) build/$* --target all tests

test-asan test-tsan: test-%: %-ready
	@tools/run_tests build/$* unit system

# What tests/system does in seconds, at length: each of it goes on when another has failed.
torture: test-ready
	@tests/harness/torture $(BUILD)

bench: .deps/ready
	@tools/setup bench
	@tools/configure release -DC2_PYTHON=ON
	@$(NINJA) $(BUILD) --target all benches
	@.venv/bin/python bench/scorecard.py --bin $(BUILD)/bin
	@.venv/bin/python bench/hdf5.py --bin $(BUILD)/bin
	@.venv/bin/python bench/views.py --bin $(BUILD)/bin
	@.venv/bin/python bench/web.py --bin $(BUILD)/bin
	@.venv/bin/python bench/python_client.py --bin $(BUILD)/bin
	@.venv/bin/python bench/tiers.py --bin $(BUILD)/bin
	@.venv/bin/python bench/scale.py --bin $(BUILD)/bin
	@.venv/bin/python bench/today.py --bin $(BUILD)/bin
	@.venv/bin/python bench/threads.py --bin $(BUILD)/bin

fuzz: .deps/ready
	@tools/setup fuzz
	@tools/setup test
	@tools/configure fuzz
	@$(NINJA) build/fuzz
	@tools/run_fuzz build/fuzz

# The Python distribution: build/dist/caterva2-*.tar.gz, and the wheel made of it, which needs nothing but glibc.
wheel: .deps/ready
	@tools/setup wheel
	@tools/make_wheel build/dist

# It is installed where nothing else is, on Debian 12 and 13, and serves; this tree's is the same; and
# `pip install .` says what it needs until it has it (root; mmdebstrap).
test-wheel: wheel
	@for suite in bookworm trixie; do \
	    C2_ROOM_PACKAGES=python3-venv C2_ROOM_FILES=build/dist tools/clean_room $$suite tests/packages/wheel || exit 1; \
	done
	@tests/packages/same_wheel build/dist
	@C2_ROOM_PACKAGES=python3-venv tools/clean_room bookworm tests/packages/from_source

h5web:
	@tools/make_h5web build/h5web

screenshots: all
	@tools/setup test
	@C2_BUILD="$(CURDIR)/$(BUILD)" .venv/bin/python tests/web/screenshots.py docs/screenshots

# docs/ and the pages beside it as a site: build/docs/site/index.html. Nothing is fetched once .venv-docs is there.
docs:
	@tools/setup docs
	@tools/make_docs

lint: .deps/ready
	@tools/setup lint
	@tools/configure release
	@tools/lint $(BUILD)

install: all
	@DESTDIR="$(DESTDIR)" cmake --install $(BUILD) --prefix "$(PREFIX)"

uninstall: all
	@DESTDIR="$(DESTDIR)" tools/uninstall $(BUILD) "$(PREFIX)"

# Debian packages for the release of this machine: build/deb/packages/*.deb
deb: .deps/ready
	@tools/setup deb
	@tools/make_deb build/deb

# They are installed in a clean room of this release, run under systemd, upgraded, removed and purged (root; mmdebstrap).
test-deb: deb
	@. /etc/os-release && C2_ROOM_FILES=build/deb/packages tools/clean_room "$$VERSION_CODENAME" tests/packages/deb

clean:
	rm -rf build

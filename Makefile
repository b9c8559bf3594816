# SPDX-License-Identifier: Apache-2.0
# The commands of a user and a developer. CMake does the work.
#
#   make              configure and build in build/ (release)
#   make deps         install the Debian packages that building needs
#   make demo         a pose network on a photo, from source to picture
#   make check        all tests but the long ones, plain and sanitized
#   make check-all    the long ones: threads, qemu, failing memory, the zoo
#   make install      program, libraries, headers; prefix=/usr/local DESTDIR=
#   make format       clang-format over the sources
#   make lint         layers, sizes, form
#   make clean        remove build/

prefix ?= /usr/local
export CMAKE_BUILD_PARALLEL_LEVEL ?= $(shell nproc)

all:
	@scripts/build.sh

deps:
	@scripts/deps.sh build

demo:
	@scripts/deps.sh build
	@scripts/build.sh
	@scripts/demo.sh

check:
	@scripts/check.sh

check-all:
	@scripts/check_all.sh

install: all
	@cmake --install build --prefix $(prefix)

format:
	@scripts/format.sh

lint:
	@scripts/lint.sh

clean:
	@rm -rf build

.PHONY: all deps demo check check-all install format lint clean
